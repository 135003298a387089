/**
 * Real proxies for tests: nginx and Caddy from Debian, run with the configurations that the documents show, so that what
 * is documented is what is tested.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readDocument } from './documents.ts';
import { ROOT, started } from './process.ts';

export interface RunningProxy extends AsyncDisposable {
  readonly url: string;
}

/** The nth block of `language` in a document. */
export function configurationOf(document: string, language: string, nth = 0): string {
  const blocks = [...readDocument(document).matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))];
  const text = blocks[nth]?.[1];
  if (text === undefined) throw new Error(`${document} has no block ${nth} of ${language}`);
  return text;
}

/** A file that a recipe shows to its readers, with each address that it names replaced; all of them must be there. */
export function recipeFile(name: string, addresses: Readonly<Record<string, string>>): string {
  return replaced(readFileSync(join(ROOT, 'docs/recipes', name), 'utf8'), addresses, name);
}

function replaced(documented: string, addresses: Readonly<Record<string, string>>, where: string): string {
  let text = documented;
  for (const [address, real] of Object.entries(addresses)) {
    if (!text.includes(address)) throw new Error(`${where} does not name ${address}`);
    text = text.replaceAll(address, real);
  }
  return text;
}

/** nginx with `http`, the inside of its http block, which listens at the host and port of `url`. */
export async function startNginx(url: string, http: string): Promise<RunningProxy> {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path tmp-${name};`,
  );
  const configuration = `
daemon off;
pid nginx.pid;
worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
error_log stderr notice;
events {}
http {
access_log off;
${temporary.join('\n')}
${http}
}
`;
  const command = ['nginx', '-e', 'stderr', '-p', '.', '-c', 'nginx.conf'];
  return await runConfigured(url, { 'nginx.conf': configuration }, command, 'start worker process');
}

/** Caddy with a Caddyfile, one site of which listens at the host and port of `url`. */
export async function startCaddy(url: string, caddyfile: string): Promise<RunningProxy> {
  const command = ['caddy', 'run', '--config', 'Caddyfile', '--adapter', 'caddyfile'];
  // Its own control port is the same for every Caddy of a machine unless told.
  const env = { CADDY_ADMIN: new URL(await freeUrl()).host };
  return await runConfigured(url, { Caddyfile: caddyfile }, command, 'serving initial configuration', env);
}

/** `command` in a folder of its own with `files`, by their paths, once its output holds `ready`. */
export async function runConfigured(
  url: string,
  files: Readonly<Record<string, string>>,
  command: readonly string[],
  ready: string,
  more: Readonly<Record<string, string>> = {},
): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'scopegate-proxy-'));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  const env = { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder, ...more };
  const running = started('sh', ['-c', 'exec "$@" 2>&1', 'sh', ...command], { cwd: folder, env });
  const stop = async () => {
    await running.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await running.until(ready);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, [Symbol.asyncDispose]: stop };
}

/** An address of this machine on which nobody listens. */
export async function freeUrl(): Promise<string> {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}
