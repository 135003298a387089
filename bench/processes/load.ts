/**
 * The load: autocannon, in a process of its own. Reads what to send from standard input, writes one line of JSON.
 * Latencies are counted here in microseconds, because autocannon's histogram keeps whole milliseconds.
 */
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { percentile } from '../measure.ts';

export interface LoadPlan {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly requests: ReadonlyArray<{ readonly path: string; readonly headers: Readonly<Record<string, string>> }>;
  /** Over all connections. Absent: as many as are answered. */
  readonly perSecond?: number;
}

export interface LoadResult {
  readonly answered: number;
  /** Answers other than 2xx, failed connections and timeouts. */
  readonly wrong: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What load.ts writes: the rest of what it knows. */
export interface LoadDetails extends LoadResult {
  readonly maxMs: number;
  /** How many answers had which. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests without an answer. */
  readonly failed: number;
}

/** The little of autocannon used here; it brings no types. */
type Autocannon = (options: object) => Run;
interface Run
  extends PromiseLike<{
    '2xx': number;
    non2xx: number;
    errors: number;
    timeouts: number;
    duration: number;
    statusCodeStats: Record<string, { count: number }>;
  }> {
  on(event: 'response', hear: (client: unknown, status: number, bytes: number, milliseconds: number) => void): void;
}

const autocannon = createRequire(import.meta.url)('autocannon') as Autocannon;
const plan = JSON.parse(await text(process.stdin)) as LoadPlan;
let latencies = new Float32Array(1 << 16);
let seen = 0;

const run = autocannon({
  url: plan.url,
  connections: plan.connections,
  duration: plan.seconds,
  requests: plan.requests,
  ...(plan.perSecond === undefined ? {} : { overallRate: plan.perSecond }),
});
run.on('response', (_client, _status, _bytes, milliseconds) => {
  if (seen === latencies.length) {
    const larger = new Float32Array(seen * 2);
    larger.set(latencies);
    latencies = larger;
  }
  latencies[seen++] = milliseconds;
});
const outcome = await run;
const sorted = latencies.subarray(0, seen).sort();
const result: LoadDetails = {
  answered: outcome['2xx'],
  wrong: outcome.non2xx + outcome.errors + outcome.timeouts,
  perSecond: outcome['2xx'] / outcome.duration,
  p50Ms: seen === 0 ? 0 : percentile(sorted, 0.5),
  p99Ms: seen === 0 ? 0 : percentile(sorted, 0.99),
  maxMs: seen === 0 ? 0 : percentile(sorted, 1),
  statuses: Object.fromEntries(Object.entries(outcome.statusCodeStats).map(([status, { count }]) => [status, count])),
  failed: outcome.errors + outcome.timeouts,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
