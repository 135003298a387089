/** A record's row in a database file, changed behind the store's back. */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { SqliteRows } from '../../src/store/sqlite/rows.ts';
import { SqliteShared } from '../../src/store/sqlite/shared.ts';

/** `sql`: its last `?` stands for the number of the row. Throws where the key has none. */
export function changeRow(path: string, key: string, sql: string, ...values: SQLInputValue[]): void {
  const database = new DatabaseSync(path);
  try {
    const row = new SqliteRows(database, new SqliteShared(database)).find(key);
    if (row === undefined) throw new Error(`${key} has no row in ${path}`);
    database.prepare(sql).run(...values, row.id);
  } finally {
    database.close();
  }
}

/** In place of the record stands this text, as if a commit had written it. */
export function rewriteRow(path: string, key: string, text: string): void {
  const bytes = Buffer.concat([Buffer.of(0), Buffer.from(text)]);
  const sum = Buffer.alloc(2);
  sum.writeUInt16BE(crc32(bytes, crc32(key)) & 0xffff);
  changeRow(path, key, 'UPDATE records SET record = ? WHERE id = ?', Buffer.concat([bytes, sum]));
}

/** In place of the record stands what no commit has written. */
export function damageRow(path: string, key: string): void {
  changeRow(path, key, 'UPDATE records SET record = ? WHERE id = ?', Buffer.from('{"cut off'));
}
