/**
 * How long a revoked token lives in another process, seen from outside: two gateways and a sidecar on one store, a light
 * load on both, revocations one after the other. Counted from the sidecar's answer to the first refusal at the slower
 * gateway; every second one asks for a receipt instead, and then neither gateway may serve the token any more. On Redis
 * also with connections of the feed killed at random, and with a feed that never lives.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Owned } from '../src/owned.ts';
import { type RedisServer, startRedis } from '../test/support/redis.ts';
import { hasTool } from '../test/support/tools.ts';
import { AdminClient } from './admin-client.ts';
import { OTHER_CORE, startChild, startScopegate, temporaryFolder } from './children.ts';
import { percentile } from './measure.ts';
import type { BenchOptions, Section } from './report.ts';

const REVOCATIONS = 10_000;
const REVOCATIONS_QUICK = 200;
/** With a dead feed each takes a good second. */
const DEAD_SHARE = 50;
/** Under way at any time. */
const WRITERS = 4;
const LOAD_CLIENTS = 4;
const LOAD_PAUSE_MS = 10;
const STALENESS_MS = 2000;
const WAIT_MS = 20_000;

interface Setting {
  readonly name: string;
  readonly engine: 'sqlite' | 'redis';
  /** Pauses between two kills of all connections that read the feed; null: none is killed. */
  readonly killEveryMs: (() => number) | null;
  readonly share: number;
  /** Of the first refusal, at the 99th percentile and at all. */
  readonly p99Max: number;
  readonly max: number;
}

const SETTINGS: readonly Setting[] = [
  { name: 'SQLite', engine: 'sqlite', killEveryMs: null, share: 1, p99Max: 100, max: 1000 },
  { name: 'Redis', engine: 'redis', killEveryMs: null, share: 1, p99Max: 100, max: 1000 },
  {
    name: 'Redis, feed connections killed at random',
    engine: 'redis',
    killEveryMs: () => 50 + Math.random() * 1000,
    share: 1,
    p99Max: STALENESS_MS,
    max: STALENESS_MS,
  },
  {
    name: 'Redis, no feed at all',
    engine: 'redis',
    killEveryMs: () => 5,
    share: DEAD_SHARE,
    p99Max: STALENESS_MS,
    max: STALENESS_MS + 500,
  },
];

interface Figures {
  readonly setting: Setting;
  readonly refusedMs: Float64Array;
  readonly receiptMs: Float64Array;
  /** A token that was served although a receipt said that nobody would. */
  readonly broken: number;
  readonly unapplied: number;
}

export async function benchLag({ quick, say }: BenchOptions): Promise<Section> {
  const figures: Figures[] = [];
  for (const setting of SETTINGS) {
    if (setting.engine === 'redis' && !hasTool('redis-server')) {
      say(`redis-server is not installed; left out: ${setting.name}`);
      continue;
    }
    const owned = new Owned();
    try {
      const count = Math.max(WRITERS * 2, Math.round((quick ? REVOCATIONS_QUICK : REVOCATIONS) / setting.share));
      say(`${setting.name}: ${count} revocations`);
      figures.push(await measure(setting, count, owned));
    } finally {
      await owned.release();
    }
  }
  return report(figures);
}

