/**
 * A real store behind a line that can be cut: it then says so at once, or says nothing at all, and tells of no change.
 * Answers come later, as over a network, never in the same turn. What was missed is told once the feed is back.
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
} from '../../src/store/store.ts';

export class FaultyStore implements Store {
  readonly #inner: Store;
  #state: 'up' | 'down' | 'hung' = 'up';
  #isSilent = false;
  readonly #held: Array<() => void> = [];
  readonly #untold: Array<() => void> = [];
  /** Keys, in the order in which they were read. */
  readonly reads: string[] = [];

  constructor(inner: Store) {
    this.#inner = inner;
  }

  /** Whatever is asked fails at once. */
  fail(): void {
    this.#state = 'down';
  }

  /** Whatever is asked waits for `recover`. */
  hang(): void {
    this.#state = 'hung';
  }

  silence(): void {
    this.#isSilent = true;
  }

  /** Answers what was asked meanwhile, and tells what was missed. */
  recover(): void {
    this.#state = 'up';
    this.#isSilent = false;
    for (const answer of this.#held.splice(0)) answer();
    for (const tell of this.#untold.splice(0)) tell();
  }

  async read(key: string): Promise<Lookup> {
    this.reads.push(key);
    try {
      return await this.#reach(() => this.#inner.read(key));
    } catch (cause) {
      return { kind: 'unavailable', cause };
    }
  }

  get(key: string): Promise<Stored | null> {
    return this.#reach(() => this.#inner.get(key));
  }

  scan(index: string, options: ScanOptions): Promise<readonly Scanned[]> {
    return this.#reach(() => this.#inner.scan(index, options));
  }

  count(index: string, above: number): Promise<number> {
    return this.#reach(() => this.#inner.count(index, above));
  }

  commit(change: Change): Promise<Committed> {
    return this.#reach(() => this.#inner.commit(change));
  }

  changesSince(revision: number, limit: number): Promise<readonly ChangeEvent[] | null> {
    return this.#reach(() => this.#inner.changesSince(revision, limit));
  }

  touch(touches: readonly Touch[]): Promise<void> {
    return this.#reach(() => this.#inner.touch(touches));
  }

  touched(keys: readonly string[]): Promise<ReadonlyArray<number | null>> {
    return this.#reach(() => this.#inner.touched(keys));
  }

  follow(follower: ChangeListener): () => void {
    const tell = (what: () => void, again: boolean) => {
      if (!this.#isSilent) what();
      else if (again) this.#untold.push(what);
    };
    return this.#inner.follow({
      changed: (notice, ours) => tell(() => follower.changed(notice, ours), true),
      flushed: () => tell(() => follower.flushed(), true),
      caughtUp: (revision) => tell(() => follower.caughtUp(revision), false),
    });
  }

  followed(revision: number): Promise<void> {
    return this.#inner.followed(revision);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #reach<T>(work: () => T | Promise<T>): Promise<T> {
    await null;
    if (this.#state === 'hung') await new Promise<void>((resolve) => this.#held.push(resolve));
    if (this.#state === 'down') throw new StoreUnavailable('the line is cut');
    return work();
  }
}
