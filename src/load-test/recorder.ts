/** Keeps what a load showed: latencies by use, outcomes, and how they went over time. Judges nothing. */
import { Latencies, type LatencySeries } from './latencies.ts';
import { type LoadAnswer, TIMED_OUT } from './load-client.ts';
import { receptionOf, TOKEN_USES, type TokenUse } from './mix.ts';

export type LoadedSide = 'gateway' | 'direct';

/** One stretch of the run. */
export interface TimeSlot {
  readonly fromSeconds: number;
  readonly place: LoadedSide;
  readonly count: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface Tallies {
  /** How many had which status, or which fault, by use. */
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly answered: number;
  /** Neither what was to be expected nor let through. */
  readonly failed: number;
  /** Unknown and refused tokens that were served. */
  readonly letThrough: number;
}

interface OpenSlot {
  readonly place: LoadedSide;
  readonly latencies: Latencies;
  failed: number;
}

const SLOTS_MAX = 120;
const SLOT_MIN_MS = 1000;

export class Recorder {
  readonly #series = new Map<string, Latencies>();
  readonly #outcomes = new Map<string, Map<string, number>>();
  readonly #slots = new Map<number, OpenSlot>();
  readonly #slotMs: number;
  #answered = 0;
  #failed = 0;
  #letThrough = 0;

  /** `turnMs`: a turn is so many whole stretches. `expectedMs`: how long the whole run is meant to take. */
  constructor(turnMs: number, expectedMs: number) {
    const wantedMs = Math.max(expectedMs / SLOTS_MAX, SLOT_MIN_MS);
    this.#slotMs = turnMs / Math.max(1, Math.floor(turnMs / wantedMs));
  }

  /** `latencyMs` from the intended start; `atMs`: that start, as the turns follow each other without a pause. */
  record(place: LoadedSide, use: TokenUse, answer: LoadAnswer, latencyMs: number, atMs: number): void {
    const { outcome, authMs } = answer;
    const name = place === 'direct' ? 'direct' : use;
    count(this.#outcomesOf(name), String(outcome));
    const reception = receptionOf(place === 'direct' ? 'hit' : use, outcome);
    const slot = this.#slotAt(atMs, place);
    if (reception === 'failed') {
      this.#failed++;
      slot.failed++;
    } else if (reception === 'letThrough') this.#letThrough++;
    // What was never answered has waited at least as long; a refused connection says nothing of latency.
    if (typeof outcome === 'string' && outcome !== TIMED_OUT) return;
    this.#answered++;
    slot.latencies.record(latencyMs);
    this.series(name).record(latencyMs);
    if (place === 'direct') return;
    this.series('total').record(latencyMs);
    if (authMs === null) return;
    this.series('auth').record(authMs);
    this.series(`auth.${use}`).record(authMs);
  }

  series(name: string): Latencies {
    const known = this.#series.get(name);
    if (known !== undefined) return known;
    const made = new Latencies();
    this.#series.set(name, made);
    return made;
  }

  allSeries(): Record<string, LatencySeries> {
    const order = ['total', ...TOKEN_USES, 'direct', 'auth', ...TOKEN_USES.map((use) => `auth.${use}`)];
    const rank = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
    const sorted = [...this.#series].sort(([one], [other]) => rank(one) - rank(other));
    return Object.fromEntries(sorted.map(([name, latencies]) => [name, latencies.series()]));
  }

  tallies(): Tallies {
    const outcomes = [...this.#outcomes].map(([use, counts]) => [use, Object.fromEntries(counts)] as const);
    return {
      outcomes: Object.fromEntries(outcomes),
      answered: this.#answered,
      failed: this.#failed,
      letThrough: this.#letThrough,
    };
  }

  slots(): TimeSlot[] {
    return [...this.#slots]
      .sort(([one], [other]) => one - other)
      .map(([nth, { place, latencies, failed }]) => {
        const { count: counted, p50Ms, p99Ms, maxMs } = latencies.summary();
        return { fromSeconds: (nth * this.#slotMs) / 1000, place, count: counted, failed, p50Ms, p99Ms, maxMs };
      });
  }

  #slotAt(atMs: number, place: LoadedSide): OpenSlot {
    const nth = Math.floor(atMs / this.#slotMs);
    const known = this.#slots.get(nth);
    if (known !== undefined) return known;
    const made = { place, latencies: new Latencies(2), failed: 0 };
    this.#slots.set(nth, made);
    return made;
  }

  #outcomesOf(use: string): Map<string, number> {
    const known = this.#outcomes.get(use) ?? new Map<string, number>();
    this.#outcomes.set(use, known);
    return known;
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
