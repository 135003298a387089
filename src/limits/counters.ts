/** How requests are counted against limits, wherever the counts are. Types only. */
import type { RateLimit, Standing } from '../core/rate-limit.ts';

/** One count that a request is to be added to. */
export interface Use {
  readonly limit: RateLimit;
  /** Whose count: ids, never a token's text. */
  readonly subject: string;
}

export interface Taken {
  /** false: one of the counts was full, and none was touched. The full ones are those with nothing remaining. */
  readonly allowed: boolean;
  /** In the order of the uses. */
  readonly standings: readonly Standing[];
}

export interface Counters {
  /** Adds the request to every count, or, where one is full, to none. `nowMs` never jumps. */
  take(uses: readonly Use[], nowMs: number): Taken | Promise<Taken>;
}
