/**
 * Where records stood in Redis before, recorded from the last version that had them there (`redis-layout-1.json.gz`: the
 * commands that put it into an empty server), becomes what stands there now: nothing is lost, whatever happens on the way.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SetupError } from '../../src/errors.ts';
import { type Exported, isSame } from '../../src/store/exportable.ts';
import { FORMAT_KEY } from '../../src/store/format.ts';
import { packKey, recordsKey } from '../../src/store/redis/packed-key.ts';
import { SCRIPTS, type Scripted } from '../../src/store/redis/scripts.ts';
import { RedisShared } from '../../src/store/redis/shared.ts';
import { bringToLayout } from '../../src/store/redis/upgrade.ts';
import { StoreUnavailable } from '../../src/store/store.ts';
import { someProcess } from '../contract/registry.contract.ts';
import { openRedis, type Reported, write } from '../store/redis-harness.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';

const P = 'scopegate:{scopegate}:';
const RECORDED = JSON.parse(
  gunzipSync(readFileSync(new URL('redis-layout-1.json.gz', import.meta.url))).toString(),
) as string[][];

/** What the recorded commands say, without anything of ours. */
const records = new Map<string, Exported>();
const touched = new Map<string, number>();
for (const [command, key, ...args] of RECORDED) {
  if (command === 'hset') touched.set(args[0]!, Number(args[1]));
  if (command !== 'set' || !key!.startsWith(`${P}r:`)) continue;
  const [version, names, ...record] = args[0]!.split('\n');
  const own = key!.slice(`${P}r:`.length);
  const indexes = (JSON.parse(names!) as string[]).map((index) => ({
    index,
    score: Number(RECORDED.find(([, set, , member]) => set === `${P}i:${index}` && member === own)![2]),
  }));
  records.set(own, { key: own, version: Number(version), record: JSON.parse(record.join('\n')), indexes });
}
const revision = Number(RECORDED.find(([, key]) => key === `${P}revision`)![2]);

let redis: RedisServer;
let client: Redis;

beforeAll(async () => {
  redis = await startRedis();
  client = new Redis(redis.url);
});
afterAll(async () => {
  client.disconnect();
  await redis.stop();
});
beforeEach(async () => {
  await redis.cli('flushall');
  const pipeline = client.pipeline();
  for (const [command, ...args] of RECORDED) pipeline.call(command!, ...args);
  await pipeline.exec();
});

const open = (reports: Reported[] = []) =>
  openRedis(redis.port, { keyPrefix: 'scopegate:', commandTimeoutMs: 5000, commitTimeoutMs: 10_000 }, reports);

async function expectWhole(): Promise<void> {
  const store = await open();
  const found = await store.exported([...records.keys()]);
  for (const [place, expected] of [...records.values()].entries()) {
    expect(found[place]?.version, expected.key).toBe(expected.version);
    expect(isSame(found[place]!, expected), expected.key).toBe(true);
  }
  expect(await store.size()).toBe(records.size);
  expect(await store.touched([...touched.keys()])).toEqual([...touched.values()]);
  expect(await store.revision()).toBe(revision);
  const listed = new Map<string, number>();
  for (const { indexes } of records.values())
    for (const { index } of indexes) listed.set(index, (listed.get(index) ?? 0) + 1);
  for (const [index, count] of listed) expect(await store.count(index, Number.NEGATIVE_INFINITY), index).toBe(count);
  const keys = (await redis.cli('keys', '*')).split('\n').map((key) => key.slice(P.length));
  expect(keys.filter((key) => /^(?:r:|i:|touches|processes)/.test(key))).toEqual([`r:${FORMAT_KEY}`]);
  await store.close();
}

/** The upgrade alone, over a connection that is lost at its nth question. */
async function upgrade(lostAt = Number.POSITIVE_INFINITY): Promise<number> {
  const scripted = new Redis(redis.url, { scripts: SCRIPTS }) as Scripted;
  let asked = 0;
  try {
    await bringToLayout({
      prefix: P,
      shared: new RedisShared(P),
      report: () => undefined,
      ask: (work) => {
        if (++asked === lostAt) throw new StoreUnavailable('lost');
        return work(scripted);
      },
    });
    return asked;
  } finally {
    scripted.disconnect();
  }
}

