/**
 * Holds this process's lease among the gateway processes, and says with it which changes have been applied here. Without
 * a lease the cache is not believed, so nobody needs to wait for this process. Never on the way of a request.
 */
import type { Clock } from '../observe/clock.ts';
import type { Log } from '../observe/log.ts';
import type { Durations } from '../observe/metrics.ts';
import type { FactCache } from '../store/cache/fact-cache.ts';
import type { GatewayProcess, Registry } from '../store/registry.ts';
import type { ChangeEvent, ChangeListener } from '../store/store.ts';

export interface LeaseKeeperParts {
  readonly registry: Registry;
  readonly self: Omit<GatewayProcess, 'revision'>;
  readonly facts: FactCache;
  readonly maxStalenessMs: number;
  readonly clock: Clock;
  /** From another process's commit to its being applied here. */
  readonly lag: Durations;
  readonly log: Log;
}

/** Renewals in the time that a lease lasts. */
const RENEWALS = 5;
const RENEWALS_PAUSE_MIN_MS = 5;
/** Changes applied within this time are told of together. */
const GATHER_MS = 2;

export class LeaseKeeper implements ChangeListener {
  readonly #parts: LeaseKeeperParts;
  /** When the renewal that we hold the lease by was sent. */
  #sinceMs = Number.NEGATIVE_INFINITY;
  #caughtUpAtMs = Number.NEGATIVE_INFINITY;
  /** The feed must have been complete at this time or later: before, others did not wait for us. */
  #awaitedSinceMs: number | null = null;
  #applied = 0;
  #told = -1;
  #timer: NodeJS.Timeout | undefined;
  #dueAtMs = Number.POSITIVE_INFINITY;
  #renewing: Promise<void> | null = null;
  #failing = false;
  /** Before the first attempt nobody has been served, and nothing has been cached. */
  #tried = false;
  #stopped = false;

  constructor(parts: LeaseKeeperParts) {
    this.#parts = parts;
    parts.facts.leased(Number.NEGATIVE_INFINITY);
  }

  get id(): string {
    return this.#parts.self.id;
  }

  /** null: never held. */
  get ageMs(): number | null {
    return Number.isFinite(this.#sinceMs) ? this.#parts.clock.monotonicMs() - this.#sinceMs : null;
  }

  /** To follow the store as the last one: what it is told, all others have applied. Resolves after the first attempt. */
  start(): Promise<void> {
    return this.#renew().then(() => {
      this.#tried = true;
    });
  }

  changed({ committedAtMs }: ChangeEvent, ours: boolean): void {
    // Clocks of two machines differ; nothing is applied before it was committed.
    if (!ours) this.#parts.lag.observe(Math.max(0, this.#parts.clock.nowMs() - committedAtMs) / 1000);
  }

  flushed(): void {}

  caughtUp(revision: number, ageMs = 0): void {
    const nowMs = this.#parts.clock.monotonicMs();
    this.#caughtUpAtMs = nowMs - ageMs;
    this.#applied = revision;
    if (!this.#holds(nowMs)) return this.#failing ? undefined : this.#renewIn(0);
    if (this.#awaitedSinceMs !== null && this.#caughtUpAtMs >= this.#awaitedSinceMs) {
      this.#awaitedSinceMs = null;
      this.#parts.facts.leased(this.#sinceMs);
    }
    if (revision > this.#told) this.#renewIn(GATHER_MS);
  }

  /** Gives the lease up. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#renewing;
    const { registry, facts, self, log } = this.#parts;
    facts.leased(Number.NEGATIVE_INFINITY);
    await registry
      .leave(self.id)
      .catch((error) => log.warn({ reason: String(error) }, 'lease: not given up; it ends by itself'));
  }

  #holds(monotonicMs: number): boolean {
    return monotonicMs - this.#sinceMs < this.#parts.maxStalenessMs;
  }

  #renewIn(delayMs: number): void {
    if (this.#stopped || this.#renewing !== null) return;
    const dueAtMs = performance.now() + delayMs;
    if (dueAtMs >= this.#dueAtMs) return;
    clearTimeout(this.#timer);
    this.#dueAtMs = dueAtMs;
    this.#timer = setTimeout(() => void this.#renew(), delayMs).unref();
  }

  #renew(): Promise<void> {
    this.#renewing ??= this.#attempt().then((renewed) => {
      this.#renewing = null;
      this.#dueAtMs = Number.POSITIVE_INFINITY;
      const pauseMs = Math.max(RENEWALS_PAUSE_MIN_MS, this.#parts.maxStalenessMs / RENEWALS);
      this.#renewIn(renewed && this.#applied > this.#told ? GATHER_MS : pauseMs);
    });
    return this.#renewing;
  }

  /** false: not renewed. Never rejects. */
  async #attempt(): Promise<boolean> {
    const { registry, self, maxStalenessMs, clock, log } = this.#parts;
    const sentAtMs = clock.monotonicMs();
    // Nobody need wait for a process that hears nothing: it believes nothing either.
    if (sentAtMs - this.#caughtUpAtMs > maxStalenessMs) return false;
    const revision = this.#applied;
    try {
      await registry.renew({ ...self, revision }, maxStalenessMs);
    } catch (error) {
      if (!this.#failing)
        log.warn({ reason: String(error) }, 'lease: not renewed; without it every fact is asked of the store');
      this.#failing = true;
      return false;
    }
    this.#failing = false;
    this.#told = revision;
    this.#held(sentAtMs);
    return true;
  }

  #held(sentAtMs: number): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#tried && !this.#holds(nowMs)) this.#awaitedSinceMs = nowMs;
    this.#sinceMs = sentAtMs;
    if (this.#awaitedSinceMs === null) this.#parts.facts.leased(sentAtMs);
  }
}
