/** The shared store: the suite for every store, against a real server that this file starts. */
import { afterAll, beforeAll, expect } from 'vitest';
import { leafOf, openRedis, placeOf } from '../store/redis-harness.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { describeExport } from './export.contract.ts';
import { describeStore } from './store.contract.ts';

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const open = () => openRedis(redis.port, { commandTimeoutMs: 1000, commitTimeoutMs: 2000 });

describeStore('RedisStore', async () => {
  await redis.cli('flushall');
  const [store, other] = [await open(), await open()];
  return {
    store,
    peer: () => other,
    damage: async (key) => {
      await redis.cli('hset', ...placeOf(key), '{"cut off');
    },
    dispose: async () => {
      await store.close();
      await other.close();
    },
  };
});

describeExport('RedisStore', async () => {
  await redis.cli('flushall');
  // Not ours: neither by its prefix nor by what a pattern could take for it.
  await redis.cli('hset', ...placeOf('a', 'other:'), 'x');
  const store = await open();
  return {
    store,
    damage: async (key) => {
      await redis.cli('hset', ...placeOf(key), '{"cut off');
    },
    loseEntry: async (index, key) => {
      // Its only entry is that of the key.
      expect(await redis.cli('zcount', await leafOf(redis, index), '-inf', '+inf'), key).toBe('1');
      await redis.cli('del', await leafOf(redis, index));
    },
    dispose: () => store.close(),
  };
});
