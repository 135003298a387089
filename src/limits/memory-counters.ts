/**
 * Counts in this process's memory: exact, synchronous, and without a timer. A limit keeps two tables that change places
 * once per window, so that what has ended is dropped as one and memory never outgrows the subjects of two windows.
 */
import { ADDRESSES_MAX, type LimitStanding, type RateLimit, type Taken, type Use } from '../core/rate-limit.ts';
import type { Counters } from './counters.ts';

/** Subjects of one limit in one window; beyond that the oldest counts are forgotten. Some 150 bytes each. */
const SUBJECTS_MAX = 500_000;

interface Window {
  used: number;
  endsAtMs: number;
}

class Table {
  readonly #windowMs: number;
  readonly #subjectsMax: number;
  #young = new Map<string, Window>();
  /** Opened before the tables last changed places. */
  #old = new Map<string, Window>();
  #turnsAtMs: number;

  constructor({ windowMs, per }: RateLimit, nowMs: number) {
    this.#windowMs = windowMs;
    this.#subjectsMax = per.includes('address') ? ADDRESSES_MAX : SUBJECTS_MAX;
    this.#turnsAtMs = nowMs + windowMs;
  }

  /** The window that is open for this subject now. */
  find(subject: string, nowMs: number): Window | undefined {
    if (nowMs >= this.#turnsAtMs) this.#turn(nowMs);
    const found = this.#young.get(subject) ?? this.#old.get(subject);
    return found !== undefined && nowMs < found.endsAtMs ? found : undefined;
  }

  open(subject: string, nowMs: number): Window {
    if (this.#young.size >= this.#subjectsMax) this.#turn(nowMs);
    const opened = { used: 0, endsAtMs: nowMs + this.#windowMs };
    this.#young.set(subject, opened);
    return opened;
  }

  /** Whatever was opened before the last turn has ended by the next one. */
  #turn(nowMs: number): void {
    const wasLongAgo = nowMs - this.#turnsAtMs >= this.#windowMs;
    this.#old = wasLongAgo ? new Map() : this.#young;
    this.#young = new Map();
    this.#turnsAtMs = nowMs + this.#windowMs;
  }
}

export class MemoryCounters implements Counters {
  readonly #tables = new Map<string, Table>();

  take(uses: readonly Use[], nowMs: number): Taken {
    const windows: (Window | undefined)[] = [];
    let allowed = true;
    for (const { limit, subject } of uses) {
      const window = this.#table(limit, nowMs).find(subject, nowMs);
      windows.push(window);
      if (window !== undefined && window.used >= limit.requests) allowed = false;
    }
    const standings: LimitStanding[] = [];
    for (let index = 0; index < uses.length; index++) {
      const { limit, subject } = uses[index]!;
      let window = windows[index];
      if (allowed) {
        window ??= this.#table(limit, nowMs).open(subject, nowMs);
        window.used++;
      }
      standings.push(
        window === undefined
          ? { remaining: limit.requests, resetMs: limit.windowMs }
          : {
              remaining: Math.max(0, limit.requests - window.used), // Sums of fractions are not exact.
              resetMs: Math.min(limit.windowMs, window.endsAtMs - nowMs),
            },
      );
    }
    return { allowed, standings };
  }

  /** Notes where counts stand that are kept elsewhere, to go on from there when they cannot be asked any more. */
  learn(uses: readonly Use[], { standings }: Taken, nowMs: number): void {
    for (let index = 0; index < uses.length; index++) {
      const { limit, subject } = uses[index]!;
      const { remaining, resetMs } = standings[index]!;
      const table = this.#table(limit, nowMs);
      const window = table.find(subject, nowMs) ?? table.open(subject, nowMs);
      window.used = limit.requests - remaining;
      window.endsAtMs = nowMs + resetMs;
    }
  }

  /** Forgets the counts of limits that are no more. */
  keep(limits: Iterable<RateLimit>): void {
    const kept = new Set(Array.from(limits, ({ id }) => id));
    for (const id of this.#tables.keys()) if (!kept.has(id)) this.#tables.delete(id);
  }

  #table(limit: RateLimit, nowMs: number): Table {
    let table = this.#tables.get(limit.id);
    if (table === undefined) {
      table = new Table(limit, nowMs);
      this.#tables.set(limit.id, table);
    }
    return table;
  }
}
