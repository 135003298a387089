/** The log: one JSON line per event on standard output. Nothing secret is ever handed in; tokens have no field here. */
import { type Logger, pino } from 'pino';

export type Log = Logger;

/** `destination`: gets the lines instead. `process`: which one of several speaks. */
export function createLog(level: string, destination?: { write(line: string): void }, process?: string): Log {
  const options = { level, base: process === undefined ? null : { process }, timestamp: pino.stdTimeFunctions.isoTime };
  return destination === undefined ? pino(options) : pino(options, destination);
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
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    return suppressed;
  }
}