async function measure(setting: Setting, count: number, owned: Owned): Promise<Figures> {
  const folder = temporaryFolder(owned);
  const redis = setting.engine === 'redis' ? owned.add(await startRedis(), (server) => server.stop()) : null;
  const store = redis === null ? { driver: 'sqlite', path: 'scopegate.db' } : { driver: 'redis', url: redis.url };
  const sections = { store, cache: { maxStalenessMs: STALENESS_MS } };
  const upstream = await startChild(owned, './processes/upstream.ts', OTHER_CORE);
  const sidecar = await startScopegate(owned, folder, upstream.url, {}, { ...sections, admin: { port: 0 } }, 'admin');
  const gateways = [
    await startScopegate(owned, folder, upstream.url, {}, sections),
    await startScopegate(owned, folder, upstream.url, {}, sections),
  ].map(({ url }) => url);
  const key = readFileSync(join(folder, redis === null ? '' : 'data', 'admin-key'), 'utf8').trim();
  const admin = owned.add(await AdminClient.open(sidecar.url, key, WRITERS + LOAD_CLIENTS), (opened) => opened.close());

  const running = { is: true };
  const load = lightLoad(admin, gateways, running);
  const killing =
    redis === null || setting.killEveryMs === null ? null : killFeeds(redis, setting.killEveryMs, running);
  const refusedMs: number[] = [];
  const receiptMs: number[] = [];
  let left = count;
  let broken = 0;
  let unapplied = 0;
  const revoke = async () => {
    while (left-- > 0) {
      const withReceipt = left % 2 === 0;
      const { id, token } = await admin.mint();
      for (const url of gateways)
        if ((await admin.statusAt(url, token)) !== 200) throw new Error('a token that was just made was not served');
      if (withReceipt) {
        const beganMs = performance.now();
        const { applied } = await admin.call('POST', `/tokens/${id}/revoke?wait=${WAIT_MS}`);
        receiptMs.push(performance.now() - beganMs);
        if (applied !== true) unapplied++;
        for (const url of gateways) if (applied === true && (await admin.statusAt(url, token)) !== 401) broken++;
      } else {
        await admin.call('POST', `/tokens/${id}/revoke`);
        const answeredMs = performance.now();
        await Promise.all(
          gateways.map(async (url) => {
            while ((await admin.statusAt(url, token)) !== 401);
          }),
        );
        refusedMs.push(performance.now() - answeredMs);
      }
    }
  };
  const writers = Promise.all(Array.from({ length: WRITERS }, revoke)).finally(() => {
    running.is = false;
  });
  await Promise.all([writers, load, killing]);
  return {
    setting,
    refusedMs: Float64Array.from(refusedMs).sort(),
    receiptMs: Float64Array.from(receiptMs).sort(),
    broken,
    unapplied,
  };
}

/** Ends with `running`; rejects when a valid token was refused. */
async function lightLoad(admin: AdminClient, gateways: readonly string[], running: { is: boolean }): Promise<unknown> {
  const { token } = await admin.mint();
  const clients = Array.from({ length: LOAD_CLIENTS }, async (_, nth) => {
    for (; running.is; await pause(LOAD_PAUSE_MS)) {
      const status = await admin.statusAt(gateways[nth % gateways.length]!, token);
      if (status !== 200) throw new Error(`a valid token was answered with ${status} under load`);
    }
  });
  return Promise.all(clients);
}

/** What a network does that drops connections: followers hear nothing until they have come back. */
async function killFeeds(redis: RedisServer, everyMs: () => number, running: { is: boolean }): Promise<void> {
  const { Redis } = await import('ioredis');
  const client = new Redis(redis.url);
  for (; running.is; await pause(everyMs())) {
    const listed = (await client.call('CLIENT', 'LIST')) as string;
    for (const line of listed.split('\n')) {
      const id = /^id=(\d+) /.exec(line)?.[1];
      if (id !== undefined && /cmd=x(?:read|range|revrange)\b/.test(line))
        await client.call('CLIENT', 'KILL', 'ID', id);
    }
  }
  client.disconnect();
}

function report(figures: readonly Figures[]): Section {
  const ms = (sorted: Float64Array, share: number) => Math.round(percentile(sorted, share) * 10) / 10;
  return {
    name: 'lag',
    tables: [
      {
        title: `revocations, two gateways and a sidecar, ms from the sidecar's answer to the refusal at the slower gateway; receipts: ms until ?wait answered`,
        columns: ['', 'revocations', 'p50', 'p99', 'max', 'receipt p50', 'receipt p99', 'receipt max'],
        rows: figures.map(({ setting, refusedMs, receiptMs }) => [
          setting.name,
          refusedMs.length + receiptMs.length,
          ...[0.5, 0.99, 1].map((share) => ms(refusedMs, share)),
          ...[0.5, 0.99, 1].map((share) => ms(receiptMs, share)),
        ]),
      },
    ],
    checks: figures.flatMap(({ setting, refusedMs, broken, unapplied }) => [
      {
        promise: `${setting.name}: refused everywhere within ${setting.p99Max} ms (p99) and ${setting.max} ms (all)`,
        measured: `${ms(refusedMs, 0.99)} ms, ${ms(refusedMs, 1)} ms`,
        kept: percentile(refusedMs, 0.99) <= setting.p99Max && percentile(refusedMs, 1) <= setting.max,
      },
      {
        promise: `${setting.name}: what a receipt calls applied nobody serves any more`,
        measured: `${broken} served, ${unapplied} receipts without it`,
        kept: broken === 0,
      },
    ]),
  };
}
