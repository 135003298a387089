/**
 * Real proxies for tests: nginx and Caddy from Debian, run with the configurations that the documents show, so that what
 * is documented is what is tested.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readDocument } from './documents.ts';
import { started } from './process.ts';

export interface RunningProxy extends AsyncDisposable {
  readonly url: string;
}

/** The first block of `language` in a document, with each address that it names replaced; all of them must be there. */
export function configurationOf(
  document: string,
  language: string,
  addresses: Readonly<Record<string, string>>,
  nth = 0,
): string {
  const blocks = [...readDocument(document).matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))];
  let text = blocks[nth]?.[1];
  if (text === undefined) throw new Error(`${document} has no block ${nth} of ${language}`);
  for (const [documented, real] of Object.entries(addresses)) {
    if (!text.includes(documented)) throw new Error(`${document}: the ${language} block does not name ${documented}`);
    text = text.replaceAll(documented, real);
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

/** Caddy with `sites`, the site blocks of a Caddyfile, one of which listens at the host and port of `url`. */
export async function startCaddy(url: string, sites: string): Promise<RunningProxy> {
  const command = ['caddy', 'run', '--config', 'Caddyfile', '--adapter', 'caddyfile'];
  const configuration = `
{
	admin off
	auto_https off
}
${sites}`;
  return await runConfigured(url, { Caddyfile: configuration }, command, 'serving initial configuration');
}

/** `command` in a folder of its own with `files`, by their paths, once its output holds `ready`. */
export async function runConfigured(
  url: string,
  files: Readonly<Record<string, string>>,
  command: readonly string[],
  ready: string,
): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'scopegate-proxy-'));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  const env = { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
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
