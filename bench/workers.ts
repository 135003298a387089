/**
 * What several processes cost: one gateway process, and two under a supervisor, in turn under the same load. The figure is
 * the CPU time of all of them per request, how evenly the two share it, and what all of them hold, counting once what they
 * share. Both run on one core, so that neither is measured against a neighbour: throughput is not what is asked here.
 */
import { join } from 'node:path';
import { Owned } from '../src/owned.ts';
import { OTHER_CORE, startChild, startScopegate, temporaryFolder } from './children.ts';
import { childrenOf, median, residentTogetherMegabytes } from './measure.ts';
import type { BenchOptions, Section } from './report.ts';
import { CONNECTIONS, fillStore, measureInTurn, type Target, TOKENS } from './traffic.ts';

const WORKERS = 2;
/** Of one process, at most. */
const COST_MAX = 1.1;
/** The busiest worker against the least busy one, at most. */
const SPREAD_MAX = 1.2;

export async function benchWorkers({ quick, say }: BenchOptions): Promise<Section> {
  const owned = new Owned();
  try {
    const folder = temporaryFolder(owned);
    const dataset = await fillStore(join(folder, 'scopegate.db'), say);
    const upstream = await startChild(owned, './processes/upstream.ts', OTHER_CORE);
    const one = await startScopegate(owned, folder, upstream.url);
    const several = await startScopegate(owned, folder, upstream.url, { workers: WORKERS });
    const targets: Target[] = [
      { ...one, name: 'one process', checksTokens: true, rounds: [] },
      { ...several, name: `${WORKERS} workers`, checksTokens: true, rounds: [] },
    ];
    await measureInTurn(targets, dataset, { quick, say });
    return report(targets);
  } finally {
    await owned.release();
  }
}

function report(targets: readonly Target[]): Section {
  const [one, several] = targets as [Target, Target];
  const cost = median(
    several.rounds.map((each, index) => each.cpuMicroseconds / one.rounds[index]!.cpuMicroseconds),
  ).toFixed(2);
  const spread = median(several.rounds.map(({ children }) => Math.max(...children) / Math.min(...children))).toFixed(2);
  return {
    name: 'workers',
    tables: [
      {
        title: `workers, ${CONNECTIONS} connections, ${TOKENS} tokens, medians of ${one.rounds.length} rounds`,
        columns: [
          '',
          'CPU µs / request, all processes',
          'against one process',
          'busiest against least busy worker',
          'MB, all processes',
        ],
        rows: targets.map((target) => [
          target.name,
          median(target.rounds.map((round) => round.cpuMicroseconds)).toFixed(1),
          target === one ? '1.00' : cost,
          target === one ? '' : spread,
          Math.round(residentTogetherMegabytes([target.pid, ...childrenOf(target.pid)])),
        ]),
      },
    ],
    checks: [
      {
        promise: `with ${WORKERS} workers at most ${COST_MAX} of the CPU time per request of one process`,
        measured: cost,
        kept: Number(cost) <= COST_MAX,
      },
      {
        promise: `the busiest of ${WORKERS} workers has at most ${SPREAD_MAX} of what the least busy one has`,
        measured: spread,
        kept: Number(spread) <= SPREAD_MAX,
      },
    ],
  };
}
