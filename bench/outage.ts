/**
 * A minute without Redis at 2,000 requests a second: half of them with a token that is at hand, half with one that only
 * Redis knows. What is answered, how soon, what the gateway grows by, and how long it takes to be back.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Owned } from '../src/owned.ts';
import { startRedis } from '../test/support/redis.ts';
import { hasTool } from '../test/support/tools.ts';
import { AdminClient } from './admin-client.ts';
import { OTHER_CORE, runWorker, startChild, startScopegate, temporaryFolder } from './children.ts';
import { residentMegabytes } from './measure.ts';
import type { LoadDetails, LoadPlan } from './processes/load.ts';
import type { BenchOptions, Section } from './report.ts';

const PER_SECOND = 2000;
/** Those without an answer yet are many. */
const CONNECTIONS = 200;
const SECONDS = 60;
const SECONDS_QUICK = 10;
/** Of the outage, in which tokens at hand go on. */
const SERVED_SHARE = 0.5;
/** Into the outage, when what waits for Redis has all begun to wait. */
const SETTLING_MS = 3000;
const SAMPLE_MS = 250;
const GROWTH_MAX_MB = 16;
const REFUSED_MAX_MS = 250;
const RECOVERY_MAX_MS = 2000;

export async function benchOutage({ quick, say }: BenchOptions): Promise<Section> {
  if (!hasTool('redis-server')) {
    say('redis-server is not installed; left out');
    return { name: 'outage', tables: [], checks: [] };
  }
  const owned = new Owned();
  try {
    const folder = temporaryFolder(owned);
    const redis = owned.add(await startRedis(), (server) => server.stop());
    const seconds = quick ? SECONDS_QUICK : SECONDS;
    const sections = {
      store: { driver: 'redis', url: redis.url },
      cache: { maxStalenessMs: 1000, serveDuringOutageMs: seconds * SERVED_SHARE * 1000 },
    };
    const upstream = await startChild(owned, './processes/upstream.ts', OTHER_CORE);
    const sidecar = await startScopegate(owned, folder, upstream.url, {}, { ...sections, admin: { port: 0 } }, 'admin');
    const gateway = await startScopegate(owned, folder, upstream.url, {}, sections);
    const key = readFileSync(join(folder, 'data', 'admin-key'), 'utf8').trim();
    const admin = owned.add(await AdminClient.open(sidecar.url, key, CONNECTIONS), (opened) => opened.close());
    const known = await admin.mint();
    const load = (tokens: readonly string[], lasting: number) => {
      const requests = tokens.map((token) => ({ path: '/bodies/x', headers: { authorization: `Bearer ${token}` } }));
      const plan: LoadPlan = {
        url: gateway.url,
        connections: CONNECTIONS,
        seconds: lasting,
        requests,
        perSecond: PER_SECOND,
      };
      return runWorker<LoadDetails>('./processes/load.ts', OTHER_CORE, JSON.stringify(plan));
    };
    const unseen = await Promise.all(Array.from({ length: 50 }, async () => (await admin.mint()).token));
    const before = await load([known.token], quick ? 3 : 10);
    say(`with Redis: ${Math.round(before.perSecond)} requests/s, p99 ${before.p99Ms.toFixed(1)} ms`);

    redis.pause();
    const resident: number[] = [];
    const sampling = setInterval(() => resident.push(residentMegabytes(gateway.pid)), SAMPLE_MS);
    const during = await load(
      unseen.flatMap((token) => [known.token, token]),
      seconds,
    );
    clearInterval(sampling);
    redis.resume();
    const backMs = performance.now();
    while ((await admin.statusAt(gateway.url, unseen[0]!)) !== 200) await pause(5);
    const recoveryMs = performance.now() - backMs;
    return report(before, during, seconds, resident, recoveryMs);
  } finally {
    await owned.release();
  }
}

function report(
  before: LoadDetails,
  during: LoadDetails,
  seconds: number,
  resident: readonly number[],
  recoveryMs: number,
): Section {
  const settled = resident.slice(Math.ceil(SETTLING_MS / SAMPLE_MS));
  const growth = Math.max(...settled) - settled[0]!;
  const { 200: served = 0, 503: unavailable = 0, ...others } = during.statuses;
  const row = (name: string, { answered, wrong, perSecond, p50Ms, p99Ms, maxMs, statuses }: LoadDetails) => [
    name,
    Math.round((perSecond / answered) * (answered + wrong)),
    statuses[200] ?? 0,
    statuses[503] ?? 0,
    ...[p50Ms, p99Ms, maxMs].map((ms) => Number(ms.toFixed(1))),
  ];
  return {
    name: 'outage',
    tables: [
      {
        title: `Redis stopped for ${seconds} s at ${PER_SECOND} requests/s; half with a token at hand, served for ${seconds * SERVED_SHARE} s of it`,
        columns: ['', 'answers/s', '200', '503', 'p50 ms', 'p99 ms', 'max ms'],
        rows: [row('before', before), row('during', during)],
      },
    ],
    checks: [
      {
        promise: 'every answer is 200 or 503, and both are there',
        measured: `${served} and ${unavailable}; others ${JSON.stringify(others)}, ${during.failed} without an answer`,
        kept: served > 0 && unavailable > 0 && Object.keys(others).length === 0 && during.failed === 0,
      },
      {
        promise: `answers within ${REFUSED_MAX_MS} ms (p99)`,
        measured: `${during.p99Ms.toFixed(1)} ms`,
        kept: during.p99Ms <= REFUSED_MAX_MS,
      },
      {
        promise: `resident memory is flat: less than ${GROWTH_MAX_MB} MB above ${SETTLING_MS / 1000} s into the outage`,
        measured: `${growth.toFixed(1)} MB, from ${settled[0]!.toFixed(0)} MB`,
        kept: growth < GROWTH_MAX_MB,
      },
      {
        promise: `back within ${RECOVERY_MAX_MS / 1000} s of Redis`,
        measured: `${Math.round(recoveryMs)} ms`,
        kept: recoveryMs <= RECOVERY_MAX_MS,
      },
    ],
  };
}
