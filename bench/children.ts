/**
 * Child processes of a benchmark: started on a core of their own where there are two, known by the line with which they
 * announce their address, ended with the benchmark; and its folder. Never leaves one behind.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SetupError } from '../src/errors.ts';
import type { Owned } from '../src/owned.ts';

export interface Child {
  readonly pid: number;
  readonly url: string;
  /** Of its sidecar, where it has both. */
  readonly adminUrl: string | null;
  /** What it writes next. */
  readonly nextLine: Promise<string>;
}

/** The one that is measured has a core to itself; load and upstream share the other. */
export const MEASURED_CORE = 0;
export const OTHER_CORE = 1;
const canPin = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

/** Goes with the benchmark. */
export function temporaryFolder(owned: Owned): string {
  return owned.add(mkdtempSync(join(tmpdir(), 'scopegate-bench-')), (path) =>
    rmSync(path, { recursive: true, force: true }),
  );
}

/** Starts `file` (in bench/) and waits for a line of JSON with its address. */
export function startChild(
  owned: Owned,
  file: string,
  core: number,
  { args = [], input = '' }: { readonly args?: readonly string[]; readonly input?: string } = {},
): Promise<Child> {
  return announced(owned, launch(fileURLToPath(new URL(file, import.meta.url)), args, core, input));
}

/**
 * The gateway as an operator starts it, in front of `upstream`, with the store `scopegate.db` of `folder`. `settings`:
 * more of the section `gateway`; `sections`: more sections, or others. `only` null: with its sidecar.
 */
export async function startScopegate(
  owned: Owned,
  folder: string,
  upstream: string,
  settings: Readonly<Record<string, unknown>> = {},
  sections: Readonly<Record<string, unknown>> = {},
  only: 'gateway' | 'admin' | null = 'gateway',
): Promise<Child> {
  const path = join(folder, `gateway-${randomUUID()}.yaml`);
  const policy = fileURLToPath(new URL('../policies/coze.yaml', import.meta.url));
  writeFileSync(
    path,
    `gateway: ${JSON.stringify({ host: '127.0.0.1', port: 0, guesses: { tokenFailures: 0 }, ...settings })}
policy: ${JSON.stringify(sections.policy ?? policy)}
store: ${JSON.stringify(sections.store ?? { driver: 'sqlite', path: 'scopegate.db' })}
log: { level: info, access: none }
upstreams: { platform: { targets: ["${upstream}"] } }
routes:
  - id: list-workflows
    match: { methods: [GET], path: /api/v1/workflows }
    require:
      scopes: ["workflows:read"]
      workspace: { from: query.environmentId, as: environment, role: member }
    upstream: platform
  - id: bodies
    match: { methods: [GET, PUT], path: /bodies/** }
    require: { scopes: ["workflows:read"] }
    upstream: platform
${Object.entries(sections)
  .filter(([name]) => name !== 'store' && name !== 'policy')
  .map(([name, section]) => `${name}: ${JSON.stringify(section)}\n`)
  .join('')}`,
  );
  const part = only === null ? [] : ['--only', only];
  return startChild(owned, '../src/start.js', MEASURED_CORE, { args: ['serve', '-c', path, ...part] });
}

/** Runs `file` (in bench/) to its end and reads its one line of JSON. */
export async function runWorker<T>(file: string, core: number, input: string): Promise<T> {
  const child = launch(fileURLToPath(new URL(file, import.meta.url)), [], core, input);
  let line = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    line += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new SetupError(`bench: ${file} ended with code ${code}`);
  return JSON.parse(line) as T;
}

function launch(path: string, args: readonly string[], core: number, input: string): ChildProcess {
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', path, ...args];
  const [program, ...rest] = canPin ? ['taskset', '-c', String(core), ...command] : command;
  const child = spawn(program!, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin!.end(input);
  return child;
}

async function announced(owned: Owned, child: ChildProcess): Promise<Child> {
  const exited = once(child, 'exit');
  owned.add(child, async () => {
    child.kill('SIGKILL');
    await exited;
  });
  for await (const line of createInterface(child.stdout!)) {
    if (!line.startsWith('{')) continue;
    const { gateway, admin } = JSON.parse(line) as { gateway?: unknown; admin?: unknown };
    const url = gateway ?? admin;
    // What `serve` says of where it is going to listen has no scheme, and may have no port yet.
    if (typeof url !== 'string' || !url.startsWith('http')) continue;
    const nextLine = once(createInterface(child.stdout!), 'line').then(([text]) => text as string);
    return { pid: child.pid!, url, adminUrl: typeof admin === 'string' ? admin : null, nextLine };
  }
  throw new SetupError('bench: a child process ended before it was ready');
}
