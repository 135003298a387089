/**
 * Starts things at the times that were meant for them, whatever became of those before: an open loop. Says how late it
 * was itself, so that its own faults are not taken for those of what it measures.
 */
import type { Latencies } from './latencies.ts';

/** How time passes; tests have their own. */
export interface Pace {
  /** Never jumps. */
  nowMs(): number;
  wait(ms: number, then: () => void): void;
}

/** A timer may fire a good millisecond late: the last stretch is waited for by turning round. */
const TURN_MS = 2;
/** Answers are read in between, even when much is due at once. */
const AT_ONCE = 32;

const REAL_PACE: Pace = {
  nowMs: () => performance.now(),
  wait: (ms, then) => {
    if (ms > TURN_MS) setTimeout(then, ms - TURN_MS);
    else setImmediate(then);
  },
};

/**
 * `starts`: ascending, milliseconds; the first stretch begins at `fromMs`. `start` gets the place in `starts`, and the
 * intended time by the monotonic clock. Resolves when the last was started, or when `signal` fires.
 */
export function openLoop(
  starts: Float64Array,
  fromMs: number,
  late: Latencies,
  start: (place: number, intendedMs: number) => void,
  signal: AbortSignal,
  pace = REAL_PACE,
): Promise<void> {
  const zeroMs = pace.nowMs() - fromMs + TURN_MS;
  let next = 0;
  return new Promise((resolve) => {
    const turn = () => {
      for (let begun = 0; begun < AT_ONCE && next < starts.length && !signal.aborted; begun++) {
        const intendedMs = zeroMs + starts[next]!;
        const nowMs = pace.nowMs();
        if (intendedMs > nowMs) break;
        late.record(nowMs - intendedMs);
        start(next++, intendedMs);
      }
      if (next === starts.length || signal.aborted) return resolve();
      pace.wait(zeroMs + starts[next]! - pace.nowMs(), turn);
    };
    turn();
  });
}
