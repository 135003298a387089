/**
 * Facts for one decision while the change feed is silent: each is asked of the store. Where the store cannot be asked
 * either, what was known last may stand in, as long as the operator says so; that something does not exist never does.
 */
import type { Fact, FactByKind, FactKind, Link, PlaceKind } from '../../core/facts.ts';
import { type FactView, type Loaded, PLACE_KEYS } from './fact-view.ts';

export interface LastKnown {
  load(key: string): Loaded | Promise<Loaded>;
  /** undefined: nothing, or it has been too long. */
  lastKnown(key: string): Fact | undefined;
  /** Since the feed was last known to be complete. */
  staleMs(): number;
}

export class UncachedView implements FactView {
  readonly #memory: LastKnown;
  readonly #facts = new Map<string, Fact | null>();
  degradedMs: number | undefined;

  constructor(memory: LastKnown) {
    this.#memory = memory;
  }

  peek<K extends FactKind>(_kind: K, key: string): FactByKind[K] | null | undefined {
    return this.#facts.get(key) as FactByKind[K] | null | undefined;
  }

  peekIn<K extends PlaceKind>(kind: K, organizationId: string, id: string): FactByKind[K] | null | undefined {
    return this.peek(kind, PLACE_KEYS[kind](organizationId, id));
  }

  follow<K extends FactKind>(link: Link<K>): FactByKind[K] | null | undefined {
    return this.peek(link.kind, link.key);
  }

  load(key: string): Loaded | Promise<Loaded> {
    const loaded = this.#memory.load(key);
    return loaded instanceof Promise ? loaded.then((late) => this.#take(key, late)) : this.#take(key, loaded);
  }

  #take(key: string, loaded: Loaded): Loaded {
    if (loaded.kind === 'outdated') return loaded;
    if (loaded.kind === 'known') {
      this.#facts.set(key, loaded.fact);
      return loaded;
    }
    const fact = this.#memory.lastKnown(key);
    if (fact === undefined) return loaded;
    this.#facts.set(key, fact);
    this.degradedMs = this.#memory.staleMs();
    return { kind: 'known', fact };
  }
}
