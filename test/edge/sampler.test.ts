/** Which of many leave a line. */
import { expect, it } from 'vitest';
import { Sampler, samplerOf } from '../../src/edge/sampler.ts';
import { randomFrom } from '../support/chance.ts';

it('of none there is nobody to ask, of all each is taken', () => {
  expect(samplerOf(0)).toBeNull();
  const all = samplerOf(1)!;
  expect(Array.from({ length: 100 }, () => all.takes())).toEqual(Array.from({ length: 100 }, () => true));
});

it.each([0.5, 0.1, 0.01, 0.001])('a share of %d is taken, at no fixed distance', (share) => {
  const random = randomFrom(7);
  const sampler = new Sampler(share, () => random(2 ** 30) / 2 ** 30);
  const gaps = new Set<number>();
  let [taken, gap] = [0, 0];
  const asked = 2000 / share;
  for (let nth = 0; nth < asked; nth++) {
    gap += 1;
    if (!sampler.takes()) continue;
    taken += 1;
    gaps.add(gap);
    gap = 0;
  }
  expect(taken / asked / share).toBeCloseTo(1, 0.9);
  expect(gaps.size).toBeGreaterThan(5);
});
