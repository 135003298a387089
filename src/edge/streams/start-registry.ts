/** Starts the registry of open streams: tells it of every change, counts, and leaves a line for each that is stopped. */
import type { Reason } from '../../core/reason.ts';
import type { Clock } from '../../observe/clock.ts';
import type { Log } from '../../observe/log.ts';
import { LineBudget } from '../../observe/log.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { FactCache } from '../../store/cache/fact-cache.ts';
import type { Store } from '../../store/store.ts';
import { OpenStreamRegistry } from './open-stream-registry.ts';
import type { StreamRules } from './rejudged-stream.ts';

const LINES_PER_SECOND = 50;
const SOCKETS_TOLD_BEFORE_MS = 1000;

export interface StartedRegistry {
  readonly registry: OpenStreamRegistry;
  /** The gateway stops in so many milliseconds: a socket has no end to wait for, and is told shortly before. */
  stopSocketsBefore(deadlineMs: number): void;
  close(): void;
}

/** `facts` must follow the store already: what it believes is judged by here. */
export function startRegistry(parts: {
  readonly store: Store;
  readonly facts: FactCache;
  readonly ruleset: () => StreamRules;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly maxStalenessMs: number;
}): StartedRegistry {
  const { store, facts, ruleset, clock, metrics, log, maxStalenessMs } = parts;
  const budget = new LineBudget(LINES_PER_SECOND);
  const byReason: Partial<Record<Reason, number>> = {};
  const registry = new OpenStreamRegistry({
    ruleset,
    facts,
    clock,
    maxStalenessMs,
    onStopped: ({ afterMs, ...stopped }) => {
      byReason[stopped.reason] = (byReason[stopped.reason] ?? 0) + 1;
      metrics.streamStop.observe(afterMs / 1000);
      const suppressed = budget.spend(clock.monotonicMs());
      if (suppressed !== null) log.info({ ...stopped, ...(suppressed > 0 ? { suppressed } : {}) }, 'stream stopped');
    },
  });
  metrics.gauge('scopegate_open_event_streams', 'Event streams being relayed.', () => registry.count('events'));
  metrics.gauge(
    'scopegate_open_long_answers',
    'Answers of unknown length, and calls of gRPC, that have gone on for 5 s.',
    () => registry.count('answer') + registry.count('grpc'),
  );
  metrics.gauge(
    'scopegate_open_upgrades',
    'WebSockets and other upgraded connections.',
    () => registry.count('websocket') + registry.count('other'),
  );
  metrics.counterBy(
    'scopegate_streams_stopped_total',
    'Streams ended because they were no longer allowed.',
    'reason',
    () => byReason,
  );
  const unfollow = store.follow(registry);
  let lastCall: NodeJS.Timeout | undefined;
  return {
    registry,
    stopSocketsBefore: (deadlineMs) => {
      lastCall = setTimeout(() => registry.stopSockets(), Math.max(0, deadlineMs - SOCKETS_TOLD_BEFORE_MS));
    },
    close: () => {
      clearTimeout(lastCall);
      unfollow();
      registry.close();
    },
  };
}
