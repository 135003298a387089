/** How long one process waits for another. Time in which it stood still itself does not count. */
import { stallAwareTimeout } from '../stall-aware-timeout.ts';

const PARTS = 10;

/** Calls `giveUp` after `timeoutMs` milliseconds, unless the returned function is called before. */
export function processTimeout(timeoutMs: number, giveUp: () => void): () => void {
  return stallAwareTimeout(timeoutMs, giveUp, { parts: PARTS });
}
