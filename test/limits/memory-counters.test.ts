/** Counting in memory: exact at every edge, against a model so plain that it cannot be wrong. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type RateLimit,
  rateLimit,
  routeLimits,
  standingText,
  type Taken,
  type Use,
} from '../../src/core/rate-limit.ts';
import { MemoryCounters } from '../../src/limits/memory-counters.ts';
import { assertForSeeds } from '../support/chance.ts';

const DAY_MS = 86_400_000;
const use = (limit: RateLimit, subject = 'tok_1'): Use => ({ limit, subject });

/** Remembers the windows of everybody for ever. */
class Model {
  readonly #windows = new Map<string, { used: number; endsAtMs: number }>();

  take(uses: readonly Use[], nowMs: number): Taken {
    const windows = uses.map(({ limit, subject }) => {
      const window = this.#windows.get(`${limit.id} ${subject}`);
      return window === undefined || nowMs >= window.endsAtMs
        ? { used: 0, endsAtMs: nowMs + limit.windowMs }
        : { ...window };
    });
    const allowed = windows.every(({ used }, index) => used < uses[index]!.limit.requests);
    if (allowed) {
      for (const [index, { limit, subject }] of uses.entries()) {
        windows[index]!.used++;
        this.#windows.set(`${limit.id} ${subject}`, windows[index]!);
      }
    }
    return {
      allowed,
      standings: windows.map(({ used, endsAtMs }, index) => ({
        remaining: uses[index]!.limit.requests - used,
        resetMs: endsAtMs - nowMs,
      })),
    };
  }
}

it('whatever comes when, it answers as one that forgets nothing', async () => {
  const limits = [rateLimit('short', 2, 3000, ['token']), rateLimit('long', 5, 10_000, ['organization'])];
  const step = fc.record({
    afterMs: fc.oneof(fc.integer({ min: 0, max: 1500 }), fc.constantFrom(0, 2999, 3000, 3001, 10_000, 25_000)),
    subjects: fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('x', 'y')),
    which: fc.constantFrom([0], [1], [0, 1]),
  });
  await assertForSeeds(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const counters = new MemoryCounters();
      const model = new Model();
      let nowMs = 0;
      for (const { afterMs, subjects, which } of steps) {
        nowMs += afterMs;
        const uses = which.map((index) => use(limits[index]!, subjects[index]!));
        expect(counters.take(uses, nowMs)).toEqual(model.take(uses, nowMs));
      }
    }),
    { numRuns: 300 },
  );
});

it('a window ends to the millisecond, and the next one opens with the next request', () => {
  const counters = new MemoryCounters();
  const uses = [use(rateLimit('one', 1, 1000, ['token']))];
  expect(counters.take(uses, 500)).toEqual({ allowed: true, standings: [{ remaining: 0, resetMs: 1000 }] });
  expect(counters.take(uses, 1499)).toEqual({ allowed: false, standings: [{ remaining: 0, resetMs: 1 }] });
  expect(counters.take(uses, 1500).allowed).toBe(true);
  expect(counters.take(uses, 2499).allowed).toBe(false);
});

it('what one limit refuses uses nothing of another', () => {
  const counters = new MemoryCounters();
  const [burst, quota] = [rateLimit('burst', 1, 1000, ['token']), rateLimit('quota', 3, DAY_MS, ['organization'])];
  const uses = [use(burst), use(quota, 'acme')];
  expect([0, 1, 2, 3].map((nowMs) => counters.take(uses, nowMs).allowed)).toEqual([true, false, false, false]);
  expect(counters.take(uses, 1000).standings[1]).toEqual({ remaining: 1, resetMs: DAY_MS - 1000 });
});

it('a quota of months holds, though no timer reaches that far', async () => {
  const counters = new MemoryCounters();
  const uses = [use(rateLimit('monthly', 1, 366 * DAY_MS, ['token']))];
  expect(counters.take(uses, 0).allowed).toBe(true);
  await new Promise((resolve) => setImmediate(resolve));
  expect(counters.take(uses, 365 * DAY_MS).allowed).toBe(false);
  expect(counters.take(uses, 366 * DAY_MS).allowed).toBe(true);
});

describe('a changed configuration', () => {
  it('a higher or lower limit counts on; nothing remaining is never less than nothing', () => {
    const counters = new MemoryCounters();
    for (let nowMs = 0; nowMs < 3; nowMs++) counters.take([use(rateLimit('a', 3, 60_000, ['token']))], nowMs);
    expect(counters.take([use(rateLimit('a', 2, 60_000, ['token']))], 3)).toMatchObject({
      allowed: false,
      standings: [{ remaining: 0 }],
    });
    expect(counters.take([use(rateLimit('a', 5, 60_000, ['token']))], 4)).toMatchObject({
      allowed: true,
      standings: [{ remaining: 1 }],
    });
  });

  it('another window, or another subject, counts anew; a limit that went away is forgotten', () => {
    const counters = new MemoryCounters();
    const limit = rateLimit('a', 1, 60_000, ['token']);
    counters.take([use(limit)], 0);
    counters.keep([limit]);
    expect(counters.take([use(limit)], 1).allowed).toBe(false);
    expect(counters.take([use(rateLimit('a', 1, 30_000, ['token']))], 1).allowed).toBe(true);
    expect(counters.take([use(rateLimit('a', 1, 60_000, ['route']))], 1).allowed).toBe(true);
    counters.keep([]);
    expect(counters.take([use(limit)], 2).allowed).toBe(true);
  });
});

it('goes on from where counts stood that were kept elsewhere', () => {
  const counters = new MemoryCounters();
  const uses = [use(rateLimit('a', 3, 60_000, ['token']))];
  counters.learn(uses, { allowed: true, standings: [{ remaining: 1, resetMs: 5000 }] }, 100);
  expect(counters.take(uses, 200)).toEqual({ allowed: true, standings: [{ remaining: 0, resetMs: 4900 }] });
  expect(counters.take(uses, 5099).allowed).toBe(false);
  expect(counters.take(uses, 5100)).toEqual({ allowed: true, standings: [{ remaining: 2, resetMs: 60_000 }] });
});

it('a flood of addresses is forgotten oldest first, and never keeps anybody else out', () => {
  const counters = new MemoryCounters();
  const limit = rateLimit('a', 1, DAY_MS, ['address']);
  for (let index = 0; index < 100_001; index++) {
    if (!counters.take([use(limit, `address ${index}`)], index).allowed) throw new Error(`${index} was refused`);
  }
  expect(counters.take([use(limit, 'address 100000')], 200_000).allowed, 'the latest').toBe(false);
  expect(counters.take([use(limit, 'address 0')], 200_000).allowed, 'the oldest').toBe(true);
});

describe('what clients are told', () => {
  const limits = [
    rateLimit('burst', 20, 1000, ['token']),
    rateLimit('month-1', 1_000_000, 30 * DAY_MS, ['organization']),
  ];

  it('is in the words of the draft', () => {
    expect(routeLimits(limits)!.policyText).toBe('"burst";q=20;w=1, "month-1";q=1000000;w=2592000');
    const standings = [
      { remaining: 19, resetMs: 1 },
      { remaining: 0, resetMs: 2_000_001 },
    ];
    expect(standingText(limits, standings)).toBe('"burst";r=19;t=1, "month-1";r=0;t=2001');
  });

  it('is nothing where there are none', () => expect(routeLimits([])).toBeNull());
});
