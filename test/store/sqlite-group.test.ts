/** Changes of one turn of the event loop in one file: committed together, and each as if it were alone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { auditKey } from '../../src/manage/unit-of-work/places.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import { StoreFull, StoreUnavailable } from '../../src/store/store.ts';
import { Listener } from '../contract/store.contract.ts';

let folder: string;
let path: string;
let store: SqliteStore;
const exec = DatabaseSync.prototype.exec;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'scopegate-group-'));
  path = join(folder, 'store.db');
  store = new SqliteStore(path);
});
afterEach(async () => {
  DatabaseSync.prototype.exec = exec;
  await store.close();
  rmSync(folder, { recursive: true });
});

const put = (key: string, record: unknown, version?: number) =>
  store.commit({
    expects: version === undefined ? [] : [{ key, version }],
    writes: [{ key, record, indexes: [{ index: `in ${key}`, score: 1 }] }],
  });

it('each has a revision of its own, builds on those before it, and is there for another process once it is confirmed', async () => {
  const [first, stale, second] = await Promise.all([put('a', 1, 0), put('a', 2, 0), put('a', 3, 1)]);
  expect([first, stale, second]).toEqual([{ ok: true, revision: 1 }, { ok: false }, { ok: true, revision: 2 }]);
  const peer = new SqliteStore(path);
  expect(peer.read('a')).toEqual({ kind: 'found', record: 3 });
  expect(await peer.changesSince(0, 10)).toMatchObject([{ keys: ['a'] }, { keys: ['a'] }]);
  await peer.close();
});

it('builds on what another process has written between two changes', async () => {
  const peer = new SqliteStore(path);
  await put('a', 1, 0);
  expect(await peer.commit({ expects: [{ key: 'a', version: 1 }], writes: [{ key: 'a', record: 2 }] })).toEqual({
    ok: true,
    revision: 2,
  });
  await peer.commit({ expects: [], writes: [{ key: 'b', record: 1, indexes: [{ index: 'in b', score: 1 }] }] });
  expect(await put('a', 3, 1)).toEqual({ ok: false });
  expect(await put('a', 3, 2)).toEqual({ ok: true, revision: 4 });
  expect(await put('b', 2, 3)).toEqual({ ok: true, revision: 5 });
  expect(peer.read('a')).toEqual({ kind: 'found', record: 3 });
  expect(await peer.scan('in b', { limit: 9 })).toMatchObject([{ key: 'b', record: 2 }]);
  await peer.close();
});

it('finds every record again, however many were made before', async () => {
  const madeAt = (nth: number) => (1_780_000_000_000 + nth).toString(36).padStart(9, '0');
  const keys = Array.from({ length: 12_000 }, (_, nth) => auditKey('acme', `evt_${madeAt(nth)}000000000000`));
  for (const some of [keys.slice(0, 11_000), keys.slice(11_000)])
    await store.commit({ expects: [], writes: some.map((key) => ({ key, record: { key } })) });
  expect(await store.commit({ expects: keys.map((key) => ({ key, version: 0 })), writes: [] })).toEqual({ ok: false });
  const again = { expects: keys.map((key, nth) => ({ key, version: nth < 11_000 ? 1 : 2 })), writes: [] };
  expect(await store.commit(again)).toEqual({ ok: true, revision: 3 });
});

it('may be read within the turn, and is not confirmed before it is over', async () => {
  const peer = new SqliteStore(path);
  let isConfirmed = false;
  let isVisible = false;
  const visible = () => {
    isVisible = true;
  };
  const made = store.commit({ expects: [], writes: [{ key: 'a', record: 1 }], visible }).then(() => {
    isConfirmed = true;
  });
  await Promise.resolve();
  for (let nth = 0; !isVisible && nth < 100; nth++) await Promise.resolve();
  expect([store.read('a').kind, isConfirmed]).toEqual(['found', false]);
  expect(peer.read('a')).toEqual({ kind: 'absent' });
  expect(await store.exported(['a'])).toMatchObject([{ key: 'a', record: 1 }]);
  await made;
  expect(peer.read('a')).toEqual({ kind: 'found', record: 1 });
  await peer.close();
});

it.each([0, 1, 2])(
  'one that cannot be written leaves nothing behind, and the others stay (number %d)',
  async (place) => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const changes = [put('a', 1), put('b', 2)];
    const lost = () =>
      store.commit({
        expects: [],
        writes: [
          { key: 'x', record: 1, indexes: [{ index: 'new', score: 1 }] },
          { key: 'y', record: circle },
        ],
      });
    const all = [...changes.slice(0, place), lost(), ...changes.slice(place)];
    const outcomes = await Promise.allSettled(all);
    expect(outcomes.map(({ status }) => status)).toEqual(
      [0, 1, 2].map((nth) => (nth === place ? 'rejected' : 'fulfilled')),
    );
    expect([store.read('a').kind, store.read('b').kind, store.read('x').kind]).toEqual(['found', 'found', 'absent']);
    await put('x', 5);
    expect(await store.scan('in x', { limit: 9 })).toMatchObject([{ key: 'x', record: 5 }]);
    expect(await store.scan('new', { limit: 9 })).toEqual([]);
  },
);

it('where the commit fails all of them have failed, followers believe nothing, and the next one is made', async () => {
  await put('before', 1);
  const listener = new Listener();
  const stop = store.follow(listener);
  DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
    if (sql === 'COMMIT') throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
    return exec.call(this, sql);
  };
  const outcomes = await Promise.allSettled([put('a', 1), put('b', 1)]);
  DatabaseSync.prototype.exec = exec;
  for (const outcome of outcomes) {
    expect(outcome.status).toBe('rejected');
    expect((outcome as PromiseRejectedResult).reason).toBeInstanceOf(StoreFull);
  }
  expect([store.read('a').kind, store.read('b').kind]).toEqual(['absent', 'absent']);
  expect(listener.flushes).toBeGreaterThan(0);
  expect(store.fault).toBe('unwritable');
  expect(await put('a', 2)).toEqual({ ok: true, revision: 2 });
  expect(store.fault).toBeNull();
  expect(await store.scan('in a', { limit: 9 })).toMatchObject([{ record: 2 }]);
  stop();
});

it('what was begun when the store is closed is made', async () => {
  const begun = Promise.withResolvers<void>();
  const made = [
    put('a', 1),
    store.commit({ expects: [], writes: [{ key: 'b', record: 2 }], visible: () => begun.resolve() }),
  ];
  await begun.promise;
  await store.close();
  expect(await Promise.all(made)).toMatchObject([{ ok: true }, { ok: true }]);
  await expect(put('c', 3)).rejects.toThrow(StoreUnavailable);
  store = new SqliteStore(path);
  expect([store.read('a'), store.read('b')]).toMatchObject([{ record: 1 }, { record: 2 }]);
});
