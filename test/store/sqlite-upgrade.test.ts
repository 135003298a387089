/**
 * A database file as an older scopegate has left it, under today's: what was in it is in it, however the start goes. The
 * recorded file is of version 3; how it was made: test/format/make-everything.ts.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { migrateFile } from '../../src/store/sqlite/migrations.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import type { IndexEntry } from '../../src/store/store.ts';
import { putFile } from '../format/recorded.ts';

interface Before {
  readonly records: ReadonlyArray<{ key: string; version: number; record: string; indexes: string }>;
  readonly entries: ReadonlyArray<{ name: string; score: number; key: string }>;
}

let folder: string;
let path: string;
let before: Before;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'scopegate-upgrade-'));
  path = putFile(join(folder, 'data'));
  before = inFile((database) => ({
    records: database.prepare('SELECT * FROM records ORDER BY key').all() as never,
    entries: database.prepare('SELECT * FROM entries ORDER BY name, score, key').all() as never,
  }));
});
afterEach(() => rmSync(folder, { recursive: true }));

function inFile<T>(work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path);
  try {
    return work(database);
  } finally {
    database.close();
  }
}

const sorted = (indexes: readonly IndexEntry[]) => indexes.toSorted((one, other) => (one.index < other.index ? -1 : 1));

async function expectAllOfIt(): Promise<void> {
  const store = new SqliteStore(path);
  const { records, next } = await store.export(null, 100_000);
  expect(next).toBeNull();
  expect(records.map((record) => ({ ...record, indexes: sorted(record.indexes) }))).toEqual(
    before.records.map(({ key, version, record, indexes }) => ({
      ...{ key, version, record: JSON.parse(record) as unknown },
      indexes: sorted(JSON.parse(indexes) as IndexEntry[]),
    })),
  );
  const found = [];
  for (const name of new Set(before.entries.map((entry) => entry.name)))
    for (const { score, key } of await store.scan(name, { limit: 100_000 })) found.push({ name, score, key });
  expect(found).toEqual(before.entries.map((entry) => ({ ...entry })));
  await store.close();
  expect(inFile((database) => database.prepare('PRAGMA integrity_check').get())).toEqual({ integrity_check: 'ok' });
}

it('has every record, in every list, in its order', async () => {
  expect(before.records.length).toBeGreaterThan(200);
  expect(before.entries.length).toBeGreaterThan(400);
  await expectAllOfIt();
  await expectAllOfIt();
});

it('takes changes as before: a record that goes leaves its lists, and a list that is empty leaves no name', async () => {
  const store = new SqliteStore(path);
  const writes = before.records.map(({ key }) => ({ key, record: null }));
  expect(await store.commit({ expects: [], writes })).toMatchObject({ ok: true });
  await store.close();
  for (const table of ['records', 'entries', 'lists'])
    expect(inFile((database) => database.prepare(`SELECT count(*) AS total FROM ${table}`).get())).toEqual({
      total: 0,
    });
});

it('that cannot be brought up to date is as it was, and the next start does it', async () => {
  const version = () => inFile((database) => database.prepare('PRAGMA user_version').get());
  const was = version();
  inFile((database) => {
    const exec = database.exec.bind(database);
    database.exec = (sql: string) => {
      // The very last step.
      if (sql.includes('user_version')) throw new Error('the disk is full');
      exec(sql);
    };
    expect(() => migrateFile(database)).toThrow('the disk is full');
  });
  expect(version()).toEqual(was);
  expect(inFile((database) => database.prepare('SELECT * FROM records ORDER BY key').all())).toEqual(before.records);
  await expectAllOfIt();
});

it('is brought up to date once where several processes start at the same moment, however long that takes', async () => {
  const url = new URL('../../src/store/sqlite/store.ts', import.meta.url).href;
  const code = `
    const { SqliteStore } = await import(${JSON.stringify(url)});
    const store = new SqliteStore(${JSON.stringify(path)});
    console.log(await store.size());
    await store.close();`;
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code]),
  );
  const outcomes = children.map(async (child) => {
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
    return [(await once(child, 'close'))[0], said];
  });
  for (const outcome of outcomes) expect(await outcome).toEqual([0, `${before.records.length}\n`]);
  await expectAllOfIt();
});

it('in which it cannot be told where a record stands goes on being refused for that record alone', async () => {
  const [damaged, sound] = [before.records[0]!.key, before.records[1]!.key];
  inFile((database) => database.prepare(`UPDATE records SET indexes = '[{"ind' WHERE key = ?`).run(damaged));
  const store = new SqliteStore(path);
  await expect(store.exported([damaged])).rejects.toThrow();
  await expect(store.commit({ expects: [], writes: [{ key: damaged, record: null }] })).rejects.toThrow();
  expect(await store.exported([sound])).toMatchObject([{ key: sound }]);
  await store.close();
});
