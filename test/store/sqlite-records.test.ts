/** Records in a file, stored as their values with the names of their fields apart: each comes back as JSON would bring it back. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SqliteStore } from '../../src/store/sqlite/store.ts';

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
const shapes = () => inFile((database) => database.prepare('SELECT count(*) AS total FROM shapes').get()!.total);

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

it('records with the same fields share one shape, and another process knows it', async () => {
  for (let nth = 0; nth < 10; nth++) await put(`member/${nth}`, { id: `m${nth}`, role: { name: 'x' } });
  expect(shapes()).toBe(1);
  const peer = new SqliteStore(path);
  await put('other', { another: 1 });
  expect(peer.read('other')).toEqual({ kind: 'found', record: { another: 1 } });
  await peer.commit({ expects: [], writes: [{ key: 'third', record: { third: 1 } }] });
  expect(store.read('third')).toEqual({ kind: 'found', record: { third: 1 } });
  await put('third/again', { third: 2 });
  expect(shapes()).toBe(3);
  await peer.close();
});

it('of fields that are named at will only so many shapes are kept, and every record comes back', async () => {
  const writes = Array.from({ length: 2100 }, (_, nth) => ({ key: `${nth}`, record: { [`name ${nth}`]: nth } }));
  await store.commit({ expects: [], writes });
  expect(shapes()).toBe(2000);
  for (const { key, record } of writes) expect(store.read(key)).toEqual({ kind: 'found', record });
});

it('a shape of a change that was not made is none', async () => {
  const circle: Record<string, unknown> = { of: 1 };
  circle.self = circle;
  const writes = [
    { key: 'new', record: { fresh: 1 } },
    { key: 'circle', record: circle },
  ];
  await expect(store.commit({ expects: [], writes })).rejects.toThrow();
  expect(shapes()).toBe(0);
  await put('taken', { taken: 1 });
  await put('new', { fresh: 1 });
  expect([store.read('taken'), store.read('new')]).toMatchObject([{ record: { taken: 1 } }, { record: { fresh: 1 } }]);
});

it.each([
  ['its shape is lost', 'DELETE FROM shapes WHERE id = (SELECT shape FROM records WHERE key = ?)'],
  ['it has more values than its shape', "UPDATE records SET record = '[1, 2, 3]' WHERE key = ?"],
  ['it has fewer', "UPDATE records SET record = '[]' WHERE key = ?"],
  ['it is no list of values', `UPDATE records SET record = '{"a": 1, "b": 2}' WHERE key = ?`],
  ['it has the shape of nobody', 'UPDATE records SET shape = 99 WHERE key = ?'],
])('a record cannot be told, and is never taken for absent or for another, when %s', async (_, sql) => {
  await put('damaged', { a: 1, b: 2 });
  await put('sound', { c: 3 });
  inFile((database) => database.prepare(sql).run('damaged'));
  const peer = new SqliteStore(path);
  expect(peer.read('damaged')).toMatchObject({ kind: 'unavailable' });
  await expect(peer.get('damaged')).rejects.toThrow();
  // No number is given again, so what is lost is never something else.
  await peer.commit({ expects: [], writes: [{ key: 'later', record: { d: 4, e: 5 } }] });
  expect(peer.read('damaged')).toMatchObject({ kind: 'unavailable' });
  expect(peer.read('sound')).toEqual({ kind: 'found', record: { c: 3 } });
  await peer.commit({ expects: [], writes: [{ key: 'damaged', record: { a: 6, b: 7 } }] });
  expect(peer.read('damaged')).toEqual({ kind: 'found', record: { a: 6, b: 7 } });
  await peer.close();
});
