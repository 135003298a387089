/** The shared store: the suite for every store, against a real server that this file starts. */
import { afterAll, beforeAll } from 'vitest';
import { openRedis } from '../store/redis-harness.ts';
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
      await redis.cli('set', `test:{scopegate}:r:${key}`, '{"cut off');
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
  await redis.cli('set', 'other:{scopegate}:r:a', 'x');
  const store = await open();
  return {
    store,
    damage: async (key) => {
      await redis.cli('set', `test:{scopegate}:r:${key}`, '{"cut off');
    },
    loseEntry: async (index, key) => {
      await redis.cli('zrem', `test:{scopegate}:i:${index}`, key);
    },
    dispose: () => store.close(),
  };
});
