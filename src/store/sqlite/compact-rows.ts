/**
 * From the file's version 6 to 7: records as bytes in numbered rows, and lists, touches and the change log by those numbers.
 * Within the transaction of whoever calls; what cannot be read stays unreadable, and goes on being refused. Rows are made in
 * the order of their keys, so that lists keep theirs.
 */
import type { DatabaseSync } from 'node:sqlite';
import { encodeKey, encodeRecord } from '../codec/record-codec.ts';
import { keyNumber } from './key-number.ts';
import { type NumberedLists, writeLists } from './lists.ts';
import { baseOf, packRows, tieOf } from './rows.ts';
import { RecordShapes, type StoredText } from './shapes.ts';
import { SqliteShared } from './shared.ts';

const PAGE = 1000;

const TABLES = `
  CREATE TABLE records (id INTEGER PRIMARY KEY, key BLOB NOT NULL, version INTEGER NOT NULL, record BLOB, lists BLOB) STRICT;
  CREATE INDEX gone ON records (version) WHERE record IS NULL;
  CREATE TABLE keys (number INTEGER NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (number, row)) WITHOUT ROWID, STRICT;
  CREATE TABLE entries (list INTEGER NOT NULL, score REAL NOT NULL, tie TEXT NOT NULL, row INTEGER NOT NULL,
    PRIMARY KEY (list, score, tie, row)) WITHOUT ROWID, STRICT;
  CREATE TABLE shared (id INTEGER PRIMARY KEY, made INTEGER NOT NULL UNIQUE, value TEXT NOT NULL) STRICT;
  CREATE TABLE changes (revision INTEGER PRIMARY KEY, rows BLOB NOT NULL, committed_at INTEGER NOT NULL) STRICT;
  CREATE TABLE touches (row INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
  CREATE TABLE scope_uses (row INTEGER NOT NULL, scope INTEGER NOT NULL, day INTEGER NOT NULL, PRIMARY KEY (row, scope)) WITHOUT ROWID, STRICT;`;
const OLD = ['records', 'entries', 'changes', 'touches', 'scope_uses'];

interface OldRow extends StoredText {
  readonly key: string;
  readonly version: number;
  readonly indexes: string;
}

export function compactRows(database: DatabaseSync): void {
  for (const table of OLD) database.exec(`ALTER TABLE ${table} RENAME TO old_${table}`);
  database.exec(TABLES);
  new Compacting(database).run();
  for (const table of OLD) database.exec(`DROP TABLE old_${table}`);
  database.exec('DROP TABLE shapes');
}

