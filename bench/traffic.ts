/**
 * What the benchmarks of whole gateways share: a filled store, what to send, the proof that a target says yes and no
 * where it should, and one measured round. Never compares two targets.
 */
import { Agent, request } from 'undici';
import { SqliteStore } from '../src/store/sqlite/store.ts';
import { type Child, OTHER_CORE, runWorker } from './children.ts';
import { buildDataset, type Dataset, type Holder } from './dataset.ts';
import { childrenOf, cpuSeconds } from './measure.ts';
import type { ProxySetup } from './processes/http-proxy-3.ts';
import type { LoadPlan, LoadResult } from './processes/load.ts';
import type { BenchOptions } from './report.ts';

/** Of what http-proxy-3 costs, at most. */
export const SHARE_MAX = 0.6;
export const TOKENS = 100;
/** Requests under way at any time. */
export const CONNECTIONS = 64;
/** The gateways of a benchmark show certificates that nobody vouches for. */
const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });

type Round = LoadResult & {
  /** Of all its processes, for each request. */
  readonly cpuMicroseconds: number;
  /** Of each process that it has started, in seconds. */
  readonly children: readonly number[];
};

export interface Target extends Child {
  readonly name: string;
  readonly checksTokens: boolean;
  /** Absent: HTTP/1.1. */
  readonly http2?: boolean;
  readonly rounds: Round[];
}

export async function fillStore(path: string, say: BenchOptions['say'], tokens = TOKENS): Promise<Dataset> {
  const store = new SqliteStore(path);
  try {
    return await buildDataset(store, { tokens, keep: Array.from({ length: tokens }, (_, index) => index), say });
  } finally {
    await store.close();
  }
}

export function proxySetup(dataset: Dataset, upstream: string): ProxySetup {
  const holders = [...dataset.holders, dataset.unscoped];
  return {
    upstream,
    tokens: holders.map((holder) => ({ ...holder, state: 'active', workspaces: [holder.workspaceId] })),
    environments: Object.fromEntries(holders.map((holder) => [holder.environmentId, holder.workspaceId])),
  };
}

function pathFor(environmentId: string): string {
  return `/api/v1/workflows?environmentId=${environmentId}`;
}

export function headersFor(text: string): Record<string, string> {
  return {
    authorization: `Bearer ${text}`,
    accept: 'application/json',
    'accept-encoding': 'gzip, deflate',
    'user-agent': 'coze-js/1.3.9 node/24',
  };
}

/** Throws unless the target says yes and no at the right places, and a yes is the upstream's own answer. */
async function prove(target: Target, dataset: Dataset): Promise<void> {
  const ask = async (holder: Pick<Holder, 'text'> | null, environmentId: string) => {
    const headers = holder === null ? {} : headersFor(holder.text);
    const { statusCode, body } = await request(target.url + pathFor(environmentId), {
      headers,
      reset: true,
      dispatcher,
    });
    const text = await body.text();
    if (statusCode === 200 && text.length !== 211)
      throw new Error(`${target.name}: not the upstream's answer: ${text}`);
    return statusCode;
  };
  const first = dataset.holders[0]!;
  const expected: Array<readonly [number, number]> = [];
  for (const holder of dataset.holders) expected.push([await ask(holder, holder.environmentId), 200]);
  if (target.checksTokens) {
    expected.push(
      [await ask(null, first.environmentId), 401],
      [await ask({ text: dataset.unknown }, first.environmentId), 401],
    );
    expected.push(
      [await ask(dataset.unscoped, dataset.unscoped.environmentId), 403],
      [await ask(first, first.elsewhere), 403],
    );
  }
  const wrong = expected.find(([answered, right]) => answered !== right);
  if (wrong !== undefined) throw new Error(`${target.name}: answered ${wrong[0]} where ${wrong[1]} is right`);
}

async function load(target: Target, dataset: Dataset, seconds: number): Promise<Round> {
  const requests = dataset.holders.map(({ text, environmentId }) => ({
    path: pathFor(environmentId),
    headers: headersFor(text),
  }));
  const plan: LoadPlan = { url: target.url, connections: CONNECTIONS, seconds, requests };
  const file = target.http2 === true ? './processes/h2-load.ts' : './processes/load.ts';
  const pids = [target.pid, ...childrenOf(target.pid)];
  const before = pids.map(cpuSeconds);
  const result = await runWorker<LoadResult>(file, OTHER_CORE, JSON.stringify(plan));
  const [own, ...children] = pids.map((pid, index) => cpuSeconds(pid) - before[index]!);
  const used = children.reduce((sum, seconds) => sum + seconds, own!);
  if (result.wrong > 0) throw new Error(`${target.name}: ${result.wrong} answers under load were not 200`);
  return { ...result, cpuMicroseconds: (used * 1e6) / result.answered, children };
}

/** Proves each target, warms it up, then loads them one after the other, round by round, into their `rounds`. */
export async function measureInTurn(
  targets: readonly Target[],
  dataset: Dataset,
  { quick, say }: BenchOptions,
  { rounds, seconds } = quick ? { rounds: 2, seconds: 2 } : { rounds: 5, seconds: 6 },
): Promise<void> {
  for (const target of targets) await prove(target, dataset);
  say('every target answers 200, 401 and 403 where it should');
  for (const target of targets) await load(target, dataset, quick ? 1 : 4);
  for (let round = 0; round < rounds; round++) {
    // Another one is first each time, so that none always follows the same neighbour.
    for (let turn = 0; turn < targets.length; turn++) {
      const target = targets[(turn + round) % targets.length]!;
      target.rounds.push(await load(target, dataset, seconds));
    }
    say(
      `round ${round + 1}: ${targets.map((each) => `${each.name} ${each.rounds.at(-1)!.cpuMicroseconds.toFixed(1)} µs`).join(', ')}`,
    );
  }
}
