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
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Exported, isSame } from '../../src/store/exportable.ts';
import { isMade } from '../../src/store/sqlite/key-number.ts';
import { migrateFile } from '../../src/store/sqlite/migrations.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import type { ChangeEvent, IndexEntry } from '../../src/store/store.ts';
import { file6Said, putFile, putFile6 } from '../format/recorded.ts';

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

/** As bytes, which is how the file had them. */
const byKey = (one: { key: string }, other: { key: string }) =>
  Buffer.compare(Buffer.from(one.key), Buffer.from(other.key));
const sorted = (indexes: readonly IndexEntry[]) => indexes.toSorted((one, other) => (one.index < other.index ? -1 : 1));

async function expectAllOfIt(): Promise<void> {
  const store = new SqliteStore(path);
  const { records, next } = await store.export(null, 100_000);
  expect(next).toBeNull();
  expect(records.toSorted(byKey).map((record) => ({ ...record, indexes: sorted(record.indexes) }))).toEqual(
    before.records.map(({ key, version, record, indexes }) => ({
      ...{ key, version, record: JSON.parse(record) as unknown },
      indexes: sorted(JSON.parse(indexes) as IndexEntry[]),
    })),
  );
  const found = [];
  for (const name of new Set(before.entries.map((entry) => entry.name)))
    for (const { score, key } of await store.scan(name, { limit: 100_000 })) found.push({ name, score, key });
  // Among entries of one score what we have made comes first.
  const wanted = before.entries.toSorted((one, other) =>
    one.name !== other.name || one.score !== other.score ? 0 : Number(isMade(other.key)) - Number(isMade(one.key)),
  );
  expect(found).toEqual(wanted.map((entry) => ({ ...entry })));
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
  const left = (of: string) => inFile((database) => database.prepare(`SELECT count(*) AS total FROM ${of}`).get());
  for (const of of ['records WHERE record IS NOT NULL', 'entries', 'lists', 'touches', 'scope_uses'])
    expect(left(of)).toEqual({ total: 0 });
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

describe('a file of version 6', () => {
  interface Said {
    readonly records: readonly Exported[];
    readonly lists: ReadonlyArray<readonly [string, ReadonlyArray<readonly [string, number]>]>;
    readonly touched: ReadonlyArray<number | null>;
    readonly scopes: ReadonlyArray<{
      readonly days: ReadonlyArray<readonly [string, number]>;
      readonly sinceDay: number | null;
    }>;
    readonly changes: readonly ChangeEvent[];
    readonly revision: number;
  }
  /** What its own code said of it (test/format/make-file-6.ts). */
  const said = file6Said() as Said;
  const keys = said.records.map(({ key }) => key);

  beforeEach(() => {
    path = putFile6(join(folder, 'six'));
  });

  async function expectAsSaid(store: SqliteStore): Promise<void> {
    const found = await store.exported(keys);
    for (const [nth, record] of said.records.entries()) {
      expect(isSame(found[nth]!, record), record.key).toBe(true);
      expect(found[nth]!.version).toBe(record.version);
    }
    expect((await store.export(null, 100_000)).records).toHaveLength(keys.length);
    expect(await store.size()).toBe(keys.length);
    for (const [index, entries] of said.lists) {
      const scanned = (await store.scan(index, { limit: 100_000 })).map(({ key, score }) => [key, score]);
      expect(scanned.map(String).toSorted(), index).toEqual(entries.map(String).toSorted());
      const own = (found: ReadonlyArray<readonly unknown[]>) => found.filter(([key]) => isMade(key as string));
      expect(own(scanned), index).toEqual(own(entries));
      expect(scanned.map(([, score]) => score)).toEqual(entries.map(([, score]) => score));
    }
    expect(await store.touched(keys)).toEqual(said.touched);
    const scopes = await store.scopesUsed(keys);
    expect(scopes.map(({ days, sinceDay }) => ({ days: [...days].sort(), sinceDay }))).toEqual(said.scopes);
  }

  it('says what its own code said of it, and goes on', async () => {
    const store = new SqliteStore(path);
    await expectAsSaid(store);
    expect(await store.revision()).toBe(said.revision);
    expect(await store.changesSince(said.revision - 20, 100)).toEqual(said.changes);
    const added = await store.commit({ expects: [{ key: 'new', version: 0 }], writes: [{ key: 'new', record: 1 }] });
    expect(added).toEqual({ ok: true, revision: said.revision + 1 });
    await store.commit({ expects: [], writes: [{ key: 'new', record: null }] });
    await store.close();
    const again = new SqliteStore(path);
    await expectAsSaid(again);
    await again.close();
    expect(inFile((database) => database.prepare('PRAGMA integrity_check').get())).toEqual({ integrity_check: 'ok' });
  });

  it('of which something was damaged goes on being refused for that alone', async () => {
    const [unread, unplaced] = [keys[3]!, keys[4]!];
    inFile((database) => {
      database.prepare("UPDATE records SET record = '{\"cut' WHERE key = ?").run(unread);
      database.prepare("UPDATE records SET indexes = '[[1,' WHERE key = ?").run(unplaced);
    });
    const store = new SqliteStore(path);
    expect(store.read(unread)).toMatchObject({ kind: 'unavailable' });
    expect(store.read(unplaced)).toMatchObject({ kind: 'found' });
    await expect(store.exported([unplaced])).rejects.toThrow();
    await expect(store.commit({ expects: [], writes: [{ key: unplaced, record: null }] })).rejects.toThrow();
    // It stands where it stood.
    for (const { index } of said.records[4]!.indexes)
      expect(await store.count(index, Number.NEGATIVE_INFINITY)).toBe(
        said.lists.find(([name]) => name === index)![1].length,
      );
    await store.close();
  });
});
