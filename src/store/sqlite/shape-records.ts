/**
 * From the file's version 4 to 5: records as lists of their values, with the names of their fields apart. Within the
 * transaction of whoever calls; what cannot be read stays as it is, and goes on being refused.
 */
import type { DatabaseSync } from 'node:sqlite';
import { RecordShapes } from './shapes.ts';

const PAGE = 1000;

export function shapeRecords(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE shapes (id INTEGER PRIMARY KEY AUTOINCREMENT, fields TEXT NOT NULL UNIQUE) STRICT;
    ALTER TABLE records ADD COLUMN shape INTEGER;`);
  const shapes = new RecordShapes(database);
  const page = database.prepare('SELECT key, record FROM records WHERE key > ? ORDER BY key LIMIT ?');
  const put = database.prepare('UPDATE records SET record = ?, shape = ? WHERE key = ?');
  for (let after = ''; ; ) {
    const rows = page.all(after, PAGE) as Array<{ key: string; record: string }>;
    for (const { key, record } of rows) {
      const read = readJson(record);
      if (read === undefined) continue;
      const { text, shape } = shapes.textOf(read);
      if (shape !== null) put.run(text, shape, key);
    }
    if (rows.length < PAGE) return;
    after = rows.at(-1)!.key;
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
