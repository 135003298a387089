/** Leases in Redis: the suite for every registry, against a real server, and what only a shared engine can promise. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RedisStore } from '../../src/store/redis/store.ts';
import { StoreUnavailable } from '../../src/store/store.ts';
import { openRedis } from '../store/redis-harness.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { describeRegistry, LONG_MS, someProcess } from './registry.contract.ts';

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const open = () => openRedis(redis.port, { commandTimeoutMs: 1000, commitTimeoutMs: 2000 });
const commit = async (store: RedisStore, count: number) => {
  for (let round = 0; round < count; round++)
    await store.commit({ expects: [], writes: [{ key: 'a', record: round }] });
};

describeRegistry('RedisRegistry', async () => {
  await redis.cli('flushall');
  const [store, other] = [await open(), await open()];
  await commit(store, 100);
  return {
    registry: store.registry(),
    peer: () => other.registry(),
    dispose: async () => {
      await store.close();
      await other.close();
    },
  };
});

describe('leases in Redis', () => {
  it('stand under the hash tag of the store, and go when they have ended', async () => {
    await redis.cli('flushall');
    const store = await open();
    const registry = store.registry();
    await registry.renew(someProcess('a'), 1);
    expect(await redis.cli('keys', '*')).toBe('test:{scopegate}:leases');
    while ((await redis.cli('hlen', 'test:{scopegate}:leases')) !== '0') await registry.live();
    await store.close();
  });

  it('a process that knows more than Redis knows another history, so it has applied nothing of this one', async () => {
    await redis.cli('flushall');
    const store = await open();
    const registry = store.registry();
    await commit(store, 3);
    await registry.renew(someProcess('ahead', 4), LONG_MS);
    await registry.renew(someProcess('right', 3), LONG_MS);
    expect((await registry.live()).map(({ id, revision }) => [id, revision])).toEqual([
      ['ahead', 0],
      ['right', 3],
    ]);
    await store.close();
  });

  it('cannot be renewed while Redis does not answer, nor after the store was closed, and nobody waits for long', async () => {
    await redis.cli('flushall');
    const store = await open();
    const registry = store.registry();
    await registry.renew(someProcess('a'), LONG_MS);
    redis.pause();
    const beganMs = performance.now();
    await expect(registry.renew(someProcess('a'), LONG_MS)).rejects.toThrow(StoreUnavailable);
    await expect(registry.live()).rejects.toThrow(StoreUnavailable);
    expect(performance.now() - beganMs).toBeLessThan(3000);
    redis.resume();
    await store.close();
    await expect(registry.live()).rejects.toThrow(StoreUnavailable);
  });
});
