/** Where requests are counted against rate limits: in this process, or by whoever counts for several. */
import type { Configuration } from '../config/load-gateway.ts';
import { RateLimiter } from '../edge/rate-limiter.ts';
import type { Siblings } from '../lifecycle/siblings.ts';
import { BatchedCounters } from '../limits/batched-counters.ts';
import type { SharedCounters } from '../limits/counters.ts';
import { InsuredCounters } from '../limits/insured-counters.ts';
import { MemoryCounters } from '../limits/memory-counters.ts';
import type { Clock } from '../observe/clock.ts';
import type { Metrics } from '../observe/metrics.ts';

export interface CountingParts {
  /** Of the store; null: it has none. */
  readonly stored: SharedCounters | null;
  /** null: this process is alone. */
  readonly siblings: Siblings | null;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly onReload: (heard: (next: Configuration) => void) => unknown;
}

export function countRequests({ stored, siblings, clock, metrics, onReload }: CountingParts): RateLimiter {
  const shared = stored ?? (siblings === null ? null : new BatchedCounters(siblings.count, clock.monotonicMs));
  const counters = shared === null ? new MemoryCounters() : new InsuredCounters(shared, clock.monotonicMs);
  onReload((next) => counters.keep(next.limits));
  metrics.counter(
    'scopegate_limits_counted_alone_total',
    'Requests that a process counted by itself because whoever counts for all did not answer.',
    () => (counters instanceof InsuredCounters ? counters.aloneCount : 0),
  );
  return new RateLimiter(counters, metrics);
}
