/**
 * Real redis-server processes, each on a free port and in a folder of its own: started, stopped, killed, paused and asked
 * as an operator would. Whoever starts one stops it.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const START_PATIENCE_MS = 10_000;
/** Another process may take a port between our finding and its using it. */
const ATTEMPTS = 5;

/** Whose test failed before it could stop them. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface RedisOptions {
  /** Further arguments, such as `'--appendonly', 'yes'`. They win over the helper's. */
  readonly args?: readonly string[];
  /** Absent: any free one. A server started again after its death may have to take the same. */
  readonly port?: number;
  /** The program; a Sentinel is one too. Absent: redis-server. */
  readonly program?: string;
  /** Arguments that redis-cli needs to get in: `--tls`, `--user` … */
  readonly cliArgs?: readonly string[];
  /** A configuration file, as Sentinel wants one. */
  readonly file?: string;
  /** The port speaks TLS; `args` say with which certificate. */
  readonly tls?: boolean;
  /** Kept by the caller; absent: one of its own, removed by `stop`. */
  readonly folder?: string;
}

export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly folder: string;
  /** All that it has printed so far. */
  readonly output: () => string;
  /** One redis-cli command; resolves with what it printed, without the last line end. */
  cli(...args: readonly string[]): Promise<string>;
  /** SIGSTOP: connections stay open, nothing is answered. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** SIGKILL; resolves once the process is gone. Its folder stays. */
  kill(): Promise<void>;
  /** SHUTDOWN NOSAVE; resolves once the process is gone. */
  shutdown(): Promise<void>;
  /** Starts the program again on the same port and folder, and waits until it answers. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** A port that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** `await using redis = await startRedis()` stops it at the end of the block. Nothing is kept on disk unless `args` say so. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'scopegate-redis-'));
  const remove = () => options.folder ?? rmSync(folder, { recursive: true, force: true });
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    try {
      return await start(options, port, folder, remove);
    } catch (error) {
      const lostRace = options.port === undefined && String(error).includes('Address already in use');
      if (lostRace && attempt < ATTEMPTS) continue;
      remove();
      throw error;
    }
  }
}

async function start(options: RedisOptions, port: number, folder: string, remove: () => void): Promise<RedisServer> {
  let child: ChildProcess;
  let ended: Promise<unknown>;
  let output = '';
  const plain = [
    options.tls ? '--tls-port' : '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    folder,
  ];
  const file = options.file === undefined ? [] : [options.file];
  const args = [...file, ...plain, ...(options.args ?? [])];
  const cli = async (...command: readonly string[]): Promise<string> => {
    const { stdout } = await execute('redis-cli', ['-p', String(port), ...(options.cliArgs ?? []), ...command]);
    return stdout.trimEnd();
  };
  const isUp = () =>
    cli('ping').then(
      (answer) => answer === 'PONG' || answer.startsWith('NOAUTH'),
      () => false,
    );
  const launch = async () => {
    child = spawn(options.program ?? 'redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    const started = child;
    running.add(started);
    ended = once(started, 'close').then(() => running.delete(started));
    const untilMs = performance.now() + START_PATIENCE_MS;
    while (!(await isUp())) {
      if (child.exitCode !== null || performance.now() > untilMs) throw new Error(`redis did not start: ${output}`);
    }
    // The port answered, but somebody else may be behind it.
    if (child.exitCode !== null) throw new Error(`redis did not start: ${output}`);
  };
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  const stop = async () => {
    await kill();
    remove();
  };
  try {
    await launch();
  } catch (error) {
    await kill();
    throw error;
  }
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    folder,
    output: () => output,
    cli,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    kill,
    shutdown: async () => {
      // redis-cli goes on looking for it for a while.
      void cli('shutdown', 'nosave').catch(() => undefined);
      await ended;
    },
    restart: async () => {
      await kill();
      await launch();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
