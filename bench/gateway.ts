/**
 * What a gateway costs: the upstream alone, a bare http-proxy-3 with the same token check, and scopegate, under the same
 * load in turn, round after round. Each target first has to answer 200, 401 and 403 where it should. The figure is the
 * gateway process's CPU time per request; requests per second depend on what else the machine does.
 */
import { join } from 'node:path';
import { Owned } from '../src/owned.ts';
import { MEASURED_CORE, OTHER_CORE, startChild, startScopegate, temporaryFolder } from './children.ts';
import { median } from './measure.ts';
import type { LoadResult } from './processes/load.ts';
import type { BenchOptions, Section } from './report.ts';
import { CONNECTIONS, fillStore, measureInTurn, proxySetup, SHARE_MAX, type Target, TOKENS } from './traffic.ts';

export async function benchGateway({ quick, say }: BenchOptions): Promise<Section> {
  const owned = new Owned();
  try {
    const folder = temporaryFolder(owned);
    const dataset = await fillStore(join(folder, 'scopegate.db'), say);
    const upstream = await startChild(owned, './processes/upstream.ts', OTHER_CORE);
    const proxy = await startChild(owned, './processes/http-proxy-3.ts', MEASURED_CORE, {
      input: JSON.stringify(proxySetup(dataset, upstream.url)),
    });
    const scopegate = await startScopegate(owned, folder, upstream.url);
    const targets: Target[] = [
      { ...upstream, name: 'upstream alone', checksTokens: false, rounds: [] },
      { ...proxy, name: 'http-proxy-3', checksTokens: true, rounds: [] },
      { ...scopegate, name: 'scopegate', checksTokens: true, rounds: [] },
    ];
    await measureInTurn(targets, dataset, { quick, say });
    return report(targets);
  } finally {
    await owned.release();
  }
}

function report(targets: readonly Target[]): Section {
  const [, proxy, scopegate] = targets as [Target, Target, Target];
  const of = (target: Target, field: keyof LoadResult | 'cpuMicroseconds') =>
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
