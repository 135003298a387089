/** Child processes as a newcomer starts them: the entry of this checkout, with an output that can be awaited. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const ENTRY = fileURLToPath(new URL('../../src/start.js', import.meta.url));

/** Starting takes a third of the time when the sources need not be read anew. */
const NODE_COMPILE_CACHE = join(tmpdir(), 'scopegate-test-compiled');

export interface Started {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves with all of stdout once it holds `text`; rejects when the process ends first. */
  until(text: string): Promise<string>;
  /** Resolves with the exit code. */
  exit(): Promise<number | null>;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** `scopegate ARGS`, in the checkout unless told otherwise. */
export function scopegate(
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Started {
  return started(process.execPath, [ENTRY, ...args], options);
}

/** Any program, in the checkout unless told otherwise. */
export function started(
  program: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Started {
  const child = spawn(program, args, {
    cwd: options.cwd ?? ROOT,
    env: { NODE_COMPILE_CACHE, ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const exited = once(child, 'close').then(([code]) => code as number | null);
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    until: (text) =>
      new Promise((resolve, reject) => {
        const look = () => stdout.includes(text) && resolve(stdout);
        child.stdout.on('data', look);
        child.once('close', (code) =>
          reject(new Error(`exit ${code} before ${JSON.stringify(text)}: ${stdout}${stderr}`)),
        );
        look();
      }),
    exit: () => exited,
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return exited;
    },
  };
}
