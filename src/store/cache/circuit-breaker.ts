/**
 * A source of facts that never makes a request wait long. A read that takes too long is answered `unavailable`; from then
 * on nobody waits, and one look-up at a time finds out whether the store answers again. A store that says at once that
 * it cannot be asked is asked each time: that costs nobody anything, and one damaged record says nothing of the others.
 */
import { stallAwareTimeout } from '../../stall-aware-timeout.ts';
import type { FactSource, Lookup } from '../store.ts';

/** A read that takes longer is none: a request that waits for it is answered within a quarter of a second. */
const PATIENCE_MS = 200;
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

  constructor(source: FactSource, monotonicMs: () => number, patienceMs = PATIENCE_MS) {
    this.#source = source;
    this.#monotonicMs = monotonicMs;
    this.#patienceMs = patienceMs;
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
