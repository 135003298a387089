/** Whether the numbers of a load test are those of the gateway, and whether they are what was asked for. Measures nothing. */
import { errorShare, type LoadResult, type Verdict } from './result.ts';
import { type CheckedThreshold, checkThreshold, type Threshold } from './threshold.ts';

type Measured = Pick<LoadResult, 'complete' | 'generator' | 'series' | 'tallies' | 'revocations'>;

export interface Judged {
  readonly verdict: Verdict;
  readonly findings: readonly string[];
  readonly thresholds: readonly CheckedThreshold[];
}

const STARTED_MIN = 0.98;
const PENDING_MAX = 0.02;
/** Below it nobody minds. */
const LATE_MS = 1;
/** Of a latency, that the generator may have brought itself. */
const OWN_SHARE = 0.5;

export function judgeLoad(measured: Measured, perTurn: number, thresholds: readonly Threshold[]): Judged {
  const { tallies, revocations } = measured;
  const series = { ...measured.series, ...revocationSeries(measured) };
  const checked = thresholds.map((threshold) => checkThreshold(threshold, series, errorShare(measured)));
  const faults = generatorFaults(measured, perTurn);
  const unsafe = [
    ...(tallies.letThrough === 0
      ? []
      : [`${tallies.letThrough} requests with an unknown or refused token were served`]),
    ...((revocations?.allowedAfterReceipt ?? 0) === 0
      ? []
      : [`${revocations!.allowedAfterReceipt} requests were served behind a receipt that nobody serves that token`]),
  ];
  const missed = checked
    .filter(({ kept }) => !kept)
    .map(
      ({ text, measured: figure }) =>
        `${text} is missed: ${figure === null ? 'nothing was measured of it' : figureText(text, figure)}`,
    );
  const failed = tallies.failed === 0 ? [] : [`${tallies.failed} requests failed (${percent(errorShare(measured))})`];
  const verdict = unsafe.length > 0 ? 'unsafe' : faults.length > 0 ? 'invalid' : missed.length > 0 ? 'missed' : 'kept';
  return { verdict, findings: [...unsafe, ...faults, ...missed, ...failed], thresholds: checked };
}

function generatorFaults({ complete, generator, series }: Measured, perTurn: number): string[] {
  const { offered, started, late, pending } = generator;
  const total = series.total?.p99Ms ?? 0;
  const isLate = late.p99Ms > LATE_MS && late.p99Ms > total * OWN_SHARE;
  const waiting = pending > Math.max(perTurn * PENDING_MAX, 10);
  return [
    ...(complete ? [] : [`interrupted after ${started} of ${offered} requests`]),
    ...(complete && started < offered * STARTED_MIN
      ? [`only ${started} of ${offered} requests could be started: this machine cannot make that rate`]
      : []),
    ...(isLate
      ? [
          `the generator itself was late (p99 ${figureMs(late.p99Ms)} of ${figureMs(total)}): these latencies are its own. ` +
            'Give it a core of its own, or a lower rate',
        ]
      : []),
    ...(waiting && !isLate
      ? [
          `what was asked could not keep up: ${pending} of ${Math.round(perTurn)} requests had no answer at the end of a turn`,
        ]
      : []),
  ];
}

function revocationSeries({ revocations }: Measured): LoadResult['series'] {
  return revocations === null ? {} : { lag: revocations.lag, receipt: revocations.receipt };
}

export function figureMs(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms >= 100 ? Math.round(ms) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2)} ms`;
}

export function figureText(threshold: string, figure: number): string {
  return threshold.startsWith('errors') ? `${Math.round(figure * 1000) / 1000} %` : figureMs(figure);
}

function percent(share: number): string {
  return `${Math.round(share * 100_000) / 1000} %`;
}
