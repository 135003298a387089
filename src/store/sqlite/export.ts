/** How the embedded store is read whole: row by row, each record with its entries, of which none may be missing. Changes nothing. */
import type { DatabaseSync } from 'node:sqlite';
import type { Exported, ExportedPage } from '../exportable.ts';
import type { IndexEntry } from '../store.ts';
import { entryOf, type FoundRow, type SqliteRows, tieOf } from './rows.ts';

export class SqliteExport {
  readonly #database: DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #rows: SqliteRows;

  constructor(database: DatabaseSync, rows: SqliteRows) {
    this.#database = database;
    this.#rows = rows;
    this.#statements = prepare(database);
  }

  page(cursor: string | null, limit: number): ExportedPage {
    return this.#atOnce(() => {
      const found = this.#statements.after.all(Number(cursor ?? 0), limit) as unknown as Array<
        FoundRow & { key: Uint8Array }
      >;
      const next = found.length < limit ? null : String(found.at(-1)!.id);
      return { records: found.map((row) => this.#whole(this.#rows.keyIn(row.key), row)), next };
    });
  }

  these(keys: readonly string[]): Array<Exported | null> {
    return this.#atOnce(() =>
      keys.map((key) => {
        const row = this.#rows.find(key);
        return row === undefined || row.record === null ? null : this.#whole(key, row);
      }),
    );
  }

  size(): number {
    return (this.#statements.size.get() as { total: number }).total;
  }

  /** Between a record and its entries another process may write others. */
  #atOnce<T>(read: () => T): T {
    if (this.#database.isTransaction) return read();
    this.#database.exec('BEGIN');
    try {
      return read();
    } finally {
      this.#database.exec('COMMIT');
    }
  }

  #whole(key: string, { id, version, record, lists }: FoundRow): Exported {
    const entries = this.#rows.listsOf(key, lists).flatMap(([order, ...numbers]) =>
      numbers.map((list): IndexEntry => {
        const place = entryOf(list, order, tieOf(key), id);
        const found = this.#statements.entry.get(...place) as { name: string | null } | undefined;
        const name = found?.name ?? null;
        if (name === null) throw new Error(`the record ${key} is missing in its list ${this.#named(list)}`);
        return typeof order === 'string' ? { index: name, score: 0, text: order } : { index: name, score: order };
      }),
    );
    return { key, record: this.#rows.decoded(key, record), version, indexes: entries };
  }

  #named(list: number): string {
    return (this.#statements.name.get(list) as { name: string } | undefined)?.name ?? `number ${list}`;
  }
}

function prepare(database: DatabaseSync) {
  return {
    after: database.prepare(
      'SELECT id, key, version, record, lists FROM records WHERE id > ? AND record IS NOT NULL ORDER BY id LIMIT ?',
    ),
    entry: database.prepare(
      `SELECT (SELECT name FROM lists WHERE id = list) AS name FROM entries
       WHERE list = ? AND score = ? AND tie = ? AND row = ?`,
    ),
    name: database.prepare('SELECT name FROM lists WHERE id = ?'),
    size: database.prepare(
      'SELECT (SELECT count(*) FROM keys) - (SELECT count(*) FROM records WHERE record IS NULL) AS total',
    ),
  };
}
