/** Everything that a store holds arrives in another engine, nothing is lost on the way, and nobody's data is overwritten. */
import { describe, expect, it } from 'vitest';
import { type ExportableStore, type Exported, isSame } from '../../src/store/exportable.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { migrate } from '../../src/store/migration.ts';
import { OutcomeUnknown, type Write } from '../../src/store/store.ts';

const SOURCE = 'the old store';
const records = (count: number, mark = ''): Write[] =>
  Array.from({ length: count }, (_, nth) => ({
    key: `token/acme/${String(nth).padStart(6, '0')}`,
    record: { nth, mark },
    indexes: [
      { index: 'tokens/acme', score: nth },
      { index: `counted/${mark}`, score: nth % 7 },
    ],
  }));
const filled = async (writes: Write[]) => {
  const store = new MemoryStore();
  await store.commit({ expects: [], writes });
  return store;
};
const contents = async (store: ExportableStore) => (await store.export(null, 100_000)).records;
const equal = (left: readonly Exported[], right: readonly Exported[]) =>
  left.length === right.length && left.every((record, nth) => isSame(record, right[nth]!));

it('arrives whole, and the source stays as it was', async () => {
  const [from, to] = [await filled(records(1234)), new MemoryStore()];
  const before = await contents(from);
  const steps: string[] = [];
  const migrated = await migrate({ from, to, source: SOURCE, onStep: (...step) => steps.push(step.join(' ')) });
  expect(migrated).toEqual({ records: 1234, entries: 2468, copied: 1234, removed: 0 });
  expect(equal(await contents(to), before)).toBe(true);
  expect(await contents(from)).toEqual(before);
  expect(await to.count('tokens/acme', -1)).toBe(1234);
  expect(steps.slice(0, 3)).toEqual(['copied 500 1234', 'copied 1000 1234', 'copied 1234 1234']);
  expect(steps.slice(-1)).toEqual(['checked in the source 1234 1234']);
});

it('takes along when tokens were last used', async () => {
  const [from, to] = [await filled(records(700)), new MemoryStore()];
  const keys = ['token/acme/000001', 'token/acme/000699', 'token/acme/000002'];
  await from.touch([
    { key: keys[0]!, atMs: 1_800_000_000_001 },
    { key: keys[1]!, atMs: 1_800_000_000_002 },
  ]);
  await from.touch([{ key: keys[2]!, atMs: 1_800_000_000_000, scopes: ['bot:read'] }]);
  await from.touch([{ key: keys[2]!, atMs: 1_900_000_000_000, scopes: ['chat:write'] }]);
  await migrate({ from, to, source: SOURCE });
  expect(await to.touched(keys)).toEqual([1_800_000_000_001, 1_800_000_000_002, 1_900_000_000_000]);
  expect(await to.scopesUsed(keys)).toEqual(await from.scopesUsed(keys));
  expect((await to.scopesUsed(keys))[2]!.days.size).toBe(2);
});

it('of nothing leaves nothing', async () => {
  const to = new MemoryStore();
  expect(await migrate({ from: new MemoryStore(), to, source: SOURCE })).toMatchObject({ records: 0 });
  expect(await to.size()).toBe(0);
});

/** Shows records a second time on a later page, as SCAN of Redis may. */
class Repeating extends MemoryStore {
  #shown: readonly Exported[] = [];

  override async export(cursor: string | null, limit: number) {
    const page = await super.export(cursor, limit);
    const again = cursor === null ? [] : await this.exported(this.#shown.slice(0, 3).map(({ key }) => key));
    this.#shown = page.records;
    return { ...page, records: [...page.records, ...again.filter((record) => record !== null)] };
  }
}

it.each([
  ['source', new Repeating(), new MemoryStore()],
  ['target', new MemoryStore(), new Repeating()],
])('counts no record twice, though the %s shows some again', async (_which, from, to) => {
  await from.commit({ expects: [], writes: records(1234) });
  const all = { records: 1234, entries: 2468, removed: 0 };
  expect(await migrate({ from, to, source: SOURCE })).toEqual({ ...all, copied: 1234 });
  expect(await migrate({ from, to, source: SOURCE })).toEqual({ ...all, copied: 0 });
});

/** Fails at its n-th commit, before or after making it. */
class Failing extends MemoryStore {
  left: number;
  readonly made: boolean;

  constructor(left: number, made: boolean) {
    super();
    this.left = left;
    this.made = made;
  }

