/** Results of load tests that nobody ran: what compares and judges needs no load. */
import { Latencies, type LatencySeries } from '../../src/load-test/latencies.ts';
import type { LoadResult } from '../../src/load-test/result.ts';

export function seriesOf(latenciesMs: readonly number[]): LatencySeries {
  const latencies = new Latencies();
  for (const ms of latenciesMs) latencies.record(ms);
  return latencies.series();
}

/** `factor`: how much slower than usual. */
export function loadResult(factor = 1): LoadResult {
  const hit = seriesOf(Array.from({ length: 1000 }, (_, nth) => (0.4 + nth / 1000) * factor));
  const direct = seriesOf(Array.from({ length: 1000 }, (_, nth) => 0.2 + nth / 2000));
  return {
    ...{ format: 1, startedAt: '2026-11-30T22:46:17.390Z', complete: true, verdict: 'kept', findings: [] },
    setup: {
      ...{ urls: ['http://127.0.0.1:8080/pages/1'], direct: ['http://127.0.0.1:3000/pages/1'], method: 'GET' },
      ...{ perSecond: 500, arrivals: 'poisson', seconds: 2, warmUpSeconds: 1, turnSeconds: 1, connections: 100 },
      ...{ timeoutSeconds: 10, tokens: 20, revocationsPerSecond: 0 },
      mix: { hit: 100, miss: 0, unknown: 0, refused: 0 },
    },
    client: { scopegate: '0.1.0', node: '24.21.0', processors: 4 },
    generator: { offered: 2000, started: 2000, late: seriesOf([0.01, 0.02]), pending: 0 },
    series: { total: hit, hit, direct },
    tallies: { outcomes: { hit: { 200: 1000 }, direct: { 200: 1000 } }, answered: 2000, failed: 0, letThrough: 0 },
    ...{ revocations: null, saturation: null, thresholds: [], overTime: [] },
  };
}
