/** The store of a Redis of this machine, as the benchmarks open it to fill it: with patience. Starts no server. */
import { RedisStore } from '../src/store/redis/store.ts';

const FILL_PATIENCE_MS = 60_000;

export function openRedisAt(port: number): Promise<RedisStore> {
  return RedisStore.open({
    access: { place: { kind: 'server', node: { host: '127.0.0.1', port } } },
    keyPrefix: 'scopegate:',
    commandTimeoutMs: FILL_PATIENCE_MS,
    commitTimeoutMs: FILL_PATIENCE_MS,
    waitReplicas: null,
    memoryReservePercent: 5,
    report: () => undefined,
  });
}
