/** Records in a file, as bytes in numbered rows: each comes back as JSON would bring it back, and none is taken for another. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { newTokenId } from '../../src/manage/tokens/token-id.ts';
import { hashToken } from '../../src/secret.ts';
import { keyNumber } from '../../src/store/sqlite/key-number.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import { changeRow } from '../support/row-in-file.ts';

let folder: string;
let path: string;
let store: SqliteStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'scopegate-records-'));
  path = join(folder, 'store.db');
  store = new SqliteStore(path);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const put = (key: string, record: unknown) => store.commit({ expects: [], writes: [{ key, record }] });
const inFile = <T>(work: (database: DatabaseSync) => T): T => {
  const database = new DatabaseSync(path);
  try {
    return work(database);
  } finally {
    database.close();
  }
};
const shared = () =>
  inFile((database) => database.prepare('SELECT count(*) AS total FROM shared').get()!.total) as number;

const TOKEN = {
  ...{
    organizationId: 'acme',
    edition: 'team',
    kind: 'personal',
    scopes: [],
    workspaces: [],
    expiresAtMs: null,
    name: 'n',
  },
  ...{ createdAtMs: 1_800_000_000_000, generation: 1, hash: hashToken('one') },
};

const RECORDS: Readonly<Record<string, unknown>> = {
  'a record of fields': { id: 'a', count: 1, is: true, nothing: null },
  'fields within fields, and deeper': { a: { b: { c: { d: { e: [1, { f: 2 }] } } } }, z: 0 },
  'lists of records': { list: [{ a: 1 }, { a: 2, b: [] }] },
  'what is empty': {},
  'what is empty within': { a: {}, b: [], c: '' },
  'a list': [1, 'two', null],
  'a text': 'text',
  'a field without a value': { a: undefined, b: 1, c: [undefined] },
  'a function and a symbol': { a: () => 1, b: Symbol('b'), c: 1 },
  'what writes itself': { at: new Date(0), own: { toJSON: () => 'own' } },
  'a number that JSON has not': { a: Number.NaN, b: Number.POSITIVE_INFINITY },
  'names that are numbers': { b: 1, 2: 'two', 1: 'one' },
  'names that mean something elsewhere': JSON.parse(
    '{"constructor": 1, "__proto__": {"state": "active"}, "a,b": {"[": 2}}',
  ),
  'names as no other record has them': Object.fromEntries(
    Array.from({ length: 500 }, (_, nth) => [`name ${nth}`, nth]),
  ),
};

it.each(Object.entries(RECORDS))('%s', async (name, record) => {
  await put(name, record);
  // Told by its text: of two objects with one prototype each, the names alone are compared.
  const text = JSON.stringify(record);
  const looked = store.read(name) as { record: unknown };
  const [exported] = await store.exported([name]);
  for (const found of [looked.record, (await store.get(name))!.record, exported!.record]) {
    expect(JSON.stringify(found)).toBe(text);
    expect(Object.getPrototypeOf(found)).toBe(Object.getPrototypeOf(JSON.parse(text)));
  }
});

const of = (nth: number, scopes: readonly string[]) => {
  const id = newTokenId(1_800_000_000_000 + nth);
  const record = { ...TOKEN, id, scopes };
  return { key: `token/acme/${id}`, record };
};

it('what many records have alike is kept once, and another process knows it', async () => {
  const peer = new SqliteStore(path);
  const [first, second, third] = [of(1, ['a:read']), of(2, ['b:read']), of(3, ['b:read'])] as const;
  await store.commit({ expects: [], writes: [first] });
  const total = shared();
  await store.commit({ expects: [], writes: [second] });
  await peer.commit({ expects: [], writes: [third] });
  expect(shared()).toBe(total + 1);
  for (const { key, record } of [first, second, third])
    for (const each of [store, peer]) expect(each.read(key)).toEqual({ kind: 'found', record });
  await peer.close();
});

it('what was given a number in a change that was not made has none', async () => {
  const circle: Record<string, unknown> = { of: 1 };
  circle.self = circle;
  const [lost, taken] = [of(1, ['lost:read']), of(2, ['taken:read'])] as const;
  await expect(store.commit({ expects: [], writes: [lost, { key: 'circle', record: circle }] })).rejects.toThrow();
  expect(shared()).toBe(0);
  await store.commit({ expects: [], writes: [taken] });
  await store.commit({ expects: [], writes: [lost] });
  for (const { key, record } of [lost, taken]) expect(store.read(key)).toEqual({ kind: 'found', record });
});

it.each([
  ['what it shares is lost', 'DELETE FROM shared WHERE value = \'["a:read"]\' AND ? > 0'],
  ['what it shares was altered', 'UPDATE shared SET value = \'["a:write"]\' WHERE value = \'["a:read"]\' AND ? > 0'],
  ['a byte of it was altered', "UPDATE records SET record = CAST(record || x'00' AS BLOB) WHERE id = ?"],
  ['it is text', "UPDATE records SET record = CAST('{}' AS BLOB) WHERE id = ?"],
  ['it is empty', "UPDATE records SET record = x'' WHERE id = ?"],
])('a record cannot be told, and is never taken for absent or for another, when %s', async (_, sql) => {
  const [damaged, sound] = [of(1, ['a:read']), of(2, ['b:read'])] as const;
  await store.commit({ expects: [], writes: [damaged, sound] });
  changeRow(path, damaged.key, sql);
  const peer = new SqliteStore(path);
  expect(peer.read(damaged.key)).toMatchObject({ kind: 'unavailable' });
  await expect(peer.get(damaged.key)).rejects.toThrow();
  await peer.commit({ expects: [], writes: [of(3, ['c:read'])] });
  expect(peer.read(damaged.key)).toMatchObject({ kind: 'unavailable' });
  expect(peer.read(sound.key)).toEqual({ kind: 'found', record: sound.record });
  await peer.commit({ expects: [], writes: [{ key: damaged.key, record: { a: 6 } }] });
  expect(peer.read(damaged.key)).toEqual({ kind: 'found', record: { a: 6 } });
  await peer.close();
});

it('keys of one number are told apart, and one that is gone is not another', async () => {
  const keys = keysOfOneNumber();
  expect(new Set(keys.map(keyNumber)).size).toBe(1);
  for (const [nth, key] of keys.entries()) await put(key, { nth });
  for (const [nth, key] of keys.entries()) expect(store.read(key)).toEqual({ kind: 'found', record: { nth } });
  await put(keys[0]!, null);
  expect(store.read(keys[0]!)).toEqual({ kind: 'absent' });
  expect(store.read(keys[1]!)).toEqual({ kind: 'found', record: { nth: 1 } });
});

/** Made in one millisecond, of a few random bits alike. */
function keysOfOneNumber(): string[] {
  const [first] = [of(1, []).key];
  const same = (key: string) => keyNumber(key) === keyNumber(first);
  const found = [first];
  while (found.length < 5) {
    const { key } = of(1, []);
    if (same(key)) found.push(key);
  }
  return found;
}

