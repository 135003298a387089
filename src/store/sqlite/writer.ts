/** Makes a change in the file, within the transaction of whoever calls. Tells nobody, and waits for nobody. */
import type { DatabaseSync } from 'node:sqlite';
import { encodeKey, encodeRecord } from '../codec/record-codec.ts';
import { type Change, dayOf, usesList, type Write } from '../store.ts';
import { keyNumber } from './key-number.ts';
import { KnownRows, type StoredRow } from './known-rows.ts';
import { ListNumbers, type NumberedLists, writeLists } from './lists.ts';
import { RowInserter } from './row-inserter.ts';
import { baseOf, type Entry, entryOf, packRows, type SqliteRows, tieOf } from './rows.ts';
import type { SqliteShared } from './shared.ts';

/** Notices kept for followers that were away; past it they flush. */
export const LOG_LENGTH = 100_000;
/** Between two looks at what nobody will ask for any more. */
const TRIM_EVERY = 1000;

type Row = readonly [id: number, key: Uint8Array, version: number, record: Uint8Array | null, lists: Uint8Array | null];

const NOWHERE: NumberedLists = [];

export class SqliteWriter {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #numbers: ListNumbers;
  readonly #rows: SqliteRows;
  readonly #shared: SqliteShared;
  readonly #known: KnownRows;

  constructor(database: DatabaseSync, rows: SqliteRows, shared: SqliteShared) {
    this.#statements = prepare(database);
    this.#numbers = new ListNumbers(database);
    this.#rows = rows;
    this.#shared = shared;
    this.#known = new KnownRows(database, rows);
  }

