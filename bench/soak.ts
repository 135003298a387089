/**
 * A gateway at 70 % of what it can do for twenty minutes, while the sidecar makes and revokes tokens: whether its memory or
 * its descriptors grow with time, and whether anything fails.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Owned } from '../src/owned.ts';
import { AdminClient } from './admin-client.ts';
import { OTHER_CORE, runWorker, startChild, startScopegate, temporaryFolder } from './children.ts';
import { residentMegabytes } from './measure.ts';
import type { LoadPlan, LoadResult } from './processes/load.ts';
import type { BenchOptions, Section } from './report.ts';

const MINUTES = 20;
const MINUTES_QUICK = 0.5;
/** The compiler is at work and caches fill. */
const WARMING_SHARE = 0.2;
const LOAD_SHARE = 0.7;
const CONNECTIONS = 64;
const TOKENS = 50;
const CHANGE_EVERY_MS = 100;
const SAMPLE_MS = 1000;
const SLOPE_MAX_MB = 1.05;
/** Connections to the upstream come and go. */
const DESCRIPTORS_MAX = 1;

interface Sample {
  readonly minute: number;
  readonly residentMb: number;
  readonly descriptors: number;
}

export async function benchSoak({ quick, say }: BenchOptions): Promise<Section> {
  const owned = new Owned();
  try {
    const folder = temporaryFolder(owned);
    const upstream = await startChild(owned, './processes/upstream.ts', OTHER_CORE);
    const sidecar = await startScopegate(owned, folder, upstream.url, {}, { admin: { port: 0 } }, 'admin');
    const gateway = await startScopegate(owned, folder, upstream.url);
    const key = readFileSync(join(folder, 'admin-key'), 'utf8').trim();
    const admin = owned.add(await AdminClient.open(sidecar.url, key, 4), (opened) => opened.close());
    const tokens: string[] = [];
    while (tokens.length < TOKENS) tokens.push((await admin.mint()).token);
    const load = (seconds: number, perSecond?: number) => {
      const requests = tokens.map((token) => ({ path: '/bodies/x', headers: { authorization: `Bearer ${token}` } }));
      const plan: LoadPlan = { url: gateway.url, connections: CONNECTIONS, seconds, requests };
      const input = JSON.stringify(perSecond === undefined ? plan : { ...plan, perSecond });
      return runWorker<LoadResult>('./processes/load.ts', OTHER_CORE, input);
    };
    await load(quick ? 2 : 10);
    const capacity = await load(quick ? 2 : 10);
    const perSecond = Math.round(capacity.perSecond * LOAD_SHARE);
    const minutes = quick ? MINUTES_QUICK : MINUTES;
    say(`${Math.round(capacity.perSecond)} requests/s at most; ${perSecond} for ${minutes} minutes`);

    const samples: Sample[] = [];
    const startedMs = performance.now();
    const sampling = setInterval(() => {
      const minute = (performance.now() - startedMs) / 60_000;
      samples.push({
        minute,
        residentMb: residentMegabytes(gateway.pid),
        descriptors: readdirSync(`/proc/${gateway.pid}/fd`).length,
      });
      if (samples.length % 60 === 0) say(`${minute.toFixed(0)} min: ${samples.at(-1)!.residentMb.toFixed(1)} MB`);
    }, SAMPLE_MS);
    owned.add(sampling, (timer) => clearInterval(timer));
    const running = { is: true };
    const changing = change(admin, gateway.url, running);
    const during = await load(minutes * 60, perSecond).finally(() => {
      running.is = false;
    });
    clearInterval(sampling);
    return report(during, await changing, minutes, samples);
  } finally {
    await owned.release();
  }
}

/** Tokens that are made, used, and revoked; how many. Rejects when one was served after its end. */
async function change(admin: AdminClient, gateway: string, running: { is: boolean }): Promise<number> {
  let count = 0;
  for (; running.is; count++) {
    const { id, token } = await admin.mint();
    if ((await admin.statusAt(gateway, token)) !== 200) throw new Error('a token that was just made was not served');
    await admin.call('POST', `/tokens/${id}/revoke?wait=5000`);
    if ((await admin.statusAt(gateway, token)) !== 401) throw new Error('a revoked token was served');
    await pause(CHANGE_EVERY_MS);
  }
  return count;
}

function report(during: LoadResult, changes: number, minutes: number, samples: readonly Sample[]): Section {
  const warm = samples.filter(({ minute }) => minute >= minutes * WARMING_SHARE);
  const growth = slopeOf(warm, (sample) => sample.residentMb);
  const descriptors = warm.map((sample) => sample.descriptors);
  const opening = slopeOf(warm, (sample) => sample.descriptors);
  const at = (share: number) => warm[Math.min(warm.length - 1, Math.floor(warm.length * share))]!.residentMb;
  return {
    name: 'soak',
    tables: [
      {
        title: `${minutes} minutes at ${LOAD_SHARE * 100} % of its capacity, ${TOKENS} tokens; ${changes} tokens made and revoked meanwhile`,
        columns: ['requests', 'requests/s', 'p50 ms', 'p99 ms', 'MB once warm', 'MB half way', 'MB at the end'],
        rows: [
          [
            during.answered,
            Math.round(during.perSecond),
            ...[during.p50Ms, during.p99Ms, at(0), at(0.5), at(1)].map((value) => Number(value.toFixed(1))),
          ],
        ],
      },
    ],
    checks: [
      {
        promise: 'resident memory grows by less than 1 MiB a minute',
        measured: `${growth.toFixed(3)} MB a minute`,
        kept: growth < SLOPE_MAX_MB,
      },
      {
        promise: `open descriptors grow by less than ${DESCRIPTORS_MAX} a minute`,
        measured: `${opening.toFixed(2)} a minute, ${Math.min(...descriptors)} to ${Math.max(...descriptors)}`,
        kept: opening < DESCRIPTORS_MAX,
      },
      {
        promise: 'every answer is 200',
        measured: `${during.wrong} others of ${during.answered + during.wrong}`,
        kept: during.wrong === 0,
      },
    ],
  };
}

/** A minute, by least squares. */
function slopeOf(samples: readonly Sample[], read: (sample: Sample) => number): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const minute = mean(samples.map((sample) => sample.minute));
  const value = mean(samples.map(read));
  let over = 0;
  let under = 0;
  for (const sample of samples) {
    over += (sample.minute - minute) * (read(sample) - value);
    under += (sample.minute - minute) ** 2;
  }
  return over / under;
}
