/** What several processes remember of their traffic, as one series a chart can be drawn from. Pure; asks nobody. */
import type { Reason } from '../core/reason.ts';
import { BUCKETS_SECONDS } from './metrics.ts';
import { addSlot, type TrafficSlot, type TrafficStepMs } from './traffic-ring.ts';

/** How long back, in which steps they are told, and from which steps those are made. */
export const TRAFFIC_RANGES = {
  '5m': { forMs: 300_000, stepMs: 2000, fromMs: 2000 },
  '1h': { forMs: 3_600_000, stepMs: 10_000, fromMs: 10_000 },
  '6h': { forMs: 21_600_000, stepMs: 60_000, fromMs: 60_000 },
  '24h': { forMs: 86_400_000, stepMs: 300_000, fromMs: 60_000 },
} as const satisfies Record<
  string,
  { readonly forMs: number; readonly stepMs: number; readonly fromMs: TrafficStepMs }
>;
export type TrafficRange = keyof typeof TRAFFIC_RANGES;

/** One number for each step, oldest first; null: nobody was there to count, or there was nothing to measure. */
type Series = ReadonlyArray<number | null>;

export interface TrafficSums {
  readonly requests: number;
  readonly refused: number;
  readonly serverErrors: number;
  readonly requestsPerSecond: number;
  readonly authP50Ms: number | null;
  readonly authP99Ms: number | null;
  readonly revocationLagP99Ms: number | null;
  /** As last seen. */
  readonly inFlight: number | null;
}

export interface TrafficSeries {
  readonly from: string;
  readonly stepMs: number;
  readonly requestsPerSecond: Series;
  readonly refusedPerSecond: Series;
  readonly serverErrorsPerSecond: Series;
  readonly inFlight: Series;
  readonly authP50Ms: Series;
  readonly authP99Ms: Series;
  readonly revocationLagP99Ms: Series;
  /** By reason, the most frequent first: how many in all, and a second in each step. */
  readonly reasons: ReadonlyArray<{ readonly reason: Reason; readonly refused: number; readonly perSecond: Series }>;
  readonly total: TrafficSums;
}

/** When the first step of a range begins. */
export function rangeStart(range: TrafficRange, nowMs: number): number {
  const { forMs, stepMs } = TRAFFIC_RANGES[range];
  return Math.floor(nowMs / stepMs) * stepMs - forMs + stepMs;
}

/** `processes`: of each what it remembers, in the steps of the range. */
export function trafficSeries(
  processes: ReadonlyArray<readonly TrafficSlot[]>,
  range: TrafficRange,
  nowMs: number,
): TrafficSeries {
  const { forMs, stepMs } = TRAFFIC_RANGES[range];
  const fromMs = rangeStart(range, nowMs);
  const slots: Array<TrafficSlot | null> = Array.from({ length: forMs / stepMs }, () => null);
  for (const each of processes) addProcess(slots, each, fromMs, stepMs);
  // The newest step begins empty, and is told once somebody has counted in it.
  const known = slots.filter((slot) => slot !== null);
  const per = (read: (slot: TrafficSlot) => number | null): Series =>
    slots.map((slot) => (slot === null ? null : read(slot)));
  const rate = (read: (slot: TrafficSlot) => number): Series => per((slot) => perSecond(read(slot), slot.coveredMs));
  return {
    from: new Date(fromMs).toISOString(),
    stepMs,
    requestsPerSecond: rate(({ requests }) => requests),
    refusedPerSecond: rate(refusedIn),
    serverErrorsPerSecond: rate(({ serverErrors }) => serverErrors),
    inFlight: per(({ inFlight }) => inFlight),
    authP50Ms: per(({ decisions }) => percentileMs(decisions, 0.5)),
    authP99Ms: per(({ decisions }) => percentileMs(decisions, 0.99)),
    revocationLagP99Ms: per(({ lags }) => percentileMs(lags, 0.99)),
    reasons: reasonsIn(known).map(([reason, refused]) => ({
      reason,
      refused,
      perSecond: rate((slot) => slot.refused[reason] ?? 0),
    })),
    total: sumsOf(known),
  };
}

