/**
 * How many requests may be sent a second time: a share of all requests and a trickle by the clock, so that an outage is
 * not made worse by those who meet it. Never decides whether a request is fit to be sent again.
 */

export interface RetryOptions {
  /** Further tries of one request. */
  readonly attempts: number;
  /** Retries for each hundred requests. */
  readonly budgetPercent: number;
  /** Retries that are allowed besides, so that a quiet gateway may retry at all. */
  readonly minPerSecond: number;
}

/** Unless told, what was sent is never sent again; only a connection that did not come about is tried elsewhere. */
export const DEFAULT_RETRIES: RetryOptions = { attempts: 0, budgetPercent: 20, minPerSecond: 10 };

/** What quiet times may save up. */
const SAVED_MAX = 100;

export class RetryBudget {
  readonly #perRequest: number;
  readonly #perMs: number;
  readonly #tricklesMax: number;
  #saved = 0;
  #trickled: number;
  #trickledAt: number;

  constructor(options: RetryOptions, now: number) {
    this.#perRequest = options.budgetPercent / 100;
    this.#perMs = options.minPerSecond / 1000;
    this.#tricklesMax = options.minPerSecond;
    this.#trickled = options.minPerSecond;
    this.#trickledAt = now;
  }

  /** A request came for the first time. */
  deposit(): void {
    if (this.#saved < SAVED_MAX) this.#saved += this.#perRequest;
  }

  /** May a request be sent again? If so it is paid for. */
  withdraw(now: number): boolean {
    this.#trickled = Math.min(this.#trickled + (now - this.#trickledAt) * this.#perMs, this.#tricklesMax);
    this.#trickledAt = now;
    if (this.#trickled >= 1) {
      this.#trickled -= 1;
      return true;
    }
    if (this.#saved < 1) return false;
    this.#saved -= 1;
    return true;
  }
}
