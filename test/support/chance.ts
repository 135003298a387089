/**
 * Where tests take their chance from: a fixed seed, so that the same code passes or fails alike, and in the long form
 * (`npm run test:long`) a fresh one beside it, printed when the run starts. `SCOPEGATE_SEED=n` repeats a run with that seed
 * alone, `SCOPEGATE_FUZZ=100` tries a hundred times as hard, with a fresh seed. No test reads the clock for it.
 */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';

const FIXED_SEED = 20_301_108;
/** From the set-up of the run to its workers. */
const FRESH = 'SCOPEGATE_FRESH_SEED';

/** How hard to try, as a factor. */
export const effort = Number(process.env.SCOPEGATE_FUZZ ?? 1);

/** vitest's global set-up: runs once, before any worker. */
export function setup(): void {
  process.env[FRESH] = String(randomInt(2 ** 31 - 1));
  const told = seeds().map((seed) => (seed === FIXED_SEED ? `${seed} (fixed)` : `${seed} (SCOPEGATE_SEED=${seed})`));
  process.stdout.write(`seeds of this run: ${told.join(', ')}\n`);
}

/** Of this run, at least one. Who tries each shares its tries among them. */
export function seeds(): readonly number[] {
  if (process.env.SCOPEGATE_SEED !== undefined) return [Number(process.env.SCOPEGATE_SEED)];
  const fresh = Number(process.env[FRESH]);
  return process.env.SCOPEGATE_LONG === '1' || effort > 1 ? [FIXED_SEED, fresh] : [FIXED_SEED];
}

/** fast-check's `assert`: `numRuns` (100 where not given) shared among the seeds. A failure names its seed and path. */
export async function assertForSeeds<T>(
  property: fc.IRawProperty<T>,
  { numRuns = 100, ...options }: Omit<fc.Parameters<T>, 'seed'> = {},
): Promise<void> {
  for (const seed of seeds())
    await fc.assert(property, { ...options, numRuns: Math.ceil(numRuns / seeds().length), seed });
}

export type Random = (limit: number) => number;

/** mulberry32: whole numbers from 0 to below `limit`, the same for the same seed. */
export function randomFrom(seed: number): Random {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}