class Compacting {
  readonly #database: DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #shapes: RecordShapes;
  readonly #shared: SqliteShared;
  #lastRow = 0;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#statements = prepare(database);
    this.#shapes = new RecordShapes(database);
    this.#shared = new SqliteShared(database);
  }

  run(): void {
    for (let after = ''; ; ) {
      const rows = this.#statements.page.all(after, PAGE) as unknown as OldRow[];
      for (const row of rows) this.#carry(row);
      if (rows.length < PAGE) break;
      after = rows.at(-1)!.key;
    }
    this.#carryLog();
  }

  #carry(row: OldRow): void {
    const { entry, entriesOf } = this.#statements;
    const { key, version } = row;
    const places = readNumberedLists(row.indexes);
    // A text, which no lists are, is refused by whoever needs them; so is a record without a sum.
    const lists = places === null ? UNREADABLE : writeLists(places, baseOf(key));
    const id = this.#add(key, version, this.#recordOf(row), lists);
    const found =
      places?.flatMap(([score, ...numbers]) => numbers.map((list) => ({ list, score }))) ??
      (entriesOf.all(key) as Array<{ list: number; score: number }>);
    for (const { list, score } of found) entry.run(list, score, tieOf(key), id);
    this.#carryUse(key, id);
  }

  #add(key: string, version: number, record: Uint8Array | null, lists: Uint8Array | null): number {
    const id = ++this.#lastRow;
    this.#statements.insert.run(id, encodeKey(key, this.#shared.giving), version, record, lists);
    this.#statements.addKey.run(keyNumber(key), id);
    return id;
  }

  #recordOf(row: OldRow): Uint8Array {
    let record: unknown;
    try {
      record = this.#shapes.recordOf(row);
    } catch {
      return UNREADABLE;
    }
    return encodeRecord(row.key, record, this.#shared.giving);
  }

  #carryUse(key: string, id: number): void {
    const { touched, touch, scopes, touchScope } = this.#statements;
    const used = touched.get(key) as { at: number } | undefined;
    if (used !== undefined) touch.run(id, used.at);
    for (const { scope, day } of scopes.all(key) as Array<{ scope: string; day: number }>) {
      const number = this.#shared.giving.numberOf(JSON.stringify(scope));
      if (number !== null) touchScope.run(id, number, day);
    }
  }

  /** What is told of and was deleted has a row, too, for as long as it is told of. */
  #carryLog(): void {
    const { changes, find, log } = this.#statements;
    const gone = new Map<string, number>();
    const rowOf = (key: string, revision: number) => {
      const found = find.get(keyNumber(key), encodeKey(key, this.#shared.giving)) as { id: number } | undefined;
      const row = found?.id ?? gone.get(key) ?? this.#add(key, revision, null, null);
      if (found === undefined) gone.set(key, row);
      return row;
    };
    for (let after = 0; ; ) {
      const rows = changes.all(after, PAGE) as Array<{ revision: number; keys: string; committed_at: number }>;
      for (const { revision, keys, committed_at: atMs } of rows)
        log.run(revision, packRows((JSON.parse(keys) as string[]).map((key) => rowOf(key, revision))), atMs);
      if (rows.length < PAGE) break;
      after = rows.at(-1)!.revision;
    }
    // It is as old as the last that is told of it.
    this.#database.exec('UPDATE records SET version = (SELECT max(revision) FROM changes) WHERE record IS NULL');
  }
}

/** No record, and no lists: the first byte is no kind of record, and a number that does not end. */
const UNREADABLE = Uint8Array.of(0xff);

/** null: nothing that was written as such. */
function readNumberedLists(text: string): NumberedLists | null {
  try {
    const places = JSON.parse(text) as NumberedLists;
    const isSound =
      Array.isArray(places) &&
      places.every((place) => Array.isArray(place) && place.every((number) => Number.isFinite(number)));
    return isSound ? places : null;
  } catch {
    return null;
  }
}

function prepare(database: DatabaseSync) {
  return {
    page: database.prepare(
      'SELECT key, version, record AS text, shape, indexes FROM old_records WHERE key > ? ORDER BY key LIMIT ?',
    ),
    entriesOf: database.prepare('SELECT list, score FROM old_entries WHERE key = ?'),
    insert: database.prepare('INSERT INTO records (id, key, version, record, lists) VALUES (?, ?, ?, ?, ?)'),
    addKey: database.prepare('INSERT INTO keys (number, row) VALUES (?, ?)'),
    find: database.prepare(
      'SELECT r.id FROM keys k CROSS JOIN records r ON r.id = k.row WHERE k.number = ? AND r.key = ?',
    ),
    entry: database.prepare('INSERT INTO entries (list, score, tie, row) VALUES (?, ?, ?, ?)'),
    touched: database.prepare('SELECT at FROM old_touches WHERE key = ?'),
    touch: database.prepare('INSERT INTO touches (row, at) VALUES (?, ?)'),
    scopes: database.prepare('SELECT scope, day FROM old_scope_uses WHERE key = ?'),
    touchScope: database.prepare('INSERT INTO scope_uses (row, scope, day) VALUES (?, ?, ?)'),
    changes: database.prepare(
      'SELECT revision, keys, committed_at FROM old_changes WHERE revision > ? ORDER BY revision LIMIT ?',
    ),
    log: database.prepare('INSERT INTO changes (revision, rows, committed_at) VALUES (?, ?, ?)'),
  };
}
