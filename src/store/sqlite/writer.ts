/** Makes a change in the file, within the transaction of whoever calls. Tells nobody, and waits for nobody. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { encodeKey, encodeRecord } from '../codec/record-codec.ts';
import type { Change, Write } from '../store.ts';
import { keyNumber } from './key-number.ts';
import { ListNumbers, type NumberedLists, writeLists } from './lists.ts';
import { baseOf, packRows, type SqliteRows, tieOf } from './rows.ts';
import type { SqliteShared } from './shared.ts';

/** Notices kept for followers that were away; past it they flush. */
export const LOG_LENGTH = 100_000;
/** Rows that one statement adds: fewer calls into the engine. */
const TOGETHER = 32;
/** Between two looks at what nobody will ask for any more. */
const TRIM_EVERY = 1000;

interface Before {
  readonly id: number;
  readonly version: number;
  readonly isThere: boolean;
  /** As bytes. */
  readonly lists: unknown;
}
type Entry = readonly [list: number, score: number, tie: string, row: number];

const NOWHERE: NumberedLists = [];

export class SqliteWriter {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #numbers: ListNumbers;
  readonly #rows: SqliteRows;
  readonly #shared: SqliteShared;

  constructor(database: DatabaseSync, rows: SqliteRows, shared: SqliteShared) {
    this.#statements = prepare(database);
    this.#numbers = new ListNumbers(database);
    this.#rows = rows;
    this.#shared = shared;
  }

  /** Returns its revision; null: an expected version was another. Where it throws, all of it is to be taken back. */
  write(change: Change, keys: readonly string[], committedAtMs: number): number | null {
    try {
      this.#numbers.begin();
      return this.#write(change, keys, committedAtMs);
    } catch (error) {
      this.forget();
      throw error;
    }
  }

  /** What was given in a transaction that was not made is no number. */
  forget(): void {
    this.#numbers.forget();
    this.#shared.forget();
  }

