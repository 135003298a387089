/**
 * The traffic of every gateway process that shares the store, as one series. Each watches its own on a timer, away from its
 * requests; whoever is asked asks the others. What a process knew ends with it.
 */
import type { Metrics } from '../observe/metrics.ts';
import { TRAFFIC_STEPS_MS, TrafficRing, type TrafficSlot, type TrafficStepMs } from '../observe/traffic-ring.ts';
import {
  inSteps,
  rangeStart,
  TRAFFIC_RANGES,
  type TrafficRange,
  type TrafficSeries,
  trafficSeries,
} from '../observe/traffic-series.ts';
import type { FleetSubject, FleetTalk } from './fleet-talk.ts';

const SAMPLE_MS = TRAFFIC_STEPS_MS[0];
/** So many who look on together ask the others once. */
const KEPT_MS = 1000;

interface TrafficQuestion {
  readonly sinceMs: number;
  readonly stepMs: number;
  /** Of the ring that it is made from. */
  readonly fromMs: TrafficStepMs;
}

interface FleetSeries extends TrafficSeries {
  /** How many told what they know. */
  readonly processes: number;
  readonly unanswered: readonly string[] | null;
}

export class FleetTraffic {
  readonly #talk: FleetTalk;
  readonly #nowMs: () => number;
  readonly #subject: FleetSubject<TrafficQuestion, readonly TrafficSlot[]>;
  readonly #told = new Map<TrafficRange, { readonly atMs: number; readonly series: Promise<FleetSeries> }>();
  #ring: TrafficRing | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(talk: FleetTalk, nowMs: () => number) {
    this.#talk = talk;
    this.#nowMs = nowMs;
    this.#subject = talk.add('traffic', ({ sinceMs, stepMs, fromMs }: TrafficQuestion) =>
      inSteps(this.#ring?.slots(fromMs, sinceMs) ?? [], sinceMs, stepMs),
    );
  }

  /** This process serves requests, from now on. */
  serve(metrics: Metrics, inFlight: () => number): void {
    this.#ring = new TrafficRing(metrics, inFlight, this.#nowMs());
    const later = () => {
      // Where one slot ends and the next begins, whenever this process was started.
      const delayMs = SAMPLE_MS - (this.#nowMs() % SAMPLE_MS);
      this.#timer = setTimeout(() => {
        this.#ring!.sample(this.#nowMs());
        later();
      }, delayMs).unref();
    };
    later();
  }

  /** Never rejects. */
  of(range: TrafficRange): Promise<FleetSeries> {
    const known = this.#told.get(range);
    if (known !== undefined && performance.now() - known.atMs < KEPT_MS) return known.series;
    const series = this.#ask(range);
    this.#told.set(range, { atMs: performance.now(), series });
    return series;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  async #ask(range: TrafficRange): Promise<FleetSeries> {
    const nowMs = this.#nowMs();
    const { stepMs, fromMs } = TRAFFIC_RANGES[range];
    const asked = { sinceMs: rangeStart(range, nowMs), stepMs, fromMs };
    const { answers, unanswered } = await this.#talk.ask(this.#subject, asked);
    return { ...trafficSeries([...answers.values()], range, nowMs), processes: answers.size, unanswered };
  }
}
