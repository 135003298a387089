/**
 * Counts that another process keeps, asked over a channel: what comes in within one turn of the event loop goes out as one
 * message, since a message costs more than counting. One that does not answer in time is left alone for a while.
 */
import type { Taken, Use } from '../core/rate-limit.ts';
import type { SharedCounters } from './counters.ts';

/** How long nobody is asked after an answer that did not come. */
const REST_MS = 1000;

interface Waiting {
  readonly uses: readonly Use[];
  readonly resolve: (taken: Taken) => void;
  readonly reject: (error: Error) => void;
}

/** Answers in the order of the requests. Rejects where nobody answers, soon. */
export type AskForAll = (requests: ReadonlyArray<readonly Use[]>) => Promise<readonly Taken[]>;

export class BatchedCounters implements SharedCounters {
  readonly #askForAll: AskForAll;
  readonly #monotonicMs: () => number;
  #waiting: Waiting[] = [];
  #restsUntilMs = Number.NEGATIVE_INFINITY;

  constructor(askForAll: AskForAll, monotonicMs: () => number) {
    this.#askForAll = askForAll;
    this.#monotonicMs = monotonicMs;
  }

  take(uses: readonly Use[]): Promise<Taken> {
    if (this.#monotonicMs() < this.#restsUntilMs) return Promise.reject(new Error('it did not answer'));
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ uses, resolve, reject }) === 1) setImmediate(() => void this.#ask());
    });
  }

  async #ask(): Promise<void> {
    const asked = this.#waiting;
    this.#waiting = [];
    try {
      const all = await this.#askForAll(asked.map(({ uses }) => uses));
      for (const [index, { resolve }] of asked.entries()) resolve(all[index]!);
    } catch (error) {
      this.#restsUntilMs = this.#monotonicMs() + REST_MS;
      for (const { reject } of asked) reject(error as Error);
    }
  }
}
