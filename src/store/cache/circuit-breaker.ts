/**
 * A source of facts that never makes a request wait long. A read that takes too long is answered `unavailable`; from then
 * on nobody waits, and one look-up at a time finds out whether the store answers again. A store that says at once that
 * it cannot be asked is asked each time: that costs nobody anything, and one damaged record says nothing of the others.
 *
 * What happens when a store hangs during a look-up:
 *
 * 1. `edge/judge.ts` needs a fact that is not cached, and asks `fact-cache.ts`. Requests for the same key share a look-up.
 * 2. Redis (`store/redis/connection.ts`) gives the look-up up after `store.commandTimeoutMs` (200 ms): `unavailable`. It
 *    sends a PING. Until that is answered, every look-up is `unavailable` at once. Without an answer within 1000 ms it
 *    drops the connection and opens others, 25 to 500 ms apart.
 * 3. This breaker gives up 25 ms after Redis would have (SLACK_MS), and after 200 ms (PATIENCE_MS) with a store that has
 *    no timeout of its own. From then on no request waits. Once in 100 ms (PROBE_MS) a look-up for which nobody waits is
 *    sent. A record, the word that there is none, or a sign of life from the change feed (`caughtUp`) ends that. A record
 *    that came late is kept for whoever asks next.
 * 4. `edge/judge.ts` makes `unavailable` a 503 `store_unavailable`. What is cached is judged as before, without a look-up,
 *    for as long as changes are heard. After `cache.maxStalenessMs` (2 s) of silence every fact is looked up
 *    (`uncached-view.ts`). Where that fails, the fact last known stands in for `cache.serveDuringOutageMs` (0) more.
 */
import { stallAwareTimeout } from '../../stall-aware-timeout.ts';
import type { FactSource, Lookup } from '../store.ts';

/** A read that takes longer is none: a request that waits for it is answered within a quarter of a second. */
const PATIENCE_MS = 200;
/** By which a store that gives up by itself is outwaited, so that its own reason is heard. */
const SLACK_MS = 25;
/** `unavailable` after this long came too late to be asked for again and again. */
const AT_ONCE_MS = 20;
/** How often a store that made somebody wait is tried. */
const PROBE_MS = 100;

const LATE: Lookup = Object.freeze({ kind: 'unavailable', cause: new Error('it does not answer in time') });

export class StoreCircuitBreaker implements FactSource {
  readonly #source: FactSource;
  readonly #monotonicMs: () => number;
  readonly #patienceMs: number;
  #stalled = false;
  #failing = false;
  #probing = false;
  #probedAtMs = 0;
  #answeredAtMs = Number.NEGATIVE_INFINITY;

  /** `readTimeoutMs`: after how long the source gives up by itself; null: never. */
  constructor(source: FactSource, monotonicMs: () => number, readTimeoutMs: number | null = null) {
    this.#source = source;
    this.#monotonicMs = monotonicMs;
    this.#patienceMs = readTimeoutMs === null ? PATIENCE_MS : readTimeoutMs + SLACK_MS;
  }

  /** The last answer was that the store cannot be asked. */
  get isFailing(): boolean {
    return this.#failing;
  }

  /** A sign of life: whoever asks next may wait for the answer again. */
  caughtUp(): void {
    this.#stalled = false;
  }

  /** `onLate`: the answer that came after all, when nobody waited any more. */
  read(key: string, onLate?: (lookup: Lookup) => void): Lookup | Promise<Lookup> {
    if (!this.#stalled) return this.#ask(key, onLate);
    this.#probe(key, onLate);
    return LATE;
  }

  #ask(key: string, onLate?: (lookup: Lookup) => void): Lookup | Promise<Lookup> {
    const answer = this.#source.read(key);
    if (answer instanceof Promise) return this.#await(answer, onLate);
    this.#failing = answer.kind === 'unavailable';
    return answer;
  }

  #await(answer: Promise<Lookup>, onLate?: (lookup: Lookup) => void): Promise<Lookup> {
    const begunAtMs = this.#monotonicMs();
    return new Promise((resolve) => {
      let late = false;
      const cancel = stallAwareTimeout(this.#patienceMs, () => {
        late = true;
        this.#failed(begunAtMs, this.#patienceMs);
        resolve(LATE);
      });
      const settle = (lookup: Lookup) => {
        cancel();
        const nowMs = this.#monotonicMs();
        if (lookup.kind === 'unavailable') this.#failed(begunAtMs, nowMs - begunAtMs);
        else this.#succeeded(nowMs);
        if (late) onLate?.(lookup);
        resolve(lookup);
      };
      answer.then(settle, (cause: unknown) => settle({ kind: 'unavailable', cause }));
    });
  }

  /** Nobody waits for this one. */
  #probe(key: string, onLate?: (lookup: Lookup) => void): void {
    const nowMs = this.#monotonicMs();
    if (this.#probing || nowMs - this.#probedAtMs < PROBE_MS) return;
    this.#probedAtMs = nowMs;
    this.#probing = true;
    void Promise.resolve(this.#ask(key, onLate)).then(() => {
      this.#probing = false;
    });
  }

  #succeeded(nowMs: number): void {
    this.#answeredAtMs = nowMs;
    this.#failing = this.#stalled = false;
  }

  /** What was asked before the last answer says nothing of the store as it is now. */
  #failed(begunAtMs: number, tookMs: number): void {
    if (begunAtMs < this.#answeredAtMs) return;
    this.#failing = true;
    this.#stalled = tookMs > AT_ONCE_MS;
  }
}
