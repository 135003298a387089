/**
 * Counts that are shared, and what stands in for them while nobody can be asked: this process alone, from where the counts
 * were when it heard of them last. So an outage refuses nobody by itself, and hands nobody a fresh quota.
 */
import type { RateLimit, Taken, Use } from '../core/rate-limit.ts';
import type { Counters, SharedCounters } from './counters.ts';
import { MemoryCounters } from './memory-counters.ts';

export class InsuredCounters implements Counters {
  readonly #shared: SharedCounters;
  readonly #monotonicMs: () => number;
  readonly #own = new MemoryCounters();
  readonly #onAlone: (problem: unknown) => void;

  /** `onAlone` is told of each request that could not be counted for all. */
  constructor(shared: SharedCounters, monotonicMs: () => number, onAlone: (problem: unknown) => void) {
    this.#shared = shared;
    this.#monotonicMs = monotonicMs;
    this.#onAlone = onAlone;
  }

  async take(uses: readonly Use[]): Promise<Taken> {
    try {
      const taken = await this.#shared.take(uses);
      this.#own.learn(uses, taken, this.#monotonicMs());
      return taken;
    } catch (problem) {
      this.#onAlone(problem);
      return this.#own.take(uses, this.#monotonicMs());
    }
  }

  keep(limits: Iterable<RateLimit>): void {
    this.#own.keep(limits);
  }
}
