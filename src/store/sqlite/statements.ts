/** The SQL by which the embedded store is asked, prepared once. Decides nothing. */
import type { DatabaseSync } from 'node:sqlite';

/** Plain `?` only: Node 22 takes a numbered one for a name. */
export interface ScannedRow {
  readonly key: Uint8Array;
  readonly version: number;
  readonly record: unknown;
  readonly score: number;
  readonly tie: string;
}

export function prepare(database: DatabaseSync) {
  return {
    scan: database.prepare(
      `SELECT e.score, e.tie, r.key, r.version, r.record FROM entries e CROSS JOIN records r ON r.id = e.row
       WHERE e.list = (SELECT id FROM lists WHERE name = ?) AND (e.score, e.tie, e.row) > (?, ?, ?)
       ORDER BY e.score, e.tie, e.row LIMIT ?`,
    ),
    scanText: database.prepare(
      `SELECT e.score, e.tie, r.key, r.version, r.record FROM entries e CROSS JOIN records r ON r.id = e.row
       WHERE e.list = (SELECT id FROM lists WHERE name = ?) AND e.score = 0 AND (e.tie, e.row) > (?, ?) AND e.tie < ?
       ORDER BY e.tie, e.row LIMIT ?`,
    ),
    scanBack: database.prepare(
      `SELECT e.score, e.tie, r.key, r.version, r.record FROM entries e CROSS JOIN records r ON r.id = e.row
       WHERE e.list = (SELECT id FROM lists WHERE name = ?) AND e.score > ? AND (e.score, e.tie, e.row) < (?, ?, ?)
       ORDER BY e.score DESC, e.tie DESC, e.row DESC LIMIT ?`,
    ),
    count: database.prepare(
      `SELECT count(*) AS total FROM (SELECT 1 FROM entries
       WHERE list = (SELECT id FROM lists WHERE name = ?) AND score > ? AND score <= ? LIMIT ?)`,
    ),
    countText: database.prepare(
      `SELECT count(*) AS total FROM (SELECT 1 FROM entries
       WHERE list = (SELECT id FROM lists WHERE name = ?) AND score = 0 AND tie > ? AND tie < ? LIMIT ?)`,
    ),
    since: database.prepare(
      'SELECT revision, rows, committed_at FROM changes WHERE revision > ? ORDER BY revision LIMIT ?',
    ),
    keyOf: database.prepare('SELECT key FROM records WHERE id = ?'),
    oldest: database.prepare('SELECT min(revision) AS revision FROM changes'),
    newest: database.prepare('SELECT max(revision) AS revision FROM changes'),
    dataVersion: database.prepare('PRAGMA data_version'),
  };
}