  #write({ expects, writes }: Change, keys: readonly string[], committedAtMs: number): number | null {
    const { newest, log } = this.#statements;
    const known = new Map<string, Before | undefined>();
    const before = (key: string) => {
      if (!known.has(key)) known.set(key, this.#find(key));
      return known.get(key);
    };
    if (expects.some(({ key, version }) => versionOf(before(key)) !== version)) return null;
    const revision = ((newest.get() as { revision: number | null }).revision ?? 0) + 1;
    const making = new Making(this.#statements, revision);
    const written = new Set<string>();
    for (const write of writes) {
      if (written.has(write.key)) making.finish();
      written.add(write.key);
      known.set(write.key, this.#put(write, before(write.key), making));
    }
    making.finish();
    this.#numbers.tidy(making.left);
    log.run(revision, packRows(keys.map((key) => known.get(key)!.id)), committedAtMs);
    if (revision % TRIM_EVERY === 0) this.#trim(revision - LOG_LENGTH);
    return revision;
  }

  #find(key: string): Before | undefined {
    const row = this.#rows.find(key);
    return row && { id: row.id, version: row.version, isThere: row.record !== null, lists: row.lists };
  }

  /** Returns what stands there then. */
  #put({ key, record, indexes = [] }: Write, before: Before | undefined, making: Making): Before {
    const { update, untouch, forgetScopes } = this.#statements;
    const places = record === null ? NOWHERE : this.#numbers.numberedOf(indexes);
    const bytes = record === null ? null : encodeRecord(key, record, this.#shared.giving);
    const lists = record === null ? null : writeLists(places, baseOf(key));
    const id = before?.id ?? making.add(key, encodeKey(key, this.#shared.giving), bytes, lists);
    const added = entriesOf(places, tieOf(key), id);
    if (before !== undefined) {
      const stood = before.isThere ? entriesOf(this.#rows.listsOf(key, before.lists), tieOf(key), id) : [];
      making.leave(stood, added);
      update.run(making.revision, bytes, lists, id);
    }
    if (record === null && before?.isThere) {
      untouch.run(id);
      forgetScopes.run(id);
    }
    making.enter(added);
    return { id, version: making.revision, isThere: record !== null, lists };
  }

  /** What is older than the log can tell nobody anything. */
  #trim(revision: number): void {
    const { trim, gone, forgetKey, remove } = this.#statements;
    trim.run(revision);
    for (const { id, key } of gone.all(revision) as Array<{ id: number; key: Uint8Array }>) {
      forgetKey.run(keyNumber(this.#rows.keyIn(key)), id);
      remove.run(id);
    }
  }
}

/** The rows and entries of one change, of which many are added at once. */
class Making {
  readonly revision: number;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #keys: Array<readonly [number: number, row: number]> = [];
  readonly #entries: Entry[] = [];
  /** Lists that something has left. */
  readonly left = new Set<number>();
  #lastRow: number;

  constructor(statements: ReturnType<typeof prepare>, revision: number) {
    this.#statements = statements;
    this.revision = revision;
    this.#lastRow = (statements.lastRow.get() as { id: number | null }).id ?? 0;
  }

  /** Returns the number of the new row. */
  add(key: string, packed: Uint8Array, record: Uint8Array | null, lists: Uint8Array | null): number {
    const id = ++this.#lastRow;
    this.#statements.insert.run(id, packed, this.revision, record, lists);
    this.#keys.push([keyNumber(key), id]);
    return id;
  }

  leave(stood: readonly Entry[], stay: readonly Entry[]): void {
    const kept = new Set(stay.map(textOf));
    for (const entry of stood) {
      if (kept.has(textOf(entry))) continue;
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
    const { addKey, addKeys, addEntry, addEntries } = this.#statements;
    this.#keys.sort(([one], [other]) => one - other);
    together(this.#keys.splice(0), addKeys, addKey);
    this.#entries.sort(([one, score], [other, otherScore]) => one - other || score - otherScore);
    together(this.#entries.splice(0), addEntries, addEntry);
  }
}

function together(rows: ReadonlyArray<readonly (number | string)[]>, many: StatementSync, one: StatementSync): void {
  let from = 0;
  for (; from + TOGETHER <= rows.length; from += TOGETHER) many.run(...rows.slice(from, from + TOGETHER).flat());
  for (; from < rows.length; from++) one.run(...rows[from]!);
}

function versionOf(row: Before | undefined): number {
  return row?.isThere ? row.version : 0;
}

function entriesOf(places: NumberedLists, tie: string, row: number): Entry[] {
  return places.flatMap(([score, ...lists]) => lists.map((list) => [list, score, tie, row] as const));
}

function textOf([list, score]: Entry): string {
  return `${list} ${score}`;
}

function prepare(database: DatabaseSync) {
  const add = (into: string, columns: number, count: number) => {
    const row = `(${new Array(columns).fill('?').join(', ')})`;
    return database.prepare(`INSERT OR IGNORE INTO ${into} VALUES ${new Array(count).fill(row).join(', ')}`);
  };
  return {
    newest: database.prepare('SELECT max(revision) AS revision FROM changes'),
    lastRow: database.prepare('SELECT max(id) AS id FROM records'),
    insert: database.prepare('INSERT INTO records (id, key, version, record, lists) VALUES (?, ?, ?, ?, ?)'),
    update: database.prepare('UPDATE records SET version = ?, record = ?, lists = ? WHERE id = ?'),
    remove: database.prepare('DELETE FROM records WHERE id = ?'),
    gone: database.prepare('SELECT id, key FROM records WHERE record IS NULL AND version <= ?'),
    addKey: add('keys (number, row)', 2, 1),
    addKeys: add('keys (number, row)', 2, TOGETHER),
    forgetKey: database.prepare('DELETE FROM keys WHERE number = ? AND row = ?'),
    addEntry: add('entries (list, score, tie, row)', 4, 1),
    addEntries: add('entries (list, score, tie, row)', 4, TOGETHER),
    removeEntry: database.prepare('DELETE FROM entries WHERE list = ? AND score = ? AND tie = ? AND row = ?'),
    log: database.prepare('INSERT INTO changes (revision, rows, committed_at) VALUES (?, ?, ?)'),
    trim: database.prepare('DELETE FROM changes WHERE revision <= ?'),
    untouch: database.prepare('DELETE FROM touches WHERE row = ?'),
    forgetScopes: database.prepare('DELETE FROM scope_uses WHERE row = ?'),
  };
}