  override async commit(change: Parameters<MemoryStore['commit']>[0]) {
    if (--this.left === 0) {
      if (this.made) await super.commit(change);
      throw new OutcomeUnknown('lost');
    }
    return super.commit(change);
  }
}

describe.each([true, false])('interrupted (the last commit made: %s)', (made) => {
  it.each([1, 2, 3, 4])('at its commit %i, it is gone on with and copies only what is missing', async (nth) => {
    const [from, to] = [await filled(records(1234)), new Failing(nth, made)];
    await expect(migrate({ from, to, source: SOURCE })).rejects.toThrow(OutcomeUnknown);
    const there = (await contents(to)).filter(({ key }) => key.startsWith('token/')).length;
    const migrated = await migrate({ from, to, source: SOURCE });
    expect(migrated).toMatchObject({ records: 1234, copied: 1234 - there });
    expect(equal(await contents(to), await contents(from))).toBe(true);
  });
});

it('makes good what changed in the source between two runs: new, other and gone records', async () => {
  const [from, to] = [await filled(records(1234)), new Failing(3, true)];
  await expect(migrate({ from, to, source: SOURCE })).rejects.toThrow(OutcomeUnknown);
  await from.commit({
    expects: [],
    writes: [
      { key: 'token/acme/000000', record: null },
      { key: 'token/acme/000001', record: { nth: 1, mark: 'other' } },
      { key: 'token/acme/000002', record: { nth: 2, mark: '' }, indexes: [{ index: 'tokens/acme', score: 99 }] },
      { key: 'member/acme/new', record: {} },
    ],
  });
  expect(await migrate({ from, to, source: SOURCE })).toMatchObject({ records: 1234, removed: 1 });
  expect(equal(await contents(to), await contents(from))).toBe(true);
  expect(await to.count('tokens/acme', -1)).toBe(1232);
});

it('run again after it has ended well, it finds that all of it is there, and changes nothing', async () => {
  const [from, to] = [await filled(records(1234)), new MemoryStore()];
  const { records: copied, entries } = await migrate({ from, to, source: SOURCE });
  const revision = await to.revision();
  expect(await migrate({ from, to, source: SOURCE })).toEqual({ records: copied, entries, copied: 0, removed: 0 });
  expect(await to.revision()).toBe(revision);
});

describe('is refused', () => {
  it('where the target holds data of its own, which stays', async () => {
    const to = await filled([{ key: 'member/theirs/alice', record: { theirs: true } }]);
    await expect(migrate({ from: await filled(records(3)), to, source: SOURCE })).rejects.toThrow('holds data already');
    expect(await contents(to)).toMatchObject([{ key: 'member/theirs/alice', version: 1 }]);
  });

  it.each([
    ['changed', { key: 'token/acme/000001', record: { nth: 1, mark: 'since' } }],
    ['added', { key: 'member/acme/new', record: {} }],
    ['removed', { key: 'token/acme/000001', record: null }],
  ])('where something was %s in a target that an earlier run has filled, and that stays', async (_how, written) => {
    const [from, to] = [await filled(records(3)), new MemoryStore()];
    await migrate({ from, to, source: SOURCE });
    await to.commit({ expects: [], writes: [written] });
    const before = await contents(to);
    await expect(migrate({ from, to, source: SOURCE })).rejects.toThrow('holds data already');
    expect(await contents(to)).toEqual(before);
  });

  it('where the target is being filled from another source, or the source is such a target', async () => {
    const [from, to] = [await filled(records(3)), new Failing(2, true)];
    await expect(migrate({ from, to, source: SOURCE })).rejects.toThrow(OutcomeUnknown);
    await expect(migrate({ from, to, source: 'another' })).rejects.toThrow(/being filled from the old store, not from/);
    await expect(migrate({ from: to, to: new MemoryStore(), source: SOURCE })).rejects.toThrow('unfinished target');
  });

  it.each(['copied', 'checked in the target', 'checked in the source'] as const)(
    'where the source does not keep still while it is being %s, and goes well once it does',
    async (when) => {
      const [from, to] = [await filled(records(1234)), new MemoryStore()];
      let touched = false;
      const onStep = (step: string) => {
        if (touched || step !== when) return;
        touched = true;
        void from.commit({ expects: [], writes: [{ key: 'token/acme/000000', record: null }] });
      };
      await expect(migrate({ from, to, source: SOURCE, onStep })).rejects.toThrow('the source was changed by somebody');
      expect(touched).toBe(true);
      expect(await migrate({ from, to, source: SOURCE })).toMatchObject({ records: 1233, copied: 0 });
      expect(equal(await contents(to), await contents(from))).toBe(true);
    },
  );

  it('where somebody writes into the target meanwhile', async () => {
    const [from, to] = [await filled(records(1234)), new MemoryStore()];
    let touched = false;
    const onStep = (step: string) => {
      if (touched || step !== 'checked in the source') return;
      touched = true;
      void to.commit({ expects: [], writes: [{ key: 'member/theirs/alice', record: {} }] });
    };
    await expect(migrate({ from, to, source: SOURCE, onStep })).rejects.toThrow('the target was changed by somebody');
  });
});
