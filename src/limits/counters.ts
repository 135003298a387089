/** How requests are counted against limits, wherever the counts are. Types only. */
import type { Taken, Use } from '../core/rate-limit.ts';

export interface Counters {
  /** Adds the request to every count, or, where one is full, to none. `nowMs` never jumps. */
  take(uses: readonly Use[], nowMs: number): Taken | Promise<Taken>;
}

/** Counts that several processes share, kept by somebody who may not answer. */
export interface SharedCounters {
  /** Soon, in both cases: rejects where nobody can be asked. */
  take(uses: readonly Use[]): Promise<Taken>;
}
