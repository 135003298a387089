/**
 * Runs a recipe of docs/recipes as a user would: its own files in a folder of their own, a gateway from its gateway.yaml,
 * the organization that docs/recipes/README.md makes, and the real client. Only addresses are others: gateway.yaml takes
 * its ports and upstreams from the environment, and in the client's files and commands the port 8080 is written anew.
 * Knows no application: what stands behind the gateway is the test's.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { codeBlocks } from '../support/documents.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';
import { freeUrl } from '../support/proxies.ts';

const DOCUMENTED_PORT = '8080';
const DOCUMENTED_SIDECAR = 'http://127.0.0.1:8081';
const NOT_THE_CLIENTS: ReadonlySet<string> = new Set(['README.md', 'gateway.yaml', 'gateway.test.yaml', 'policy.yaml']);

export interface Recipe extends AsyncDisposable {
  readonly gateway: TestGateway;
  /** Where clients reach the gateway: what the recipe's files call http://127.0.0.1:8080. */
  readonly url: string;
  /** The client's folder, with the recipe's own files for it, addressed to this gateway; removed at the end. */
  readonly work: string;
  /** A personal token of ann, who owns the organization, with these scopes of the policy. */
  token(scopes?: readonly string[]): Promise<string>;
  /** The text of one of the recipe's files, with the gateway's address in place of the documented one. */
  file(name: string): string;
  /** The nth block of commands of the recipe's README, addressed in the same way. */
  commands(nth: number): string;
  /** Runs such blocks, one after another, in one shell that has `scopegate` for this gateway. */
  run(...nths: readonly number[]): Promise<Ran>;
  /** Lines of the gateway's log that a bug of it would leave. */
  readonly errors: readonly string[];
}

/**
 * `env`: the variables that the recipe's gateway.yaml names, beside SCOPEGATE_PORT and SCOPEGATE_ADMIN_PORT. `policy`: the
 * one of policies/ that the recipe says to copy, with its routes; with `coze` the organization is that of the demo, and the
 * other systems' recipes make theirs.
 */
export async function startRecipe(
  name: string,
  env: Readonly<Record<string, string>>,
  policy: 'default' | 'coze' | 'featbit' | 'impact' | 'scrydon' = 'default',
): Promise<Recipe> {
  const source = join(ROOT, 'docs/recipes', name);
  const url = await freeUrl();
  const { port } = new URL(url);
  const gateway = await startTestGateway({
    fill: (folder) => {
      cpSync(source, folder, { recursive: true });
      // What docs/recipes/README.md says to copy, where a recipe brings none of its own.
      if (!existsSync(join(folder, 'policy.yaml')))
        copyFileSync(join(ROOT, `policies/${policy}.yaml`), join(folder, 'policy.yaml'));
      const routes = `policies/${policy}.routes.yaml`;
      if (existsSync(join(ROOT, routes))) copyFileSync(join(ROOT, routes), join(folder, basename(routes)));
    },
    env: { SCOPEGATE_PORT: port, SCOPEGATE_ADMIN_PORT: '0', ...env },
    seed: policy === 'coze',
  });
  const work = join(gateway.folder, 'work');
  const addressed = (text: string) => text.replaceAll(DOCUMENTED_PORT, port);
  const read = (file: string) => addressed(readFileSync(join(source, file), 'utf8'));
  mkdirSync(work);
  for (const { name: file } of readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isFile()))
    if (!NOT_THE_CLIENTS.has(file)) writeFileSync(join(work, file), read(file));
  // As if its packages had been installed there.
  symlinkSync(join(ROOT, 'node_modules'), join(work, 'node_modules'));
  try {
    if (policy === 'default') await settle(gateway);
  } catch (error) {
    await gateway.stop();
    throw error;
  }
  const commands = (nth: number) => {
    const block = codeBlocks(read('README.md'))[nth];
    if (block === undefined) throw new Error(`docs/recipes/${name}/README.md has no block ${nth}`);
    return block.replaceAll(DOCUMENTED_SIDECAR, gateway.adminUrl);
  };
  return {
    gateway,
    url,
    work,
    token: (scopes = ['content:read', 'content:write']) => gateway.mint({ owner: 'ann', workspaces: 'all', scopes }),
    file: read,
    commands,
    run: (...nths) => {
      const script = [`export PATH="${join(ROOT, 'bin')}:$PATH"`, ...nths.map(commands)].join('\n');
      return bash(script, {
        cwd: work,
        env: { SCOPEGATE_ADMIN_URL: gateway.adminUrl, SCOPEGATE_ADMIN_KEY: gateway.adminKey },
      });
    },
    get errors() {
      return gateway.errorLines;
    },
    [Symbol.asyncDispose]: gateway.stop,
  };
}

/** What docs/recipes/directory.yaml holds. */
async function settle({ admin }: TestGateway): Promise<void> {
  for (const [path, body] of [
    ['', { name: 'Acme', edition: 'team' }],
    ['/members/ann', { name: 'Ann', role: 'owner' }],
    ['/workspaces/main', { name: 'Main', owner: 'ann' }],
  ] as const) {
    const { status, body: answer } = await admin('PUT', path, body);
    if (status !== 201) throw new Error(`the sidecar refused ${path}: ${JSON.stringify(answer)}`);
  }
}

export interface Ran {
  readonly code: number | null;
  /** Standard output and standard error, as they came. */
  readonly output: string;
}

interface RunOptions {
  readonly cwd: string;
  /** undefined: as if this machine had none of that name. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A client's program, to its end. Never by a shell: what it gets is what stands in `args`. */
async function run(program: string, args: readonly string[], { cwd, env }: RunOptions): Promise<Ran> {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece: Buffer) => {
      output += piece.toString();
    });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

/** The commands of a README in a shell that ends with the first that fails; `node` is the one that runs the tests. */
export function bash(script: string, { cwd, env }: RunOptions): Promise<Ran> {
  const path = `${dirname(process.execPath)}:${process.env.PATH}`;
  return run('bash', ['-ec', script], { cwd, env: { PATH: path, ...env } });
}

export interface ServedApp extends AsyncDisposable {
  readonly url: string;
  readonly server: Server;
  /** Method and target of every request, in their order. */
  readonly seen: string[];
}

/** An application of the test on a free port, or on the given one. */
export async function serveApp(listener: RequestListener, port = 0): Promise<ServedApp> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    listener(request, response);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