/** What one process remembers, in steps as long as these, which begin at `fromMs`. */
export function inSteps(slots: readonly TrafficSlot[], fromMs: number, stepMs: number): readonly TrafficSlot[] {
  const steps = new Map<number, TrafficSlot>();
  for (const slot of slots) {
    const atMs = Math.floor((slot.atMs - fromMs) / stepMs) * stepMs + fromMs;
    const found = steps.get(atMs);
    if (found === undefined) steps.set(atMs, { ...slot, atMs, refused: { ...slot.refused } });
    else addSlot(found, slot);
  }
  return [...steps.values()];
}

/** Processes lie side by side: their steps cover the same time, and what is in flight in each is so at once. */
function addProcess(
  slots: Array<TrafficSlot | null>,
  told: readonly TrafficSlot[],
  fromMs: number,
  stepMs: number,
): void {
  for (const slot of told) {
    const place = (slot.atMs - fromMs) / stepMs;
    const found = slots[place];
    // Of another time than was asked for, by a clock that is far off.
    if (found === undefined) continue;
    if (found === null) {
      slots[place] = { ...slot, refused: { ...slot.refused } };
      continue;
    }
    const { coveredMs, inFlight } = found;
    addSlot(found, slot);
    found.coveredMs = Math.max(coveredMs, slot.coveredMs);
    found.inFlight = inFlight + slot.inFlight;
  }
}

function sumsOf(slots: readonly TrafficSlot[]): TrafficSums {
  const [first, ...others] = slots;
  if (first === undefined)
    return {
      ...{ requests: 0, refused: 0, serverErrors: 0, requestsPerSecond: 0, inFlight: null },
      ...{ authP50Ms: null, authP99Ms: null, revocationLagP99Ms: null },
    };
  const sum = { ...first, refused: { ...first.refused } };
  for (const slot of others) addSlot(sum, slot);
  return {
    requests: sum.requests,
    refused: refusedIn(sum),
    serverErrors: sum.serverErrors,
    requestsPerSecond: perSecond(sum.requests, sum.coveredMs),
    authP50Ms: percentileMs(sum.decisions, 0.5),
    authP99Ms: percentileMs(sum.decisions, 0.99),
    revocationLagP99Ms: percentileMs(sum.lags, 0.99),
    inFlight: slots.at(-1)!.inFlight,
  };
}

function refusedIn({ refused }: TrafficSlot): number {
  return Object.values(refused).reduce((sum, count) => sum + count, 0);
}

function reasonsIn(slots: readonly TrafficSlot[]): ReadonlyArray<readonly [Reason, number]> {
  const sums = new Map<Reason, number>();
  for (const { refused } of slots)
    for (const [reason, count] of Object.entries(refused) as Array<[Reason, number]>)
      sums.set(reason, (sums.get(reason) ?? 0) + count);
  return [...sums].sort(([one, left], [other, right]) => right - left || (one < other ? -1 : 1));
}

function perSecond(count: number, coveredMs: number): number {
  return coveredMs === 0 ? 0 : rounded((count * 1000) / coveredMs);
}

/** As far as buckets tell: evenly spread within the one that holds it. Above the last bound it is that bound, or more. */
function percentileMs(counts: readonly number[] | null, share: number): number | null {
  const all = counts?.reduce((sum, count) => sum + count, 0) ?? 0;
  if (counts === null || all === 0) return null;
  let below = 0;
  for (const [nth, count] of counts.entries()) {
    if (below + count >= share * all && count > 0) {
      const low = BUCKETS_SECONDS[nth - 1] ?? 0;
      const high = BUCKETS_SECONDS[nth] ?? low;
      return rounded((low + (high - low) * ((share * all - below) / count)) * 1000);
    }
    below += count;
  }
  return null;
}

/** To three digits that say something. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
