/**
 * The places of one kind at one target (for requests, for streams, for upgrades): how many there are, how many are taken,
 * and by whom. Keeps the last quarter from whoever has its share already. Opens nothing and ends nothing.
 */

/** How many there are at each target, by their kind. */
export interface PlaceLimits {
  readonly maxConnections: number;
  readonly maxStreams: number;
  readonly maxUpgrades: number;
  /** Of each: what one holder may have while less than a quarter is free. */
  readonly maxShare: number;
}

const DEFAULTS = { maxStreams: 10_000, maxUpgrades: 10_000, maxShare: 1 / 4 };

/** With defaults for what is left out. */
export function placeLimits(given: Pick<PlaceLimits, 'maxConnections'> & Partial<PlaceLimits>): PlaceLimits {
  const { maxConnections, maxStreams, maxUpgrades, maxShare } = { ...DEFAULTS, ...given };
  return { maxConnections, maxStreams, maxUpgrades, maxShare };
}

/** While less than this is free, nobody takes more than their share. */
const KEPT_FREE = 1 / 4;

export class Places {
  used = 0;
  readonly most: number;
  /** Places that one holder may have while little is free. */
  readonly share: number;
  /** Of fewer than four places a quarter is none. */
  readonly #keptFree: number;
  readonly #byHolder = new Map<string, number>();

  /** `share`: of all places; 1: whoever comes may have them all. */
  constructor(most: number, share: number) {
    this.most = most;
    this.share = share >= 1 ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(most * share));
    this.#keptFree = Math.floor(most * KEPT_FREE);
  }

  /** Has the holder its share, while little is free? `waiting`: places that it waits for already. */
  isAboveShare(holder: string | undefined, waiting = 0): boolean {
    if (this.most - this.used >= this.#keptFree || holder === undefined) return false;
    return (this.#byHolder.get(holder) ?? 0) + waiting >= this.share;
  }

  admits(holder: string | undefined): boolean {
    return this.used < this.most && !this.isAboveShare(holder);
  }

  take(holder: string | undefined): void {
    this.used += 1;
    if (holder !== undefined) this.#byHolder.set(holder, (this.#byHolder.get(holder) ?? 0) + 1);
  }

  give(holder: string | undefined): void {
    this.used -= 1;
    if (holder === undefined) return;
    const left = this.#byHolder.get(holder)! - 1;
    if (left === 0) this.#byHolder.delete(holder);
    else this.#byHolder.set(holder, left);
  }
}
