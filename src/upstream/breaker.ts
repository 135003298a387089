/**
 * Whether a target has failed so often in a row that requests had better go elsewhere, and when one of them may try it
 * again. Never decides that nothing may be sent: with all breakers open the upstream ignores them.
 */

export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** How long it is open at first; each failed try doubles that. */
  readonly openMs: number;
  readonly maxOpenMs: number;
}

export const DEFAULT_BREAKER: BreakerOptions = { failures: 5, openMs: 1000, maxOpenMs: 30_000 };

export class Breaker {
  isOpen = false;
  /** In a row. */
  failures = 0;
  /** How often it has opened. */
  openings = 0;

  readonly #options: BreakerOptions;
  #openMs: number;
  #tryAt = 0;
  #closedAt = 0;
  /** A request that is to find out has been let through. */
  #isTrying = false;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#openMs = options.openMs;
  }

  get isTrying(): boolean {
    return this.isOpen && this.#isTrying;
  }

  /** May a request go there? Half open, one may each `openMs`, so that a try that comes to nothing is no dead end. */
  admits(now: number): boolean {
    return !this.isOpen || now >= this.#tryAt;
  }

  /** A request goes there. */
  chosen(now: number): void {
    if (!this.isOpen || now < this.#tryAt) return;
    this.#isTrying = true;
    this.#tryAt = now + this.#options.openMs;
  }

  /** True if that closed it. */
  succeeded(now: number): boolean {
    this.failures = 0;
    if (!this.isOpen) return false;
    this.isOpen = false;
    this.#isTrying = false;
    this.#closedAt = now;
    return true;
  }

  /** True if that opened it. */
  failed(now: number): boolean {
    this.failures += 1;
    const { failures, openMs, maxOpenMs } = this.#options;
    if (this.isOpen) {
      // Of requests that were under way already, one failure more says nothing new.
      if (!this.#isTrying) return false;
      this.#openMs = Math.min(this.#openMs * 2, maxOpenMs);
    } else {
      if (this.failures < failures) return false;
      // One that comes and goes stays out for longer each time; one that held on for a while starts anew.
      if (this.openings === 0 || now - this.#closedAt >= maxOpenMs) this.#openMs = openMs;
      else this.#openMs = Math.min(this.#openMs * 2, maxOpenMs);
    }
    const opened = !this.isOpen;
    if (opened) this.openings += 1;
    this.isOpen = true;
    this.#isTrying = false;
    this.#tryAt = now + this.#openMs;
    return opened;
  }

  /** Something has changed for the better elsewhere: the next request may try. */
  tryNow(): void {
    this.#tryAt = 0;
  }
}
