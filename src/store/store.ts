/**
 * The port to whatever keeps the records. An adapter knows keys, versions and index entries, nothing of tokens: every
 * rule lives above it. How a store is configured and opened is said in adapter.ts. Types, and the errors.
 */
import type { TokenHash } from '../core/facts.ts';
import { DAY_MS } from '../core/policy.ts';

/** Three answers that are never confused: it is there, it is not there, nobody could say. */
export type Lookup =
  | { readonly kind: 'found'; readonly record: unknown }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unavailable'; readonly cause: unknown };

export interface Stored {
  readonly key: string;
  readonly record: unknown;
  /** The revision that wrote it; 0 stands for a key that does not exist. */
  readonly version: number;
}

/** Puts a record into an ordered list: by score, then by text, then by key. */
export interface IndexEntry {
  readonly index: string;
  readonly score: number;
  /** In all entries of an index, or in none. The score is 0 then. Without controls (below U+0020). */
  readonly text?: string;
}

/** `record: null` deletes the key. A put replaces record and index entries as a whole. */
export interface Write {
  readonly key: string;
  readonly record: unknown;
  readonly indexes?: readonly IndexEntry[];
}

/** All of it or nothing: the writes happen only if every expected key still has its expected version. */
export interface Change {
  readonly expects: ReadonlyArray<{ readonly key: string; readonly version: number }>;
  readonly writes: readonly Write[];
  /** It ends or removes something, and so is made even where the store has no room for anything new. */
  readonly ends?: boolean;
  /**
   * Called, by stores that can tell, once others may read it and build on it, before it is durable: if it never is, neither is
   * what was built on it. Never throws.
   */
  readonly visible?: (revision: number) => void;
}

export type Committed = { readonly ok: true; readonly revision: number } | { readonly ok: false };

/** One commit, as followers hear of it. */
export interface ChangeEvent {
  readonly revision: number;
  readonly keys: readonly string[];
  /** The engine's wall clock at the commit, in milliseconds. */
  readonly committedAtMs: number;
}

/**
 * Hears of every change by any process. `changed` is called for a commit of this very store object before `commit`
 * returns, so that the next request sees it; for others' within the adapter's polling interval.
 */
export interface ChangeListener {
  /** `ours`: a commit of this very store object, not one that came with the feed. */
  changed(notice: ChangeEvent, ours: boolean): void;
  /** Notices were lost: believe nothing that is cached. */
  flushed(): void;
  /**
   * Everything committed up to now has been delivered, which is everything up to `revision`, without a gap. Called at
   * least twice per second while the feed is alive, and soon after every delivery. `ageMs`: how long ago "now" may have
   * been, where the word had a long way.
   */
  caughtUp(revision: number, ageMs?: number): void;
}

/** A record was used. */
export interface Touch {
  readonly key: string;
  /** Wall clock, milliseconds since 1970. */
  readonly atMs: number;
  /** With these scopes; remembered to the day. Absent: that is not said. */
  readonly scopes?: readonly string[];
}

/** How the use of a value that a rotation has replaced is noted among those of scopes: no scope is called so. */
export function replacedUse(hash: TokenHash): string {
  return `(replaced:${hash.slice(0, 8)})`;
}

/**
 * The list in which the store itself puts a record once it was used, by the day of its last use (`dayOf`), and from which it
 * goes with the record: of all of its kind in one organization. No write names it.
 */
export function usesList(key: string): string {
  const [kind, organization] = key.split('/');
  return organization === undefined ? 'used' : `used/${organization}/${kind}`;
}

/** With which scopes a record was used. Days since 1970, UTC. */
export interface ScopeUses {
  /** The day of the last use of each. */
  readonly days: ReadonlyMap<string, number>;
  /** From which day on uses were noted; null: none has been. What was before, nobody knows. */
  readonly sinceDay: number | null;
}

/** As `Touch` gives the moment. */
export function dayOf(atMs: number): number {
  return Math.floor(atMs / DAY_MS);
}

/** In the form in which stores keep it: the first day stands under the empty name. */
export function scopeUsesOf(rows: Iterable<readonly [scope: string, day: number]>): ScopeUses {
  const days = new Map(rows);
  const sinceDay = days.get('') ?? null;
  days.delete('');
  return { days, sinceDay };
}

export interface ScanOptions {
  readonly limit: number;
  /** Continue behind this entry. */
  readonly after?: { readonly score: number; readonly key: string; readonly text?: string };
  /** Only entries whose score is greater. */
  readonly above?: number;
  /** Only entries whose text begins with it; never backwards. */
  readonly prefix?: string;
  /** From the last entry to the first; `after` then is followed by what stands before it. */
  readonly backwards?: boolean;
}

export interface CountOptions {
  /** As for a scan; the bounds of scores then say nothing. */
  readonly prefix?: string;
  /** Only entries whose score is no greater. */
  readonly upTo?: number;
  /** Whoever only wants to know whether they are few: no more than so many are told of. */
  readonly atMost?: number;
}

export interface Scanned extends Stored {
  readonly score: number;
  readonly text?: string;
}

/** What the hot path needs: one method, which never throws. */
export interface FactSource {
  read(key: string): Lookup | Promise<Lookup>;
}

/** Every method but `read` rejects with StoreUnavailable when the engine cannot be asked. */
export interface Store extends FactSource {
  get(key: string): Promise<Stored | null>;
  scan(index: string, options: ScanOptions): Promise<readonly Scanned[]>;
  /** How many entries of the index have a score greater than `above`. */
  count(index: string, above: number, options?: CountOptions): Promise<number>;
  /** Durable when it resolves. */
  commit(change: Change): Promise<Committed>;
  /** The newest notices after `revision`, oldest first; null when the log no longer reaches back that far. */
  changesSince(revision: number, limit: number): Promise<readonly ChangeEvent[] | null>;
  /**
   * Remembers when records were last used: beside them, so that no follower hears of it and no version moves; only ever
   * later; until the record is deleted. Keys without a record are passed over. Need not survive a crash. Puts them into the
   * list of uses (`usesList`), also where that was known already.
   */
  touch(touches: readonly Touch[]): Promise<void>;
  /** When each was last used, in the order of `keys`; null: not yet. */
  touched(keys: readonly string[]): Promise<ReadonlyArray<number | null>>;
  /** With which scopes each was used, in the order of `keys`. As long as `touched`. */
  scopesUsed(keys: readonly string[]): Promise<readonly ScopeUses[]>;
  /** Returns the way to stop. */
  follow(follower: ChangeListener): () => void;
  /** Resolves once every follower of this very object has been told of everything up to `revision`. */
  followed(revision: number): Promise<void>;
  close(): Promise<void>;
}

export class StoreUnavailable extends Error {
  constructor(cause: unknown) {
    super(`the store could not be asked: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** There is no room for anything new; what ends or removes something is still made. Nothing was changed. */
export class StoreFull extends StoreUnavailable {}

/** A record is there, and is not what its key says. Nobody can say what it was, so it is no answer; an operator must look. */
export class DamagedRecord extends StoreUnavailable {}

/** The engine was lost between a commit and its confirmation: the change may have been made, or not. */
export class OutcomeUnknown extends StoreUnavailable {}
