/**
 * How often the store is asked in vain about texts that only look like imported tokens. Each address may be wrong so
 * often at once; then its look-ups wait for their turn at a slow, fixed pace, one address after the other, and when too
 * many wait the next is turned away unjudged. A look-up that finds something costs nothing, so whoever sends what is
 * right is held up at most once, and never refused (contract: promise 6). Asks no store itself.
 */
import { LRUCache } from 'lru-cache';

const ADDRESSES_MAX = 10_000;
/** Of all addresses together, however many there are. */
const MISSES_PER_SECOND = 1000;
/** Look-ups of those who wait. */
const TURNS_PER_SECOND = 100;
const WAITING_PER_ADDRESS = 1000;
const WAITING_MAX = 4000;

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

type Waiting = (turn: Turn) => void;

export class MissBudget {
  readonly #monotonicMs: () => number;
  readonly #buckets = new LRUCache<string, Bucket>({ max: ADDRESSES_MAX });
  readonly #all: Bucket;
  /** By address, in the order of their next turns. */
  readonly #lines = new Map<string, Waiting[]>();
  #waiting = 0;
  #pace: NodeJS.Timeout | undefined;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
    this.#all = new Bucket(MISSES_PER_SECOND, monotonicMs());
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** The right to one look-up, now or later; null: too many wait already. */
  enter(address: string, missesPerMinute: number): Turn | Promise<Turn> | null {
    return this.#take(address, missesPerMinute) ?? this.#wait(address);
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

  #wait(address: string): Promise<Turn> | null {
    const line = this.#lines.get(address) ?? [];
    if (line.length >= WAITING_PER_ADDRESS || this.#waiting >= WAITING_MAX) return null;
    this.#lines.set(address, line);
    this.#waiting++;
    this.#pace ??= setInterval(() => this.#turn(), 1000 / TURNS_PER_SECOND).unref();
    return new Promise((resolve) => line.push(resolve));
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
    const resolve = line.shift()!;
    this.#lines.delete(address);
    if (line.length > 0) this.#lines.set(address, line);
    this.#waiting--;
    if (this.#waiting === 0) {
      clearInterval(this.#pace);
      this.#pace = undefined;
    }
    resolve(turn);
  }
}
