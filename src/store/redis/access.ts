/** Where a Redis is and how to get in, from the settings that say so. Reads the files that they name; never connects. */
import { readFileSync } from 'node:fs';
import { systemAuthorities } from '../../authorities.ts';
import { Bug } from '../../errors.ts';
import type { ResolvePath } from '../adapter.ts';
import type { RedisAccess } from './address.ts';
import type { RedisSettings } from './settings.ts';
import { parseRedisUrl, REDIS_PORT, SENTINEL_PORT } from './url.ts';

/** What the settings say, together; they passed their check. */
export function redisAccess(store: RedisSettings, resolvePath: ResolvePath): RedisAccess {
  const { sentinel, cluster, tls } = store;
  const url = parseRedisUrl(store.url, sentinel === undefined ? REDIS_PORT : SENTINEL_PORT);
  if (url === null) throw new Bug('the store URL was not checked');
  const read = (path: string | undefined) => (path === undefined ? undefined : readFileSync(resolvePath(path)));
  const defined = <T extends object>(values: T) =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
      [K in keyof T]: Exclude<T[K], undefined>;
    };
  const { nodes } = url;
  return {
    place:
      sentinel !== undefined
        ? { kind: 'sentinel', nodes, ...sentinel }
        : cluster
          ? { kind: 'cluster', nodes }
          : { kind: 'server', node: nodes[0]! },
    ...defined({
      username: store.username ?? url.username,
      password: store.password ?? url.password,
      database: url.database,
    }),
    ...(url.tls
      ? {
          tls: {
            ca: read(tls?.ca) ?? [...systemAuthorities()],
            ...defined({ cert: read(tls?.cert), key: read(tls?.key), servername: tls?.servername }),
            rejectUnauthorized: tls?.insecureSkipVerify !== true,
          },
        }
      : {}),
  };
}
