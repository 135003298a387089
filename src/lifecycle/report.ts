/** What the process says about itself: ready or not and why, its state in full, how a reload ended. Changes nothing. */
import type { UpstreamBinding } from '../edge/ruleset.ts';
import { describeUpstreams, upstreamReport } from '../edge/upstream-status.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { FactCache } from '../store/fact-cache.ts';
import type { Reload, Reloader } from './reloader.ts';

export type Phase = 'starting' | 'serving' | 'draining';

export interface ReportParts {
  readonly version: string;
  readonly startedAtMs: number;
  readonly nowMs: () => number;
  readonly phase: () => Phase;
  readonly reloader: Reloader;
  readonly facts: FactCache;
  readonly upstreams: () => ReadonlyMap<string, UpstreamBinding>;
  readonly listeners: () => Readonly<Record<string, string | null>>;
}

export class Report {
  readonly #parts: ReportParts;

  constructor(parts: ReportParts) {
    this.#parts = parts;
  }

  /** For probes, without a credential: how many problems a reload met, not which. */
  readiness() {
    const { phase, reloader, facts } = this.#parts;
    const { last } = reloader;
    return {
      ready: phase() === 'serving' && facts.isFresh(),
      phase: phase(),
      configuration: {
        ...this.#configuration(),
        lastReload: last === null ? null : { ...summary(last), problems: last.problems.length },
      },
      store: this.#store(),
      upstreams: this.#upstreams(),
    };
  }

  /** For the operator. */
  status() {
    const { version, startedAtMs, nowMs, phase, reloader, facts, listeners } = this.#parts;
    const { last, configuration } = reloader;
    return {
      version,
      phase: phase(),
      startedAt: instant(startedAtMs),
      uptimeMs: nowMs() - startedAtMs,
      configuration: {
        ...this.#configuration(),
        policyPath: configuration.policyPath,
        warnings: configuration.warnings,
        lastReload: last === null ? null : { ...summary(last), problems: last.problems },
      },
      listeners: listeners(),
      store: this.#store(),
      cache: facts.stats,
      upstreams: this.#upstreams(),
    };
  }

  /** Of the attempt that was just made. */
  reload({ problems, ...attempt }: Reload) {
    return { ...summary({ problems, ...attempt }), configuration: this.#configuration(), problems };
  }

  describe(metrics: Metrics): void {
    const { facts, upstreams } = this.#parts;
    describeUpstreams(metrics, () => upstreams().values());
    metrics.gauge('scopegate_cache_entries', 'Facts in the cache.', () => facts.stats.present);
    metrics.gauge('scopegate_cache_absent_entries', 'Ids known not to exist.', () => facts.stats.absent);
    metrics.counter('scopegate_cache_hits_total', 'Facts answered from the cache.', () => facts.stats.hits);
    metrics.counter('scopegate_cache_misses_total', 'Facts asked of the store.', () => facts.stats.misses);
    metrics.gauge(
      'scopegate_feed_stale_seconds',
      'Since the change feed was last complete.',
      () => facts.staleMs() / 1000,
    );
    metrics.gauge('scopegate_degraded', '1: the feed is silent and the store could not be asked.', () =>
      Number(facts.isDegraded()),
    );
  }

  #configuration() {
    const { configuration, generation, loadedAtMs } = this.#parts.reloader;
    const { path, policy, routeCount } = configuration;
    return { path, policy: policy.name, routes: routeCount, generation, loadedAt: instant(loadedAtMs) };
  }

  #store() {
    const { facts, reloader } = this.#parts;
    const { driver } = reloader.configuration.file.store;
    const staleMs = facts.staleMs();
    return {
      driver,
      fresh: facts.isFresh(),
      staleMs: Number.isFinite(staleMs) ? Math.round(staleMs) : null,
      degraded: facts.isDegraded(),
    };
  }

  #upstreams() {
    return upstreamReport(this.#parts.upstreams().values());
  }
}

function summary({ result, cause, atMs }: Reload) {
  return { result, cause, at: instant(atMs) };
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
