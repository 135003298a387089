/**
 * Values that many records have alike, as Redis keeps them: `s:` and two digits, a hash by number. Each commit names all that
 * its records need and writes those that are missing, so that none is missing wherever the commit has got to. Those that were
 * read are remembered: what a number stands for never changes.
 */
import { readShared, type SharedValues, sharedNumber } from '../codec/shared-values.ts';

const REMEMBERED_MAX = 50_000;
const HASHES = 256;

/** What stands in these hashes, by field. Rejects with StoreUnavailable. */
export type FetchShared = (
  places: ReadonlyArray<readonly [hash: string, field: string]>,
) => Promise<ReadonlyArray<string | null>>;

export function sharedKey(prefix: string, number: number): string {
  return `${prefix}s:${(number % HASHES).toString(16).padStart(2, '0')}`;
}

export class RedisShared {
  readonly #prefix: string;
  readonly #numbers = new Map<string, number>();
  readonly #values = new Map<number, unknown>();
  /** Numbers that stand for another value than one that we wanted to write, by its JSON. */
  readonly #taken = new Set<string>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** For one commit: what it needs is in `needed`. */
  forWriting(): SharedValues & { readonly needed: ReadonlyMap<number, string> } {
    const needed = new Map<number, string>();
    return {
      needed,
      counted: false,
      numberOf: (json) => {
        const number = this.#numberOf(json);
        if (this.#taken.has(json) || (needed.get(number) ?? json) !== json) return null;
        needed.set(number, json);
        return number;
      },
      valueOf: () => {
        throw new Error('nothing is read while it is written');
      },
    };
  }

  /** Redis has another value of this number. */
  isTaken(json: string): void {
    this.#taken.add(json);
  }

  /** `read` is done again once what it needs has been fetched. Throws what it throws. */
  async reading<T>(read: (shared: SharedValues) => T, fetch: FetchShared): Promise<T> {
    const missing = new Set<number>();
    const first = attempt(() => read(this.#noting(missing)));
    if (missing.size === 0) return first();
    const numbers = [...missing];
    const found = await fetch(numbers.map((number) => [sharedKey(this.#prefix, number), String(number)]));
    if (this.#values.size + numbers.length > REMEMBERED_MAX) this.#values.clear();
    const fetched = new Map<number, unknown>();
    for (const [place, number] of numbers.entries()) {
      const json = found[place];
      if (json === null || json === undefined) continue;
      const value = readShared(number, json);
      fetched.set(number, value);
      this.#values.set(number, value);
    }
    return read({
      counted: false,
      numberOf: () => null,
      valueOf: (number) => {
        const value = fetched.has(number) ? fetched.get(number) : this.#values.get(number);
        return value === undefined ? readShared(number, undefined) : value;
      },
    });
  }

  #numberOf(json: string): number {
    let number = this.#numbers.get(json);
    if (number === undefined) {
      if (this.#numbers.size >= REMEMBERED_MAX) this.#numbers.clear();
      number = sharedNumber(json);
      this.#numbers.set(json, number);
    }
    return number;
  }

  #noting(missing: Set<number>): SharedValues {
    return {
      counted: false,
      numberOf: () => null,
      valueOf: (number) => {
        const value = this.#values.get(number);
        if (value === undefined) missing.add(number);
        return value;
      },
    };
  }
}

/** What comes of it, for later. */
function attempt<T>(work: () => T): () => T {
  try {
    const value = work();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
