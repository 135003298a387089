/**
 * Facts for many decisions about one question, read from the store as they are needed and each once: for whoever looks through
 * all tokens, and must not push what requests need out of the cache. What is put in stands for what is stored.
 */
import {
  type DecisionOutcome,
  type DecisionRules,
  decide,
  type FactReader,
  type Need,
  type Question,
} from '../../core/decide.ts';
import type { Fact, FactByKind, FactKind, Link, PlaceKind } from '../../core/facts.ts';
import { readFact } from '../../core/read-fact.ts';
import { type FactSource, StoreUnavailable } from '../store.ts';
import { PLACE_KEYS } from './fact-view.ts';

const FACTS_MAX = 50_000;
/** More facts than any decision can need. */
const ROUNDS_MAX = 256;

export class StoredFacts implements FactReader {
  readonly #source: FactSource;
  readonly #facts = new Map<string, Fact | null>();

  constructor(source: FactSource) {
    this.#source = source;
  }

  peek<K extends FactKind>(_kind: K, key: string): FactByKind[K] | null | undefined {
    return this.#facts.get(key) as FactByKind[K] | null | undefined;
  }

  peekIn<K extends PlaceKind>(kind: K, organizationId: string, id: string): FactByKind[K] | null | undefined {
    return this.peek(kind, PLACE_KEYS[kind](organizationId, id));
  }

  follow<K extends FactKind>({ kind, key }: Link<K>): FactByKind[K] | null | undefined {
    return this.peek(kind, key);
  }

  put(key: string, record: unknown): void {
    this.#facts.set(key, readFact(key, record));
  }

  drop(key: string): void {
    this.#facts.delete(key);
  }

  /** Rejects with StoreUnavailable. */
  decide(question: Question, rules: DecisionRules, nowMs: number): Promise<Exclude<DecisionOutcome, Need>> {
    if (this.#facts.size > FACTS_MAX) this.#facts.clear();
    return this.answered(() => decide(question, rules, this, nowMs));
  }

  /** Asks again until every fact is here that is needed. Rejects with StoreUnavailable. */
  async answered<T extends { readonly kind: string }>(ask: () => T): Promise<Exclude<T, Need>> {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const outcome = ask();
      if (!isNeed(outcome)) return outcome as Exclude<T, Need>;
      for (const key of [outcome.key, ...(outcome.also ?? [])]) await this.#load(key);
    }
    throw new StoreUnavailable('a decision needs more facts than any can');
  }

  async #load(key: string): Promise<void> {
    const found = await this.#source.read(key);
    if (found.kind === 'unavailable') throw new StoreUnavailable(found.cause);
    if (found.kind === 'absent') this.#facts.set(key, null);
    else this.put(key, found.record);
  }
}

function isNeed(outcome: { readonly kind: string }): outcome is Need {
  return outcome.kind === 'need';
}
