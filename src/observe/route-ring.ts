/**
 * What a process remembers of how often each route was asked for and refused: how much its counters grew, hour by hour, for a
 * day. Reads the counters on a timer and when somebody asks, so that no request pays for it. Keeps nothing on a disk.
 */
import { REASONS, type Reason, reasonRow } from '../core/reason.ts';
import type { Metrics } from './metrics.ts';

/** Requests and, among them, refusals, by the route's id. What is left out has not happened. */
export type RouteCounts = Readonly<Record<string, readonly [requests: number, refused: number]>>;

export interface RouteDay {
  /** From when on it was counted: a day and up to an hour ago, or since the process began. */
  readonly sinceMs: number;
  readonly counts: RouteCounts;
}

interface Hour {
  readonly fromMs: number;
  readonly toMs: number;
  readonly counts: RouteCounts;
}

export const ROUTE_HOUR_MS = 3_600_000;
const DAY_MS = 24 * ROUTE_HOUR_MS;

export class RouteRing {
  readonly #requests: Pick<Metrics['requests'], 'entries'>;
  #hours: readonly Hour[] = [];
  #before: RouteCounts;
  #fromMs: number;

  /** Counts from now on. */
  constructor({ requests }: Pick<Metrics, 'requests'>, nowMs: number) {
    this.#requests = requests;
    this.#before = read(requests);
    this.#fromMs = nowMs;
  }

  /** An hour is over. */
  sample(nowMs: number): void {
    const counted = read(this.#requests);
    const hour = { fromMs: this.#fromMs, toMs: nowMs, counts: grown(this.#before, counted) };
    this.#hours = [...this.#hours, hour].filter(({ toMs }) => toMs > nowMs - DAY_MS);
    this.#before = counted;
    this.#fromMs = nowMs;
  }

  lately(nowMs: number): RouteDay {
    const hours = this.#hours.filter(({ toMs }) => toMs > nowMs - DAY_MS);
    const current = grown(this.#before, read(this.#requests));
    return {
      sinceMs: hours[0]?.fromMs ?? this.#fromMs,
      counts: sumCounts([...hours.map((each) => each.counts), current]),
    };
  }
}

export function sumCounts(all: readonly RouteCounts[]): RouteCounts {
  const sum = new Map<string, readonly [number, number]>();
  for (const counts of all)
    for (const [id, [requests, refused]] of Object.entries(counts)) {
      const [requestsBefore, refusedBefore] = sum.get(id) ?? [0, 0];
      sum.set(id, [requestsBefore + requests, refusedBefore + refused]);
    }
  return Object.fromEntries(sum);
}

function read(requests: Pick<Metrics['requests'], 'entries'>): RouteCounts {
  const counts = new Map<string, [number, number]>();
  for (const [route, outcome, total] of requests.entries()) {
    const isRefused = outcome in REASONS;
    // Counted once already, when it was sent on.
    if (isRefused && reasonRow(outcome as Reason).blame === 'upstream') continue;
    const count = counts.get(route) ?? [0, 0];
    count[0] += total;
    if (isRefused) count[1] += total;
    counts.set(route, count);
  }
  return Object.fromEntries(counts);
}

function grown(before: RouteCounts, now: RouteCounts): RouteCounts {
  const entries = Object.entries(now).map(([id, [requests, refused]]) => {
    const [requestsBefore, refusedBefore] = before[id] ?? [0, 0];
    return [id, [requests - requestsBefore, refused - refusedBefore]] as const;
  });
  return Object.fromEntries(entries.filter(([, [requests]]) => requests > 0));
}
