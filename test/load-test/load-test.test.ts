/** What a load test counts and judges, without any load. */
import { expect, it } from 'vitest';
import { holdsToken } from '../../src/core/token-format.ts';
import { intendedStarts } from '../../src/load-test/arrivals.ts';
import { compareResults } from '../../src/load-test/compare.ts';
import { Latencies } from '../../src/load-test/latencies.ts';
import { drawUses, receptionOf, TOKEN_USES, unknownLike } from '../../src/load-test/mix.ts';
import { openLoop, type Pace } from '../../src/load-test/open-loop.ts';
import { type LoadResult, readResult } from '../../src/load-test/result.ts';
import { checkThreshold, parseThreshold } from '../../src/load-test/threshold.ts';
import { judgeLoad } from '../../src/load-test/verdict.ts';
import { randomFrom } from '../support/chance.ts';
import { loadResult, seriesOf } from './results.ts';

const random = () => {
  const next = randomFrom(7);
  return () => next(2 ** 30) / 2 ** 30;
};
const never = new AbortController().signal;

/** Time that passes only while it is waited for, a tenth of a millisecond at least; `run` lets it. */
class VirtualPace implements Pace {
  #nowMs = 0;
  #due: (() => void) | null = null;

  nowMs(): number {
    return this.#nowMs;
  }

  wait(ms: number, then: () => void): void {
    this.#nowMs += Math.max(ms, 0.1);
    this.#due = then;
  }

  /** The generator itself does nothing for so long. */
  hold(ms: number): void {
    this.#nowMs += ms;
  }

  run(): void {
    for (let due = this.#due; due !== null; due = this.#due) {
      this.#due = null;
      due();
    }
  }
}

it('constant arrivals are evenly spaced; independent ones have gaps of every length, and the same number on the average', () => {
  expect([...intendedStarts('constant', 4, 1000, Math.random)]).toEqual([0, 250, 500, 750]);
  const starts = intendedStarts('poisson', 1000, 20_000, random());
  const gaps = starts.map((start, nth) => start - (starts[nth - 1] ?? 0));
  expect(starts.length / 20_000).toBeCloseTo(1, 1);
  expect(gaps.filter((gap) => gap > 1).length / gaps.length, 'e to the power of -1').toBeCloseTo(0.368, 1);
  expect(gaps.every((gap) => gap >= 0)).toBe(true);
});

it('a pause of 20 ms every second shows for the 2 % of requests that met it, though the first of them holds back no other', async () => {
  const pace = new VirtualPace();
  const [late, seen] = [new Latencies(), new Latencies()];
  const starts = intendedStarts('constant', 500, 20_000, Math.random);
  const loaded = openLoop(
    starts,
    0,
    late,
    (_, intendedMs) => {
      const inSecondMs = intendedMs % 1000;
      seen.record(0.5 + (inSecondMs < 20 ? 20 - inSecondMs : 0));
    },
    never,
    pace,
  );
  pace.run();
  await loaded;
  expect(seen.count).toBe(10_000);
  expect(seen.quantileMs(50)).toBeLessThan(1);
  expect(seen.quantileMs(97.9)).toBeLessThan(1);
  expect(seen.quantileMs(98.1)).toBeGreaterThan(1);
  expect(seen.quantileMs(99)).toBeCloseTo(10.5, -0.5);
  expect(seen.quantileMs(100)).toBeGreaterThan(18);
  expect(late.quantileMs(99)).toBeLessThan(0.3);
});

it('a generator that stands still starts everything that was due, and says how late', async () => {
  const pace = new VirtualPace();
  const late = new Latencies();
  let started = 0;
  const starts = intendedStarts('constant', 100, 1000, Math.random);
  const start = () => {
    if (++started === 50) pace.hold(200);
  };
  const loaded = openLoop(starts, 0, late, start, never, pace);
  pace.run();
  await loaded;
  expect(started).toBe(100);
  expect(late.quantileMs(100)).toBeCloseTo(190, -1);
  expect(late.quantileMs(50)).toBeLessThan(1);
});

it('the mix is kept, and tells which answers are to be expected', () => {
  const uses = drawUses(20_000, { hit: 90, miss: 5, unknown: 3, refused: 2 }, random());
  const share = (use: string) => uses.filter((place) => TOKEN_USES[place] === use).length / uses.length;
  for (const [use, wanted] of Object.entries({ hit: 0.9, miss: 0.05, unknown: 0.03, refused: 0.02 }))
    expect(share(use), use).toBeCloseTo(wanted, 1.9);
  expect(receptionOf('hit', 200)).toBe('expected');
  expect(receptionOf('hit', 401)).toBe('failed');
  expect(receptionOf('refused', 401)).toBe('expected');
  expect(receptionOf('unknown', 429)).toBe('expected');
  expect(receptionOf('refused', 200)).toBe('letThrough');
  expect(receptionOf('unknown', 502)).toBe('failed');
  expect(receptionOf('unknown', 'ECONNRESET')).toBe('failed');
});

