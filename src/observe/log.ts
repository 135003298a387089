/**
 * The log: one JSON line per event on standard output. Nothing secret is ever handed in; tokens have no field here. Its
 * failures are its own: whoever logs neither waits nor hears of them.
 */
import { type Logger, pino } from 'pino';
import { LogOutput, outputTo, standardOutput } from './log-output.ts';
import type { Metrics } from './metrics.ts';

export type Log = Logger;

/**
 * `destination`: gets the lines instead. `process`: which one of several speaks. Never throws and never waits for whoever
 * reads: lines that cannot be written are dropped.
 */
export function createLog(level: string, destination?: { write(line: string): void }, process?: string): Log {
  const options = { level, base: process === undefined ? null : { process }, timestamp: pino.stdTimeFunctions.isoTime };
  const output = destination === undefined ? standardOutput() : outputTo(destination);
  const log = pino(options, output);
  output.onLoss = (dropped) => log.warn({ dropped }, 'log: could not be written for a while, lines were dropped');
  return log;
}

export const DROPPED_LINES = {
  name: 'scopegate_log_lines_dropped_total',
  help: 'Lines of the log that could not be written: a full disk, a closed terminal, a pipe that nobody reads.',
} as const;

/** How many lines were dropped since the start. */
export function droppedLines(log: Log): number {
  const output = (log as { [pino.symbols.streamSym]?: unknown })[pino.symbols.streamSym];
  return output instanceof LogOutput ? output.dropped : 0;
}

export function describeLog(metrics: Metrics, log: Log): void {
  metrics.counter(DROPPED_LINES.name, DROPPED_LINES.help, () => droppedLines(log));
}

/** What Node would print about this program, with a write that waits for whoever reads, becomes lines of the log. */
export function logWarnings(log: Log): void {
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => log.warn({ name }, message));
}

/**
 * Lets through at most `perSecond` lines each second and counts the rest: refusals are free for the sender, so they
 * must not fill a disk.
 */
export class LineBudget {
  readonly #perSecond: number;
  #second = 0;
  #used = 0;
  #suppressed = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** How many lines were suppressed of which nobody has been told; now somebody has. */
  takeSuppressed(): number {
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    return suppressed;
  }

  /** The number of lines suppressed since the last one let through, or null when this one is to be suppressed. */
  spend(monotonicMs: number): number | null {
    const second = Math.floor(monotonicMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#used = 0;
    }
    if (this.#used >= this.#perSecond) {
      this.#suppressed++;
      return null;
    }
    this.#used++;
    return this.takeSuppressed();
  }
}
