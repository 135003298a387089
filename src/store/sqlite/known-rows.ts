/**
 * What a writer knows of the file without asking it: the newest revision, the last row, rows that are written or expected
 * again and again, and which keys nobody can have written yet. True for as long as no other connection writes, which is
 * looked at when a transaction begins; within one nobody else can. Writes nothing.
 */
import type { DatabaseSync } from 'node:sqlite';
import { isMade } from './key-number.ts';
import type { SqliteRows } from './rows.ts';

/** A row as the next write finds it. */
export interface StoredRow {
  readonly id: number;
  readonly version: number;
  readonly isThere: boolean;
  /** As bytes. */
  readonly lists: unknown;
}

/** Rows, and numbers of keys, that are remembered; past it all are read again. */
const REMEMBERED_MAX = 10_000;

export class KnownRows {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #rows: SqliteRows;
  readonly #found = new Map<string, StoredRow>();
  /** The highest number of a key that was there, and those above it that have been given since. */
  #highest: number | null = null;
  readonly #above = new Set<number>();
  #revision: number | null = null;
  #lastRow: number | null = null;
  #dataVersion = -1;

  constructor(database: DatabaseSync, rows: SqliteRows) {
    this.#statements = prepare(database);
    this.#rows = rows;
  }

  /** At the begin of a transaction. Returns whether another connection has written meanwhile. */
  begin(): boolean {
    const { data_version: version } = this.#statements.dataVersion.get() as { data_version: number };
    if (version === this.#dataVersion) return false;
    this.forget();
    this.#dataVersion = version;
    return true;
  }

  /** What was written in a transaction that was not made is not there. */
  forget(): void {
    this.#found.clear();
    this.#above.clear();
    this.#highest = null;
    this.#revision = null;
    this.#lastRow = null;
  }

  get revision(): number {
    this.#revision ??= read(this.#statements.revision) ?? 0;
    return this.#revision;
  }

  set revision(revision: number) {
    this.#revision = revision;
  }

  /** The number of a new row. */
  nextRow(): number {
    this.#lastRow = (this.#lastRow ?? read(this.#statements.lastRow) ?? 0) + 1;
    return this.#lastRow;
  }

  /** `number`: the key's. */
  find(key: string, number: number): StoredRow | undefined {
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    this.#highest ??= read(this.#statements.highest) ?? Number.NEGATIVE_INFINITY;
    if (number > this.#highest && !this.#above.has(number)) return undefined;
    const row = this.#rows.find(key);
    if (row === undefined) return undefined;
    const found = { id: row.id, version: row.version, isThere: row.record !== null, lists: row.lists };
    this.remember(key, found);
    return found;
  }

  /** What is written again and again, or expected: what is there once and many times over is not asked for twice. */
  remember(key: string, row: StoredRow): void {
    if (isMade(key)) return;
    if (this.#found.size >= REMEMBERED_MAX) this.#found.clear();
    this.#found.set(key, row);
  }

  /** The number of a key that was not. */
  added(number: number): void {
    if (this.#highest === null || number <= this.#highest) return;
    this.#above.add(number);
    if (this.#above.size < REMEMBERED_MAX) return;
    this.#highest = Math.max(...this.#above);
    this.#above.clear();
  }
}

function read(statement: { get(): unknown }): number | null {
  return (statement.get() as { value: number | null }).value;
}

function prepare(database: DatabaseSync) {
  return {
    dataVersion: database.prepare('PRAGMA data_version'),
    revision: database.prepare('SELECT max(revision) AS value FROM changes'),
    lastRow: database.prepare('SELECT max(id) AS value FROM records'),
    highest: database.prepare('SELECT max(number) AS value FROM keys'),
  };
}
