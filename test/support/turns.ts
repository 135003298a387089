/** The longest turn of another process's event loop while something is done to it; see turn-meter.ts. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface LongestTurn {
  /** No turn took more of its thread: by the clock, or, where another process had the core meanwhile, by CPU time. */
  readonly atMostMs: number;
  readonly wallMs: number;
}

/** The kernel adds up what a thread has used by ticks, of 10 ms at most: so much may be missing. */
const TICK_MS = 10;

export interface TurnMeter {
  /** For the process that is to be measured. */
  readonly env: Readonly<Record<string, string>>;
  during<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly turn: LongestTurn }>;
}

export function turnMeter(): TurnMeter {
  const path = join(tmpdir(), `scopegate-turns-${randomUUID()}`);
  const preload = fileURLToPath(new URL('turn-meter.ts', import.meta.url));
  // With its size of the young generation given, the entry need not become a process anew (start.js).
  const options = `${process.env.NODE_OPTIONS ?? ''} --import=${preload} --max-semi-space-size=4`.trim();
  return {
    env: { SCOPEGATE_TURNS: path, NODE_OPTIONS: options },
    async during(work) {
      const socket = connect(path).setEncoding('utf8');
      await once(socket, 'data');
      const value = await work();
      let text = '';
      socket.on('data', (chunk: string) => {
        text += chunk;
      });
      socket.write('?');
      await once(socket, 'end');
      socket.destroy();
      const { cpuMs, wallMs } = JSON.parse(text) as { readonly cpuMs: number; readonly wallMs: number };
      return { value, turn: { atMostMs: Math.min(wallMs, cpuMs + TICK_MS), wallMs } };
    },
  };
}
