/**
 * Where the time of one request went, for whoever asked to be shown it: a Server-Timing header (W3C Server Timing).
 * Exists only where `gateway.serverTiming` is on; never shows more than durations.
 */
import type { Clock } from '../observe/clock.ts';

export class ServerTiming {
  readonly #clock: Clock;
  readonly #startedMs: number;
  #decidedMs = -1;

  /** `startedMs`: when the request was read, by the monotonic clock. */
  constructor(clock: Clock, startedMs: number) {
    this.#clock = clock;
    this.#startedMs = startedMs;
  }

  /** From here on the upstream is waited for. */
  decided(): void {
    this.#decidedMs = this.#clock.monotonicMs();
  }

  /** As of now, which is when the answer's head goes out. */
  header(): ['Server-Timing', string] {
    const nowMs = this.#clock.monotonicMs();
    const wasForwarded = this.#decidedMs !== -1;
    const authMs = (wasForwarded ? this.#decidedMs : nowMs) - this.#startedMs;
    const upstream = wasForwarded ? `, upstream;dur=${rounded(nowMs - this.#decidedMs)}` : '';
    return ['Server-Timing', `auth;dur=${rounded(authMs)}${upstream}, total;dur=${rounded(nowMs - this.#startedMs)}`];
  }
}

/** To the microsecond. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
