/**
 * A real store behind a line that can be cut: it then says so at once, or says nothing at all, and tells of no change.
 * Answers come later, as over a network, never in the same turn. What was missed is told once the feed is back.
 */
import { type ChangeListener, type Lookup, StoreUnavailable } from '../../src/store/store.ts';
import { StoreDecorator } from '../../src/store/store-decorator.ts';

export class FaultyStore extends StoreDecorator {
  #state: 'up' | 'down' | 'hung' = 'up';
  #isSilent = false;
  readonly #held: Array<() => void> = [];
  readonly #untold: Array<() => void> = [];
  /** Keys, in the order in which they were read. */
  readonly reads: string[] = [];

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

  override async read(key: string): Promise<Lookup> {
    this.reads.push(key);
    try {
      return await this.pass(() => super.read(key));
    } catch (cause) {
      return { kind: 'unavailable', cause };
    }
  }

  override follow(follower: ChangeListener): () => void {
    const tell = (what: () => void, again: boolean) => {
      if (!this.#isSilent) what();
      else if (again) this.#untold.push(what);
    };
    return super.follow({
      changed: (notice, ours) => tell(() => follower.changed(notice, ours), true),
      flushed: () => tell(() => follower.flushed(), true),
      caughtUp: (revision) => tell(() => follower.caughtUp(revision), false),
    });
  }

  /** The feed answers that, which is cut by itself (`silence`). */
  override followed(revision: number): Promise<void> {
    return this.inner.followed(revision);
  }

  protected override async pass<T>(ask: () => T | Promise<T>): Promise<T> {
    await null;
    if (this.#state === 'hung') await new Promise<void>((resolve) => this.#held.push(resolve));
    if (this.#state === 'down') throw new StoreUnavailable('the line is cut');
    return ask();
  }
}