it('what was deleted leaves a row for as long as the log tells of it, and then none', async () => {
  await put('gone', 1);
  await put('gone', null);
  const rows = () => inFile((database) => database.prepare('SELECT count(*) AS total FROM records').get()!.total);
  expect(await store.changesSince(0, 10)).toMatchObject([{ keys: ['gone'] }, { keys: ['gone'] }]);
  expect([rows(), await store.size()]).toEqual([1, 0]);
  // As if so many changes had been made meanwhile.
  inFile((database) => database.exec("INSERT INTO changes VALUES (100999, x'', 0)"));
  const revision = await put('other', 2);
  expect(revision).toEqual({ ok: true, revision: 101_000 });
  expect([rows(), await store.size()]).toEqual([1, 1]);
  expect(inFile((database) => database.prepare('SELECT count(*) AS total FROM keys').get()!.total)).toBe(1);
  expect(store.read('gone')).toEqual({ kind: 'absent' });
});

it('a list goes on behind a record of ours that is gone, also when nobody remembers it', async () => {
  const made = Array.from({ length: 6 }, (_, nth) => of(nth, []));
  const indexes = [{ index: 'i', score: 0 }];
  await store.commit({ expects: [], writes: made.map((write) => ({ ...write, indexes })) });
  const behind = async (nth: number) =>
    (await store.scan('i', { limit: 9, after: { score: 0, key: made[nth]!.key } })).map(({ key }) => key);
  const expected = made.slice(3).map(({ key }) => key);
  await put(made[2]!.key, null);
  expect(await behind(2)).toEqual(expected);
  inFile((database) => database.exec('DELETE FROM keys WHERE row = (SELECT id FROM records WHERE record IS NULL)'));
  expect(await behind(2)).toEqual(expected);
});
