/**
 * A store that stands before another one. What a decorator does not say otherwise is passed on as it came; adds nothing of
 * its own.
 */
import type {
  Change,
  ChangeEvent,
  ChangeListener,
  Committed,
  CountOptions,
  Lookup,
  Scanned,
  ScanOptions,
  ScopeUses,
  Store,
  Stored,
  Touch,
} from './store.ts';

export abstract class StoreDecorator implements Store {
  protected readonly inner: Store;

  constructor(inner: Store) {
    this.inner = inner;
  }

  /** Every question but `read` and `follow` passes here. */
  protected pass<T>(ask: () => Promise<T>): Promise<T> {
    return ask();
  }

  read(key: string): Lookup | Promise<Lookup> {
    return this.inner.read(key);
  }

  get(key: string): Promise<Stored | null> {
    return this.pass(() => this.inner.get(key));
  }

  scan(index: string, options: ScanOptions): Promise<readonly Scanned[]> {
    return this.pass(() => this.inner.scan(index, options));
  }

  count(index: string, above: number, options?: CountOptions): Promise<number> {
    return this.pass(() => this.inner.count(index, above, options));
  }

  commit(change: Change): Promise<Committed> {
    return this.pass(() => this.inner.commit(change));
  }

  changesSince(revision: number, limit: number): Promise<readonly ChangeEvent[] | null> {
    return this.pass(() => this.inner.changesSince(revision, limit));
  }

  touch(touches: readonly Touch[]): Promise<void> {
    return this.pass(() => this.inner.touch(touches));
  }

  touched(keys: readonly string[]): Promise<ReadonlyArray<number | null>> {
    return this.pass(() => this.inner.touched(keys));
  }

  scopesUsed(keys: readonly string[]): Promise<readonly ScopeUses[]> {
    return this.pass(() => this.inner.scopesUsed(keys));
  }

  follow(follower: ChangeListener): () => void {
    return this.inner.follow(follower);
  }

  followed(revision: number): Promise<void> {
    return this.pass(() => this.inner.followed(revision));
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
