/**
 * The SQLite file's shape, version by version. A migration is never edited once released, only followed by another;
 * a file from a newer scopegate is refused rather than guessed at.
 */
import type { DatabaseSync } from 'node:sqlite';

const MIGRATIONS: readonly string[] = [
  `CREATE TABLE records (key TEXT PRIMARY KEY, version INTEGER NOT NULL, record TEXT NOT NULL, indexes TEXT NOT NULL) WITHOUT ROWID, STRICT;
   CREATE TABLE entries (name TEXT NOT NULL, score REAL NOT NULL, key TEXT NOT NULL, PRIMARY KEY (name, score, key)) WITHOUT ROWID, STRICT;
   CREATE TABLE changes (revision INTEGER PRIMARY KEY AUTOINCREMENT, keys TEXT NOT NULL) STRICT;`,
];

/** 'scop' in ASCII: tells our files from other SQLite files. */
const APPLICATION_ID = 0x73636f70;

/** Brings the file to the newest version, in one transaction. Throws when it is not ours or newer than we are. */
export function migrate(database: DatabaseSync): void {
  const pragma = (name: string) => Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = pragma('user_version');
    const tables = database.prepare('SELECT count(*) AS total FROM sqlite_schema').get() as { total: number };
    if (pragma('application_id') !== APPLICATION_ID && tables.total > 0)
      throw new Error('it belongs to another program');
    if (version > MIGRATIONS.length) throw new Error(`it was written by a newer scopegate (version ${version})`);
    for (const migration of MIGRATIONS.slice(version)) database.exec(migration);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${MIGRATIONS.length}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
