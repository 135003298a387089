/** A file that is being filled: SQLite is given more memory and a longer log, until that is over, and promises the same. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SqliteStore } from '../../src/store/sqlite/store.ts';

let folder: string;
let store: SqliteStore;
let connection: DatabaseSync;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  folder = mkdtempSync(join(tmpdir(), 'scopegate-bulk-'));
  // Nothing outside the connection can ask for its settings, so the connection is caught on its way.
  const exec = DatabaseSync.prototype.exec;
  DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
    connection = this;
    return exec.call(this, sql);
  };
  store = new SqliteStore(join(folder, 'store.db'));
  DatabaseSync.prototype.exec = exec;
});
afterEach(async () => {
  vi.useRealTimers();
  await store.close();
  rmSync(folder, { recursive: true });
});

const settings = () =>
  ['cache_size', 'wal_autocheckpoint', 'synchronous', 'journal_mode'].map(
    (name) => Object.values(connection.prepare(`PRAGMA ${name}`).get()!)[0],
  );
const put = (from: number, count: number) =>
  store.commit({
    expects: [],
    writes: Array.from({ length: count }, (_, nth) => ({ key: `${from + nth}`, record: { nth } })),
  });

const USUAL = [-2000, 1000, 1, 'wal'];
const BULK = [-65536, 16000, 1, 'wal'];

it('has what it has by itself for as long as changes are small', async () => {
  await put(0, 499);
  expect(settings()).toEqual(USUAL);
});

it('has more from the first large change to two seconds after the last one', async () => {
  await put(0, 500);
  expect(settings()).toEqual(BULK);
  vi.advanceTimersByTime(1999);
  await put(500, 500);
  vi.advanceTimersByTime(1999);
  expect(settings()).toEqual(BULK);
  vi.advanceTimersByTime(1);
  expect(settings()).toEqual(USUAL);
  await put(1000, 500);
  expect(settings()).toEqual(BULK);
  expect(await store.size()).toBe(1500);
});

it('that is closed in between is closed', async () => {
  await put(0, 500);
  await store.close();
  expect(() => vi.advanceTimersByTime(10_000)).not.toThrow();
});
