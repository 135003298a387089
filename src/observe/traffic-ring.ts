/**
 * What a process remembers of its own traffic: how much its counters grew, in slots of fixed length, finer ones for a short
 * time and coarser ones for a day. Reads the counters on a timer, so that no request pays for it. Keeps nothing on a disk.
 */
import { REASONS, type Reason, reasonRow } from '../core/reason.ts';
import type { Metrics, RequestOutcome } from './metrics.ts';

/** What grew in one slot of time. */
export interface TrafficSlot {
  /** When it begins, by the wall clock: a whole number of steps since 1970. */
  readonly atMs: number;
  /** How much of it was watched: the newest one is not over, and the process may have started within the oldest. */
  coveredMs: number;
  requests: number;
  /** Those of them that were refused, by reason; what is left out has not happened. */
  refused: Partial<Record<Reason, number>>;
  /** Answers of class 5xx, the upstreams' and our own. */
  serverErrors: number;
  /** The most that upstreams were working on at once, seen where a step of the finest ring ends. */
  inFlight: number;
  /** Decisions by BUCKETS_SECONDS, and revocations applied; null: none. */
  decisions: readonly number[] | null;
  lags: readonly number[] | null;
}

export const TRAFFIC_STEPS_MS = [2000, 10_000, 60_000] as const;
export type TrafficStepMs = (typeof TRAFFIC_STEPS_MS)[number];

/** How long each is remembered: 5 minutes, an hour, a day. */
const SLOTS: Readonly<Record<TrafficStepMs, number>> = { 2000: 150, 10000: 360, 60000: 1440 };

type Watched = Pick<Metrics, 'requests' | 'answers' | 'decision' | 'revocationLag'>;

interface Counted {
  readonly outcomes: ReadonlyMap<RequestOutcome, number>;
  readonly serverErrors: number;
  readonly decisions: readonly number[];
  readonly lags: readonly number[];
}

export class TrafficRing {
  readonly #metrics: Watched;
  readonly #inFlight: () => number;
  readonly #rings: Readonly<Record<TrafficStepMs, TrafficSlot[]>> = { 2000: [], 10000: [], 60000: [] };
  #before: Counted;
  #readAtMs: number;

  /** Counts from now on. */
  constructor(metrics: Watched, inFlight: () => number, nowMs: number) {
    this.#metrics = metrics;
    this.#inFlight = inFlight;
    this.#before = read(metrics);
    this.#readAtMs = nowMs;
  }

  /** What has grown since the last time belongs to the slot that ends now. */
  sample(nowMs: number): void {
    const counted = read(this.#metrics);
    const before = this.#before;
    // A clock that was set back covers nothing.
    const coveredMs = Math.max(0, nowMs - this.#readAtMs);
    this.#before = counted;
    this.#readAtMs = nowMs;
    const grown: Omit<TrafficSlot, 'atMs'> = {
      coveredMs,
      ...grownOutcomes(before.outcomes, counted.outcomes),
      serverErrors: counted.serverErrors - before.serverErrors,
      inFlight: this.#inFlight(),
      decisions: grownCounts(before.decisions, counted.decisions),
      lags: grownCounts(before.lags, counted.lags),
    };
    // At the end of a slot the timer rings a little late: the middle of what was watched tells which one it was.
    for (const step of TRAFFIC_STEPS_MS) this.#add(step, nowMs - coveredMs / 2, grown);
  }

  /** Oldest first, those that began at `sinceMs` or later. */
  slots(step: TrafficStepMs, sinceMs: number): readonly TrafficSlot[] {
    return this.#rings[step].filter(({ atMs }) => atMs >= sinceMs);
  }

  #add(step: TrafficStepMs, momentMs: number, grown: Omit<TrafficSlot, 'atMs'>): void {
    const ring = this.#rings[step];
    const atMs = Math.floor(momentMs / step) * step;
    const newest = ring.at(-1);
    if (newest !== undefined && newest.atMs >= atMs) return addSlot(newest, grown);
    ring.push({ atMs, ...grown, refused: { ...grown.refused } });
    if (ring.length > SLOTS[step]) ring.shift();
  }
}

/** Adds to `slot` what was counted after it. */
export function addSlot(slot: TrafficSlot, more: Omit<TrafficSlot, 'atMs'>): void {
  slot.coveredMs += more.coveredMs;
  slot.requests += more.requests;
  slot.serverErrors += more.serverErrors;
  slot.inFlight = Math.max(slot.inFlight, more.inFlight);
  for (const [reason, count] of Object.entries(more.refused) as Array<[Reason, number]>)
    slot.refused[reason] = (slot.refused[reason] ?? 0) + count;
  slot.decisions = addedCounts(slot.decisions, more.decisions);
  slot.lags = addedCounts(slot.lags, more.lags);
}

function addedCounts(left: readonly number[] | null, right: readonly number[] | null): readonly number[] | null {
  if (left === null || right === null) return left ?? right;
  return left.map((count, nth) => count + (right[nth] ?? 0));
}

function read({ requests, answers, decision, revocationLag }: Watched): Counted {
  const outcomes = requests.bySecond();
  let serverErrors = answers.bySecond().get('5xx') ?? 0;
  for (const [outcome, count] of outcomes)
    if (outcome in REASONS && reasonRow(outcome as Reason).status >= 500) serverErrors += count;
  return { outcomes, serverErrors, decisions: decision.counts(), lags: revocationLag.counts() };
}

function grownOutcomes(before: Counted['outcomes'], now: Counted['outcomes']) {
  let requests = 0;
  const refused: Partial<Record<Reason, number>> = {};
  for (const [outcome, count] of now) {
    const grown = count - (before.get(outcome) ?? 0);
    requests += grown;
    if (grown > 0 && outcome in REASONS) refused[outcome as Reason] = grown;
  }
  return { requests, refused };
}

function grownCounts(before: readonly number[], now: readonly number[]): readonly number[] | null {
  const grown = now.map((count, nth) => count - before[nth]!);
  return grown.some((count) => count > 0) ? grown : null;
}
