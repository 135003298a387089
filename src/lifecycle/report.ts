/**
 * What the process says about itself, and, where it has siblings, about all of them: ready or not and why, the state in
 * full, how a reload ended. Changes nothing.
 */

import { describeUpstreams, upstreamReport } from '../edge/forward/upstream-status.ts';
import type { UpstreamBinding } from '../edge/ruleset.ts';
import type { ClockWatch } from '../fleet/clock-watch.ts';
import { type CertificateSelf, certificatesOf, type Fleet, fleetReport, fleetSummary } from '../fleet/fleet-report.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { StoreFault } from '../store/adapter.ts';
import type { FactCache } from '../store/cache/fact-cache.ts';
import { mergedSelf, type ProcessGroup, type SelfReport, type SiblingsReport, siblingsReady } from './process-group.ts';
import type { Reload, Reloader } from './reloader.ts';

export type Phase = 'starting' | 'serving' | 'draining';

export interface ReportParts {
  readonly version: string;
  readonly startedAtMs: number;
  readonly nowMs: () => number;
  readonly phase: () => Phase;
  readonly reloader: Reloader;
  readonly facts: FactCache;
  /** What keeps the store from taking changes. */
  readonly fault: () => StoreFault | null;
  readonly upstreams: () => ReadonlyMap<string, UpstreamBinding>;
  readonly fleet: () => Fleet;
  readonly clock: ClockWatch;
  /** That this process serves. */
  readonly certificates: () => readonly CertificateSelf[];
  readonly listeners: () => Readonly<Record<'gateway' | 'decision' | 'admin', string | null>>;
  /** null: there are none. */
  readonly processGroup: ProcessGroup | null;
}

/** Of this process, and of those that serve requests where others do. */
interface View {
  readonly self: SelfReport;
  readonly processGroup: SiblingsReport | null;
}

export class Report {
  readonly #parts: ReportParts;

  constructor(parts: ReportParts) {
    this.#parts = parts;
  }

  /** For probes, without a credential: how many problems a reload met, not which. */
  async readiness() {
    const { phase, reloader, facts, fault, fleet, clock } = this.#parts;
    const { self, processGroup } = await this.#view();
    const { last } = reloader.standing;
    return {
      ready:
        phase() === 'serving' &&
        facts.isFresh() &&
        clock.isRight &&
        fault() === null &&
        (processGroup === null || siblingsReady(processGroup.processes)),
      phase: phase(),
      configuration: {
        ...this.#configuration(),
        lastReload: last === null ? null : { ...summary(last), problems: last.problems.length },
      },
      store: this.#store(self),
      clock: clockOf(self),
      fleet: fleetSummary(fleet()),
      upstreams: self.upstreams,
      ...(processGroup === null
        ? {}
        : {
            processes: processGroup.processes.map(({ name, state, self: told }) => ({
              name,
              state,
              fresh: told?.fresh ?? false,
            })),
          }),
    };
  }

  /** For the operator. */
  async status() {
    const { version, startedAtMs, nowMs, phase, reloader, listeners } = this.#parts;
    const { configuration } = reloader;
    const { last } = reloader.standing;
    const { self, processGroup } = await this.#view();
    const fleet = this.#parts.fleet();
    const heard = fleet.heard();
    return {
      version,
      phase: phase(),
      startedAt: instant(startedAtMs),
      uptimeMs: nowMs() - startedAtMs,
      configuration: {
        ...this.#configuration(),
        digest: configuration.digest,
        policyPath: configuration.policyPath,
        warnings: configuration.warnings,
        lastReload: last === null ? null : { ...summary(last), problems: last.problems },
      },
      listeners: { ...listeners(), ...processGroup?.listeners },
      store: this.#store(self),
      clock: clockOf(self),
      fleet: fleetReport(fleet, heard),
      certificates: certificatesOf(heard, this.#parts.certificates()),
      limits: configuration.limits.map(({ name, requests, windowMs, per }) => ({ name, requests, windowMs, per })),
      cache: self.cache,
      upstreams: self.upstreams,
      ...(processGroup === null ? {} : { processes: processGroup.processes }),
    };
  }

  /** Of this process alone, for whoever asks all of them. */
  self(): SelfReport {
    const { facts, upstreams, clock } = this.#parts;
    return {
      fresh: facts.isFresh(),
      staleMs: facts.staleMs(),
      degraded: facts.isDegraded(),
      clockSkewMs: clock.skewMs,
      clockRight: clock.isRight,
      cache: facts.stats,
      upstreams: upstreamReport(upstreams().values()),
    };
  }

  /** Of the attempt that was just made. */
  reload({ problems, ...attempt }: Reload) {
    return { ...summary({ problems, ...attempt }), configuration: this.#configuration(), problems };
  }

  describe(metrics: Metrics): void {
    const { facts, upstreams, clock } = this.#parts;
    clock.describe(metrics);
    describeUpstreams(metrics, () => upstreams().values());
    metrics.gauge('scopegate_cache_entries', 'Facts in the cache.', () => facts.stats.present);
    metrics.gauge('scopegate_cache_absent_entries', 'Ids known not to exist.', () => facts.stats.absent);
    metrics.counter('scopegate_cache_hits_total', 'Facts answered from the cache.', () => facts.stats.hits);
    metrics.counter('scopegate_cache_misses_total', 'Facts asked of the store.', () => facts.stats.misses);
    metrics.gauge(
      'scopegate_feed_stale_seconds',
      'Since the change feed was last complete and the lease held: past cache.maxStalenessMs nothing cached is believed.',
      () => facts.staleMs() / 1000,
      'max',
    );
    metrics.gauge(
      'scopegate_degraded',
      '1: the feed is silent and the store could not be asked.',
      () => Number(facts.isDegraded()),
      'max',
    );
  }

  async #view(): Promise<View> {
    const processGroup = (await this.#parts.processGroup?.report()) ?? null;
    const told = processGroup?.processes.flatMap(({ role, self }) =>
      role === 'gateway' && self !== null ? [self] : [],
    );
    return { self: mergedSelf(told ?? []) ?? this.self(), processGroup };
  }

  #configuration() {
    const { configuration, standing } = this.#parts.reloader;
    const { path, policy, routeCount } = configuration;
    const { generation, loadedAtMs } = standing;
    return { path, policy: policy.name, routes: routeCount, generation, loadedAt: instant(loadedAtMs) };
  }

  #store({ fresh, staleMs, degraded }: SelfReport) {
    const { driver } = this.#parts.reloader.configuration.file.store;
    const fault = this.#parts.fault();
    const told = fault === null ? {} : { fault };
    return { driver, fresh, ...told, staleMs: Number.isFinite(staleMs) ? Math.round(staleMs) : null, degraded };
  }
}

function clockOf({ clockSkewMs, clockRight }: SelfReport) {
  return { skewMs: clockSkewMs === null ? null : Math.round(clockSkewMs), right: clockRight };
}

function summary({ result, cause, atMs }: Reload) {
  return { result, cause, at: instant(atMs) };
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
