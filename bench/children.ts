/**
 * Child processes of a benchmark: started on a core of their own where there are two, known by the line with which they
 * announce their address, ended with the benchmark; and its folder. Never leaves one behind.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
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

interface ChildOptions {
  readonly args?: readonly string[];
  readonly input?: string;
  /** A file for what it writes. Absent: a pipe, which costs this process what is read from it. */
  readonly output?: string | undefined;
}

/** The one that is measured has a core to itself; load and upstream share the other. */
export const MEASURED_CORE = 0;
export const OTHER_CORE = 1;
export const canPin = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

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
  { args = [], input = '', output }: ChildOptions = {},
): Promise<Child> {
  return announced(owned, launch(ofNode(file, args), core, input, output), output);
}

const REQUIRED = { scopes: ['workflows:read'] };

/** The routes of every gateway that is measured. */
export const BENCH_ROUTES = [
  {
    id: 'list-workflows',
    match: { methods: ['GET'], path: '/api/v1/workflows' },
    require: { ...REQUIRED, workspace: { from: 'query.environmentId', as: 'environment', role: 'member' } },
    upstream: 'platform',
  },
  { id: 'bodies', match: { methods: ['GET', 'PUT'], path: '/bodies/**' }, require: REQUIRED, upstream: 'platform' },
];

/**
 * The gateway as an operator starts it, in front of `upstream`, with the store `scopegate.db` of `folder`. `settings`:
 * more of the section `gateway`; `sections`: more sections, or others. `only` null: with its sidecar. `output`: a file for
 * what it writes.
 */
export async function startScopegate(
  owned: Owned,
  folder: string,
  upstream: string,
  settings: Readonly<Record<string, unknown>> = {},
  sections: Readonly<Record<string, unknown>> = {},
  only: 'gateway' | 'admin' | null = 'gateway',
  output?: string,
): Promise<Child> {
  const path = join(folder, `gateway-${randomUUID()}.yaml`);
  const document = {
    gateway: { host: '127.0.0.1', port: 0, guesses: { tokenFailures: 0 }, ...settings },
    policy: fileURLToPath(new URL('../policies/coze.yaml', import.meta.url)),
    store: { driver: 'sqlite', path: 'scopegate.db' },
    log: { level: 'info', access: 'none' },
    upstreams: { platform: { targets: [upstream] } },
    routes: BENCH_ROUTES,
    ...sections,
  };
  // YAML takes JSON as it is.
  writeFileSync(path, JSON.stringify(document, null, 2));
  const part = only === null ? [] : ['--only', only];
  return startChild(owned, '../src/start.js', MEASURED_CORE, { args: ['serve', '-c', path, ...part], output });
}

/**
 * A program that says nothing when it is ready: it is once somebody listens at `url`. Asked to end, so that it can end the
 * processes that it has started.
 */
export async function startProgram(
  owned: Owned,
  command: readonly string[],
  core: number,
  url: string,
): Promise<Pick<Child, 'pid' | 'url'>> {
  const child = launch(command, core, '');
  const exited = once(child, 'exit');
  owned.add(child, async () => {
    child.kill('SIGTERM');
    await exited;
  });
  const { hostname, port } = new URL(url);
  for (let tries = 0; tries < 200 && child.exitCode === null; tries++) {
    const socket = connect(Number(port), hostname);
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isThere) return { pid: child.pid!, url };
    await pause(50);
  }
  throw new SetupError(`bench: ${command[0]} does not listen at ${url}`);
}

/** Runs a program to its end, for what it writes. */
export async function runProgram(command: readonly string[], core: number): Promise<string> {
  const child = launch(command, core, '');
  const ended = once(child, 'close') as Promise<[number | null]>;
  const written = await text(child.stdout!);
  const [code] = await ended;
  if (code !== 0) throw new SetupError(`bench: ${command[0]} ended with code ${code}`);
  return written;
}

/** Runs `file` (in bench/) to its end and reads its one line of JSON. */
export async function runWorker<T>(file: string, core: number, input: string): Promise<T> {
  const child = launch(ofNode(file, []), core, input);
  const ended = once(child, 'close') as Promise<[number | null]>;
  const line = await text(child.stdout!);
  const [code] = await ended;
  if (code !== 0) throw new SetupError(`bench: ${file} ended with code ${code}`);
  return JSON.parse(line) as T;
}

/** A file of bench/ as a command. */
function ofNode(file: string, args: readonly string[]): string[] {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return [process.execPath, '--disable-warning=ExperimentalWarning', path, ...args];
}

function launch(command: readonly string[], core: number, input: string, output?: string): ChildProcess {
  const [program, ...rest] = canPin ? ['taskset', '-c', String(core), ...command] : command;
  const file = output === undefined ? undefined : openSync(output, 'a');
  const child = spawn(program!, rest, { stdio: ['pipe', file ?? 'pipe', 'inherit'] });
  if (file !== undefined) closeSync(file);
  child.stdin!.end(input);
  return child;
}

async function announced(owned: Owned, child: ChildProcess, output?: string): Promise<Child> {
  const exited = once(child, 'exit');
  owned.add(child, async () => {
    child.kill('SIGKILL');
    await exited;
  });
  for await (const line of output === undefined ? createInterface(child.stdout!) : linesOf(child, output)) {
    if (!line.startsWith('{')) continue;
    const { gateway, admin } = JSON.parse(line) as { gateway?: unknown; admin?: unknown };
    const url = gateway ?? admin;
    // What `serve` says of where it is going to listen has no scheme, and may have no port yet.
    if (typeof url !== 'string' || !url.startsWith('http')) continue;
    const adminUrl = typeof admin === 'string' ? admin : null;
    const next = output === undefined ? once(createInterface(child.stdout!), 'line') : new Promise<never>(() => {});
    return { pid: child.pid!, url, adminUrl, nextLine: next.then(([text]) => text as string) };
  }
  throw new SetupError('bench: a child process ended before it was ready');
}

/** What stands in its file, again and again from the first line on, until it ends. */
async function* linesOf(child: ChildProcess, output: string): AsyncGenerator<string> {
  while (child.exitCode === null) {
    const written = readFileSync(output, 'utf8');
    yield* written.slice(0, written.lastIndexOf('\n') + 1).split('\n');
    await pause(50);
  }
}
