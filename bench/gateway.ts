/**
 * What a gateway costs: the upstream alone, a bare http-proxy-3 with the same token check, and scopegate, under the same
 * load in turn, round after round. Each target first has to answer 200, 401 and 403 where it should. The figure is the
 * gateway process's CPU time per request; requests per second depend on what else the machine does.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { Owned } from '../src/owned.ts';
import { SqliteStore } from '../src/store/sqlite.ts';
import { type Child, MEASURED_CORE, OTHER_CORE, runChild, startChild, startScopegate } from './children.ts';
import { buildHouse, type Holder, type House } from './house.ts';
import { cpuSeconds, median } from './measure.ts';
import type { ProxySetup } from './processes/http-proxy-3.ts';
import type { LoadPlan, LoadResult } from './processes/load.ts';
import type { BenchOptions, Section } from './report.ts';

/** Of what http-proxy-3 costs. */
const SHARE_MAX = 0.6;
const TOKENS = 100;
const CONNECTIONS = 64;

interface Target extends Child {
  readonly name: string;
  readonly checksTokens: boolean;
  readonly rounds: Array<LoadResult & { readonly cpuMicroseconds: number }>;
}

export async function benchGateway({ quick, say }: BenchOptions): Promise<Section> {
  const owned = new Owned();
  try {
    const folder = owned.add(mkdtempSync(join(tmpdir(), 'scopegate-bench-')), (path) =>
      rmSync(path, { recursive: true, force: true }),
    );
    const house = await fillStore(join(folder, 'scopegate.db'), say);
    const upstream = await startChild(owned, './processes/upstream.ts', OTHER_CORE);
    const proxy = await startChild(owned, './processes/http-proxy-3.ts', MEASURED_CORE, {
      input: JSON.stringify(proxySetup(house, upstream.url)),
    });
    const scopegate = await startScopegate(owned, folder, upstream.url);
    const targets: Target[] = [
      { ...upstream, name: 'upstream alone', checksTokens: false, rounds: [] },
      { ...proxy, name: 'http-proxy-3', checksTokens: true, rounds: [] },
      { ...scopegate, name: 'scopegate', checksTokens: true, rounds: [] },
    ];
    for (const target of targets) await prove(target, house);
    say('every target answers 200, 401 and 403 where it should');
    for (const target of targets) await load(target, house, quick ? 1 : 4);
    for (let round = 0; round < (quick ? 2 : 5); round++) {
      // Another one is first each time, so that none always follows the same neighbour.
      for (let turn = 0; turn < targets.length; turn++) {
        const target = targets[(turn + round) % targets.length]!;
        target.rounds.push(await load(target, house, quick ? 2 : 6));
      }
      say(
        `round ${round + 1}: ${targets.map((each) => `${each.name} ${each.rounds.at(-1)!.cpuMicroseconds.toFixed(1)} µs`).join(', ')}`,
      );
    }
    return report(targets);
  } finally {
    await owned.release();
  }
}

async function fillStore(path: string, say: BenchOptions['say']): Promise<House> {
  const store = new SqliteStore(path);
  try {
    return await buildHouse(store, { tokens: TOKENS, keep: Array.from({ length: TOKENS }, (_, index) => index), say });
  } finally {
    await store.close();
  }
}

function proxySetup(house: House, upstream: string): ProxySetup {
  const holders = [...house.holders, house.unscoped];
  return {
    upstream,
    tokens: holders.map((holder) => ({ ...holder, state: 'active', workspaces: [holder.workspaceId] })),
    environments: Object.fromEntries(holders.map((holder) => [holder.environmentId, holder.workspaceId])),
  };
}

function pathFor(environmentId: string): string {
  return `/api/v1/workflows?environmentId=${environmentId}`;
}

function headersFor(text: string): Record<string, string> {
  return {
    authorization: `Bearer ${text}`,
    accept: 'application/json',
    'accept-encoding': 'gzip, deflate',
    'user-agent': 'coze-js/1.3.9 node/24',
  };
}

/** Throws unless the target says yes and no at the right places, and a yes is the upstream's own answer. */
async function prove(target: Target, house: House): Promise<void> {
  const ask = async (holder: Pick<Holder, 'text'> | null, environmentId: string) => {
    const headers = holder === null ? {} : headersFor(holder.text);
    const { statusCode, body } = await request(target.url + pathFor(environmentId), { headers, reset: true });
    const text = await body.text();
    if (statusCode === 200 && text.length !== 211)
      throw new Error(`${target.name}: not the upstream's answer: ${text}`);
    return statusCode;
  };
  const first = house.holders[0]!;
  const expected: Array<readonly [number, number]> = [];
  for (const holder of house.holders) expected.push([await ask(holder, holder.environmentId), 200]);
  if (target.checksTokens) {
    expected.push(
      [await ask(null, first.environmentId), 401],
      [await ask({ text: house.unknown }, first.environmentId), 401],
    );
    expected.push(
      [await ask(house.unscoped, house.unscoped.environmentId), 403],
      [await ask(first, first.elsewhere), 403],
    );
  }
  const wrong = expected.find(([answered, right]) => answered !== right);
  if (wrong !== undefined) throw new Error(`${target.name}: answered ${wrong[0]} where ${wrong[1]} is right`);
}

async function load(target: Target, house: House, seconds: number): Promise<Target['rounds'][number]> {
  const requests = house.holders.map(({ text, environmentId }) => ({
    path: pathFor(environmentId),
    headers: headersFor(text),
  }));
  const plan: LoadPlan = { url: target.url, connections: CONNECTIONS, seconds, requests };
  const before = cpuSeconds(target.pid);
  const result = await runChild<LoadResult>('./processes/load.ts', OTHER_CORE, JSON.stringify(plan));
  const used = cpuSeconds(target.pid) - before;
  if (result.wrong > 0) throw new Error(`${target.name}: ${result.wrong} answers under load were not 200`);
  return { ...result, cpuMicroseconds: (used * 1e6) / result.answered };
}

function report(targets: readonly Target[]): Section {
  const [, proxy, scopegate] = targets as [Target, Target, Target];
  const of = (target: Target, field: keyof Target['rounds'][number]) =>
    median(target.rounds.map((round) => round[field]));
  // Neighbours in time met the same machine, so the two are compared round by round.
  const share = median(
    scopegate.rounds.map((each, index) => each.cpuMicroseconds / proxy.rounds[index]!.cpuMicroseconds),
  );
  const rows = targets.map((target) => [
    target.name,
    Math.round(of(target, 'perSecond')),
    round(of(target, 'p50Ms')),
    round(of(target, 'p99Ms')),
    target.checksTokens ? of(target, 'cpuMicroseconds').toFixed(1) : '',
    target.checksTokens ? (target === proxy ? 1 : share).toFixed(2) : '',
  ]);
  const columns = ['', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs / request', 'against http-proxy-3'];
  return {
    name: 'gateway',
    tables: [
      {
        title: `gateway, ${CONNECTIONS} connections, ${TOKENS} tokens, medians of ${scopegate.rounds.length} rounds`,
        columns,
        rows,
      },
    ],
    checks: [
      {
        promise: `at most ${SHARE_MAX} of the CPU time per request of a bare http-proxy-3`,
        measured: share.toFixed(2),
        kept: share <= SHARE_MAX,
      },
    ],
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
