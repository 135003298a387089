/**
 * A timeout for an answer that comes over a socket. What has come in by then is read before anybody gives up, and time in
 * which this process stood still can be left out of account. Knows nothing of who is waited for.
 */

export interface StallAwareTimeoutOptions {
  /**
   * The wait is made of so many equal parts, and each counts once, however long it took: a stall of this process costs
   * the other side no more than one. Absent: 1, a stall counts in full.
   */
  readonly parts?: number;
  /** false: the process may end meanwhile. Absent: true. */
  readonly keepsProcess?: boolean;
}

/**
 * Calls `giveUp` once after `timeoutMs` milliseconds, unless the returned function is called before. A callback of a
 * timer runs before the sockets are read, so `giveUp` waits one more turn of the event loop.
 */
export function stallAwareTimeout(
  timeoutMs: number,
  giveUp: () => void,
  { parts = 1, keepsProcess = true }: StallAwareTimeoutOptions = {},
): () => void {
  let left = parts;
  let timer: NodeJS.Timeout | undefined;
  let turn: NodeJS.Immediate | undefined;
  const wait = () => {
    if (left-- === 0) {
      turn = setImmediate(giveUp);
      return;
    }
    timer = setTimeout(wait, timeoutMs / parts);
    if (!keepsProcess) timer.unref();
  };
  wait();
  return () => {
    clearTimeout(timer);
    clearImmediate(turn);
  };
}