it('every record is there, with its version, its lists and its last use, and changes go on from there', async () => {
  const reports: Reported[] = [];
  const store = await open(reports);
  expect(await store.get('organization/acme')).toMatchObject({ record: { id: 'acme' } });
  expect(reports.map(({ message }) => message)).toEqual(
    expect.arrayContaining([expect.stringContaining(`${records.size} moved`)]),
  );
  await expectWhole();
  expect(await write(store, 'a')).toEqual({ ok: true, revision: revision + 1 });
  expect(await store.changesSince(revision, 10)).toMatchObject([{ revision: revision + 1, keys: ['a'] }]);
  expect(store.rewoundCount).toBe(0);
  await store.close();
});

it('interrupted anywhere, it is gone on with', { timeout: 120_000 }, async () => {
  let whole = false;
  for (let lostAt = 1; !whole; lostAt += 2) {
    whole = await upgrade(lostAt).then(
      () => true,
      (error: unknown) => {
        expect(error).toBeInstanceOf(StoreUnavailable);
        return false;
      },
    );
  }
  await expectWhole();
});

it('two processes that start at once do it together', async () => {
  await Promise.all([upgrade(), upgrade(), upgrade()]);
  await expectWhole();
});

it('is done once', async () => {
  const first = await upgrade();
  expect(first).toBeGreaterThan(5);
  expect(await upgrade()).toBe(1);
});

describe('an older process', () => {
  const lease = (leaseMs: number) =>
    (client as unknown as Scripted).hset(
      `${P}processes`,
      'old',
      `${(Date.now() + leaseMs) * 1000} ${JSON.stringify(someProcess('old'))}`,
    );

  it('that runs is waited for', async () => {
    await lease(1500);
    await upgrade();
    await expectWhole();
  });

  it('that goes on running is named, and nothing is moved', { timeout: 30_000 }, async () => {
    await lease(60_000);
    const store = await open();
    const refused = await store.get('organization/acme').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(SetupError);
    expect((refused as Error).message).toContain('an older scopegate runs on it: host (process 7)');
    expect(await redis.cli('exists', `${P}r:organization/acme`, `${P}layout`)).toBe('1');
    await store.close();
  });

  it('that nobody saw can change nothing afterwards, and one that is started finds a newer format', async () => {
    await upgrade();
    await expect(client.xadd(`${P}log`, `${revision + 1}-0`, 'keys', '[]')).rejects.toThrow('WRONGTYPE');
    const [version, , record] = (await client.get(`${P}r:${FORMAT_KEY}`))!.split('\n');
    expect(Number(version)).toBeGreaterThan(0);
    expect(JSON.parse(record!)).toMatchObject({ number: 3 });
  });
});

it('what was damaged stays so, and a list keeps an entry that no record knows of', async () => {
  await redis.cli('set', `${P}r:member/acme/ann`, '{"cut off');
  await redis.cli('zadd', `${P}i:tokens/acme`, '5', 'token/acme/gone');
  const store = await open();
  expect(await store.read('member/acme/ann')).toMatchObject({ kind: 'unavailable' });
  expect(await store.read('member/acme/cat')).toMatchObject({ kind: 'found' });
  const listed = [...records.values()].filter(({ indexes }) => indexes.some(({ index }) => index === 'members/acme'));
  expect(await store.count('members/acme', -1)).toBe(listed.length);
  await expect(store.scan('members/acme', { limit: 100 })).rejects.toThrow(StoreUnavailable);
  await expect(store.scan('tokens/acme', { limit: 1 })).rejects.toThrow(StoreUnavailable);
  await store.close();
});

it('a newer layout is refused, and left as it is', async () => {
  await redis.cli('set', `${P}layout`, '3');
  const store = await open();
  await expect(store.get('organization/acme')).rejects.toThrow('written by a newer scopegate');
  await expect(write(store, 'a')).rejects.toThrow(SetupError);
  expect(await redis.cli('hexists', recordsKey(P, packKey('a')), '0a')).toBe('0');
  await store.close();
});
