/** How the embedded store is read whole: by key, each record with its entries, of which none may be missing. Changes nothing. */
import type { DatabaseSync } from 'node:sqlite';
import type { Exported, ExportedPage } from '../exportable.ts';
import type { IndexEntry } from '../store.ts';
import { readNumberedLists } from './lists.ts';
import type { RecordShapes } from './shapes.ts';

type Row = { key: string; text: string; shape: number | null; version: number; indexes: string };

export class SqliteExport {
  readonly #database: DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #shapes: RecordShapes;

  constructor(database: DatabaseSync, shapes: RecordShapes) {
    this.#database = database;
    this.#shapes = shapes;
    this.#statements = prepare(database);
  }

  page(cursor: string | null, limit: number): ExportedPage {
    return this.#atOnce(() => {
      const rows = this.#statements.after.all(cursor ?? '', limit) as Row[];
      const next = rows.length < limit ? null : rows.at(-1)!.key;
      return { records: rows.map((row) => this.#whole(row)), next };
    });
  }

  these(keys: readonly string[]): Array<Exported | null> {
    return this.#atOnce(() =>
      keys.map((key) => {
        const row = this.#statements.one.get(key) as Row | undefined;
        return row === undefined ? null : this.#whole(row);
      }),
    );
  }

  size(): number {
    return (this.#statements.size.get() as { total: number }).total;
  }

  /** Between a record and its entries another process may write others. */
  #atOnce<T>(read: () => T): T {
    this.#database.exec('BEGIN');
    try {
      return read();
    } finally {
      this.#database.exec('COMMIT');
    }
  }

  #whole({ key, version, indexes, ...stored }: Row): Exported {
    const entries = readNumberedLists(indexes).flatMap(([score, ...lists]) =>
      lists.map((list): IndexEntry => {
        const found = this.#statements.entry.get(list, score, key) as { name: string | null } | undefined;
        const name = found?.name ?? null;
        if (name === null) throw new Error(`the record ${key} is missing in its list ${this.#named(list)}`);
        return { index: name, score };
      }),
    );
    return { key, record: this.#shapes.recordOf(stored), version, indexes: entries };
  }

  #named(list: number): string {
    return (this.#statements.name.get(list) as { name: string } | undefined)?.name ?? `number ${list}`;
  }
}

function prepare(database: DatabaseSync) {
  return {
    after: database.prepare(
      'SELECT key, record AS text, shape, version, indexes FROM records WHERE key > ? ORDER BY key LIMIT ?',
    ),
    one: database.prepare('SELECT key, record AS text, shape, version, indexes FROM records WHERE key = ?'),
    entry: database.prepare(
      `SELECT (SELECT name FROM lists WHERE id = list) AS name FROM entries WHERE list = ? AND score = ? AND key = ?`,
    ),
    name: database.prepare('SELECT name FROM lists WHERE id = ?'),
    size: database.prepare('SELECT count(*) AS total FROM records'),
  };
}
