/**
 * What the gateway costs beside peers that do the same check, in one run: nginx with Lua, with and without what else the
 * gateway does, nginx that only proxies, and a bare http-proxy-3. Each scenario is proven, then measured in turn, round by
 * round. The figure is the CPU time of a candidate's processes for each answer.
 */
import { join } from 'node:path';
import { SetupError } from '../src/errors.ts';
import { Owned } from '../src/owned.ts';
import { canPin, OTHER_CORE, startChild, temporaryFolder } from './children.ts';
import type { Dataset } from './dataset.ts';
import { median } from './measure.ts';
import {
  type Candidate,
  HTTP_PROXY_3,
  type Missing,
  missingCandidates,
  NGINX_LUA,
  startCandidates,
} from './peers/candidates.ts';
import { canSend, LoadOn, missingLoads, type Round } from './peers/load.ts';
import { hasNginx, startNginxUpstream } from './peers/nginx.ts';
import { judge, type Result, type Row, ratioOf } from './peers/promises.ts';
import { whatIsWrong } from './peers/proof.ts';
import { NAMES, SCENARIOS, type Scenario, type Variant } from './peers/scenarios.ts';
import { requestsFor } from './peers/traffic.ts';
import type { BenchOptions, Section, Table } from './report.ts';
import { fillStore, TOKENS } from './traffic.ts';

/** Scenarios for which an upstream must have read the whole body, or must go on speaking: no nginx does that by itself. */
const BARE: readonly Variant[] = ['whole-bodies', 'streams'];
/** Of a candidate that was just started: until V8 has compiled what it needs. */
const FIRST_WARM_UP_SECONDS = 9;

export async function benchPeers(options: BenchOptions): Promise<Section> {
  const { say, scenario: wanted } = options;
  if (wanted !== undefined && !NAMES.includes(wanted))
    throw new SetupError(`bench: there is no scenario "${wanted}"; there are ${NAMES.join(', ')}`);
  const missing = [...missingCandidates(), ...missingLoads()];
  for (const { what, instead, install } of missing) say(`${what}: ${instead}; ${install}`);
  const chosen = SCENARIOS.filter(({ name }) => wanted === undefined || name === wanted);
  const skipped = chosen.filter((scenario) => !canSend(scenario));
  const measured = chosen.filter(canSend);
  const owned = new Owned();
  try {
    const folder = temporaryFolder(owned);
    const dataset = await fillStore(join(folder, 'scopegate.db'), say);
    const bare = await startChild(owned, './processes/peers-upstream.ts', OTHER_CORE);
    const upstream = hasNginx() ? await startNginxUpstream(owned, folder) : bare;
    const results: Result[] = [];
    for (const variant of new Set(measured.map((scenario) => scenario.variant))) {
      const scenarios = measured.filter((scenario) => scenario.variant === variant);
      const { url } = BARE.includes(variant) ? bare : upstream;
      results.push(...(await measureVariant({ folder, variant, upstream: url, dataset }, scenarios, options)));
    }
    return report(results, [...missing, ...skipped.map(needsWrk)]);
  } finally {
    await owned.release();
  }
}

function needsWrk({ name }: Scenario): Missing {
  return { what: name, instead: 'skipped', install: 'apt-get install wrk' };
}

async function measureVariant(
  start: Parameters<typeof startCandidates>[1],
  scenarios: readonly Scenario[],
  options: BenchOptions,
): Promise<Result[]> {
  const owned = new Owned();
  try {
    const candidates = await startCandidates(owned, start);
    const results: Result[] = [];
    for (const scenario of scenarios) {
      // What passes everything cannot refuse.
      const able = candidates.filter(({ checksTokens }) => checksTokens || scenario.status === 200);
      const warmUpSeconds = scenario === scenarios[0] ? FIRST_WARM_UP_SECONDS : secondsOf(scenario, options);
      results.push(await measureInTurn(scenario, able, { ...start, warmUpSeconds }, options));
    }
    return results;
  } finally {
    await owned.release();
  }
}

async function measureInTurn(
  scenario: Scenario,
  candidates: readonly Candidate[],
  {
    dataset,
    folder,
    warmUpSeconds,
  }: { readonly dataset: Dataset; readonly folder: string; readonly warmUpSeconds: number },
  options: BenchOptions,
): Promise<Result> {
  const { quick, say } = options;
  const requests = requestsFor(scenario, dataset);
  const rows: Array<{ name: string; rounds: Round[]; problem: string | null; load: LoadOn }> = [];
  for (const candidate of candidates) {
    const load = new LoadOn(candidate, { scenario, requests, folder });
    const problem = (await whatIsWrong(candidate, scenario, dataset)) ?? (await load.warmUp(warmUpSeconds));
    rows.push({ name: candidate.name, rounds: [], problem, load });
  }
  for (let round = 0; round < (quick ? 2 : 5); round++) {
    // Another one is first each time, so that none always follows the same neighbour.
    for (let turn = 0; turn < rows.length; turn++) {
      const row = rows[(turn + round) % rows.length]!;
      if (row.problem !== null) continue;
      const measured = await row.load.measure(secondsOf(scenario, options));
      if (typeof measured === 'string') row.problem = measured;
      else row.rounds.push(measured);
    }
  }
  say(`${scenario.name}: ${rows.map((row) => `${row.name} ${row.problem ?? `${roundsOf(row)} µs`}`).join(', ')}`);
  return { scenario, rows: rows.map(({ name, rounds, problem }) => ({ name, rounds, problem })) };
}

function secondsOf({ timesLonger }: Scenario, { quick }: BenchOptions): number {
  return (quick ? 1 : 3) * timesLonger;
}

function roundsOf({ rounds }: Pick<Row, 'rounds'>): string {
  return rounds.map((round) => round.cpuMicroseconds.toFixed(1)).join(' ');
}

function report(results: readonly Result[], missing: readonly Missing[]): Section {
  const rounds = Math.max(0, ...results.flatMap(({ rows }) => rows.map((row) => row.rounds.length)));
  const pinned = canPin ? '' : ', not pinned to cores';
  const { checks, unjudged } = judge(results);
  const table: Table = {
    title: `the gateway and its peers, ${TOKENS} tokens, medians of ${rounds} rounds${pinned}; events and sockets: messages`,
    columns: [
      ...['scenario', '', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs / request', 'of a core'],
      ...[`against ${HTTP_PROXY_3}`, `against ${NGINX_LUA}`],
    ],
    rows: results.flatMap((result) => result.rows.map((row) => lineOf(result, row))),
  };
  const columns = ['not here', 'instead', 'to have it'];
  const lacking = {
    title: 'what is missing',
    columns,
    rows: missing.map((one) => [one.what, one.instead, one.install]),
  };
  return { name: 'peers', tables: [table, ...unjudged, ...(missing.length === 0 ? [] : [lacking])], checks };
}

function lineOf({ scenario, rows }: Result, row: Row): (string | number)[] {
  if (row.problem !== null) return [scenario.name, row.name, '', '', '', row.problem, '', '', ''];
  const of = (figure: keyof Round) => median(row.rounds.map((round) => round[figure]));
  const against = (other: string) => ratioOf(rows, row.name, other, 'cpuMicroseconds')?.toFixed(2) ?? '';
  return [
    ...[scenario.name, row.name, Math.round(of('perSecond'))],
    ...[of('p50Ms').toFixed(2), of('p99Ms').toFixed(2), of('cpuMicroseconds').toFixed(1)],
    ...[`${Math.round(of('busy') * 100)} %`, against(HTTP_PROXY_3), against(NGINX_LUA)],
  ];
}
