/**
 * A store whose changes are done only when everybody beside this process knows of them: a decorator that holds a commit
 * back until they do. Passes everything else on, and knows nobody by name.
 */
import {
  type Change,
  type ChangeEvent,
  type ChangeListener,
  type Committed,
  type Lookup,
  OutcomeUnknown,
  type Scanned,
  type ScanOptions,
  type Store,
  type Stored,
  type Touch,
} from './store.ts';

export class SharedStore implements Store {
  readonly #store: Store;
  readonly #applied: (revision: number) => Promise<void>;

  /** `applied` rejects where nobody can say whether the others know. */
  constructor(store: Store, applied: (revision: number) => Promise<void>) {
    this.#store = store;
    this.#applied = applied;
  }

  async commit(change: Change): Promise<Committed> {
    const committed = await this.#store.commit(change);
    if (committed.ok) {
      await this.#applied(committed.revision).catch((cause) => {
        throw new OutcomeUnknown(cause);
      });
    }
    return committed;
  }

  read(key: string): Lookup | Promise<Lookup> {
    return this.#store.read(key);
  }

  get(key: string): Promise<Stored | null> {
    return this.#store.get(key);
  }

  scan(index: string, options: ScanOptions): Promise<readonly Scanned[]> {
    return this.#store.scan(index, options);
  }

  count(index: string, above: number): Promise<number> {
    return this.#store.count(index, above);
  }

  changesSince(revision: number, limit: number): Promise<readonly ChangeEvent[] | null> {
    return this.#store.changesSince(revision, limit);
  }

  touch(touches: readonly Touch[]): Promise<void> {
    return this.#store.touch(touches);
  }

  touched(keys: readonly string[]): Promise<ReadonlyArray<number | null>> {
    return this.#store.touched(keys);
  }

  follow(follower: ChangeListener): () => void {
    return this.#store.follow(follower);
  }

  followed(revision: number): Promise<void> {
    return this.#store.followed(revision);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
