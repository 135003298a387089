/**
 * The SQLite file's shape, version by version. A migration is never edited once released, only followed by another;
 * a file from a newer scopegate is refused rather than guessed at.
 */
import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { compactRows } from './compact-rows.ts';
import { numberLists } from './number-lists.ts';
import { shapeRecords } from './shape-records.ts';

type Migration = string | ((database: DatabaseSync) => void);

const MIGRATIONS: readonly Migration[] = [
  `CREATE TABLE records (key TEXT PRIMARY KEY, version INTEGER NOT NULL, record TEXT NOT NULL, indexes TEXT NOT NULL) WITHOUT ROWID, STRICT;
   CREATE TABLE entries (name TEXT NOT NULL, score REAL NOT NULL, key TEXT NOT NULL, PRIMARY KEY (name, score, key)) WITHOUT ROWID, STRICT;
   CREATE TABLE changes (revision INTEGER PRIMARY KEY AUTOINCREMENT, keys TEXT NOT NULL) STRICT;`,
  'ALTER TABLE changes ADD COLUMN committed_at INTEGER NOT NULL DEFAULT 0;',
  'CREATE TABLE touches (key TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID, STRICT;',
  numberLists,
  shapeRecords,
  'CREATE TABLE scope_uses (key TEXT NOT NULL, scope TEXT NOT NULL, day INTEGER NOT NULL, PRIMARY KEY (key, scope)) WITHOUT ROWID, STRICT;',
  compactRows,
];

/** 'scop' in ASCII: tells our files from other SQLite files. */
const APPLICATION_ID = 0x73636f70;

/**
 * Throws when the file is not ours or newer than we are; only reads. In one transaction: another process may be making
 * the file at this moment, and half of what it wrote is nobody's.
 */
export function checkFile(database: DatabaseSync): void {
  database.exec('BEGIN');
  try {
    checkOurs(database);
  } finally {
    database.exec('ROLLBACK');
  }
}

/** A larger file would hold up the start; `PRAGMA integrity_check` by hand looks at it. */
const LOOKED_AT_MAX_BYTES = 1 << 30;

/** Throws when pages of the file contradict each other: what is read from it could not be believed. */
export function checkSound(database: DatabaseSync, path: string): void {
  if (statSync(path).size > LOOKED_AT_MAX_BYTES) return;
  const found = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {})[0];
  if (found === 'ok') return;
  const [first = ''] = String(found)
    .split('\n')
    .filter((line) => !line.startsWith('***'));
  throw new Error(`it is damaged (${first}); restore a backup (docs/backup.md)`);
}

/** Returns the file's version, 0 for a new one. */
function checkOurs(database: DatabaseSync): number {
  const pragma = (name: string) => Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  const [owner, version] = [pragma('application_id'), pragma('user_version')];
  const { total } = database.prepare('SELECT count(*) AS total FROM sqlite_schema').get() as { total: number };
  const isNew = owner === 0 && version === 0 && total === 0;
  if (owner !== APPLICATION_ID && !isNew) throw new Error('it belongs to another program');
  if (version > MIGRATIONS.length) throw new Error(`it was written by a newer scopegate (version ${version})`);
  return version;
}

/** How long a start waits while another process brings a large file up to date. */
const OTHERS_MS = 1_800_000;

/**
 * Brings the file to the newest version, in one transaction: killed in the middle, it is as it was. Of several processes
 * one does it, and the others wait. Throws as `checkFile` does.
 */
export function migrateFile(database: DatabaseSync): void {
  // One look, since another process may be making the file: whose it is, is judged within the transaction.
  const { user_version: found } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  const isOld = found > 0 && found < MIGRATIONS.length;
  if (isOld) database.exec(`PRAGMA busy_timeout = ${OTHERS_MS}; PRAGMA cache_size = -65536`);
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = checkOurs(database);
    if (version < MIGRATIONS.length) {
      for (const migration of MIGRATIONS.slice(version)) {
        if (typeof migration === 'string') database.exec(migration);
        else migration(database);
      }
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${MIGRATIONS.length}`);
    }
    database.exec('COMMIT');
  } catch (error) {
    // A full disk has ended it already.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
  if (isOld) database.exec('PRAGMA cache_size = -2000');
}
