/**
 * How long one process waits for another. Time in which it stood still itself does not count, and what has come in
 * meanwhile is read before it gives up.
 */

/** Each counts once, however long it took: that it took longer was no fault of the other's. */
const PARTS = 10;

/** Calls `giveUp` after `ms`, unless what it returns is called before. */
export function patience(ms: number, giveUp: () => void): () => void {
  let left = PARTS;
  let timer: NodeJS.Timeout | undefined;
  let turn: NodeJS.Immediate | undefined;
  const wait = () => {
    // Timers come before what lies ready: one more turn, so that it is heard.
    if (left-- === 0) turn = setImmediate(giveUp);
    else timer = setTimeout(wait, ms / PARTS);
  };
  wait();
  return () => {
    clearTimeout(timer);
    clearImmediate(turn);
  };
}
