/** The only place that reads a clock. Everything else is handed one, so that tests can hold time still. */
// The global of that name looks it up each time.
import { performance } from 'node:perf_hooks';

export interface Clock {
  /** Wall clock, milliseconds since 1970: for expiry, which is a promise about dates. */
  nowMs(): number;
  /** Never jumps: for ages and durations. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
