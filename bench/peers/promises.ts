/**
 * What is promised of the gateway beside its peers, as data, and what the rounds say of it. A figure is the median of the
 * ratios within a round. Measures nothing.
 */
import { median } from '../measure.ts';
import type { Check, Table } from '../report.ts';
import { HTTP_PROXY_3, NGINX_LUA, SCOPEGATE } from './candidates.ts';
import type { Round } from './load.ts';
import { NAMES, type Scenario } from './scenarios.ts';

/** A candidate in a scenario. */
export interface Row {
  readonly name: string;
  readonly rounds: readonly Round[];
  /** Why it was not measured, or not to its end. */
  readonly problem: string | null;
}

export interface Result {
  readonly scenario: Scenario;
  readonly rows: readonly Row[];
}

interface Promised {
  readonly promise: string;
  readonly scenarios: readonly string[];
  readonly figure: 'cpuMicroseconds' | 'p99Ms';
  readonly against: string;
  readonly most: number;
}

const OF_LUA = { figure: 'cpuMicroseconds', against: NGINX_LUA } as const;
const PROMISES: readonly Promised[] = [
  {
    promise: 'no scenario is dearer than http-proxy-3',
    scenarios: NAMES,
    figure: 'cpuMicroseconds',
    against: HTTP_PROXY_3,
    most: 1,
  },
  { ...OF_LUA, promise: 'plain: at most 1.2 of nginx + Lua', scenarios: ['plain'], most: 1.2 },
  {
    ...OF_LUA,
    promise: 'refusals: at most 1.5 of nginx + Lua',
    scenarios: ['refused-junk', 'refused-unknown', 'refused-scope'],
    most: 1.5,
  },
  { ...OF_LUA, promise: 'TLS: at most 1.3 of nginx + Lua', scenarios: ['tls'], most: 1.3 },
  { ...OF_LUA, promise: 'HTTP/2: at most 2.5 of nginx + Lua', scenarios: ['http2'], most: 2.5 },
  {
    promise: 'p99 at 256 and 2,000 connections: at most twice that of nginx + Lua',
    scenarios: ['connections-256', 'connections-2000'],
    figure: 'p99Ms',
    against: NGINX_LUA,
    most: 2,
  },
];

/** Round by round, because neighbours in time met the same machine; null: one of them has no whole measurement. */
export function ratioOf(rows: readonly Row[], name: string, other: string, figure: Promised['figure']): number | null {
  const [one, another] = [name, other].map((wanted) => rows.find((row) => row.name === wanted && row.problem === null));
  if (one === undefined || another === undefined) return null;
  return median(one.rounds.map((round, index) => round[figure] / another.rounds[index]![figure]));
}

export function judge(results: readonly Result[]): { readonly checks: Check[]; readonly unjudged: Table[] } {
  const checks: Check[] = [answeredRight(results)];
  const unjudged: Array<[string, string]> = [];
  for (const { promise, scenarios, figure, against, most } of PROMISES) {
    const concerned = results.filter(({ scenario }) => scenarios.includes(scenario.name));
    const ratios = concerned.map(({ scenario, rows }) => ({
      name: scenario.name,
      ratio: ratioOf(rows, SCOPEGATE, against, figure),
    }));
    const judged = ratios.flatMap(({ name, ratio }) => (ratio === null ? [] : [{ name, ratio }]));
    for (const { name, ratio } of ratios) if (ratio === null) unjudged.push([promise, name]);
    if (judged.length === 0) continue;
    const measured = judged.toSorted((left, right) => right.ratio - left.ratio);
    // All that break it, or else the one that comes closest.
    const told = measured.filter(({ ratio }, index) => index === 0 || ratio > most);
    checks.push({
      promise,
      measured: told.map(({ name, ratio }) => `${name} ${ratio.toFixed(2)}`).join(', '),
      kept: measured[0]!.ratio <= most,
    });
  }
  const table = { title: 'promises that could not be judged', columns: ['promise', 'scenario'], rows: unjudged };
  return { checks, unjudged: unjudged.length === 0 ? [] : [table] };
}

function answeredRight(results: readonly Result[]): Check {
  const problems = results.flatMap(({ scenario, rows }) =>
    rows.filter((row) => row.problem !== null).map((row) => `${scenario.name}, ${row.name}: ${row.problem}`),
  );
  return {
    promise: 'every candidate answers every scenario as it should',
    measured: problems.length === 0 ? 'all do' : problems.join('; '),
    kept: problems.length === 0,
  };
}
