/**
 * Counters of the hot path, kept as plain numbers and handed to prom-client only when somebody scrapes: a labelled
 * prom-client counter costs as much per request as the decision. What a label can be is a type that stands where its metric
 * is declared: names of a union, or ConfiguredName. The compiler takes no other text: no path, no token, no subject.
 */
import type { ConfiguredName } from '../core/configured-name.ts';
import type { Reason } from '../core/reason.ts';
import { Bug } from '../errors.ts';
import type { ProcessMetrics } from './aggregate.ts';

/** What durations are counted by, each up to its bound. */
export const BUCKETS_SECONDS: readonly number[] = [
  0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5,
];

/** As prom-client has them. */
interface Value {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName?: string;
}

/** One number of a family, with the label that tells it from the others. */
export interface Sample<Labels> {
  readonly labels: Labels;
  readonly value: number;
}

/** What several processes together make of one metric: see `aggregate.ts`. */
export type Across = 'sum' | 'max' | 'min' | 'first';

/**
 * What became of a request: sent on, allowed for who only asked (a decision listener, an application), answered by the
 * gateway itself, or refused for a reason.
 */
export type RequestOutcome = 'forwarded' | 'allowed' | 'answered' | Reason;

const STATUS_CLASSES = ['-', '1xx', '2xx', '3xx', '4xx', '5xx', '6xx', '7xx', '8xx', '9xx'] as const;

/** The first digit of a status, as in `2xx`; `-` below 100. */
export type StatusClass = (typeof STATUS_CLASSES)[number];

/** `broken`: the answer was cut short. */
export type RelayOutcome = StatusClass | 'broken';

/** A union of names or ConfiguredName, not any text: what a client says can never become the label of a metric. */
type Closed<Label extends string> = string extends Label ? never : Label;

/** Labels of which each is closed. */
type ClosedLabels<Labels> = { readonly [Name in keyof Labels]: string extends Labels[Name] ? never : Labels[Name] };

/** Numbers by the names of such a union; what is left out has not happened. */
type ClosedCounts<Counts> = string extends keyof Counts ? never : { readonly [Label in keyof Counts]: number };

/** A counter by two closed labels. */
export class PairCounter<First extends string, Second extends string> {
  readonly #counts = new Map<string, Map<string, { total: number }>>();

  add(first: Closed<First>, second: Closed<Second>): void {
    let inner = this.#counts.get(first);
    if (inner === undefined) {
      inner = new Map();
      this.#counts.set(first, inner);
    }
    const cell = inner.get(second);
    if (cell === undefined) inner.set(second, { total: 1 });
    else cell.total++;
  }

