/**
 * What it costs allowed requests that refusals are remembered and decisions may be logged: gateways with both as they are by
 * default and with a line for each refusal, against one with both off, in turn. A second one with both off says what a
 * difference of nothing looks like. Refusals themselves are measured by decision.ts.
 */
import { join } from 'node:path';
import { Owned } from '../src/owned.ts';
import { OTHER_CORE, startChild, startScopegate, temporaryFolder } from './children.ts';
import { median } from './measure.ts';
import type { BenchOptions, Section } from './report.ts';
import { CONNECTIONS, fillStore, measureInTurn, type Target, TOKENS } from './traffic.ts';

const SHARE_MAX = 1.02;
const LOG = { level: 'info', access: 'none' };
const OFF = { explain: { keep: 0 }, log: { ...LOG, decisions: { refused: 0, allowed: 0 } } };

export async function benchRemembering({ quick, say }: BenchOptions): Promise<Section> {
  const owned = new Owned();
  try {
    const folder = temporaryFolder(owned);
    const dataset = await fillStore(join(folder, 'scopegate.db'), say);
    const upstream = await startChild(owned, './processes/upstream.ts', OTHER_CORE);
    const target = async (name: string, sections: Readonly<Record<string, unknown>>): Promise<Target> => ({
      ...(await startScopegate(owned, folder, upstream.url, {}, sections)),
      ...{ name, checksTokens: true, rounds: [] },
    });
    const targets = [
      await target('both off', OFF),
      await target('both off, once more', OFF),
      await target('as by default', {}),
      await target('log.decisions.refused: 1', { log: { ...LOG, decisions: { refused: 1, allowed: 0 } } }),
    ];
    // Short rounds, and many of them: what two neighbours differ by is small beside what the machine changes in a minute.
    await measureInTurn(targets, dataset, { quick, say }, { rounds: quick ? 2 : 9, seconds: 2 });
    return report(targets);
  } finally {
    await owned.release();
  }
}

function report(targets: readonly Target[]): Section {
  const [off, , usual, logged] = targets as readonly [Target, Target, Target, Target];
  const share = (target: Target) =>
    median(target.rounds.map((each, index) => each.cpuMicroseconds / off.rounds[index]!.cpuMicroseconds));
  const check = (what: string, target: Target) => ({
    promise: `${what} an allowed request costs at most ${SHARE_MAX} of what it costs with both off`,
    measured: share(target).toFixed(3),
    kept: share(target) <= SHARE_MAX,
  });
  return {
    name: 'remembering',
    tables: [
      {
        title: `explain.keep and log.decisions, ${CONNECTIONS} requests at a time, ${TOKENS} tokens, medians of ${off.rounds.length} rounds`,
        columns: ['', 'CPU µs / request', 'against both off'],
        rows: targets.map((target) => [
          target.name,
          median(target.rounds.map((round) => round.cpuMicroseconds)).toFixed(1),
          share(target).toFixed(3),
        ]),
      },
    ],
    checks: [check('with both as by default', usual), check('with a line for each refusal', logged)],
  };
}
