/** Stores on a server of the test's own, with limits short enough to be waited for. */

import type { RedisAccess } from '../../src/store/redis/address.ts';
import type { RedisStoreOptions } from '../../src/store/redis/link.ts';
import { RedisStore } from '../../src/store/redis/store.ts';

export interface Reported {
  readonly level: string;
  readonly message: string;
}

export function at(port: number, more: Partial<RedisAccess> = {}): RedisAccess {
  return { place: { kind: 'server', node: { host: '127.0.0.1', port } }, ...more };
}

/** What it reports goes to `reports`, where given. */
export function openRedis(
  where: number | RedisAccess,
  options: Partial<RedisStoreOptions> = {},
  reports: Reported[] = [],
): Promise<RedisStore> {
  return RedisStore.open({
    access: typeof where === 'number' ? at(where) : where,
    keyPrefix: 'test:',
    commandTimeoutMs: 200,
    commitTimeoutMs: 1000,
    waitReplicas: null,
    memoryReservePercent: 5,
    report: (level, message) => reports.push({ level, message }),
    ...options,
  });
}

export const write = (store: RedisStore, key: string, record: unknown = 1) =>
  store.commit({ expects: [], writes: [{ key, record, indexes: [{ index: 'all', score: 1 }] }] });
