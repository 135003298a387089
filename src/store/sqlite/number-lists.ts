/**
 * From the file's version 3 to 4: lists by number in place of their names, in every entry and every record. Within the
 * transaction of whoever calls; what cannot be read stays as it is, and goes on being refused.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { IndexEntry } from '../store.ts';
import { ListNumbers } from './lists.ts';

const PAGE = 1000;

export function numberLists(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE lists (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE) STRICT;
    INSERT INTO lists (name) SELECT DISTINCT name FROM entries ORDER BY name;
    ALTER TABLE entries RENAME TO entries_by_name;
    CREATE TABLE entries (list INTEGER NOT NULL, score REAL NOT NULL, key TEXT NOT NULL, PRIMARY KEY (list, score, key)) WITHOUT ROWID, STRICT;
    INSERT INTO entries (list, score, key)
      SELECT l.id, e.score, e.key FROM entries_by_name e JOIN lists l ON l.name = e.name ORDER BY e.name, e.score, e.key;
    DROP TABLE entries_by_name;`);
  const lists = new ListNumbers(database);
  const page = database.prepare('SELECT key, indexes FROM records WHERE key > ? ORDER BY key LIMIT ?');
  const put = database.prepare('UPDATE records SET indexes = ? WHERE key = ?');
  for (let after = ''; ; ) {
    const rows = page.all(after, PAGE) as Array<{ key: string; indexes: string }>;
    for (const { key, indexes } of rows) {
      const entries = entriesIn(indexes);
      if (entries !== null) put.run(JSON.stringify(lists.numberedOf(entries)), key);
    }
    if (rows.length < PAGE) return;
    after = rows.at(-1)!.key;
  }
}

/** null: nothing to rewrite, or nothing that was written as entries. */
function entriesIn(text: string): readonly IndexEntry[] | null {
  try {
    const entries = JSON.parse(text) as IndexEntry[];
    const isSound = entries.every(({ index, score }) => typeof index === 'string' && Number.isFinite(score));
    return isSound && entries.length > 0 ? entries : null;
  } catch {
    return null;
  }
}
