/**
 * Facts as a decision reads them, with a note of each one read: what a verdict rests on, and until when. Since `decide`
 * is pure, the verdict stands until one of these facts changes or that moment comes.
 */
import type { FactByKind, FactKind, Link, PlaceKind } from '../../core/facts.ts';
import { type FactView, type Loaded, PLACE_KEYS } from '../../store/cache/fact-view.ts';

/** What one verdict rests on. */
export class VerdictDependencies {
  /** Wall clock; Infinity: time alone changes nothing. */
  endsAtMs = Number.POSITIVE_INFINITY;
  #keys = new Set<string>();
  #before = new Set<string>();

  /** A new verdict is about to be formed. */
  begin(): void {
    this.endsAtMs = Number.POSITIVE_INFINITY;
    for (const key of this.#before) this.#keys.add(key);
    this.#before = this.#keys;
    this.#keys = new Set();
  }

  note(key: string): void {
    this.#keys.add(key);
  }

  noteEnd(endsAtMs: number | null): void {
    if (endsAtMs !== null && endsAtMs < this.endsAtMs) this.endsAtMs = endsAtMs;
  }

  /** It is formed. Returns the keys that the one before rested on and this one does not. */
  finish(): string[] {
    const dropped = [...this.#before].filter((key) => !this.#keys.has(key));
    this.#before = new Set();
    return dropped;
  }

  *keys(): Generator<string> {
    yield* this.#keys;
    yield* this.#before;
  }
}

export class RecordingView implements FactView {
  readonly #view: FactView;
  readonly #dependencies: VerdictDependencies;
  readonly #onRead: (key: string) => void;

  /** `onRead` is told before a fact is read, so that no change of it can fall between. */
  constructor(view: FactView, dependencies: VerdictDependencies, onRead: (key: string) => void) {
    this.#view = view;
    this.#dependencies = dependencies;
    this.#onRead = onRead;
  }

  peek<K extends FactKind>(kind: K, key: string): FactByKind[K] | null | undefined {
    this.#note(key);
    return this.#view.peek(kind, key);
  }

  peekIn<K extends PlaceKind>(kind: K, organizationId: string, id: string): FactByKind[K] | null | undefined {
    this.#note(PLACE_KEYS[kind](organizationId, id));
    return this.#view.peekIn(kind, organizationId, id);
  }

  follow<K extends FactKind>(link: Link<K>): FactByKind[K] | null | undefined {
    this.#note(link.key);
    const fact = this.#view.follow(link);
    if (link.kind === 'token') {
      const token = fact as FactByKind['token'] | null | undefined;
      this.#dependencies.noteEnd(token?.expiresAtMs ?? null);
      // Whichever value the caller presented: to judge once more than needed is no harm.
      this.#dependencies.noteEnd(token?.replaced?.endsAtMs ?? null);
    }
    return fact;
  }

  load(key: string): Loaded | Promise<Loaded> {
    return this.#view.load(key);
  }

  #note(key: string): void {
    this.#onRead(key);
    this.#dependencies.note(key);
  }
}
