/**
 * How long it takes to end all streams of one token that is revoked, as their clients see it, and how long a request of
 * another token has to wait meanwhile. Counted from the moment at which the sidecar is asked. What is promised is the
 * gateway's own time: clients, upstream and whatever else runs share the machine.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Owned } from '../src/owned.ts';
import { AdminClient } from './admin-client.ts';
import { OTHER_CORE, startChild, startScopegate, temporaryFolder } from './children.ts';
import { cpuSeconds, median, percentile } from './measure.ts';
import type { StreamsEnded } from './processes/stream-clients.ts';
import type { BenchOptions, Section } from './report.ts';

const STREAMS = 6000;
const STREAMS_QUICK = 1000;
const ROUNDS = 5;
const ROUNDS_QUICK = 2;
/** Of the gateway's CPU time, for each stream: so a core ends 2,500 in a second. */
const MICROSECONDS_MAX = 400;

interface Round {
  readonly answeredMs: number;
  readonly endedMs: Float64Array;
  readonly withLastWord: number;
  readonly cpuMicroseconds: number;
  /** The slowest request of somebody else meanwhile. */
  readonly slowestMs: number;
}

export async function benchStreams({ quick, say }: BenchOptions): Promise<Section> {
  const streams = quick ? STREAMS_QUICK : STREAMS;
  const rounds: Round[] = [];
  for (let nth = 0; nth < (quick ? ROUNDS_QUICK : ROUNDS); nth++) {
    const owned = new Owned();
    try {
      rounds.push(await measure(owned, streams));
      say(`${streams} streams ended after ${Math.round(rounds.at(-1)!.endedMs.at(-1)!)} ms`);
    } finally {
      await owned.release();
    }
  }
  return report(streams, rounds);
}

async function measure(owned: Owned, streams: number): Promise<Round> {
  const folder = temporaryFolder(owned);
  const upstream = await startChild(owned, './processes/event-upstream.ts', OTHER_CORE);
  const sections = { admin: { port: 0 } };
  const sidecar = await startScopegate(owned, folder, upstream.url, {}, sections, 'admin');
  const gateway = await startScopegate(owned, folder, upstream.url, {}, sections);
  const key = readFileSync(join(folder, 'admin-key'), 'utf8').trim();
  const admin = owned.add(await AdminClient.open(sidecar.url, key, 4), (opened) => opened.close());
  const { id, token } = await admin.mint();
  const other = await admin.mint();
  const input = JSON.stringify({ url: gateway.url, token, streams });
  const clients = await startChild(owned, './processes/stream-clients.ts', OTHER_CORE, { input });
  const running = { is: true };
  const meanwhile = slowestOf(gateway.url, other.token, running);
  const cpuBefore = cpuSeconds(gateway.pid);
  const askedAtMs = performance.timeOrigin + performance.now();
  await admin.call('POST', `/tokens/${id}/revoke`);
  const answeredMs = performance.timeOrigin + performance.now() - askedAtMs;
  const { endedAtMs, withLastWord } = JSON.parse(await clients.nextLine) as StreamsEnded;
  running.is = false;
  const cpuMicroseconds = ((cpuSeconds(gateway.pid) - cpuBefore) * 1e6) / streams;
  return {
    answeredMs,
    endedMs: Float64Array.from(endedAtMs, (atMs) => atMs - askedAtMs).sort(),
    withLastWord,
    cpuMicroseconds,
    slowestMs: await meanwhile,
  };
}

/** One after the other, over a connection of its own; a refusal needs no upstream. */
async function slowestOf(url: string, token: string, running: { is: boolean }): Promise<number> {
  let slowest = 0;
  while (running.is) {
    const begunMs = performance.now();
    const answer = await fetch(`${url}/nowhere`, { headers: { authorization: `Bearer ${token}` } });
    await answer.arrayBuffer();
    slowest = Math.max(slowest, performance.now() - begunMs);
  }
  return slowest;
}

function report(streams: number, rounds: readonly Round[]): Section {
  const ms = (read: (round: Round) => number) => Math.round(median(rounds.map(read)));
  return {
    name: 'streams',
    tables: [
      {
        title: `${streams} event streams of one token that is revoked, ms from asking; medians of ${rounds.length} rounds`,
        columns: [
          'answered',
          'first ended',
          'half',
          'last',
          "slowest request of another's",
          'CPU µs / stream',
          'with a last word',
        ],
        rows: [
          [
            ms(({ answeredMs }) => answeredMs),
            ms(({ endedMs }) => endedMs[0]!),
            ms(({ endedMs }) => percentile(endedMs, 0.5)),
            ms(({ endedMs }) => endedMs.at(-1)!),
            ms(({ slowestMs }) => slowestMs),
            ms(({ cpuMicroseconds }) => cpuMicroseconds),
            ms(({ withLastWord }) => withLastWord),
          ],
        ],
      },
    ],
    checks: [
      {
        promise: `at most ${MICROSECONDS_MAX} µs of the gateway's CPU time for each of ${streams} streams that end at once`,
        measured: `${ms(({ cpuMicroseconds }) => cpuMicroseconds)} µs`,
        kept: ms(({ cpuMicroseconds }) => cpuMicroseconds) <= MICROSECONDS_MAX,
      },
    ],
  };
}
