/**
 * How often the store is asked in vain about texts that only look like imported tokens. Each address may be wrong so
 * often at once; then its look-ups wait for their turn at a slow, fixed pace, one address after the other, and when too
 * many wait the next is turned away unjudged. A look-up that finds something costs nothing, so whoever sends what is
 * right is held up at most once, and never refused (contract: promise 6). Asks no store itself.
 */
import { LRUCache } from 'lru-cache';
import { atMost } from '../../at-most.ts';

const ADDRESSES_MAX = 10_000;
/** Of all addresses together, however many there are. */
const MISSES_PER_SECOND = 1000;
/** Look-ups of those who wait. */
const TURNS_PER_SECOND = 100;
const WAITING_PER_ADDRESS = 1000;
const WAITING_MAX = 4000;
/** How often those who have left are looked for when too many wait. */
const SWEEP_MS = 100;

/** Given back by whoever took it, with what came of it. */
export interface Turn {
  done(missed: boolean): void;
}

const FREE: Turn = { done: () => {} };

class Bucket {
  #left: number;
  #atMs: number;

  constructor(size: number, nowMs: number) {
    this.#left = size;
    this.#atMs = nowMs;
  }

  /** Filled up to `size`, which a reload may change, once in `perMs`. */
  has(size: number, perMs: number, nowMs: number): boolean {
    this.#left = Math.min(size, this.#left + ((nowMs - this.#atMs) * size) / perMs);
    this.#atMs = nowMs;
    return this.#left >= 1;
  }

  add(units: number): void {
    this.#left += units;
  }
}

interface Waiting {
  readonly isGone: () => boolean;
  /** null: it has left, and needs none. */
  readonly resolve: (turn: Turn | null) => void;
}

export class LookupThrottle {
  readonly #monotonicMs: () => number;
  readonly #buckets = new LRUCache<string, Bucket>(atMost(ADDRESSES_MAX));
  readonly #all: Bucket;
  /** By address, in the order of their next turns. */
  readonly #lines = new Map<string, Waiting[]>();
  #waiting = 0;
  #sweptAtMs = Number.NEGATIVE_INFINITY;
  #pace: NodeJS.Timeout | undefined;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
    this.#all = new Bucket(MISSES_PER_SECOND, monotonicMs());
  }

  get waiting(): number {
    return this.#waiting;
  }

  /**
   * The right to one look-up, now or later; null: too many wait already, or whoever waited has left. `isGone`: it has.
   */
  enter(address: string, missesPerMinute: number, isGone: () => boolean): Turn | Promise<Turn | null> | null {
    return this.#take(address, missesPerMinute) ?? this.#wait(address, isGone);
  }

  #take(address: string, missesPerMinute: number): Turn | null {
    const nowMs = this.#monotonicMs();
    let bucket = this.#buckets.get(address);
    if (bucket === undefined) {
      bucket = new Bucket(missesPerMinute, nowMs);
      this.#buckets.set(address, bucket);
    }
    // Taken beforehand, so that many at once cannot all be the last.
    if (!bucket.has(missesPerMinute, 60_000, nowMs) || !this.#all.has(MISSES_PER_SECOND, 1000, nowMs)) return null;
    const own = bucket;
    own.add(-1);
    this.#all.add(-1);
    return {
      done: (missed) => {
        if (missed) return;
        own.add(1);
        this.#all.add(1);
        this.#next(address, missesPerMinute);
      },
    };
  }

  #wait(address: string, isGone: () => boolean): Promise<Turn | null> | null {
    if (this.#isFull(address)) this.#sweep();
    if (this.#isFull(address)) return null;
    const line = this.#lines.get(address) ?? [];
    this.#lines.set(address, line);
    this.#waiting++;
    this.#pace ??= setInterval(() => this.#turn(), 1000 / TURNS_PER_SECOND).unref();
    return new Promise((resolve) => line.push({ isGone, resolve }));
  }

  #isFull(address: string): boolean {
    return this.#waiting >= WAITING_MAX || (this.#lines.get(address)?.length ?? 0) >= WAITING_PER_ADDRESS;
  }

  /** Who has left holds no place. */
  #sweep(): void {
    const nowMs = this.#monotonicMs();
    if (nowMs - this.#sweptAtMs < SWEEP_MS) return;
    this.#sweptAtMs = nowMs;
    for (const [address, line] of this.#lines) {
      const left = line.filter(({ isGone }) => !isGone());
      for (const { isGone, resolve } of line) if (isGone()) resolve(null);
      this.#waiting -= line.length - left.length;
      if (left.length > 0) this.#lines.set(address, left);
      else this.#lines.delete(address);
    }
    this.#rest();
  }

  /** Somebody of this address was right: its next need not wait for the pace. */
  #next(address: string, missesPerMinute: number): void {
    if (!this.#lines.has(address)) return;
    const turn = this.#take(address, missesPerMinute);
    if (turn !== null) this.#release(address, turn);
  }

  #turn(): void {
    const [first] = this.#lines.keys();
    if (first !== undefined) this.#release(first, FREE);
  }

  #release(address: string, turn: Turn): void {
    const line = this.#lines.get(address)!;
    const { resolve } = line.shift()!;
    this.#lines.delete(address);
    if (line.length > 0) this.#lines.set(address, line);
    this.#waiting--;
    this.#rest();
    resolve(turn);
  }

  #rest(): void {
    if (this.#waiting > 0) return;
    clearInterval(this.#pace);
    this.#pace = undefined;
  }
}