it('an unknown token has the form of a real one: its checksum is right where there is one', () => {
  const minted = unknownLike('pat_HqXQ8iCyNYiIJIVPIApgEpAdoYIur2vJojOzenqaPQK41kX3h');
  expect(minted).toMatch(/^pat_[0-9A-Za-z]{49}$/);
  expect(holdsToken(minted)).toBe(true);
  expect(unknownLike('key-abcdef')).toMatch(/^key-[0-9A-Za-z]{6}$/);
  expect(unknownLike('key-abcdef')).not.toBe(unknownLike('key-abcdef'));
});

it('latencies are read back as they were written', () => {
  const latencies = new Latencies();
  for (let nth = 1; nth <= 1000; nth++) latencies.record(nth / 10);
  const read = Latencies.from(latencies.series());
  expect(read.summary()).toEqual(latencies.summary());
  expect(read.summary()).toMatchObject({ count: 1000, p50Ms: expect.closeTo(50, 0), p99Ms: expect.closeTo(99, 0) });
});

it.each(['p99', 'p99<20', '99<20ms', 'speed.p99<20ms', 'errors<1', 'p99>20ms', 'added.rate<2ms'])(
  'the threshold %j is refused, with what is meant',
  (text) => {
    expect(() => parseThreshold(text)).toThrow(/^--threshold takes p99<20ms.*added/);
  },
);

it('a threshold is kept below its limit; what was not measured is not kept', () => {
  const series = { hit: seriesOf([1, 2, 3]), direct: seriesOf([1, 1, 1]) };
  const check = (text: string) => checkThreshold(parseThreshold(text), series, 0.02);
  expect(check('hit.max<5ms')).toEqual({ text: 'hit.max<5ms', measured: expect.closeTo(3, 1), kept: true });
  expect(check('hit.p50<900us')).toMatchObject({ kept: false });
  expect(check('added.max < 1s')).toEqual({ text: 'added.max<1s', measured: expect.closeTo(2, 1), kept: true });
  expect(check('errors<1%')).toEqual({ text: 'errors<1%', measured: 2, kept: false });
  expect(check('lag.p99<100ms')).toEqual({ text: 'lag.p99<100ms', measured: null, kept: false });
});

const judged = (change: Partial<LoadResult>, thresholds: readonly string[] = []) =>
  judgeLoad({ ...loadResult(), ...change }, 1000, thresholds.map(parseThreshold));

it('a run is kept, or missed by a threshold', () => {
  expect(judged({})).toMatchObject({ verdict: 'kept', findings: [] });
  expect(judged({}, ['p99<1us'])).toMatchObject({ verdict: 'missed', findings: [expect.stringContaining('p99<1us')] });
});

it('a generator that was late itself says so, and no threshold makes its numbers valid', () => {
  const late = { ...seriesOf(Array.from({ length: 1000 }, (_, nth) => (nth < 950 ? 0.01 : 20))) };
  const generator = { offered: 1000, started: 1000, late, pending: 0 };
  const series = { total: seriesOf(Array.from({ length: 1000 }, (_, nth) => (nth < 950 ? 0.5 : 21))) };
  expect(judged({ generator, series }, ['p99<1s'])).toMatchObject({
    verdict: 'invalid',
    findings: [expect.stringContaining('the generator itself was late')],
  });
});

it('what cannot keep up is not valid, and neither is what was interrupted', () => {
  const { late } = loadResult().generator;
  const few = { offered: 1000, started: 900, late, pending: 0 };
  expect(judged({ generator: few }).findings).toEqual([expect.stringContaining('this machine cannot make that rate')]);
  const waiting = { offered: 1000, started: 1000, late, pending: 300 };
  expect(judged({ generator: waiting })).toMatchObject({ verdict: 'invalid' });
  expect(judged({ generator: few, complete: false }).findings).toEqual(['interrupted after 900 of 1000 requests']);
});

it('a token that was served though it was to be refused is worse than any number', () => {
  const { tallies } = loadResult();
  const findings = [expect.stringContaining('3 requests with an unknown or refused token were served')];
  expect(judged({ tallies: { ...tallies, letThrough: 3 } })).toMatchObject({ verdict: 'unsafe', findings });
  const none = seriesOf([1]);
  const revocations = { count: 9, receipt: none, lag: none, allowedAfterReceipt: 1, withoutReceipt: 0, probes: 99 };
  expect(judged({ revocations })).toMatchObject({ verdict: 'unsafe' });
});

it('two results are compared figure by figure, and what was measured otherwise is named', () => {
  const before = loadResult();
  const after = { ...loadResult(2), setup: { ...before.setup, perSecond: 900 } };
  const { figures, differences } = compareResults(before, after, 10);
  expect(differences).toEqual(['perSecond: 500, then 900']);
  expect(figures.find(({ series, figure }) => series === 'hit' && figure === 'p50')).toMatchObject({
    change: expect.closeTo(100, -1),
    worse: true,
  });
  expect(compareResults(before, before, 0).figures.some(({ worse }) => worse)).toBe(false);
});

it('what is no result of a load test is named', () => {
  expect(() => readResult('{}', 'a.json')).toThrow(
    'a.json is no result of scopegate bench; --json or --save FILE makes one',
  );
  expect(() => readResult(JSON.stringify({ ...loadResult(), format: 9 }), 'a.json')).toThrow('a.json has format 9');
});
