/**
 * When records were last used and with which scopes: beside them, by their rows, and in the list of uses by day. Tells nobody,
 * and moves no version.
 */
import type { DatabaseSync } from 'node:sqlite';
import { dayOf, type ScopeUses, scopeUsesOf, type Touch } from '../store.ts';
import type { SqliteRows } from './rows.ts';
import type { SqliteShared } from './shared.ts';
import type { SqliteWriter } from './writer.ts';

export class SqliteTouches {
  readonly #database: DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #rows: SqliteRows;
  readonly #shared: SqliteShared;
  readonly #writer: SqliteWriter;

  constructor(database: DatabaseSync, rows: SqliteRows, shared: SqliteShared, writer: SqliteWriter) {
    this.#database = database;
    this.#statements = prepare(database);
    this.#rows = rows;
    this.#shared = shared;
    this.#writer = writer;
  }

  /** All of them or none; of what is not there, nothing. */
  write(touches: readonly Touch[]): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      this.#writer.begin();
      for (const touch of touches) this.#write(touch);
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#writer.forget();
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  lastUse(key: string): number | null {
    const row = this.#rowOf(key);
    return row === null ? null : this.#lastOf(row);
  }

  scopeUses(key: string): ScopeUses {
    const row = this.#rowOf(key);
    const found = row === null ? [] : (this.#statements.scopes.all(row) as Array<{ scope: number; day: number }>);
    return scopeUsesOf(found.map(({ scope, day }) => [String(this.#shared.known.valueOf(scope)), day]));
  }

  #write({ key, atMs, scopes = [] }: Touch): void {
    const row = this.#rowOf(key);
    if (row === null) return;
    this.#noteUse(key, row, atMs);
    if (scopes.length === 0) return;
    for (const scope of ['', ...scopes]) {
      const json = JSON.stringify(scope);
      const number = this.#shared.giving.numberOf(json);
      if (number !== null) this.#statements.touchScope.run(row, number, dayOf(atMs), scope);
    }
  }

  #noteUse(key: string, row: number, atMs: number): void {
    const before = this.#lastOf(row);
    if (before !== null && before > atMs) return;
    this.#statements.touch.run(row, atMs);
    const isKnown = before !== null && dayOf(before) === dayOf(atMs);
    if (isKnown && before !== atMs) return;
    if (before !== null && !isKnown) this.#statements.leave.run(...this.#writer.useOf(key, row, before));
    this.#statements.enter.run(...this.#writer.useOf(key, row, atMs));
  }

  #lastOf(row: number): number | null {
    return (this.#statements.last.get(row) as { at: number } | undefined)?.at ?? null;
  }

  #rowOf(key: string): number | null {
    const found = this.#rows.find(key);
    return found === undefined || found.record === null ? null : found.id;
  }
}

function prepare(database: DatabaseSync) {
  return {
    touch: database.prepare(
      'INSERT INTO touches (row, at) VALUES (?, ?) ON CONFLICT (row) DO UPDATE SET at = excluded.at WHERE excluded.at > at',
    ),
    leave: database.prepare('DELETE FROM entries WHERE list = ? AND score = ? AND tie = ? AND row = ?'),
    enter: database.prepare('INSERT OR IGNORE INTO entries (list, score, tie, row) VALUES (?, ?, ?, ?)'),
    touchScope: database.prepare(
      `INSERT INTO scope_uses (row, scope, day) VALUES (?, ?, ?)
       ON CONFLICT (row, scope) DO UPDATE SET day = excluded.day WHERE excluded.day > day AND ? <> ''`,
    ),
    last: database.prepare('SELECT at FROM touches WHERE row = ?'),
    scopes: database.prepare('SELECT scope, day FROM scope_uses WHERE row = ?'),
  };
}
