/** Latencies, counted to three digits (HdrHistogram). Never keeps single ones, and never judges them. */
import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';

/** Milliseconds. Of no request at all each is 0. */
export interface LatencySummary {
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  readonly meanMs: number;
}

/** With all counts, as other HdrHistogram tools read them: microseconds, V2 compressed, base64. */
export interface LatencySeries extends LatencySummary {
  readonly hdr: string;
}

const US_PER_MS = 1000;

export class Latencies {
  readonly #histogram: Histogram;

  /** `digits`: how exact a value is kept. */
  constructor(digits: 2 | 3 = 3) {
    this.#histogram = build({ numberOfSignificantValueDigits: digits });
  }

  /** Throws Error for text that is none of `series`. */
  static from({ hdr }: Pick<LatencySeries, 'hdr'>): Latencies {
    const read = new Latencies();
    // The kind that is read back differs from the one that is made, so it is poured over.
    read.#histogram.add(decodeFromCompressedBase64(hdr));
    return read;
  }

  record(ms: number): void {
    this.#histogram.recordValue(Math.max(0, Math.round(ms * US_PER_MS)));
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** `percent` of all are at most as long as this. */
  quantileMs(percent: number): number {
    return this.count === 0 ? 0 : this.#histogram.getValueAtPercentile(percent) / US_PER_MS;
  }

  summary(): LatencySummary {
    return {
      count: this.count,
      p50Ms: this.quantileMs(50),
      p90Ms: this.quantileMs(90),
      p99Ms: this.quantileMs(99),
      p999Ms: this.quantileMs(99.9),
      maxMs: this.quantileMs(100),
      meanMs: this.count === 0 ? 0 : Math.round(this.#histogram.mean) / US_PER_MS,
    };
  }

  series(): LatencySeries {
    return { ...this.summary(), hdr: encodeIntoCompressedBase64(this.#histogram) };
  }
}