  /** At the begin of a transaction: another process may have written meanwhile. */
  begin(): void {
    if (this.#known.begin()) this.#numbers.forget();
  }

  /** Returns its revision; null: an expected version was another. Where it throws, all of it is to be taken back. */
  write(change: Change, keys: readonly string[], committedAtMs: number): number | null {
    try {
      return this.#write(change, keys, committedAtMs);
    } catch (error) {
      this.forget();
      throw error;
    }
  }

  /** Where a record stands that was used last at that time. */
  useOf(key: string, row: number, atMs: number): Entry {
    return entryOf(this.#numbers.numberOf(usesList(key)), dayOf(atMs), tieOf(key), row);
  }

  /** What was given in a transaction that was not made is no number. */
  forget(): void {
    this.#known.forget();
    this.#numbers.forget();
    this.#shared.forget();
  }

  #write({ expects, writes }: Change, keys: readonly string[], committedAtMs: number): number | null {
    const seen = new Map<string, StoredRow | undefined>();
    const before = (key: string) => {
      if (!seen.has(key)) seen.set(key, this.#known.find(key, keyNumber(key)));
      return seen.get(key);
    };
    if (expects.some(({ key, version }) => versionOf(before(key)) !== version)) return null;
    const revision = this.#known.revision + 1;
    const making = new Making(this.#statements, revision);
    const written = new Set<string>();
    for (const write of writes) {
      if (written.has(write.key)) making.finish();
      written.add(write.key);
      seen.set(write.key, this.#put(write, before(write.key), making));
    }
    making.finish();
    this.#numbers.tidy(making.left);
    this.#statements.log.run(revision, packRows(keys.map((key) => seen.get(key)!.id)), committedAtMs);
    if (revision % TRIM_EVERY === 0) this.#trim(revision - LOG_LENGTH);
    this.#known.revision = revision;
    return revision;
  }

  /** Returns what stands there then. */
  #put({ key, record, indexes = [] }: Write, before: StoredRow | undefined, making: Making): StoredRow {
    const { update, untouch, forgetScopes } = this.#statements;
    const places = record === null ? NOWHERE : this.#numbers.numberedOf(indexes);
    const bytes = record === null ? null : encodeRecord(key, record, this.#shared.giving);
    const lists = record === null ? null : writeLists(places, baseOf(key));
    const id = before?.id ?? this.#add(key, bytes, lists, making);
    const added = entriesOf(places, tieOf(key), id);
    const stands = { id, version: making.revision, isThere: record !== null, lists };
    if (before !== undefined) {
      const stood = before.isThere ? entriesOf(this.#rows.listsOf(key, before.lists), tieOf(key), id) : [];
      making.leave(stood, added);
      update.run(making.revision, bytes, lists, id);
      this.#known.remember(key, stands);
    }
    if (record === null && before?.isThere) {
      const used = untouch.get(id) as { at: number } | undefined;
      if (used !== undefined) making.leave([this.useOf(key, id, used.at)], []);
      forgetScopes.run(id);
    }
    making.enter(added);
    return stands;
  }

  /** Returns the number of the new row. */
  #add(key: string, record: Uint8Array | null, lists: Uint8Array | null, making: Making): number {
    const [id, number] = [this.#known.nextRow(), keyNumber(key)];
    making.add([id, encodeKey(key, this.#shared.giving), making.revision, record, lists], [number, id]);
    this.#known.added(number);
    return id;
  }

  /** What is older than the log can tell nobody anything. */
  #trim(revision: number): void {
    const { trim, gone, forgetKey, remove } = this.#statements;
    trim.run(revision);
    for (const { id, key } of gone.all(revision) as Array<{ id: number; key: Uint8Array }>) {
      forgetKey.run(keyNumber(this.#rows.keyIn(key)), id);
      remove.run(id);
      this.#known.forget();
    }
  }
}

/** The rows and entries of one change, of which many are added at once. */
class Making {
  readonly revision: number;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #records: Row[] = [];
  readonly #keys: Array<readonly [number: number, row: number]> = [];
  readonly #entries: Entry[] = [];
  /** Lists that something has left. */
  readonly left = new Set<number>();

  constructor(statements: ReturnType<typeof prepare>, revision: number) {
    this.#statements = statements;
    this.revision = revision;
  }

  add(row: Row, key: readonly [number: number, row: number]): void {
    this.#records.push(row);
    this.#keys.push(key);
  }

  leave(stood: readonly Entry[], stay: readonly Entry[]): void {
    if (stood.length === 0) return;
    const kept = new Set(stay.map(nameOf));
    for (const entry of stood) {
      if (kept.has(nameOf(entry))) continue;
      this.#statements.removeEntry.run(...entry);
      this.left.add(entry[0]);
    }
  }

  /** Also where it should be already: it may have been lost. */
  enter(entries: readonly Entry[]): void {
    for (const entry of entries) this.#entries.push(entry);
  }

  /** In order, since what stands together is written together. */
  finish(): void {
    const { records, keys, entries } = this.#statements;
    records.add(this.#records.splice(0));
    keys.add(this.#keys.splice(0).sort(([one], [other]) => one - other));
    entries.add(this.#entries.splice(0).sort(inOrder));
  }
}

function versionOf(row: StoredRow | undefined): number {
  return row?.isThere ? row.version : 0;
}

function entriesOf(places: NumberedLists, tie: string, row: number): Entry[] {
  return places.flatMap(([order, ...lists]) => lists.map((list) => entryOf(list, order, tie, row)));
}

function inOrder([list, score, tie]: Entry, [otherList, otherScore, otherTie]: Entry): number {
  return list - otherList || score - otherScore || (tie === otherTie ? 0 : tie < otherTie ? -1 : 1);
}

function nameOf([list, score, tie]: Entry): string {
  return `${list} ${score} ${tie}`;
}

function prepare(database: DatabaseSync) {
  return {
    records: new RowInserter(database, 'INSERT INTO records (id, key, version, record, lists)', 5),
    keys: new RowInserter(database, 'INSERT INTO keys (number, row)', 2),
    entries: new RowInserter(database, 'INSERT OR IGNORE INTO entries (list, score, tie, row)', 4),
    update: database.prepare('UPDATE records SET version = ?, record = ?, lists = ? WHERE id = ?'),
    remove: database.prepare('DELETE FROM records WHERE id = ?'),
    gone: database.prepare('SELECT id, key FROM records WHERE record IS NULL AND version <= ?'),
    forgetKey: database.prepare('DELETE FROM keys WHERE number = ? AND row = ?'),
    removeEntry: database.prepare('DELETE FROM entries WHERE list = ? AND score = ? AND tie = ? AND row = ?'),
    log: database.prepare('INSERT INTO changes (revision, rows, committed_at) VALUES (?, ?, ?)'),
    trim: database.prepare('DELETE FROM changes WHERE revision <= ?'),
    untouch: database.prepare('DELETE FROM touches WHERE row = ? RETURNING at'),
    forgetScopes: database.prepare('DELETE FROM scope_uses WHERE row = ?'),
  };
}
