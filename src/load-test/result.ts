/** What a load test came to, as it is written down (`--json`, `--save`), read again and compared. Never measures. */
import { availableParallelism } from 'node:os';
import { SetupError } from '../errors.ts';
import { version } from '../package-files.ts';
import type { LatencySeries, LatencySummary } from './latencies.ts';
import type { Mix } from './mix.ts';
import type { DrawnLoad, LoadPlan, LoadTokens } from './plan.ts';
import type { Tallies, TimeSlot } from './recorder.ts';
import type { Revocations } from './revocations.ts';
import type { Saturation } from './saturation.ts';
import type { CheckedThreshold } from './threshold.ts';

export const RESULT_FORMAT = 1;

/** How well the generator did what it was to do. */
export interface GeneratorReport {
  readonly offered: number;
  readonly started: number;
  /** How much later than intended requests were started. */
  readonly late: LatencySummary;
  /** Most requests without an answer at the end of a turn. */
  readonly pending: number;
}

export interface LoadSetup {
  readonly urls: readonly string[];
  readonly direct: readonly string[] | null;
  readonly method: string;
  readonly perSecond: number;
  readonly arrivals: string;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly turnSeconds: number;
  readonly connections: number;
  readonly timeoutSeconds: number;
  readonly tokens: number;
  readonly mix: Mix;
  readonly revocationsPerSecond: number;
}

/** `invalid`: the numbers are not those of the gateway. `unsafe`: a token was served that was not to be. */
export type Verdict = 'kept' | 'missed' | 'invalid' | 'unsafe';

export interface LoadResult {
  readonly format: typeof RESULT_FORMAT;
  readonly startedAt: string;
  /** False: it was interrupted. */
  readonly complete: boolean;
  readonly verdict: Verdict;
  /** What stands behind the verdict, in words. */
  readonly findings: readonly string[];
  readonly setup: LoadSetup;
  readonly client: { readonly scopegate: string; readonly node: string; readonly processors: number };
  readonly generator: GeneratorReport;
  /** Milliseconds, by what they are of. */
  readonly series: Readonly<Record<string, LatencySeries>>;
  readonly tallies: Tallies;
  readonly revocations: Revocations | null;
  readonly saturation: Saturation | null;
  readonly thresholds: readonly CheckedThreshold[];
  readonly overTime: readonly TimeSlot[];
}

export function setupOf(plan: LoadPlan, tokens: LoadTokens): LoadSetup {
  const url = ({ origin, path }: { readonly origin: string; readonly path: string }) => origin + path;
  return {
    urls: plan.targets.map(url),
    direct: plan.direct?.map(url) ?? null,
    method: plan.method,
    perSecond: plan.perSecond,
    arrivals: plan.arrivals,
    seconds: plan.durationMs / 1000,
    warmUpSeconds: plan.warmUpMs / 1000,
    turnSeconds: plan.turnMs / 1000,
    connections: plan.connections,
    timeoutSeconds: plan.timeoutMs / 1000,
    tokens: tokens.hit.length,
    mix: plan.mix,
    revocationsPerSecond: plan.revocationsPerSecond,
  };
}

export function clientOf(): LoadResult['client'] {
  return { scopegate: version(), node: process.versions.node, processors: availableParallelism() };
}

/** Requests that failed, of all that were started, from 0 to 1. */
export function errorShare({ tallies, generator }: Pick<LoadResult, 'tallies' | 'generator'>): number {
  return generator.started === 0 ? 0 : tallies.failed / generator.started;
}

/** `name`: for messages. Throws SetupError for what is no result of a load test. */
export function readResult(text: string, name: string): LoadResult {
  let read: Partial<LoadResult> | null;
  try {
    read = JSON.parse(text) as Partial<LoadResult> | null;
  } catch {
    read = null;
  }
  if (typeof read !== 'object' || read?.series === undefined || read.setup === undefined)
    throw new SetupError(`${name} is no result of scopegate bench; --json or --save FILE makes one`);
  if (read.format !== RESULT_FORMAT)
    throw new SetupError(`${name} has format ${read.format}; this scopegate reads ${RESULT_FORMAT}: measure again`);
  return read as LoadResult;
}

/** How many requests a load makes of the gateway and of the upstream. */
export function offeredBy(plan: LoadPlan, { starts }: DrawnLoad): number {
  return starts.length * (plan.direct === null ? 1 : 2);
}
