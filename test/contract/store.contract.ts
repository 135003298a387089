/**
 * What every store promises, whatever engine is behind it. An adapter's own test file calls this with the way to open
 * one; `peer`, where the engine can be shared, opens a second store on the same records, as another process would.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChangeEvent, ChangeListener, ScanOptions, Store, Write } from '../../src/store/store.ts';
import { StoreUnavailable, usesList } from '../../src/store/store.ts';
import { Bell } from '../support/bell.ts';

export interface Subject {
  readonly store: Store;
  /** Another store on the same records; absent where the engine cannot be shared. */
  readonly peer?: () => Store;
  /** Puts text that is no JSON where the record of `key` stands; absent where nothing can. */
  readonly damage?: (key: string) => void | Promise<void>;
  readonly dispose: () => Promise<void>;
}

/** Others' commits are promised within this. */
const FEED_MS = 100;
/** Awaited this long before the promise counts as broken by more than a busy test machine. */
const PATIENCE_MS = 5000;

/** Notes what it hears, and lets a test wait for it. */
export class Listener implements ChangeListener {
  readonly notices: ChangeEvent[] = [];
  /** Revisions of the commits that were said to be this store's own. */
  readonly ours: number[] = [];
  flushes = 0;
  heardCount = 0;
  heardRevision = -1;
  readonly #bell = new Bell();

  changed(notice: ChangeEvent, ours: boolean): void {
    this.notices.push(notice);
    if (ours) this.ours.push(notice.revision);
    this.#bell.ring();
  }

  flushed(): void {
    this.flushes++;
    this.#bell.ring();
  }

  caughtUp(revision: number): void {
    this.heardCount++;
    this.heardRevision = revision;
    this.#bell.ring();
  }

  get keys(): string[] {
    return this.notices.flatMap((notice) => notice.keys);
  }

  /** Resolves with the milliseconds it took. */
  async until(holds: () => boolean): Promise<number> {
    const begun = performance.now();
    const failure = () => `not heard within ${PATIENCE_MS} ms; heard: ${JSON.stringify(this.notices)}`;
    await this.#bell.until(holds, failure, PATIENCE_MS);
    return performance.now() - begun;
  }
}

/** The time in which a follower of `store` hears so many signs of life: another one, of a store like it, would as well. */
export async function beats(store: Store, count: number): Promise<void> {
  const listener = new Listener();
  const stop = store.follow(listener);
  await listener.until(() => listener.heardCount >= count);
  stop();
}