  /** By the second label alone. */
  bySecond(): ReadonlyMap<Second, number> {
    const sums = new Map<Second, number>();
    for (const inner of this.#counts.values())
      for (const [second, { total }] of inner) sums.set(second as Second, (sums.get(second as Second) ?? 0) + total);
    return sums;
  }

  *entries(): Generator<readonly [string, string, number]> {
    for (const [first, inner] of this.#counts) for (const [second, { total }] of inner) yield [first, second, total];
  }
}

/** `narrower`: it would be refused. `wider`: it would pass. `other_reason`: it would be refused, too. `unclear`: nobody can say. */
export type ShadowChange = 'same' | 'narrower' | 'wider' | 'other_reason' | 'unclear';

/** A histogram of seconds without labels. */
export class Durations {
  readonly #buckets = new Float64Array(BUCKETS_SECONDS.length + 1);
  #sum = 0;
  #count = 0;

  observe(seconds: number): void {
    let index = 0;
    while (index < BUCKETS_SECONDS.length && seconds > BUCKETS_SECONDS[index]!) index++;
    this.#buckets[index]!++;
    this.#sum += seconds;
    this.#count++;
  }

  /** How many were within each bucket and above the one before; the last: above all of them. */
  counts(): readonly number[] {
    return [...this.#buckets];
  }

  values(name: string): Value[] {
    let total = 0;
    const values: Value[] = BUCKETS_SECONDS.map((bound, index) => {
      total += this.#buckets[index]!;
      return { metricName: `${name}_bucket`, labels: { le: bound }, value: total };
    });
    values.push({ metricName: `${name}_bucket`, labels: { le: '+Inf' }, value: this.#count });
    values.push({ metricName: `${name}_sum`, labels: {}, value: this.#sum });
    values.push({ metricName: `${name}_count`, labels: {}, value: this.#count });
    return values;
  }
}

export class Metrics {
  readonly #read = new Map<string, () => ProcessMetrics[number]>();
  /** By route id (`-` before a route is known) and outcome. */
  readonly requests = new PairCounter<ConfiguredName | '-', RequestOutcome>();
  /** By upstream name and status class. */
  readonly answers = new PairCounter<ConfiguredName, RelayOutcome>();
  /** By route, and what the rules that are tried out would have decided beside those in force. */
  readonly shadow = new PairCounter<ConfiguredName | '-', ShadowChange>();
  readonly decision = new Durations();
  readonly total = new Durations();
  readonly streamStop = new Durations();
  readonly revocationLag = new Durations();
  /** Decisions that rest on what was known before the store was lost. */
  degraded = 0;

  constructor() {
    this.#pairs(
      'scopegate_shadow_decisions_total',
      'Requests that were judged by the rules of shadow, too, by route and what would change.',
      ['route', 'change'],
      this.shadow,
    );
    this.#pairs('scopegate_requests_total', 'Requests by route and outcome.', ['route', 'outcome'], this.requests);
    this.#pairs(
      'scopegate_upstream_answers_total',
      'Relayed answers by upstream and status class.',
      ['upstream', 'class'],
      this.answers,
    );
    this.counter(
      'scopegate_degraded_decisions_total',
      'Decisions on what was known last, the store being down.',
      () => this.degraded,
    );
    this.#durations('scopegate_decision_seconds', 'From the request being read to the decision.', this.decision);
    this.#durations('scopegate_request_seconds', 'From the request being read to the end of the answer.', this.total);
    this.#durations(
      'scopegate_stream_stop_seconds',
      'From a stream becoming doubtful (a change heard, a time reached) to its being stopped.',
      this.streamStop,
    );
    this.#durations(
      'scopegate_revocation_lag_seconds',
      'From a change by another process to its being applied here.',
      this.revocationLag,
    );
  }

  /** All of them, as they are now. */
  numbers(): ProcessMetrics {
    return Array.from(this.#read.values(), (read) => read());
  }

  /** A number that is read when somebody scrapes. */
  gauge(name: string, help: string, read: () => number, across: Across = 'sum'): void {
    this.#register(name, help, 'gauge', () => [{ labels: {}, value: read() }], across);
  }

  /** A number that only grows, read when somebody scrapes. */
  counter(name: string, help: string, read: () => number): void {
    this.#register(name, help, 'counter', () => [{ labels: {}, value: read() }]);
  }

  /** Numbers that only grow, by one closed label; read when somebody scrapes. */
  counterBy<Counts extends object>(
    name: string,
    help: string,
    label: string,
    counts: () => Counts & ClosedCounts<Counts>,
    across: Across = 'sum',
  ): void {
    const values = () =>
      Object.entries<number>({ ...counts() }).map(([key, value]) => ({ labels: { [label]: key }, value }));
    this.#register(name, help, 'counter', values, across);
  }

  /** A number for each of several things, by closed labels; read when somebody scrapes. */
  family<Labels extends Readonly<Record<keyof Labels, string>>>(
    name: string,
    help: string,
    type: 'gauge' | 'counter',
    read: () => ReadonlyArray<Sample<Labels & ClosedLabels<Labels>>>,
    across: Across = 'sum',
  ): void {
    const values = () => read().map(({ labels, value }) => ({ labels: { ...labels }, value }));
    this.#register(name, help, type, values, across);
  }

  #pairs(
    name: string,
    help: string,
    labels: readonly [string, string],
    counter: Pick<PairCounter<never, never>, 'entries'>,
  ): void {
    this.#register(name, help, 'counter', () =>
      Array.from(counter.entries(), ([first, second, value]) => ({
        labels: { [labels[0]]: first, [labels[1]]: second },
        value,
      })),
    );
  }

  #durations(name: string, help: string, durations: Durations): void {
    this.#register(name, help, 'histogram', () => durations.values(name));
  }

  #register(name: string, help: string, type: string, values: () => Value[], aggregator: Across = 'sum'): void {
    if (this.#read.has(name)) throw new Bug(`two metrics are called ${name}`);
    this.#read.set(
      name,
      () => ({ name, help, type, aggregator, values: values() }) as unknown as ProcessMetrics[number],
    );
  }
}

/** `status`: 0–999, which is all that a status line can hold. */
export function statusClass(status: number): StatusClass {
  return STATUS_CLASSES[Math.floor(status / 100)]!;
}
