/** Ordered lists in Redis: in their order and exactly counted, however they grew and shrank; and nothing of an empty one stays. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { newTokenId } from '../../src/manage/tokens/token-id.ts';
import { hashToken, randomText } from '../../src/secret.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { boundsOf, headOf, packKey, unpackKey } from '../../src/store/redis/packed-key.ts';
import type { ScanOptions, Store, Write } from '../../src/store/store.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { openRedis } from './redis-harness.ts';

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
beforeEach(() => redis.cli('flushall'));

let seed = 11;
function below(most: number): number {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed % most;
}

const eventId = (atMs: number) => `evt_${atMs.toString(36).padStart(9, '0')}${randomText(12)}`;
const FORMS: ReadonlyArray<() => string> = [
  () => `token/acme/${newTokenId(1_790_000_000_000 + below(50))}`,
  () => `token/acme/${newTokenId(1_790_000_000_000 + below(50))}`,
  () => `audit/acme/${eventId(1_790_000_000_000 + below(50))}`,
  () => `token/acme/tok_${below(10_000)}`,
  () => `token/other/${newTokenId(1_790_000_000_000)}`,
  () => `member/acme/m${below(10_000)}`,
  () => hashToken(String(below(1_000_000))),
  () => `plain${below(10_000)}`,
];
const SCORES = [0, 0, 1, -1.5, 1_790_000_000_000, Number.MAX_SAFE_INTEGER];
const scoreOf = () => (below(2) === 0 ? SCORES[below(SCORES.length)]! : 1_790_000_000_000 + below(1000));
const INDEXES = ['tokens/acme', 'everything/acme', 'audit', 'tokens/acme/owner/m1'];
const someWrite = (key: string): Write => ({
  key,
  record: 1,
  indexes: INDEXES.slice(0, 1 + below(INDEXES.length)).map((index) => ({ index, score: scoreOf() })),
});

async function expectSame(store: Store, reference: Store, keys: readonly string[]): Promise<void> {
  const bare = (page: Awaited<ReturnType<Store['scan']>>) => page.map(({ key, score }) => [score, key]);
  for (const index of INDEXES) {
    for (const above of [Number.NEGATIVE_INFINITY, -1.5, 0, 1_790_000_000_000, 1_790_000_000_500])
      expect(await store.count(index, above), `${index} above ${above}`).toBe(await reference.count(index, above));
    for (let round = 0; round < 6; round++) {
      const after = { score: scoreOf(), key: below(2) === 0 ? keys[below(keys.length)]! : FORMS[below(8)]!() };
      const options: ScanOptions = {
        limit: 1 + below(300),
        ...(below(4) === 0 ? {} : { after }),
        ...(below(2) === 0 ? {} : { above: scoreOf() }),
        ...(below(2) === 0 ? {} : { backwards: true }),
      };
      const found = await store.scan(index, options);
      expect(bare(found), `${index} ${JSON.stringify(options)}`).toEqual(bare(await reference.scan(index, options)));
    }
  }
}

it('stand as in the reference, through commits of every size, until the last entry is gone', async () => {
  const store = await openRedis(redis.port, { commitTimeoutMs: 30_000 });
  const reference = new MemoryStore();
  const both = async (writes: Write[]) => {
    for (const each of [store, reference])
      expect(await each.commit({ expects: [], writes })).toMatchObject({ ok: true });
  };
  let keys: string[] = [];
  for (let round = 0; round < 20; round++) {
    const isLarge = round % 10 === 0;
    const made = Array.from({ length: isLarge ? 1200 : 1 + below(60) }, () => someWrite(FORMS[below(8)]!()));
    const [gone, moved] = [below(60), below(60)];
    const change = new Map(made.map((each) => [each.key, each]));
    for (let nth = 0; nth < gone && keys.length > 0; nth++) {
      const key = keys[below(keys.length)]!;
      change.set(key, { key, record: null });
    }
    for (let nth = 0; nth < moved && keys.length > 0; nth++) {
      const key = keys[below(keys.length)]!;
      change.set(key, someWrite(key));
    }
    await both([...change.values()]);
    const left = new Set([...keys, ...change.keys()]);
    for (const { key, record } of change.values()) if (record === null) left.delete(key);
    keys = [...left];
    if (round % 6 === 0) await expectSame(store, reference, keys);
  }
  await expectSame(store, reference, keys);
  while (keys.length > 0) {
    const gone = keys.splice(0, 1 + below(1500));
    await both(gone.map((key) => ({ key, record: null })));
    if (keys.length > 0) await expectSame(store, reference, keys);
  }
  const rest = (await redis.cli('keys', '*')).split('\n').filter((key) => /:[nmclLht]:/.test(key));
  expect(rest).toEqual([]);
  await store.close();
}, 240_000);

it('of tens of thousands of entries are three levels deep, and still exact', async () => {
  const store = await openRedis(redis.port, { commitTimeoutMs: 30_000, commandTimeoutMs: 5000 });
  const ids = Array.from({ length: 12_000 }, () => below(1_000_000_000));
  const keys = [...new Set(ids)].map((id) => `member/acme/${String(id).padStart(10, '0')}`);
  for (let from = 0; from < keys.length; from += 1000) {
    const writes = keys
      .slice(from, from + 1000)
      .map((key) => ({ key, record: 1, indexes: [{ index: 'members/acme', score: 0 }] }));
    await store.commit({ expects: [], writes });
  }
  expect(await store.count('members/acme', Number.NEGATIVE_INFINITY)).toBe(keys.length);
  const sorted = keys.toSorted();
  const seen: string[] = [];
  for (let after: ScanOptions['after']; ; ) {
    const page = await store.scan('members/acme', { limit: 777, ...(after && { after }) });
    seen.push(...page.map(({ key }) => key));
    const last = page.at(-1);
    if (last === undefined) break;
    after = { score: last.score, key: last.key };
  }
  expect(seen).toEqual(sorted);
  const back: string[] = [];
  for (let after: ScanOptions['after']; ; ) {
    const page = await store.scan('members/acme', { limit: 777, backwards: true, ...(after && { after }) });
    back.push(...page.map(({ key }) => key));
    const last = page.at(-1);
    if (last === undefined) break;
    after = { score: last.score, key: last.key };
  }
  expect(back).toEqual(sorted.toReversed());
  const inner = (await redis.cli('keys', '*:m:*')).split('\n');
  expect(inner.length).toBeGreaterThan(2);
  for (let from = 0; from < sorted.length; from += 1000)
    await store.commit({ expects: [], writes: sorted.slice(from, from + 1000).map((key) => ({ key, record: null })) });
  expect(await store.count('members/acme', Number.NEGATIVE_INFINITY)).toBe(0);
  expect(await redis.cli('keys', '*:[nmclL]:*')).toBe('');
  await store.close();
}, 240_000);

it('a packed key comes back to the letter, and packed keys of one form have the order of their texts', () => {
  const keys = Array.from({ length: 4000 }, () => FORMS[below(8)]!());
  for (const key of keys) expect(unpackKey(packKey(key))).toBe(key);
  const byForm = Map.groupBy(keys, (key) => headOf('everything/acme', key, packKey(key)));
  for (const group of byForm.values()) {
    const texts = group.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
    expect(group.toSorted((left, right) => Buffer.compare(packKey(left), packKey(right)))).toEqual(texts);
  }
});

it('what stands behind a key is told of keys of every form', () => {
  const keys = Array.from({ length: 1500 }, () => FORMS[below(8)]!());
  keys.push(
    'token/acme/',
    'token/acme/tok_',
    'token/acme/zzz',
    'token/acme/tok_~',
    'audit/acme/evt_00000000',
    '~',
    '-',
  );
  for (const after of keys.slice(-400)) {
    const bounds = boundsOf(after);
    for (const key of keys.slice(0, 300)) {
      const packed = packKey(key);
      const bound = bounds[packed[0]! - 48]!;
      const head = headOf('everything/acme', key, packed);
      if (bound.toString('latin1', 1, head.length + 1) !== head) continue;
      const order = Buffer.compare(packed, bound.subarray(1));
      const isBehind = bound[0] === 40 ? order > 0 : order >= 0;
      expect(isBehind, `${key} behind ${after}`).toBe(Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0);
    }
  }
});
