/**
 * Finds the clients that are slower than they may be. Time counts against one only while it owes bytes of its request or
 * leaves bytes of its answer that are there untaken: a slow upstream is nobody's fault. Never ends anything itself.
 */
import { stallAwareTimeout } from '../stall-aware-timeout.ts';
import type { ClientLimits } from './client-limits.ts';

/** How often all of them are looked at. */
const LOOK_EVERY_MS = 1000;

export interface Owed {
  /** `body`: the rest of a request. `reader`: to take what is there of an answer. */
  readonly what: 'body' | 'reader';
  /** Of that, so far. */
  readonly movedBytes: number;
  /** On their way: the client may have taken some of them already. */
  readonly inFlightBytes: number;
}

/** What one client has done of what it owes, from look to look. */
class Pace {
  /** How far it is behind. Bytes above the rate make up for time, but are no store for later. */
  #behindMs = 0;
  #last: Owed | null = null;
  #lookedAtMs = 0;

  /** For how long it is behind now, in its favour. `rate`: bytes per second. */
  look(owed: Owed | null, rate: number, nowMs: number): number {
    const last = this.#last;
    const passedMs = nowMs - this.#lookedAtMs;
    this.#last = owed;
    this.#lookedAtMs = nowMs;
    // Only what was owed at both ends of the time between was owed all the while.
    if (owed === null || last === null || owed.what !== last.what) return 0;
    const movedMs = ((owed.movedBytes - last.movedBytes) / rate) * 1000;
    this.#behindMs = Math.max(0, this.#behindMs + passedMs - movedMs);
    return this.#behindMs - (owed.inFlightBytes / rate) * 1000;
  }
}

export interface Watched<T> {
  readonly open: Iterable<T>;
  /** null: it owes nothing now. `of`: the exchange, where one connection has many. */
  owes(one: T): { readonly of: object; readonly owed: Owed | null } | null;
  tooSlow(one: T, what: Owed['what']): void;
}

/** Looks at all that is open now and then, until the returned function is called. */
export function watchRate<T>({ minBytesPerSecond, idleMs }: ClientLimits, watched: Watched<T>): () => void {
  if (minBytesPerSecond === 0) return () => {};
  const paces = new WeakMap<object, Pace>();
  const look = () => {
    const nowMs = performance.now();
    for (const one of watched.open) {
      const standing = watched.owes(one);
      if (standing === null) continue;
      const { of, owed } = standing;
      let pace = paces.get(of);
      if (pace === undefined) {
        if (owed === null) continue;
        pace = new Pace();
        paces.set(of, pace);
      }
      // A client that is silent may be so for as long.
      if (pace.look(owed, minBytesPerSecond, nowMs) > idleMs) watched.tooSlow(one, owed!.what);
    }
  };
  let cancel = (): void => undefined;
  const lookAgain = () => {
    cancel = stallAwareTimeout(
      Math.min(LOOK_EVERY_MS, idleMs / 4),
      () => {
        look();
        lookAgain();
      },
      { keepsProcess: false },
    );
  };
  lookAgain();
  return () => cancel();
}
