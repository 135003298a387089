/** The SQL by which the embedded store is asked, prepared once. Decides nothing. */
import type { DatabaseSync } from 'node:sqlite';
import type { ChangeEvent } from '../store.ts';

/** Plain `?` only: Node 22 takes a numbered one for a name. */
export type Row = { key: string; text: string; shape: number | null; version: number; score: number };

export function prepare(database: DatabaseSync) {
  return {
    get: database.prepare('SELECT record AS text, shape, version FROM records WHERE key = ?'),
    scan: database.prepare(
      `SELECT e.key, e.score, r.record AS text, r.shape, r.version FROM entries e JOIN records r ON r.key = e.key
       WHERE e.list = (SELECT id FROM lists WHERE name = ?) AND e.score > ? AND (e.score, e.key) > (?, ?) ORDER BY e.score, e.key LIMIT ?`,
    ),
    count: database.prepare(
      'SELECT count(*) AS total FROM entries WHERE list = (SELECT id FROM lists WHERE name = ?) AND score > ?',
    ),
    since: database.prepare(
      'SELECT revision, keys, committed_at FROM changes WHERE revision > ? ORDER BY revision LIMIT ?',
    ),
    touch: database.prepare(
      `INSERT INTO touches (key, at)
       SELECT value ->> 0, value ->> 1 FROM json_each(?) WHERE EXISTS (SELECT 1 FROM records WHERE key = value ->> 0)
       ON CONFLICT (key) DO UPDATE SET at = excluded.at WHERE excluded.at > at`,
    ),
    touchScopes: database.prepare(
      `INSERT INTO scope_uses (key, scope, day)
       SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?) WHERE EXISTS (SELECT 1 FROM records WHERE key = value ->> 0)
       ON CONFLICT (key, scope) DO UPDATE SET day = excluded.day WHERE excluded.day > day AND scope <> ''`,
    ),
    scopesUsed: database.prepare('SELECT scope, day FROM scope_uses WHERE key = ?'),
    touched: database.prepare('SELECT at FROM touches WHERE key = ?'),
    oldest: database.prepare('SELECT min(revision) AS revision FROM changes'),
    newest: database.prepare('SELECT max(revision) AS revision FROM changes'),
    dataVersion: database.prepare('PRAGMA data_version'),
  };
}

/** Oldest first. */
export function noticesSince({ since }: ReturnType<typeof prepare>, revision: number, limit: number): ChangeEvent[] {
  const rows = since.all(revision, limit) as Array<{ revision: number; keys: string; committed_at: number }>;
  return rows.map((row) => ({
    revision: row.revision,
    keys: JSON.parse(row.keys) as string[],
    committedAtMs: row.committed_at,
  }));
}
