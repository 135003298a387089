/** The change feed of the Redis store: nothing is lost, and nobody believes that nothing was when something was. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RedisStore } from '../../src/store/redis/store.ts';
import { Listener } from '../contract/store.contract.ts';
import { type Partition, startPartition } from '../support/partition.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { timePasses } from '../support/time.ts';
import { at, openRedis, type Reported, write } from './redis-harness.ts';

let redis: RedisServer;
let network: Partition;
/** Follows through the network that fails. */
let store: RedisStore;
/** Writes beside it. */
let other: RedisStore;
let reports: Reported[];
let caughtUp: Listener;

beforeAll(async () => {
  redis = await startRedis();
  network = await startPartition(redis.port);
});
afterAll(async () => {
  await network.stop();
  await redis.stop();
});

beforeEach(async () => {
  network.heal();
  redis.resume();
  await redis.cli('flushall');
  reports = [];
  store = await openRedis(network.port, {}, reports);
  other = await openRedis(redis.port);
  caughtUp = new Listener();
  store.follow(caughtUp);
  await caughtUp.until(() => caughtUp.heardCount > 0);
  return async () => {
    await store.close();
    await other.close();
  };
});

const alarms = () => reports.filter(({ level }) => level === 'error').map(({ message }) => message);

describe('what was committed while the feed was away', () => {
  it.each([
    ['cut off', () => network.cut()],
    ['in a network that swallows everything', () => network.swallow()],
    ['in a network that swallows answers', () => network.swallowAnswers()],
  ])('%s is heard afterwards, all of it and in order', async (_name, fail) => {
    await write(other, 'k0');
    await caughtUp.until(() => caughtUp.keys.includes('k0'));
    fail();
    for (let round = 1; round < 20; round++) await write(other, `k${round}`);
    const before = caughtUp.heardRevision;
    network.heal();
    await caughtUp.until(() => caughtUp.heardRevision >= 20);
    expect(before).toBe(1);
    expect(caughtUp.keys).toEqual(Array.from({ length: 20 }, (_, round) => `k${round}`));
    expect(caughtUp.flushes).toBe(0);
  });

  it('in a half-closed connection is heard, over another', async () => {
    const before = network.accepted;
    network.halfClose();
    await write(other, 'a');
    await caughtUp.until(() => caughtUp.keys.includes('a'));
    expect(network.accepted).toBeGreaterThan(before);
  });

  it.each(['normal', 'pubsub'])('is heard whatever an operator kills: client kill type %s', async (type) => {
    for (let round = 0; round < 30; round++) {
      await write(other, `k${round}`).catch(() => undefined);
      if (round % 10 === 5) await redis.cli('client', 'kill', 'type', type);
    }
    await expect.poll(() => write(other, 'last').catch(() => null), { timeout: 5000 }).not.toBeNull();
    await caughtUp.until(() => caughtUp.keys.includes('last'));
    await expect
      .poll(async () => (await other.changesSince(0, 100).catch(() => null))?.flatMap(({ keys }) => keys))
      .toEqual(caughtUp.keys);
    expect(caughtUp.flushes).toBe(0);
  });

  it('and is no longer in the log makes followers believe nothing, and is no alarm', async () => {
    await write(other, 'a');
    await caughtUp.until(() => caughtUp.keys.includes('a'));
    network.cut();
    for (let round = 0; round < 5; round++) await write(other, `k${round}`);
    await redis.cli('xtrim', 'test:{scopegate}:changes', 'maxlen', '2');
    expect(await other.changesSince(1, 10)).toBeNull();
    network.heal();
    await caughtUp.until(() => caughtUp.flushes === 1);
    await write(other, 'b');
    await caughtUp.until(() => caughtUp.keys.includes('b'));
    expect(caughtUp.keys).toEqual(['a', 'b']);
    expect(alarms()).toEqual([]);
  });
});

