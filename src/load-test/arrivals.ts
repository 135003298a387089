/** When each request of a load is meant to start. Decided beforehand, so that no answer can hold a request back. */

export const ARRIVALS = ['poisson', 'constant'] as const;
export type Arrivals = (typeof ARRIVALS)[number];

/**
 * Milliseconds from the beginning, ascending, all below `durationMs`. `poisson`: as many independent clients make them,
 * with gaps that are exponentially distributed; `constant`: evenly spaced. `random`: from 0 to below 1.
 */
export function intendedStarts(
  arrivals: Arrivals,
  perSecond: number,
  durationMs: number,
  random: () => number,
): Float64Array {
  const gapMs = 1000 / perSecond;
  const starts: number[] = [];
  if (arrivals === 'constant') for (let nth = 0; nth * gapMs < durationMs; nth++) starts.push(nth * gapMs);
  else for (let atMs = gap(gapMs, random); atMs < durationMs; atMs += gap(gapMs, random)) starts.push(atMs);
  return Float64Array.from(starts);
}

function gap(meanMs: number, random: () => number): number {
  return -Math.log(1 - random()) * meanMs;
}
