/** A load test's result for a terminal: figures, answers, thresholds and the verdict. */
import type { LatencySummary } from '../../load-test/latencies.ts';
import type { LoadResult } from '../../load-test/result.ts';
import { figureMs, figureText } from '../../load-test/verdict.ts';
import { bad, type Column, good, table, widthOf } from '../terminal.ts';

type NamedSummary = readonly [name: string, summary: LatencySummary];

const COLUMNS: ReadonlyArray<Column<NamedSummary>> = [
  { title: '', text: ([name]) => name, whole: true },
  { title: 'REQUESTS', text: ([, { count }]) => count.toLocaleString('en-US') },
  { title: 'P50', text: ([, { p50Ms }]) => figureMs(p50Ms) },
  { title: 'P90', text: ([, { p90Ms }]) => figureMs(p90Ms) },
  { title: 'P99', text: ([, { p99Ms }]) => figureMs(p99Ms) },
  { title: 'P99.9', text: ([, { p999Ms }]) => figureMs(p999Ms) },
  { title: 'LONGEST', text: ([, { maxMs }]) => figureMs(maxMs) },
];

export function resultText(result: LoadResult): string {
  const { series, revocations, generator, verdict, findings } = result;
  const rows: NamedSummary[] = Object.entries(series);
  if (revocations !== null) rows.push(['revocation lag', revocations.lag], ['receipt', revocations.receipt]);
  rows.push(['generator late', generator.late]);
  return [
    table(COLUMNS, rows, widthOf(process.stdout)),
    ...notes(result).map((line) => `${line}\n`),
    ...findings.map((finding) => `${finding}\n`),
    `${verdict === 'kept' ? good('kept') : bad(verdict)}\n`,
  ].join('');
}

function notes({ tallies, revocations, saturation, thresholds, series }: LoadResult): string[] {
  const { hit, direct } = series;
  const answers = Object.entries(tallies.outcomes).map(([use, counts]) => {
    const each = Object.entries(counts).map(([outcome, count]) => `${outcome} ${count.toLocaleString('en-US')}`);
    return `${use} ${each.join(', ')}`;
  });
  return [
    ...(hit === undefined || direct === undefined
      ? []
      : [`added by the gateway: p50 ${figureMs(hit.p50Ms - direct.p50Ms)}, p99 ${figureMs(hit.p99Ms - direct.p99Ms)}`]),
    `answers: ${answers.join('; ')}`,
    ...(revocations === null
      ? []
      : [
          `revoked: ${revocations.count}; served behind a receipt: ${revocations.allowedAfterReceipt}; without one in time: ${revocations.withoutReceipt}`,
        ]),
    ...(saturation === null
      ? []
      : [
          `at most: ${saturation.perSecond.toLocaleString('en-US')} a second over ${saturation.connections} connections (closed loop)`,
        ]),
    ...thresholds
      .filter(({ kept }) => kept)
      .map(({ text, measured }) => `${text} is kept: ${figureText(text, measured!)}`),
  ];
}