describe('a history that is not the one we knew', () => {
  const lost = 'store: Redis has lost changes: its newest was 3, now it is';

  beforeEach(async () => {
    for (const key of ['a', 'b', 'c']) await write(other, key);
    await caughtUp.until(() => caughtUp.keys.includes('c'));
  });

  it('shorter: nothing is believed, and the operator is alarmed', async () => {
    await redis.cli('flushall');
    await caughtUp.until(() => caughtUp.flushes === 1);
    expect(alarms()).toEqual([expect.stringContaining(`${lost} 0`)]);
    expect(store.rewoundCount).toBe(1);
    await write(other, 'new');
    await caughtUp.until(() => caughtUp.keys.includes('new'));
    expect(caughtUp.flushes).toBe(1);
  });

  it('as long, but another: the same', async () => {
    network.cut();
    await redis.cli('flushall');
    for (const key of ['x', 'y', 'z']) await write(other, key);
    network.heal();
    await caughtUp.until(() => caughtUp.flushes === 1);
    expect(alarms()).toEqual([expect.stringContaining(`${lost} 3`)]);
  });

  it('longer by now: the same, and none of its changes is taken for ours', async () => {
    network.cut();
    await redis.cli('flushall');
    for (let round = 0; round < 10; round++) await write(other, `k${round}`);
    network.heal();
    await caughtUp.until(() => caughtUp.flushes === 1);
    expect(alarms()).toEqual([expect.stringContaining(`${lost} 10`)]);
    expect(caughtUp.keys).toEqual(['a', 'b', 'c']);
  });
});

describe('silence', () => {
  it.each([
    ['a server that hangs', () => redis.pause(), () => redis.resume()],
    ['a network that swallows everything', () => network.swallow(), () => network.heal()],
  ])('%s is not taken for nothing having happened', async (_name, fail, mend) => {
    fail();
    await timePasses(450, 'what was under way may still come');
    const before = caughtUp.heardCount;
    await timePasses(700, 'a follower hears at least two signs of life a second');
    const after = caughtUp.heardCount;
    mend();
    expect(after).toBe(before);
    await caughtUp.until(() => caughtUp.heardCount > before);
  });
});

it('news that had a long way say how old they may be', async () => {
  network.delay(100);
  const ages: number[] = [];
  store.follow(
    new (class extends Listener {
      override caughtUp(revision: number, ageMs = 0): void {
        ages.push(ageMs);
        super.caughtUp(revision);
      }
    })(),
  );
  await expect.poll(() => ages.filter((ageMs) => ageMs >= 190).length, { timeout: 5000 }).toBeGreaterThan(2);
});

it('a feed that is refused keeps no commit waiting for ever; what followers believed is gone, and the operator reads why', async () => {
  await redis.cli('acl', 'setuser', 'blind', 'on', '>secret', '~*', '+@all', '-xrange', '-xrevrange');
  const blind = await openRedis(
    at(redis.port, { username: 'blind', password: 'secret' }),
    { commitTimeoutMs: 300 },
    reports,
  );
  const listener = new Listener();
  blind.follow(listener);
  expect(await write(blind, 'a')).toMatchObject({ ok: true });
  expect(listener).toMatchObject({ flushes: 1, heardCount: 0 });
  expect(alarms()).toEqual([expect.stringMatching(/^store: Redis lets nobody follow its changes: NOPERM/)]);
  await blind.close();
});

it('what is asked for without Redis is answered at once, once somebody has waited; and as ever when it is back', async () => {
  await write(other, 'a');
  redis.pause();
  const begun = performance.now();
  expect(await store.read('a')).toMatchObject({ kind: 'unavailable' });
  const firstMs = performance.now() - begun;
  expect(firstMs).toBeLessThan(5000);
  const many = performance.now();
  for (let round = 0; round < 1000; round++) expect((await store.read('a')).kind).toBe('unavailable');
  // If every tenth waited as the first did, it would take a hundred times as long.
  expect(performance.now() - many).toBeLessThan(firstMs * 100);
  redis.resume();
  await expect.poll(() => store.read('a'), { timeout: 5000, interval: 10 }).toMatchObject({ kind: 'found' });
});

it('connections that a dead network left behind are replaced within two seconds of its return', async () => {
  await write(other, 'a');
  network.swallow();
  expect(await store.read('a')).toMatchObject({ kind: 'unavailable' });
  await timePasses(1500, 'the network is dead for long enough that nobody tries at once any more');
  network.heal();
  // The two seconds, and what a busy test machine may take on top.
  await expect.poll(() => store.read('a'), { timeout: 5000, interval: 10 }).toMatchObject({ kind: 'found' });
});
