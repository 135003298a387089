/**
 * What other clients cost a well-behaved one: its latency alone, beside 500 slow clients, beside 5,000 idle
 * connections, and beside 20 that guess tokens, round after round through one gateway. The figures are ratios within a round.
 */
import { join } from 'node:path';
import { Owned } from '../src/owned.ts';
import { type Child, OTHER_CORE, runWorker, startChild, startScopegate, temporaryFolder } from './children.ts';
import type { Holder } from './dataset.ts';
import { median, residentMegabytes } from './measure.ts';
import type { CrowdPlan } from './processes/crowd.ts';
import type { LoadPlan, LoadResult } from './processes/load.ts';
import type { BenchOptions, Section } from './report.ts';
import { fillStore } from './traffic.ts';

const RATIO_MAX = 2;
const SLOW = 500;
const IDLE = 5000;
const GUESSING = 20;
/** Beside those the core is full, so that a request waits for some of theirs. */
const GUESSED_MAX_MS = 20;
/** Enough to see a queue form, too few to make one. */
const CONNECTIONS = 4;

interface Measured extends LoadResult {
  readonly resident: number;
}

export async function benchClients({ quick, say }: BenchOptions): Promise<Section> {
  const owned = new Owned();
  try {
    const folder = temporaryFolder(owned);
    const dataset = await fillStore(join(folder, 'scopegate.db'), say, 1);
    const upstream = await startChild(owned, './processes/upstream.ts', OTHER_CORE);
    const gateway = await startScopegate(owned, folder, upstream.url);
    const holder = dataset.holders[0]!;
    const seconds = quick ? 3 : 10;
    await load(gateway, holder, seconds);
    const alone: Measured[] = [];
    const slow: Measured[] = [];
    const idle: Measured[] = [];
    const guessed: Measured[] = [];
    for (let round = 1; round <= (quick ? 1 : 3); round++) {
      alone.push(await load(gateway, holder, seconds));
      slow.push(await beside(gateway, holder, seconds, 'slow', SLOW));
      idle.push(await beside(gateway, holder, seconds, 'idle', IDLE));
      guessed.push(await beside(gateway, holder, seconds, 'guessing', GUESSING));
      say(`round ${round}`);
    }
    const rows = [
      ['alone', alone],
      [`beside ${SLOW} slow clients`, slow],
      [`beside ${IDLE} idle connections`, idle],
      [`beside ${GUESSING} that guess tokens`, guessed],
    ] as const;
    return {
      name: 'clients',
      tables: [
        {
          title: `latency of ${CONNECTIONS} well-behaved clients, medians of ${alone.length} rounds`,
          columns: ['', 'requests/s', 'p50 ms', 'p99 ms', 'p99 against alone', 'MB resident'],
          rows: rows.map(([name, measured]) => [
            name,
            Math.round(median(measured.map((each) => each.perSecond))),
            median(measured.map((each) => each.p50Ms)),
            median(measured.map((each) => each.p99Ms)),
            ratio(measured, alone).toFixed(2),
            Math.round(median(measured.map((each) => each.resident))),
          ]),
        },
      ],
      checks: [
        ...rows.slice(1, 3).map(([name, measured]) => ({
          promise: `${name}, the p99 stays within ${RATIO_MAX} times of the same load alone`,
          measured: ratio(measured, alone).toFixed(2),
          kept: ratio(measured, alone) <= RATIO_MAX,
        })),
        {
          promise: `beside ${GUESSING} that guess tokens without a pause, the p99 stays within ${GUESSED_MAX_MS} ms`,
          measured: `${median(guessed.map((each) => each.p99Ms)).toFixed(1)} ms`,
          kept: median(guessed.map((each) => each.p99Ms)) <= GUESSED_MAX_MS,
        },
      ],
    };
  } finally {
    await owned.release();
  }
}

function ratio(measured: readonly Measured[], alone: readonly Measured[]): number {
  return median(measured.map((each, round) => each.p99Ms / alone[round]!.p99Ms));
}

async function beside(
  gateway: Child,
  holder: Holder,
  seconds: number,
  kind: CrowdPlan['kind'],
  clients: number,
): Promise<Measured> {
  const crowd = new Owned();
  try {
    const { hostname, port } = new URL(gateway.url);
    const request = `GET ${pathOf(holder)} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${holder.text}\r\n\r\n`;
    const plan: CrowdPlan = { url: gateway.url, kind, clients, request };
    await startChild(crowd, './processes/crowd.ts', OTHER_CORE, { input: JSON.stringify(plan) });
    return await load(gateway, holder, seconds);
  } finally {
    await crowd.release();
  }
}

async function load(gateway: Child, holder: Holder, seconds: number): Promise<Measured> {
  const requests = [{ path: pathOf(holder), headers: { authorization: `Bearer ${holder.text}` } }];
  const plan: LoadPlan = { url: gateway.url, connections: CONNECTIONS, seconds, requests };
  const result = await runWorker<LoadResult>('./processes/load.ts', OTHER_CORE, JSON.stringify(plan));
  if (result.wrong > 0) throw new Error(`${result.wrong} answers under load were not 200`);
  return { ...result, resident: residentMegabytes(gateway.pid) };
}

function pathOf(holder: Holder): string {
  return `/api/v1/workflows?environmentId=${holder.environmentId}`;
}
