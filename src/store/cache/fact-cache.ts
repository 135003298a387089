/**
 * The facts at hand. Keeps facts, never verdicts: expiry, state, scope and role are judged again on every request.
 * Bounded whatever is asked for; one look-up per key however many requests wait for it; a change that lands during a
 * slow read wins over what was read.
 */
import { LRUCache } from 'lru-cache';
import { atMost } from '../../at-most.ts';
import type {
  CredentialFacts,
  EnvironmentFacts,
  Fact,
  FactByKind,
  FactKind,
  Link,
  PlaceKind,
  WorkspaceRecord,
} from '../../core/facts.ts';
import { readFact } from '../../core/read-fact.ts';
import type { ChangeEvent, ChangeListener, FactSource, Lookup } from '../store.ts';
import { AbsentCredentials } from './absent-credentials.ts';
import { StoreCircuitBreaker } from './circuit-breaker.ts';
import { type FactView, type Loaded, PLACE_KEYS } from './fact-view.ts';
import { UncachedView } from './uncached-view.ts';

export interface FactCacheOptions {
  readonly maxEntries: number;
  /** How long "there is no such thing" is believed. */
  readonly absentTtlMs: number;
  /** After this much silence of the change feed, or so long after the lease was last renewed, nothing cached is believed. */
  readonly maxStalenessMs: number;
  /** Beyond that, while the store cannot be asked either, for how long what was known last stands in. Absent: 0. */
  readonly serveDuringOutageMs?: number;
  /** After how long the store gives up a look-up by itself; null or absent: never. What that means: circuit-breaker.ts. */
  readonly readTimeoutMs?: number | null;
  /** Monotonic milliseconds; wall-clock jumps must not stretch a cached fact. */
  readonly monotonicMs: () => number;
}

/** Ids that do not exist are the caller's to invent, so they get a small room of their own. */
const ABSENT_SHARE = 0.1;
/** One decision's facts must fit side by side, or it would fetch for ever; with all a member's teams that is hundreds. */
const PRESENT_MIN = 1000;
const ABSENT_MIN = 100;

/** Under a kind of its own, where there is nothing. */
const PROBE = 'probe/store';

const NOTHING: Loaded = Object.freeze({ kind: 'known', fact: null });

/** Of each kind. */
const SHORTCUTS_MAX = 65_536;

export class FactCache implements FactView, ChangeListener {
  readonly #source: StoreCircuitBreaker;
  readonly #options: FactCacheOptions;
  readonly #present: LRUCache<string, Fact>;
  readonly #absent: LRUCache<string, true>;
  readonly #absentCredentials: AbsentCredentials;
  readonly #absentTtlMs: number;
  readonly #credentials = new Map<string, CredentialFacts>();
  readonly #places = { workspace: new Shelf<WorkspaceRecord>(), environment: new Shelf<EnvironmentFacts>() };
  readonly #inFlight = new Map<string, Promise<Loaded>>();
  /** Counts the times at which something that was believed may have ended. Shortcuts of another epoch lead nowhere. */
  #epoch = 0;
  /** Up to which revision of the store nothing is missing. */
  revision = 0;
  #caughtUpAtMs = Number.NEGATIVE_INFINITY;
  /** Always held by whoever needs no lease. */
  #leasedAtMs = Number.POSITIVE_INFINITY;
  #hits = 0;
  #misses = 0;

  constructor(source: FactSource, options: FactCacheOptions) {
    this.#source = new StoreCircuitBreaker(source, options.monotonicMs, options.readTimeoutMs);
    this.#options = options;
    const perf = { now: options.monotonicMs };
    this.#present = new LRUCache({ ...atMost(Math.max(PRESENT_MIN, options.maxEntries)), perf });
    const absentMax = Math.max(ABSENT_MIN, Math.floor(options.maxEntries * ABSENT_SHARE));
    // To the library 0 means for ever; to us it means no longer than the decision at hand.
    this.#absentTtlMs = Math.max(1, options.absentTtlMs);
    this.#absent = new LRUCache({ ...atMost(absentMax), ttl: this.#absentTtlMs, perf });
    this.#absentCredentials = new AbsentCredentials(absentMax);
  }

