/** What two load tests differ in, figure by figure. Does not know whether a difference is chance: two runs cannot tell. */
import type { LatencySummary } from './latencies.ts';
import type { LoadResult } from './result.ts';

const FIGURES = { p50: 'p50Ms', p90: 'p90Ms', p99: 'p99Ms', 'p99.9': 'p999Ms', max: 'maxMs' } as const satisfies Record<
  string,
  keyof LatencySummary
>;
/** Those that a single slow request does not make. */
const HELD = new Set(['p50', 'p90', 'p99']);

export interface ComparedFigure {
  readonly series: string;
  readonly figure: string;
  readonly beforeMs: number;
  readonly afterMs: number;
  /** Percent that it is longer; negative: shorter. Null where before it was nothing. */
  readonly change: number | null;
  /** By more than was allowed. */
  readonly worse: boolean;
}

export interface Comparison {
  /** What was not measured alike, in words. */
  readonly differences: readonly string[];
  readonly figures: readonly ComparedFigure[];
}

/** `allowed`: percent; null: any. */
export function compareResults(before: LoadResult, after: LoadResult, allowed: number | null): Comparison {
  const figures = Object.keys(before.series)
    .filter((series) => after.series[series] !== undefined)
    .flatMap((series) =>
      Object.entries(FIGURES).map(([figure, key]) => {
        const beforeMs = before.series[series]![key];
        const afterMs = after.series[series]![key];
        const change = beforeMs === 0 ? null : Math.round((afterMs / beforeMs - 1) * 1000) / 10;
        const worse = allowed !== null && change !== null && HELD.has(figure) && change > allowed;
        return { series, figure, beforeMs, afterMs, change, worse };
      }),
    );
  return {
    differences: [...unlikeSetup(before, after), ...unfit(before, 'first'), ...unfit(after, 'second')],
    figures,
  };
}

function unlikeSetup(before: LoadResult, after: LoadResult): string[] {
  const one = flat(before);
  const other = flat(after);
  return Object.keys(one)
    .filter((name) => one[name] !== other[name])
    .map((name) => `${name}: ${one[name]}, then ${other[name]}`);
}

function flat({ setup, client }: LoadResult): Record<string, string> {
  const { mix, ...rest } = setup;
  const all = { ...rest, ...mix, ...client };
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(' ') : String(value ?? 'none'),
    ]),
  );
}

function unfit({ verdict, findings }: LoadResult, which: string): string[] {
  return verdict === 'invalid' ? [`the ${which} is not valid: ${findings.join('; ')}`] : [];
}
