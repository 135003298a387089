/** Where requests are counted against rate limits: in this process, or by whoever counts for several. */
import type { Configuration } from '../config/load/configuration.ts';
import { RateLimiter } from '../edge/throttles/rate-limiter.ts';
import type { ProcessGroup } from '../lifecycle/process-group.ts';
import { BatchedCounters } from '../limits/batched-counters.ts';
import type { SharedCounters } from '../limits/counters.ts';
import { InsuredCounters } from '../limits/insured-counters.ts';
import { MemoryCounters } from '../limits/memory-counters.ts';
import type { Clock } from '../observe/clock.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';

export interface CountingParts {
  /** Of the store; null: it has none. */
  readonly stored: SharedCounters | null;
  /** null: this process is alone. */
  readonly processGroup: ProcessGroup | null;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly onReload: (caughtUp: (next: Configuration) => void) => unknown;
}

/** Between two lines about the same outage. */
const LINE_EVERY_MS = 60_000;

export function countRequests({ stored, processGroup, clock, metrics, log, onReload }: CountingParts): RateLimiter {
  const shared = stored ?? (processGroup === null ? null : new BatchedCounters(processGroup.count, clock.monotonicMs));
  let aloneCount = 0;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  const onAlone = (problem: unknown) => {
    aloneCount++;
    if (clock.monotonicMs() - toldAtMs < LINE_EVERY_MS) return;
    toldAtMs = clock.monotonicMs();
    log.warn({ reason: String(problem) }, 'limits: requests are counted by this process alone');
  };
  const counters = shared === null ? new MemoryCounters() : new InsuredCounters(shared, clock.monotonicMs, onAlone);
  onReload((next) => counters.keep(next.limits));
  metrics.counter(
    'scopegate_limits_counted_alone_total',
    'Requests that a process counted by itself because whoever counts for all did not.',
    () => aloneCount,
  );
  return new RateLimiter(counters, metrics);
}
