/**
 * How far this process's clock is from that of the store, which all who share it share. A token lives until an instant,
 * so one that was minted by a clock that is ahead lives longer everywhere else. Says so; sets no clock.
 */
import type { Clock } from '../observe/clock.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Registry } from '../store/registry.ts';

/** Beyond it this process is not ready. */
const SKEW_MAX_MS = 5000;
const SKEW_WARN_MS = 1000;
const LOOK_MS = 5000;
/** An answer that took longer says too little. */
const ANSWER_MAX_MS = 1000;
/** Between two lines about the same skew. */
const LINE_EVERY_MS = 60_000;

export interface ClockWatchParts {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Log;
}

export class ClockWatch {
  readonly #parts: ClockWatchParts;
  #skewMs: number | null = null;
  #timer: NodeJS.Timeout | undefined;
  #warned = false;
  #linedAtMs = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(parts: ClockWatchParts) {
    this.#parts = parts;
  }

  /** Resolves after the first look, which never takes long. A store of this machine has this machine's clock. */
  async start(): Promise<void> {
    if (this.#parts.registry.clockMs === null) return;
    await this.#look();
  }

  /** Positive: ahead of the store. null: not known, or it is the same clock. */
  get skewMs(): number | null {
    return this.#skewMs;
  }

  get isRight(): boolean {
    return Math.abs(this.#skewMs ?? 0) <= SKEW_MAX_MS;
  }

  describe(metrics: Metrics): void {
    if (this.#parts.registry.clockMs === null) return;
    metrics.gauge(
      'scopegate_clock_skew_seconds',
      "How far this process's clock is ahead of the store's; negative: behind. Above 5, either way, it is not ready.",
      () => (this.#skewMs ?? Number.NaN) / 1000,
      'max',
    );
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const { registry, clock } = this.#parts;
    const [sentAtMs, sentMs] = [clock.nowMs(), clock.monotonicMs()];
    // What cannot be asked now is asked again; what was seen last stays.
    const storeMs = await registry.clockMs!().catch(() => null);
    const tookMs = clock.monotonicMs() - sentMs;
    if (storeMs !== null && tookMs <= ANSWER_MAX_MS) this.#judge(sentAtMs + tookMs / 2 - storeMs, tookMs / 2);
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#look(), LOOK_MS).unref();
  }

  /** Only what is certain counts: the answer was made at some moment between the two. */
  #judge(skewMs: number, uncertainMs: number): void {
    this.#skewMs = Math.sign(skewMs) * Math.max(0, Math.abs(skewMs) - uncertainMs);
    const { log, clock } = this.#parts;
    if (Math.abs(this.#skewMs) < SKEW_WARN_MS) {
      if (this.#warned) log.info("clock: it agrees with the store's again");
      this.#warned = false;
      this.#linedAtMs = Number.NEGATIVE_INFINITY;
      return;
    }
    if (clock.monotonicMs() - this.#linedAtMs < LINE_EVERY_MS) return;
    this.#linedAtMs = clock.monotonicMs();
    this.#warned = true;
    const where = this.#skewMs > 0 ? 'ahead of' : 'behind';
    const seconds = (Math.abs(this.#skewMs) / 1000).toFixed(1);
    const then = this.isRight ? '' : '; until they agree this process is not ready';
    log[this.isRight ? 'warn' : 'error'](
      { skewMs: Math.round(this.#skewMs) },
      `clock: it is ${seconds} s ${where} the store's, so tokens end at other times than they should${then}. Set one by NTP`,
    );
  }
}