export function describeStore(name: string, open: () => Subject | Promise<Subject>): void {
  describe(`${name} as a store`, () => {
    let subject: Subject;
    let store: Store;

    beforeEach(async () => {
      subject = await open();
      store = subject.store;
    });
    afterEach(() => subject.dispose());

    const put = (...writes: Write[]) => store.commit({ expects: [], writes });
    const keysOf = async (index: string, options = {}) =>
      (await store.scan(index, { limit: 100, ...options })).map(({ key }) => key);

    describe('records', () => {
      it('a key that was never written is absent, and that is an answer', async () => {
        expect(await store.read('a')).toEqual({ kind: 'absent' });
        expect(await store.get('a')).toBeNull();
      });

      it('what was put is found as it was, with the revision that wrote it', async () => {
        const record = { text: 'é\u0000\u{1f600}', list: [1, null, { deep: true }], number: 1.5, empty: {} };
        const committed = await put({ key: 'a', record });
        expect(committed).toEqual({ ok: true, revision: expect.any(Number) as number });
        const { revision } = committed as { revision: number };
        expect(await store.read('a')).toEqual({ kind: 'found', record });
        expect(await store.get('a')).toEqual({ key: 'a', record, version: revision });
      });

      it('no caller can change a record behind its back', async () => {
        const record = { list: [1] };
        await put({ key: 'a', record });
        record.list.push(2);
        const found = (await store.get('a'))!.record as typeof record;
        found.list.push(3);
        const read = (await store.read('a')) as { record: typeof record };
        read.record.list.push(4);
        expect(await store.get('a')).toMatchObject({ record: { list: [1] } });
      });

      it('a put replaces the whole record, and a deletion leaves nothing', async () => {
        await put({ key: 'a', record: { x: 1, y: 2 } });
        await put({ key: 'a', record: { y: 3 } });
        expect(await store.get('a')).toMatchObject({ record: { y: 3 } });
        await put({ key: 'a', record: null });
        expect(await store.get('a')).toBeNull();
        expect(await store.read('a')).toEqual({ kind: 'absent' });
      });

      it('deleting what is not there is no error', async () => {
        expect(await put({ key: 'nothing', record: null })).toMatchObject({ ok: true });
      });

      it('keys are compared to the byte', async () => {
        await put(
          { key: 'a', record: 1 },
          { key: 'A', record: 2 },
          { key: 'a ', record: 3 },
          { key: "a'--", record: 4 },
        );
        expect(await store.get('a')).toMatchObject({ record: 1 });
        expect(await store.get('A')).toMatchObject({ record: 2 });
        expect(await store.get("a'--")).toMatchObject({ record: 4 });
        expect(await store.get('á')).toBeNull();
      });

      it('revisions grow by every commit, and by none that failed', async () => {
        const first = (await put({ key: 'a', record: 1 })) as { revision: number };
        await store.commit({ expects: [{ key: 'a', version: 999 }], writes: [{ key: 'a', record: 2 }] });
        const second = (await put({ key: 'b', record: 1 })) as { revision: number };
        expect(second.revision).toBe(first.revision + 1);
      });
    });

    describe('last uses', () => {
      it('are remembered by key, in the order in which they are asked for', async () => {
        await put({ key: 'a', record: 1 }, { key: 'b', record: 1 }, { key: 'c', record: 1 });
        const touches = [
          { key: 'a', atMs: 1_700_000_000_001 },
          { key: 'b', atMs: 1_700_000_000_002 },
        ];
        await store.touch(touches);
        expect(await store.touched(['b', 'c', 'a', 'b'])).toEqual([
          1_700_000_000_002,
          null,
          1_700_000_000_001,
          1_700_000_000_002,
        ]);
        await store.touch([]);
        expect(await store.touched([])).toEqual([]);
      });

      it('only ever move on', async () => {
        await put({ key: 'a', record: 1 });
        for (const atMs of [500, 900, 300]) await store.touch([{ key: 'a', atMs }]);
        expect(await store.touched(['a'])).toEqual([900]);
        await store.touch([
          { key: 'a', atMs: 1000 },
          { key: 'a', atMs: 950 },
        ]);
        expect(await store.touched(['a'])).toEqual([1000]);
      });

      it('outlive a change of their record, and end with it', async () => {
        await put({ key: 'a', record: 1 });
        await store.touch([{ key: 'a', atMs: 5 }]);
        await put({ key: 'a', record: 2 });
        expect(await store.touched(['a'])).toEqual([5]);
        await put({ key: 'a', record: null });
        expect(await store.touched(['a'])).toEqual([null]);
        await store.touch([{ key: 'a', atMs: 6 }]);
        await put({ key: 'a', record: 3 });
        expect(await store.touched(['a'])).toEqual([null]);
      });

      it('put their record into the list of uses, by the day, of its kind and organization', async () => {
        const keys = ['token/acme/a', 'token/acme/b', 'token/acme/c', 'token/other/d', 'member/acme/e', 'f'];
        await put(...keys.map((key) => ({ key, record: 1, indexes: [{ index: 'all', score: 1 }] })));
        const uses = async (of: string, options: Partial<ScanOptions> = {}) =>
          (await store.scan(usesList(of), { limit: 10, ...options })).map(({ key, score }) => [key, score]);
        expect(await uses(keys[0]!)).toEqual([]);
        const at = (day: number) => 86_400_000 * day + 5;
        const days = [20_003, 20_001, 20_003, 1, 2, 3];
        await store.touch(keys.map((key, nth) => ({ key, atMs: at(days[nth]!) })));
        const [a, b, c] = [[keys[0], 20_003] as const, [keys[1], 20_001] as const, [keys[2], 20_003] as const];
        expect(await uses(keys[0]!)).toEqual([b, a, c]);
        expect(await uses(keys[0]!, { after: { score: 20_003, key: keys[0]! } })).toEqual([c]);
        expect(await uses(keys[0]!, { backwards: true, limit: 2 })).toEqual([c, a]);
        expect(await store.count(usesList(keys[0]!), 0, { upTo: 20_002 })).toBe(1);
        for (const [nth, key] of keys.slice(3).entries()) expect(await uses(key)).toEqual([[key, nth + 1]]);
        // Of one key several times, earlier ones among them; the same again; and with scopes alone.
        await store.touch([20_004, 20_006, 20_005, 20_006].map((day) => ({ key: keys[1]!, atMs: at(day) })));
        await store.touch([
          { key: keys[0]!, atMs: at(19_000), scopes: ['bot:read'] },
          { key: keys[0]!, atMs: at(20_003) },
        ]);
        expect(await uses(keys[0]!)).toEqual([a, c, [keys[1], 20_006]]);
        expect(await store.touched(keys.slice(0, 2))).toEqual([at(20_003), at(20_006)]);
        await put({ key: keys[0]!, record: 2 });
        expect(await uses(keys[0]!)).toEqual([a, c, [keys[1], 20_006]]);
      });

      it('of a record that goes leave the list, and no others; one that comes again has none', async () => {
        const keys = Array.from({ length: 300 }, (_, nth) => `token/acme/t${String(nth).padStart(3, '0')}`);
        await put(...keys.map((key) => ({ key, record: 1 })));
        await store.touch(keys.map((key, nth) => ({ key, atMs: 86_400_000 * (nth % 100) })));
        const [gone, stay] = [keys.slice(0, 250), keys.slice(250)];
        await put(...gone.map((key) => ({ key, record: null })));
        const listed = async () => (await store.scan(usesList(keys[0]!), { limit: 1000 })).map(({ key }) => key);
        expect(await listed()).toEqual(stay);
        expect(await store.count(usesList(keys[0]!), -1)).toBe(stay.length);
        await put(...keys.map((key) => ({ key, record: 2 })));
        expect(await listed()).toEqual(stay);
        await put(...keys.map((key) => ({ key, record: null })));
        expect(await listed()).toEqual([]);
        await store.touch([{ key: keys[0]!, atMs: 86_400_000 }]);
        expect(await listed()).toEqual([]);
        await put({ key: keys[0]!, record: 3 });
        await store.touch([{ key: keys[0]!, atMs: 86_400_000 }]);
        expect(await listed()).toEqual([keys[0]]);
      });

      it('of a record that is not there are passed over, and the others kept', async () => {
        await put({ key: 'a', record: 1 });
        await store.touch([
          { key: 'gone', atMs: 5 },
          { key: 'a', atMs: 5 },
        ]);
        expect(await store.touched(['gone', 'a'])).toEqual([null, 5]);
      });

      it('are no change: nobody hears of them, and no version moves', async () => {
        await put({ key: 'a', record: 1 });
        const [before, log] = [await store.get('a'), await store.changesSince(0, 100)];
        const caughtUp = new Listener();
        const stop = store.follow(caughtUp);
        await store.touch([{ key: 'a', atMs: 5 }]);
        expect([await store.get('a'), await store.changesSince(0, 100), caughtUp.notices]).toEqual([before, log, []]);
        await put({ key: 'last', record: 1 });
        await caughtUp.until(() => caughtUp.keys.includes('last'));
        expect([caughtUp.keys, caughtUp.flushes]).toEqual([['last'], 0]);
        stop();
      });

      it('of hundreds are written at once', async () => {
        const keys = Array.from({ length: 500 }, (_, nth) => `token/"acme"/${nth}`);
        await put(...keys.map((key) => ({ key, record: 1 })));
        await store.touch(keys.map((key, nth) => ({ key, atMs: nth + 1 })));
        expect(await store.touched(keys)).toEqual(keys.map((_, nth) => nth + 1));
      });

      it('are the same for every process', async ({ skip }) => {
        if (subject.peer === undefined) return skip();
        await put({ key: 'a', record: 1 });
        await Promise.all([store.touch([{ key: 'a', atMs: 7 }]), subject.peer().touch([{ key: 'a', atMs: 8 }])]);
        expect([await store.touched(['a']), await subject.peer().touched(['a'])]).toEqual([[8], [8]]);
        await subject.peer().commit({ expects: [], writes: [{ key: 'a', record: null }] });
        expect(await store.scan(usesList('a'), { limit: 10 })).toEqual([]);
        await put({ key: 'b', record: 1 });
        await subject.peer().touch([{ key: 'b', atMs: 9 }]);
        expect((await store.scan(usesList('b'), { limit: 10 })).map(({ key }) => key)).toEqual(['b']);
      });

      it('cannot be asked for, or written, once it is closed', async () => {
        await store.close();
        await expect(store.touch([{ key: 'a', atMs: 1 }])).rejects.toThrow(StoreUnavailable);
        await expect(store.touched(['a'])).rejects.toThrow(StoreUnavailable);
      });

      it('are remembered with their scopes, to the day, as the latest of all, and since when', async () => {
        await put({ key: 'a', record: 1 }, { key: 'b', record: 1 });
        const none = { days: new Map(), sinceDay: null };
        const day = (nth: number) => nth * 86_400_000 + 5;
        expect(await store.scopesUsed(['a', 'gone'])).toEqual([none, none]);
        await store.touch([{ key: 'a', atMs: day(7) }]);
        expect(await store.scopesUsed(['a'])).toEqual([none]);
        await store.touch([
          { key: 'a', atMs: day(10), scopes: ['bot:read', 'chat:write'] },
          { key: 'gone', atMs: day(10), scopes: ['bot:read'] },
        ]);
        await store.touch([{ key: 'a', atMs: day(12), scopes: ['bot:read'] }]);
        await (subject.peer?.() ?? store).touch([{ key: 'a', atMs: day(9), scopes: ['chat:write', 'Bot.add'] }]);
        const days = new Map([
          ['bot:read', 12],
          ['chat:write', 10],
          ['Bot.add', 9],
        ]);
        expect(await store.scopesUsed(['b', 'a', 'gone'])).toEqual([none, { days, sinceDay: 10 }, none]);
        expect(await store.touched(['a'])).toEqual([day(12)]);
        expect(await store.scopesUsed([])).toEqual([]);
        await put({ key: 'a', record: null });
        await put({ key: 'a', record: 2 });
        expect(await store.scopesUsed(['a'])).toEqual([none]);
      });
    });

    describe('a commit', () => {
      it('happens when every expected key still has its version', async () => {
        const { revision } = (await put({ key: 'a', record: 1 })) as { revision: number };
        const expects = [
          { key: 'a', version: revision },
          { key: 'new', version: 0 },
        ];
        expect(await store.commit({ expects, writes: [{ key: 'new', record: 2 }] })).toMatchObject({ ok: true });
        expect(await store.get('new')).toMatchObject({ record: 2 });
      });

      it('expects keys that it does not write, and writes keys that it does not expect', async () => {
        const { revision } = (await put({ key: 'lock', record: 1 })) as { revision: number };
        const change = { expects: [{ key: 'lock', version: revision }], writes: [{ key: 'b', record: 2 }] };
        expect(await store.commit(change)).toMatchObject({ ok: true });
        expect(await store.commit(change)).toMatchObject({ ok: true });
      });

      it.each([
        ['a version that has moved on', { key: 'a', version: 1_000_000 }],
        ['a key that should not be there', { key: 'a', version: 0 }],
        ['a key that should be there', { key: 'missing', version: 1 }],
      ])('fails as a whole for %s', async (_name, stale) => {
        await put({ key: 'a', record: 'before', indexes: [{ index: 'i', score: 1 }] });
        const caughtUp = new Listener();
        const stop = store.follow(caughtUp);
        const writes = [
          { key: 'a', record: null },
          { key: 'b', record: 'new', indexes: [{ index: 'i', score: 2 }] },
        ];
        const log = await store.changesSince(0, 100);
        expect(await store.commit({ expects: [stale, { key: 'b', version: 0 }], writes })).toEqual({ ok: false });
        expect(await store.get('a')).toMatchObject({ record: 'before' });
        expect(await store.get('b')).toBeNull();
        expect(await keysOf('i')).toEqual(['a']);
        expect(await store.changesSince(0, 100)).toEqual(log);
        expect(caughtUp.notices).toEqual([]);
        stop();
      });

      it('that could not be finished leaves nothing behind', async () => {
        await put({ key: 'a', record: 'before', indexes: [{ index: 'i', score: 1 }] });
        const circle: Record<string, unknown> = {};
        circle.self = circle;
        const writes = [
          { key: 'a', record: 'after' },
          { key: 'b', record: 'new' },
          { key: 'c', record: circle },
        ];
        await expect(store.commit({ expects: [], writes })).rejects.toThrow();
        expect(await store.get('a')).toMatchObject({ record: 'before' });
        expect(await store.get('b')).toBeNull();
        expect(await keysOf('i')).toEqual(['a']);
        expect(await put({ key: 'a', record: 'after' })).toMatchObject({ ok: true });
      });

      it('of many that expect the same version exactly one happens', async () => {
        await put({ key: 'a', record: 0 });
        const version = (await store.get('a'))!.version;
        const results = await Promise.all(
          Array.from({ length: 20 }, (_, record) =>
            store.commit({ expects: [{ key: 'a', version }], writes: [{ key: 'a', record }] }),
          ),
        );
        expect(results.filter(({ ok }) => ok)).toHaveLength(1);
      });
    });

    describe('an index of texts', () => {
      const named = (key: string, text: string): Write => ({
        key,
        record: { text },
        indexes: [
          { index: 'names', score: 0, text },
          { index: 'i', score: 7 },
        ],
      });
      const MADE = 'token/acme/tok_0lx9zzzzz00112233445566778899';
      const TEXTS = ['b', 'a', 'ab', 'a b', 'é', 'a\u{1f600}', '', 'ab', 'abc', 'B', '0'];
      const keyOf = (nth: number) => (nth % 2 === 0 ? `k${nth}` : `${MADE.slice(0, -1)}${nth.toString(16)}`);
      const fill = () => put(...TEXTS.map((text, nth) => named(keyOf(nth), text)));
      const textsOf = async (options: object = {}) =>
        (await store.scan('names', { limit: 100, ...options })).map(({ text }) => text);
      const inOrder = (texts: readonly string[]) =>
        [...texts].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));

      it('is in the order of their bytes, and tells them', async () => {
        await fill();
        expect(await textsOf()).toEqual(inOrder(TEXTS));
        expect(await store.scan('names', { limit: 1 })).toEqual([
          { key: 'k6', record: { text: '' }, score: 0, text: '', version: expect.any(Number) as number },
        ]);
      });

      it.each(['', 'a', 'ab', 'abc', 'abcd', 'A', 'é', 'a\u{1f600}'])(
        'tells and counts what begins with %j',
        async (prefix) => {
          await fill();
          const wanted = inOrder(TEXTS.filter((text) => text.startsWith(prefix)));
          expect(await textsOf({ prefix })).toEqual(wanted);
          expect(await store.count('names', 0, { prefix })).toBe(wanted.length);
          expect(await store.count('names', 0, { prefix, atMost: 1 })).toBe(Math.min(1, wanted.length));
        },
      );

      it('goes on behind any entry, whether or not it is still there', async () => {
        await fill();
        for (const prefix of [undefined, 'a'])
          for (const gone of [false, true]) {
            const asked = prefix === undefined ? {} : { prefix };
            const all = await store.scan('names', { limit: 100, ...asked });
            for (const [nth, after] of all.entries()) {
              if (gone) await put({ key: after.key, record: null });
              const left = await store.scan('names', { limit: 100, after, ...asked });
              expect(left.map(({ key }) => key)).toEqual(all.slice(nth + 1).map(({ key }) => key));
              if (gone) await put(named(after.key, after.text!));
            }
          }
      });

      it('a record leaves the place of its old text, and with its end every place', async () => {
        await fill();
        await put(named('k0', 'z'), named(keyOf(1), 'a'), { key: 'k2', record: 1 }, { key: keyOf(3), record: null });
        const left = ['z', 'a', ...TEXTS.slice(4)];
        expect(await textsOf()).toEqual(inOrder(left));
        expect(await store.count('i', 0)).toBe(left.length);
        await put(...TEXTS.map((_, nth) => ({ key: keyOf(nth), record: null })));
        expect(await textsOf()).toEqual([]);
      });

      it('of many entries is as right', async () => {
        const texts = Array.from({ length: 700 }, (_, nth) => `name ${(nth * 7919) % 1000}`);
        for (let from = 0; from < texts.length; from += 100)
          await put(...texts.slice(from, from + 100).map((text, nth) => named(`many/${from + nth}`, text)));
        const wanted = inOrder(texts.filter((text) => text.startsWith('name 4')));
        expect(await textsOf({ prefix: 'name 4', limit: 1000 })).toEqual(wanted);
        expect(await store.count('names', 0, { prefix: 'name 4' })).toBe(wanted.length);
        const paged: Array<string | undefined> = [];
        for (let page = await store.scan('names', { limit: 9, prefix: 'name 4' }); page.length > 0; ) {
          paged.push(...page.map(({ text }) => text));
          page = await store.scan('names', { limit: 9, prefix: 'name 4', after: page.at(-1)! });
        }
        expect(paged).toEqual(wanted);
      });
    });

    describe('an index', () => {
      const entry = (key: string, score: number, index = 'i'): Write => ({
        key,
        record: { key },
        indexes: [{ index, score }],
      });

      it('says how many of its entries score between two bounds, and no more than are asked for', async () => {
        await put(...[1, 2, 3, 3, 4].map((score, nth) => entry(`k${nth}`, score)));
        expect(await store.count('i', 1, { upTo: 3 })).toBe(3);
        expect(await store.count('i', Number.NEGATIVE_INFINITY, { upTo: 0 })).toBe(0);
        expect(await store.count('i', 3, { upTo: 2 })).toBe(0);
        expect(await store.count('i', 0, { atMost: 2 })).toBe(2);
        expect(await store.count('i', 0, { atMost: 9 })).toBe(5);
      });

      it('lists by score, then by key', async () => {
        await put(
          entry('b', 2),
          entry('c', 1),
          entry('a', 2),
          entry('d', -5),
          entry('e', 1.5),
          entry('f', 1_900_000_000_000),
        );
        expect(await keysOf('i')).toEqual(['d', 'c', 'e', 'a', 'b', 'f']);
        expect(await store.scan('i', { limit: 1 })).toEqual([
          { key: 'd', record: { key: 'd' }, version: expect.any(Number) as number, score: -5 },
        ]);
      });

      it('is empty when nothing stands in it', async () => {
        await put(entry('a', 1));
        expect(await keysOf('j')).toEqual([]);
        expect(await store.count('j', Number.NEGATIVE_INFINITY)).toBe(0);
      });

      it('pages through all of it, each entry once, whatever is put in meanwhile', async () => {
        const all = Array.from({ length: 25 }, (_, index) =>
          entry(`k${String(index).padStart(2, '0')}`, Math.floor(index / 10)),
        );
        await put(...all);
        const seen: string[] = [];
        let after: { score: number; key: string } | undefined;
        for (;;) {
          const page = await store.scan('i', { limit: 4, ...(after === undefined ? {} : { after }) });
          if (page.length === 0) break;
          expect(page.length).toBeLessThanOrEqual(4);
          seen.push(...page.map(({ key }) => key));
          const last = page.at(-1)!;
          after = { score: last.score, key: last.key };
          await put(entry(`k00-${seen.length}`, -1));
        }
        expect(seen).toEqual(all.map(({ key }) => key));
      });

      it('continues behind an entry that is gone', async () => {
        await put(entry('a', 1), entry('b', 1), entry('c', 1));
        await put({ key: 'b', record: null });
        expect(await keysOf('i', { after: { score: 1, key: 'b' } })).toEqual(['c']);
      });

      it('lists and counts only what is above a score', async () => {
        await put(entry('a', 1), entry('b', 2), entry('c', 3));
        expect(await keysOf('i', { above: 1 })).toEqual(['b', 'c']);
        expect(await keysOf('i', { above: 1, after: { score: 2, key: 'b' } })).toEqual(['c']);
        expect(await keysOf('i', { above: 2, after: { score: 1, key: 'a' } })).toEqual(['c']);
        expect(await store.count('i', 1)).toBe(2);
        expect(await store.count('i', 3)).toBe(0);
        expect(await store.count('i', Number.NEGATIVE_INFINITY)).toBe(3);
      });

      it('goes from the last to the first, too, page by page, between the same bounds', async () => {
        await put(entry('a', 1), entry('b', 2), entry('c', 2), entry('d', -5), entry('e', 3));
        const backwards = true;
        expect(await keysOf('i', { backwards })).toEqual(['e', 'c', 'b', 'a', 'd']);
        expect(await keysOf('i', { backwards, limit: 2 })).toEqual(['e', 'c']);
        expect(await keysOf('i', { backwards, after: { score: 2, key: 'c' } })).toEqual(['b', 'a', 'd']);
        expect(await keysOf('i', { backwards, after: { score: 2, key: 'bb' }, above: -5 })).toEqual(['b', 'a']);
        expect(await keysOf('i', { backwards, after: { score: 3, key: '' } })).toEqual(['c', 'b', 'a', 'd']);
        expect(await keysOf('i', { backwards, above: 2 })).toEqual(['e']);
        expect(await keysOf('j', { backwards })).toEqual([]);
      });

      it('drops a record that was deleted, and one that was put elsewhere', async () => {
        await put(entry('a', 1), entry('b', 1), entry('c', 1));
        await put({ key: 'a', record: null }, entry('b', 1, 'j'), entry('c', 9));
        expect(await store.scan('i', { limit: 9 })).toMatchObject([{ key: 'c', score: 9 }]);
        expect(await keysOf('j')).toEqual(['b']);
        expect(await store.count('i', 0)).toBe(1);
      });

      it('forgets an entry of the greatest score as well as any other', async () => {
        await put(entry('a', Number.MAX_SAFE_INTEGER), entry('b', -Number.MAX_SAFE_INTEGER));
        expect(await keysOf('i')).toEqual(['b', 'a']);
        await put({ key: 'a', record: null }, { key: 'b', record: null });
        expect(await keysOf('i')).toEqual([]);
      });

      it('drops a record that was put again without it', async () => {
        await put(entry('a', 1));
        await put({ key: 'a', record: { key: 'a' } });
        expect(await keysOf('i')).toEqual([]);
      });

      it('may hold a record beside other indexes', async () => {
        await put({
          key: 'a',
          record: 1,
          indexes: [
            { index: 'i', score: 1 },
            { index: 'j', score: 2 },
          ],
        });
        expect([await keysOf('i'), await keysOf('j')]).toEqual([['a'], ['a']]);
        await put({ key: 'a', record: null });
        expect([await keysOf('i'), await keysOf('j')]).toEqual([[], []]);
      });
    });

    describe('the change log', () => {
      it('names every commit after a revision, oldest first, with the keys it wrote', async () => {
        const { revision } = (await put({ key: 'a', record: 1 })) as { revision: number };
        await put({ key: 'b', record: 1 }, { key: 'c', record: 1 });
        await put({ key: 'b', record: null });
        const notices = await store.changesSince(revision, 10);
        expect(notices).toEqual([
          { revision: revision + 1, keys: ['b', 'c'], committedAtMs: expect.any(Number) },
          { revision: revision + 2, keys: ['b'], committedAtMs: expect.any(Number) },
        ]);
        expect(Math.abs(Date.now() - notices![1]!.committedAtMs)).toBeLessThan(60_000);
        expect(await store.changesSince(revision, 1)).toEqual(notices!.slice(0, 1));
        expect(await store.changesSince(revision + 2, 10)).toEqual([]);
        expect(await store.changesSince(0, 10)).toHaveLength(3);
      });

      it('is empty, not gone, before the first commit', async () => {
        expect(await store.changesSince(0, 10)).toEqual([]);
      });
    });

    describe('a follower', () => {
      it('hears of a commit of this store before it is acknowledged', async () => {
        const caughtUp = new Listener();
        const stop = store.follow(caughtUp);
        await Promise.all(
          Array.from({ length: 20 }, async (_, index) => {
            const key = `k${index}`;
            const committed = (await put({ key, record: 1 }, { key: 'lock', record: index })) as { revision: number };
            expect(caughtUp.notices).toContainEqual({
              revision: committed.revision,
              keys: [key, 'lock'],
              committedAtMs: expect.any(Number),
            });
          }),
        );
        stop();
      });

      it('hears that a commit was this store’s own, and soon that nothing before it is missing', async () => {
        const caughtUp = new Listener();
        const stop = store.follow(caughtUp);
        const { revision } = (await put({ key: 'a', record: 1 })) as { revision: number };
        expect(caughtUp.ours).toEqual([revision]);
        await caughtUp.until(() => caughtUp.heardRevision === revision);
        stop();
      });

      it('is one of many, and hears nothing after it stopped', async () => {
        const [one, two] = [new Listener(), new Listener()];
        const stopOne = store.follow(one);
        const stopTwo = store.follow(two);
        await put({ key: 'a', record: 1 });
        stopOne();
        await put({ key: 'b', record: 1 });
        expect([one.keys, two.keys]).toEqual([['a'], ['a', 'b']]);
        stopTwo();
      });

      it('hears a sign of life at once, and then at least twice a second', async () => {
        const caughtUp = new Listener();
        const stop = store.follow(caughtUp);
        expect(caughtUp.heardCount).toBe(1);
        const gapsMs: number[] = [];
        for (let beats = 2; beats <= 6; beats++) gapsMs.push(await caughtUp.until(() => caughtUp.heardCount >= beats));
        // The median, because a test machine stalls now and then.
        expect(gapsMs.toSorted((left, right) => left - right)[2]).toBeLessThan(500);
        stop();
      });

      it('hears nothing of commits from before it followed', async () => {
        await put({ key: 'a', record: 1 });
        const caughtUp = new Listener();
        const stop = store.follow(caughtUp);
        await caughtUp.until(() => caughtUp.heardCount >= 2);
        expect(caughtUp.notices).toEqual([]);
        stop();
      });
    });

    describe('once closed', () => {
      it('every question is answered with unavailable, never with absent', async () => {
        await put({ key: 'a', record: 1, indexes: [{ index: 'i', score: 1 }] });
        await store.close();
        expect(await store.read('a')).toMatchObject({ kind: 'unavailable' });
        await expect(store.get('a')).rejects.toThrow(StoreUnavailable);
        await expect(store.scan('i', { limit: 1 })).rejects.toThrow(StoreUnavailable);
        await expect(store.count('i', 0)).rejects.toThrow(StoreUnavailable);
        await expect(put({ key: 'b', record: 1 })).rejects.toThrow(StoreUnavailable);
        await expect(store.changesSince(0, 1)).rejects.toThrow(StoreUnavailable);
      });

      it('followers hear no sign of life any more', async () => {
        const caughtUp = new Listener();
        store.follow(caughtUp);
        await store.close();
        const before = caughtUp.heardCount;
        const other = await open();
        await beats(other.store, 5);
        expect(caughtUp.heardCount).toBe(before);
        await other.dispose();
      });

      it('closing again is no error', async () => {
        await store.close();
        await expect(store.close()).resolves.toBeUndefined();
      });
    });

    it('a record that cannot be read back is unavailable, never absent', async ({ skip }) => {
      if (subject.damage === undefined) return skip('nothing can damage a record there');
      await put({ key: 'a', record: 1, indexes: [{ index: 'i', score: 1 }] }, { key: 'b', record: 2 });
      await subject.damage('a');
      expect(await store.read('a')).toMatchObject({ kind: 'unavailable' });
      await expect(store.get('a')).rejects.toThrow(StoreUnavailable);
      await expect(store.scan('i', { limit: 1 })).rejects.toThrow(StoreUnavailable);
      expect(await store.read('b')).toEqual({ kind: 'found', record: 2 });
    });

    describe('beside another process', () => {
      let peer: Store;
      beforeEach(({ skip }) => {
        if (subject.peer === undefined) skip('it cannot be shared');
        else peer = subject.peer();
      });
      afterEach(async () => {
        if (subject.peer !== undefined) await peer.close();
      });

      it(`its commits are heard within ${FEED_MS} ms`, async () => {
        const caughtUp = new Listener();
        const stop = store.follow(caughtUp);
        const took: number[] = [];
        for (let round = 0; round < 10; round++) {
          await peer.commit({ expects: [], writes: [{ key: `k${round}`, record: round }] });
          took.push(await caughtUp.until(() => caughtUp.keys.includes(`k${round}`)));
        }
        // The median, because a test machine stalls now and then and a store does not.
        expect(took.sort((left, right) => left - right)[5]).toBeLessThan(FEED_MS);
        stop();
      });

      it('whoever asks to have followed up to a revision has heard of it', async () => {
        const caughtUp = new Listener();
        const stop = store.follow(caughtUp);
        for (let round = 0; round < 20; round++) {
          const committed = await peer.commit({ expects: [], writes: [{ key: `k${round}`, record: round }] });
          await store.followed((committed as { revision: number }).revision);
          expect(caughtUp.keys).toContain(`k${round}`);
        }
        stop();
      });

      it('a follower never hears that it knows everything up to a revision while something before it is missing', async () => {
        const told = new Set<number>();
        const gaps: string[] = [];
        const caughtUp = new (class extends Listener {
          override changed(notice: ChangeEvent, ours: boolean): void {
            told.add(notice.revision);
            super.changed(notice, ours);
          }
          override caughtUp(revision: number): void {
            for (let each = 1; each <= revision; each++)
              if (!told.has(each)) gaps.push(`${each} is missing before ${revision}`);
            super.caughtUp(revision);
          }
        })();
        const stop = store.follow(caughtUp);
        const revisions: number[] = [];
        const write = async (by: Store, name: string) => {
          for (let round = 0; round < 50; round++) {
            const committed = await by.commit({ expects: [], writes: [{ key: `${name}${round}`, record: 1 }] });
            revisions.push((committed as { revision: number }).revision);
            await new Promise(setImmediate);
          }
        };
        await Promise.all([write(store, 'own'), write(peer, 'other')]);
        await caughtUp.until(() => caughtUp.heardRevision === Math.max(...revisions));
        expect(gaps).toEqual([]);
        expect(caughtUp.keys.toSorted()).toEqual(
          (await store.changesSince(0, 1000))!.flatMap(({ keys }) => keys).toSorted(),
        );
        expect(caughtUp.ours).toHaveLength(50);
        stop();
      });

      it('all of a burst is heard, in order', async () => {
        const caughtUp = new Listener();
        const stop = store.follow(caughtUp);
        for (let round = 0; round < 200; round++)
          await peer.commit({ expects: [], writes: [{ key: `k${round}`, record: 1 }] });
        await caughtUp.until(() => caughtUp.keys.includes('k199'));
        expect(caughtUp.keys).toEqual(Array.from({ length: 200 }, (_, round) => `k${round}`));
        stop();
      });

      it('its records and versions are seen at once, and versions conflict across both', async () => {
        await peer.commit({ expects: [], writes: [{ key: 'a', record: 1 }] });
        const mine = (await store.get('a'))!;
        await peer.commit({ expects: [{ key: 'a', version: mine.version }], writes: [{ key: 'a', record: 2 }] });
        const writes = [{ key: 'a', record: 3 }];
        expect(await store.commit({ expects: [{ key: 'a', version: mine.version }], writes })).toEqual({ ok: false });
        expect(await store.read('a')).toEqual({ kind: 'found', record: 2 });
      });
    });
  });
}
