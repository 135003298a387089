/**
 * A store that says of itself that it cannot be asked until a gate is opened, once and for all: a decorator for a store of
 * which nothing may be read or written yet. Passes everything on from then on.
 */
import {
  type Change,
  type ChangeEvent,
  type ChangeListener,
  type Committed,
  type Lookup,
  type Scanned,
  type ScanOptions,
  type Store,
  type Stored,
  StoreUnavailable,
  type Touch,
} from './store.ts';

export class GatedStore implements Store {
  readonly #store: Store;
  readonly #why: string;
  readonly #opened = Promise.withResolvers<void>();
  #isOpen = false;

  /** `why`: it cannot be asked as long as the gate is closed. */
  constructor(store: Store, why: string) {
    this.#store = store;
    this.#why = why;
  }

  open(): void {
    this.#isOpen = true;
    this.#opened.resolve();
  }

  read(key: string): Lookup | Promise<Lookup> {
    return this.#isOpen ? this.#store.read(key) : { kind: 'unavailable', cause: this.#why };
  }

  async get(key: string): Promise<Stored | null> {
    return this.#behind().get(key);
  }

  async scan(index: string, options: ScanOptions): Promise<readonly Scanned[]> {
    return this.#behind().scan(index, options);
  }

  async count(index: string, above: number): Promise<number> {
    return this.#behind().count(index, above);
  }

  async commit(change: Change): Promise<Committed> {
    return this.#behind().commit(change);
  }

  async changesSince(revision: number, limit: number): Promise<readonly ChangeEvent[] | null> {
    return this.#behind().changesSince(revision, limit);
  }

  async touch(touches: readonly Touch[]): Promise<void> {
    return this.#behind().touch(touches);
  }

  async touched(keys: readonly string[]): Promise<ReadonlyArray<number | null>> {
    return this.#behind().touched(keys);
  }

  /** Hears nothing before: what is not heard is not believed, and nobody is ready. */
  follow(listener: ChangeListener): () => void {
    if (this.#isOpen) return this.#store.follow(listener);
    let unfollow: (() => void) | null = null;
    let isWanted = true;
    void this.#opened.promise.then(() => {
      if (isWanted) unfollow = this.#store.follow(listener);
    });
    return () => {
      isWanted = false;
      unfollow?.();
    };
  }

  async followed(revision: number): Promise<void> {
    return this.#behind().followed(revision);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #behind(): Store {
    if (!this.#isOpen) throw new StoreUnavailable(this.#why);
    return this.#store;
  }
}
