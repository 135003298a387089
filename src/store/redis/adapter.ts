/** Redis, as gateway.yaml names it. Its client takes memory and time to load, so only who opens it does so. */
import type { StoreAdapter } from '../adapter.ts';
import { describeFullCount } from '../full-count.ts';
import { redisAccess } from './access.ts';
import { describeAddress } from './address.ts';
import { checkRedis } from './check.ts';
import { type RedisSettings, RedisSettingsSchema } from './settings.ts';

/** Of what belongs to this machine alone, relative to gateway.yaml. */
const LOCAL_FOLDER = 'data';

export const redisAdapter = {
  schema: RedisSettingsSchema,
  exactExport: false,
  check: checkRedis,
  open: async (settings, { resolvePath, log }) => {
    const { RedisStore } = await import('./store.ts');
    const { keyPrefix, commandTimeoutMs, commitTimeoutMs, waitReplicas, acceptEviction, memoryReservePercent } =
      settings;
    const opened = await RedisStore.open({
      access: redisAccess(settings, resolvePath),
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
      questions: opened.questions(),
      counters: opened,
      describe: (metrics) => {
        describeFullCount(metrics, opened);
        const help = 'How often Redis had lost changes that we had heard of: an alarm.';
        metrics.counter('scopegate_feed_rewound_total', help, () => opened.rewoundCount);
      },
      fault: () => null,
    };
  },
  describe: (settings, resolvePath) => {
    const access = redisAccess(settings, resolvePath);
    return `${describeAddress(access)}, database ${access.database ?? 0}, keyPrefix ${settings.keyPrefix}`;
  },
  folder: (_settings, resolvePath) => resolvePath(LOCAL_FOLDER),
  exists: () => true,
  readTimeoutMs: ({ commandTimeoutMs }) => commandTimeoutMs,
  withTimeouts: (settings, leastMs) => ({
    ...settings,
    commandTimeoutMs: Math.max(settings.commandTimeoutMs, leastMs),
    commitTimeoutMs: Math.max(settings.commitTimeoutMs, leastMs),
  }),
} satisfies StoreAdapter<RedisSettings>;
