/** Stores on a server of the test's own, with limits short enough to be waited for. */

import type { RedisAccess } from '../../src/store/redis/address.ts';
import type { RedisStoreOptions } from '../../src/store/redis/link.ts';
import { packKey, recordsKey } from '../../src/store/redis/packed-key.ts';
import { RedisStore } from '../../src/store/redis/store.ts';
import type { RedisServer } from '../support/redis.ts';

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

/** Where a record stands: a hash and a field of it. For keys that are kept as their text. */
export function placeOf(key: string, prefix = 'test:'): [hash: string, field: string] {
  const packed = packKey(key);
  return [recordsKey(`${prefix}{scopegate}:`, packed), packed.toString()];
}

/** '1' where it has the record, as redis-cli says it. */
export const has = (server: RedisServer, key: string) => server.cli('hexists', ...placeOf(key));

/** The sorted set of an index that is still a single leaf. */
export async function leafOf(server: RedisServer, index: string, prefix = 'test:'): Promise<string> {
  const packed = Buffer.from(index);
  const lists = await server.cli('hget', recordsKey(`${prefix}{scopegate}:`, packed, 'l:'), index);
  return `${prefix}{scopegate}:n:${/^\d+/.exec(lists)![0]}`;
}
