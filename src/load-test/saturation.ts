/**
 * How much is served at most: autocannon, each connection sending as soon as it was answered. That is a closed loop: it
 * slows down with what it measures, so it gives a throughput and no latencies.
 */
import { createRequire } from 'node:module';
import { SetupError } from '../errors.ts';
import type { LoadPlan } from './plan.ts';

export interface Saturation {
  readonly perSecond: number;
  readonly seconds: number;
  readonly connections: number;
  /** Answers from 400 on, and requests without one. */
  readonly failed: number;
}

/** The little of autocannon that is used here; it brings no types. */
type Autocannon = (options: object) => PromiseLike<{
  readonly duration: number;
  readonly '2xx': number;
  readonly '3xx': number;
  readonly '4xx': number;
  readonly '5xx': number;
  readonly errors: number;
}> & { stop(): void };

/** Throws SetupError where it is not installed. */
export function loadAutocannon(): Autocannon {
  try {
    return createRequire(import.meta.url)('autocannon') as Autocannon;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    throw new SetupError(
      '--saturate needs the package autocannon, which is not installed with scopegate: npm install autocannon@9 beside it',
    );
  }
}

export async function saturate(
  autocannon: Autocannon,
  { targets, method, headers, connections, saturateMs }: LoadPlan,
  tokens: readonly string[],
  signal: AbortSignal,
): Promise<Saturation> {
  const [{ origin }] = targets as [LoadPlan['targets'][number]];
  const paths = targets.filter((target) => target.origin === origin).map(({ path }) => path);
  const run = autocannon({
    url: origin,
    connections,
    duration: saturateMs / 1000,
    requests: tokens.flatMap((token) =>
      paths.map((path) => ({ path, method, headers: { ...headers, authorization: `Bearer ${token}` } })),
    ),
  });
  const stop = () => run.stop();
  signal.addEventListener('abort', stop, { once: true });
  const { duration, errors, ...counts } = await run;
  signal.removeEventListener('abort', stop);
  return {
    perSecond: Math.round((counts['2xx'] + counts['3xx']) / duration),
    seconds: duration,
    connections,
    failed: counts['4xx'] + counts['5xx'] + errors,
  };
}