  /** The view for a decision to be made at `monotonicMs`: the cache, or, while the feed is silent, one that asks anew. */
  view(monotonicMs: number): FactView {
    return this.isFresh(monotonicMs) ? this : new UncachedView(this);
  }

  /** What is cached. undefined: ask `load`. Reached only through `view`, which knows whether to believe it. */
  peek<K extends FactKind>(kind: K, key: string): FactByKind[K] | null | undefined {
    if (kind !== 'credential') return this.#find(key) as FactByKind[K] | null | undefined;
    const known = this.#credentials.get(key);
    if (known !== undefined) {
      this.#hits++;
      return known as FactByKind[K];
    }
    const fact = this.#present.get(key) as CredentialFacts | undefined;
    if (fact === undefined) return this.#isAbsent(key) ? null : undefined;
    this.#hits++;
    if (this.#credentials.size >= SHORTCUTS_MAX) this.#credentials.clear();
    this.#credentials.set(key, fact);
    return fact as FactByKind[K];
  }

  /**
   * The same by the two halves of a key. Shortcuts, this one and those above and below, last until the next change. They
   * do not count as use of the fact: in a full cache one that is only found so is dropped in its turn, and read again.
   */
  peekIn<K extends PlaceKind>(kind: K, organizationId: string, id: string): FactByKind[K] | null | undefined {
    const shelf = this.#places[kind] as Shelf<FactByKind[K]>;
    const known = shelf.get(organizationId, id);
    if (known !== undefined) {
      this.#hits++;
      return known;
    }
    const fact = this.peek(kind, PLACE_KEYS[kind](organizationId, id));
    if (fact != null) shelf.set(organizationId, id, fact);
    return fact;
  }

  /** The same by the way that another fact knows. */
  follow<K extends FactKind>(link: Link<K>): FactByKind[K] | null | undefined {
    if (link.epoch === this.#epoch) {
      this.#hits++;
      return link.fact;
    }
    const fact = this.peek(link.kind, link.key);
    // Only what is: that there is no such thing is believed for a while only.
    if (fact != null) {
      link.fact = fact;
      link.epoch = this.#epoch;
    }
    return fact;
  }

  /** Ask the store. A synchronous store answers at once; `unavailable` is an answer and is never kept. */
  load(key: string): Loaded | Promise<Loaded> {
    const waiting = this.#inFlight.get(key);
    if (waiting !== undefined) return waiting;
    this.#misses++;
    const epoch = this.#epoch;
    // After an outage many ask at once: what came too late for one request is at hand for the next.
    const answer = this.#source.read(key, (late) => {
      if (epoch === this.#epoch && late.kind === 'found' && this.#isUnasked(key)) this.#keep(key, late);
    });
    if (!(answer instanceof Promise)) return this.#keep(key, answer);
    const ticket: Promise<Loaded> = answer.then((lookup) => {
      // A change that landed meanwhile has taken our ticket away: what we read is old and must not be kept.
      if (this.#inFlight.get(key) !== ticket) return { kind: 'outdated' };
      this.#inFlight.delete(key);
      return this.#keep(key, lookup);
    });
    this.#inFlight.set(key, ticket);
    return ticket;
  }

  changed(notice: ChangeEvent): void {
    this.#endShortcuts();
    for (const key of notice.keys) {
      this.#present.delete(key);
      this.#absent.delete(key);
      this.#absentCredentials.delete(key);
      this.#inFlight.delete(key);
    }
  }

  flushed(): void {
    this.#endShortcuts();
    this.#present.clear();
    this.#absent.clear();
    this.#absentCredentials.clear();
    this.#inFlight.clear();
  }

  caughtUp(revision: number, ageMs = 0): void {
    this.revision = Math.max(this.revision, revision);
    this.#caughtUpAtMs = Math.max(this.#caughtUpAtMs, this.#options.monotonicMs() - ageMs);
    this.#source.caughtUp();
  }

  /** Others wait for this process to apply their changes, for `maxStalenessMs` from then on. Monotonic, like all here. */
  leased(monotonicMs: number): void {
    this.#leasedAtMs = monotonicMs;
  }

  isFresh(monotonicMs = this.#options.monotonicMs()): boolean {
    return this.staleMs(monotonicMs) <= this.#options.maxStalenessMs;
  }

  /** Milliseconds since the feed was last known to be complete, or since the lease, whichever is longer. */
  staleMs(monotonicMs = this.#options.monotonicMs()): number {
    return monotonicMs - Math.min(this.#caughtUpAtMs, this.#leasedAtMs);
  }

  /** What is cached, for a decision while the store cannot be asked. undefined: nothing, or it has been too long. */
  lastKnown(key: string): Fact | undefined {
    const { maxStalenessMs, serveDuringOutageMs = 0 } = this.#options;
    return this.staleMs() <= maxStalenessMs + serveDuringOutageMs ? this.#present.get(key) : undefined;
  }

  /** Asks the store for nothing, to find out whether it answers: requests may be too few to tell. */
  async probe(): Promise<void> {
    await this.#source.read(PROBE);
  }

  /** The feed is silent and the store could not be asked: decisions rest on what was known last, if on anything. */
  isDegraded(): boolean {
    return this.#source.isFailing && !this.isFresh();
  }

  get stats(): { readonly present: number; readonly absent: number; readonly hits: number; readonly misses: number } {
    const absent = this.#absent.size + this.#absentCredentials.size;
    return { present: this.#present.size, absent, hits: this.#hits, misses: this.#misses };
  }

  #isUnasked(key: string): boolean {
    return !this.#inFlight.has(key) && !this.#present.has(key) && !this.#isAbsent(key);
  }

  #find(key: string): Fact | null | undefined {
    const fact = this.#present.get(key);
    if (fact === undefined) return this.#isAbsent(key) ? null : undefined;
    this.#hits++;
    return fact;
  }

  #isAbsent(key: string): boolean {
    return this.#absentCredentials.has(key, this.#options.monotonicMs()) || this.#absent.get(key) === true;
  }

