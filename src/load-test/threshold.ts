/** What a load test is to keep: `p99<20ms`, `hit.p99.9<5ms`, `added.p99<2ms`, `errors<0.1%`. Measures nothing. */
import { SetupError } from '../errors.ts';
import { Latencies, type LatencySeries } from './latencies.ts';

const SERIES = [
  'total',
  'hit',
  'miss',
  'unknown',
  'refused',
  'direct',
  'added',
  'auth',
  'auth.hit',
  'auth.miss',
  'auth.unknown',
  'auth.refused',
  'lag',
  'receipt',
] as const;

export interface Threshold {
  readonly text: string;
  /** `errors`: the share of requests that failed. */
  readonly series: string;
  /** Percent; null for the mean and for `errors`. */
  readonly quantile: number | null;
  /** Milliseconds, or percent of `errors`. */
  readonly limit: number;
}

export interface CheckedThreshold {
  readonly text: string;
  /** Null: nothing was measured of it. */
  readonly measured: number | null;
  readonly kept: boolean;
}

const FORM = /^(?:([a-z.]+)\.)?(p\d{1,2}(?:\.\d{1,3})?|max|mean)<(\d+(?:\.\d+)?)(us|ms|s)$/;
const ERRORS = /^errors<(\d+(?:\.\d+)?)%$/;
const IN_MS = { us: 0.001, ms: 1, s: 1000 } as const;

/** Throws SetupError. */
export function parseThreshold(text: string): Threshold {
  const bare = text.replaceAll(/\s/g, '');
  const [, share] = ERRORS.exec(bare) ?? [];
  if (share !== undefined) return { text: bare, series: 'errors', quantile: null, limit: Number(share) };
  const [, series = 'total', figure, limit, unit] = FORM.exec(bare) ?? [];
  if (figure === undefined || !(SERIES as readonly string[]).includes(series))
    throw new SetupError(
      `--threshold takes p99<20ms, hit.p99.9<5ms, added.p99<2ms, lag.max<1s or errors<0.1%, not ${JSON.stringify(text)}; ` +
        `what stands before the point is one of ${SERIES.join(', ')}`,
    );
  const quantile = figure === 'mean' ? null : figure === 'max' ? 100 : Number(figure.slice(1));
  return { text: bare, series, quantile, limit: Number(limit) * IN_MS[unit as keyof typeof IN_MS] };
}

/** `errorShare`: from 0 to 1. What was not measured is not kept. */
export function checkThreshold(
  { text, series, quantile, limit }: Threshold,
  all: Readonly<Record<string, LatencySeries>>,
  errorShare: number,
): CheckedThreshold {
  const measured = series === 'errors' ? errorShare * 100 : figureOf(all, series, quantile);
  return { text, measured, kept: measured !== null && measured < limit };
}

function figureOf(
  all: Readonly<Record<string, LatencySeries>>,
  series: string,
  quantile: number | null,
): number | null {
  if (series !== 'added') {
    const found = all[series];
    if (found === undefined || found.count === 0) return null;
    return quantile === null ? found.meanMs : Latencies.from(found).quantileMs(quantile);
  }
  const through = figureOf(all, 'hit', quantile);
  const direct = figureOf(all, 'direct', quantile);
  return through === null || direct === null ? null : Math.round((through - direct) * 1000) / 1000;
}
