/**
 * Which requests begin in this turn of the event loop: so many, those that have waited longest first. While connections
 * come in none does, for a while: Node takes one of them in each turn, so that between turns full of requests the last of
 * a thousand would wait for seconds. Reads no byte.
 */
import { atTurnEnd, type Outgoing } from '../../turn-end.ts';

export interface Startable {
  /** It is its turn: `mayStart` says yes to it now, once at least. Never throws. */
  startNow(): void;
}

/** They take a few milliseconds; then whoever else is ready has its turn. */
const STARTS_MAX = 64;
/** So long requests may wait for connections to come in, and after that connections for requests. */
const ACCEPTING_MS = 10;

export class RequestOrder implements Outgoing {
  readonly #line = new Set<Startable>();
  #started = 0;
  /** The one in line that has just been told. */
  #told: Startable | null = null;
  #isAccepting = false;
  #hasAccepted = false;
  #acceptsSinceMs = 0;
  #acceptsNotBeforeMs = 0;
  #isArmed = false;

  /** A connection has come in. */
  accepted(): void {
    if (!this.#isAccepting) {
      const nowMs = performance.now();
      if (nowMs < this.#acceptsNotBeforeMs) return;
      this.#isAccepting = true;
      this.#acceptsSinceMs = nowMs;
    }
    this.#hasAccepted = true;
    this.#arm();
  }

  /** false: it is in line now, and will be told. */
  mayStart(one: Startable): boolean {
    this.#arm();
    const isNext = one === this.#told || (this.#line.size === 0 && !this.#isAccepting && this.#started < STARTS_MAX);
    if (!isNext) {
      this.#line.add(one);
      return false;
    }
    this.#told = null;
    this.#started++;
    return true;
  }

  /** The turn is over. */
  sendOut(): void {
    this.#isArmed = false;
    this.#started = 0;
    if (this.#isAccepting && this.#goesOnAccepting()) return this.#arm();
    for (const one of this.#line) {
      if (this.#started >= STARTS_MAX) break;
      this.#line.delete(one);
      this.#told = one;
      one.startNow();
    }
    this.#told = null;
    if (this.#line.size > 0) this.#arm();
  }

  #goesOnAccepting(): boolean {
    const nowMs = performance.now();
    const tookMs = nowMs - this.#acceptsSinceMs;
    this.#isAccepting = this.#hasAccepted && tookMs < ACCEPTING_MS;
    this.#hasAccepted = false;
    if (!this.#isAccepting) this.#acceptsNotBeforeMs = nowMs + tookMs;
    return this.#isAccepting;
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    atTurnEnd(this);
  }
}
