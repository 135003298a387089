/**
 * A store that says of itself that it cannot be asked until a gate is opened, once and for all: a decorator for a store of
 * which nothing may be read or written yet. Passes everything on from then on.
 */
import { type ChangeListener, type Lookup, type Store, StoreUnavailable } from './store.ts';
import { StoreDecorator } from './store-decorator.ts';

export class GatedStore extends StoreDecorator {
  readonly #why: string;
  readonly #opened = Promise.withResolvers<void>();
  #isOpen = false;

  /** `why`: it cannot be asked as long as the gate is closed. */
  constructor(store: Store, why: string) {
    super(store);
    this.#why = why;
  }

  open(): void {
    this.#isOpen = true;
    this.#opened.resolve();
  }

  override read(key: string): Lookup | Promise<Lookup> {
    return this.#isOpen ? super.read(key) : { kind: 'unavailable', cause: this.#why };
  }

  /** Hears nothing before: what is not heard is not believed, and nobody is ready. */
  override follow(listener: ChangeListener): () => void {
    if (this.#isOpen) return super.follow(listener);
    let unfollow: (() => void) | null = null;
    let isWanted = true;
    void this.#opened.promise.then(() => {
      if (isWanted) unfollow = super.follow(listener);
    });
    return () => {
      isWanted = false;
      unfollow?.();
    };
  }

  protected override async pass<T>(ask: () => Promise<T>): Promise<T> {
    if (!this.#isOpen) throw new StoreUnavailable(this.#why);
    return ask();
  }
}
