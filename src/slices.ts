/**
 * Long work in slices, so that requests get their turn: whoever works through many things asks between two of them
 * whether the slice is over, and then waits for the next turn of the event loop.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** A turn stays under 20 ms also where one thing takes a few more, and the collector twelve. */
const SLICE_MS = 2;

export class Slices {
  #startedMs = performance.now();

  /** Asked first, so that nobody waits where there is no need. */
  get over(): boolean {
    return performance.now() - this.#startedMs > SLICE_MS;
  }

  async next(): Promise<void> {
    await nextTurn();
    this.#startedMs = performance.now();
  }

  /** What a generator returns, with as many of its steps in a slice as fit. */
  async through<T>(steps: Generator<void, T>): Promise<T> {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (this.over) await this.next();
    }
  }
}
