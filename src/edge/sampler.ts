/** Lets through each of many by a chance, at the price of a countdown: chance is asked once for each that is let through. */

export class Sampler {
  readonly #share: number;
  readonly #random: () => number;
  /** How many more are passed over. */
  #left: number;

  /** `share`: above 0, at most 1. */
  constructor(share: number, random: () => number = Math.random) {
    this.#share = share;
    this.#random = random;
    this.#left = this.#gap();
  }

  takes(): boolean {
    if (this.#left > 0) {
      this.#left -= 1;
      return false;
    }
    this.#left = this.#gap();
    return true;
  }

  /** As many as a coin of that share says no to in a row. */
  #gap(): number {
    return this.#share >= 1 ? 0 : Math.floor(Math.log(1 - this.#random()) / Math.log1p(-this.#share));
  }
}

/** null: none is let through. */
export function samplerOf(share: number): Sampler | null {
  return share > 0 ? new Sampler(share) : null;
}