  #endShortcuts(): void {
    this.#epoch++;
    this.#credentials.clear();
    this.#places.workspace.clear();
    this.#places.environment.clear();
  }

  #keep(key: string, lookup: Lookup): Loaded {
    switch (lookup.kind) {
      case 'absent':
        this.#forget(key);
        if (!this.#absentCredentials.add(key, this.#options.monotonicMs() + this.#absentTtlMs))
          this.#absent.set(key, true);
        return NOTHING;
      case 'unavailable':
        return lookup;
      case 'found':
        this.#forget(key);
        try {
          const fact = readFact(key, lookup.record);
          this.#present.set(key, fact);
          return { kind: 'known', fact };
        } catch (cause) {
          return { kind: 'unavailable', cause };
        }
    }
  }

  /** While the feed is silent the store is asked for what is cached too, and may say something else. */
  #forget(key: string): void {
    if (this.#present.delete(key)) this.#endShortcuts();
    this.#absent.delete(key);
    this.#absentCredentials.delete(key);
  }
}

/** Facts by organization and id, found since the last change: a third of the time that the cache itself takes. */
class Shelf<F> {
  #byOrganization = new Map<string, Map<string, F>>();
  #size = 0;

  get(organizationId: string, id: string): F | undefined {
    return this.#byOrganization.get(organizationId)?.get(id);
  }

  set(organizationId: string, id: string, fact: F): void {
    if (this.#size >= SHORTCUTS_MAX) this.clear();
    let facts = this.#byOrganization.get(organizationId);
    if (facts === undefined) {
      facts = new Map();
      this.#byOrganization.set(organizationId, facts);
    }
    facts.set(id, fact);
    this.#size++;
  }

  clear(): void {
    if (this.#size === 0) return;
    this.#size = 0;
    this.#byOrganization = new Map();
  }
}
