/** The only file that knows which store was chosen. */
import { readFileSync } from 'node:fs';
import { systemAuthorities } from '../authorities.ts';
import type { Configuration } from '../config/load/configuration.ts';
import { localFolder } from '../config/load/local-folder.ts';
import { parseRedisUrl } from '../config/load/redis-url.ts';
import { Bug } from '../errors.ts';
import type { SharedCounters } from '../limits/counters.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { FactCacheOptions } from '../store/cache/fact-cache.ts';
import type { ExportableStore } from '../store/exportable.ts';
import { describeAddress, type RedisAccess } from '../store/redis/address.ts';
import type { RedisStore } from '../store/redis/store.ts';
import type { Registry } from '../store/registry.ts';
import type { StoreFault } from '../store/sqlite/health.ts';
import { FileRegistry } from '../store/sqlite/registry.ts';
import { SqliteStore } from '../store/sqlite/store.ts';

export interface OpenedStore {
  readonly opened: ExportableStore;
  /** Of the gateway processes that share it. */
  readonly registry: Registry;
  /** Where what belongs to this machine alone is kept, such as a generated admin key. */
  readonly folder: string;
  /** Where rate limits are counted for every process that opens this store; null: nowhere. */
  readonly counters: SharedCounters | null;
  describe(metrics: Metrics): void;
  /** What keeps it from taking changes; null: nothing that is known. */
  fault(): StoreFault | null;
}

const SLACK_MS = 25;
const REDIS_PORT = 6379;
const SENTINEL_PORT = 26_379;

type RedisSettings = Extract<Configuration['file']['store'], { driver: 'redis' }>;

/** Rejects with SetupError with what to mend. A Redis that cannot be reached is waited for, by everybody who asks. */
export async function openStore(configuration: Configuration, log: Log): Promise<OpenedStore> {
  const { file, resolvePath } = configuration;
  const { store } = file;
  const folder = localFolder(configuration);
  if (store.driver === 'sqlite') {
    const path = resolvePath(store.path);
    const report = (message: string) => log.error(message);
    const opened = new SqliteStore(path, { bytes: store.reserveBytes, report });
    const registry = new FileRegistry(`${path}-leases`);
    const describe = (metrics: Metrics) => describeFull(metrics, opened);
    return { opened, registry, folder, counters: null, describe, fault: () => opened.fault };
  }
  // Only for those who use it: its client takes memory and time to start.
  const { RedisStore } = await import('../store/redis/store.ts');
  const { keyPrefix, commandTimeoutMs, commitTimeoutMs, waitReplicas, acceptEviction, memoryReservePercent } = store;
  const opened = await RedisStore.open({
    access: redisAccess(store, resolvePath),
    keyPrefix,
    commandTimeoutMs,
    commitTimeoutMs,
    acceptEviction,
    memoryReservePercent,
    waitReplicas: waitReplicas === 'all' ? null : waitReplicas,
    report: (level, message, details = {}) => log[level](details, message),
  });
  return {
    opened,
    registry: opened.registry(),
    folder,
    counters: opened,
    describe: (metrics) => describeRedis(metrics, opened),
    fault: () => null,
  };
}

/** What people call the store, without a secret: the same text, the same store. */
export function placeOf({ file, resolvePath }: Configuration): string {
  const { store } = file;
  if (store.driver === 'sqlite') return resolvePath(store.path);
  const access = redisAccess(store, resolvePath);
  return `${describeAddress(access)}, database ${access.database ?? 0}, keyPrefix ${store.keyPrefix}`;
}

/** What is remembered of the store, and for how long it is waited for: a store that gives up by itself may do so first. */
export function cacheOptions({ cache, store }: Configuration['file']): Omit<FactCacheOptions, 'monotonicMs'> {
  return store.driver === 'sqlite' ? cache : { ...cache, readPatienceMs: store.commandTimeoutMs + SLACK_MS };
}

/** What the settings say, together. Reads the files that they name. */
export function redisAccess(store: RedisSettings, resolvePath: Configuration['resolvePath']): RedisAccess {
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

function describeFull(metrics: Metrics, store: { readonly fullCount: number }): void {
  const help = 'Changes that were refused because the store has no room for anything new: an alarm.';
  metrics.counter('scopegate_store_full_total', help, () => store.fullCount);
}

function describeRedis(metrics: Metrics, store: RedisStore): void {
  describeFull(metrics, store);
  metrics.counter(
    'scopegate_feed_rewound_total',
    'How often Redis had lost changes that we had heard of: an alarm.',
    () => store.rewoundCount,
  );
}
