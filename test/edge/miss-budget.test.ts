/** Whoever is wrong too often waits; whoever is right does not pay for it; nobody fills the memory. */
import { expect, it } from 'vitest';
import { LookupThrottle, type Turn } from '../../src/edge/throttles/lookup-throttle.ts';

const here = () => false;
const now = (turn: Turn | Promise<Turn | null> | null) => turn !== null && !(turn instanceof Promise);

it('lets so many misses of one address pass at once, and more as time goes by', () => {
  let nowMs = 0;
  const budget = new LookupThrottle(() => nowMs);
  const miss = () => {
    const turn = budget.enter('a', 3, here);
    if (now(turn)) (turn as Turn).done(true);
    return now(turn);
  };
  expect([miss(), miss(), miss(), miss()]).toEqual([true, true, true, false]);
  nowMs = 20_000;
  expect([miss(), miss()], 'one in twenty seconds').toEqual([true, false]);
  expect(now(budget.enter('b', 3, here)), 'another address').toBe(true);
});

it('takes nothing for what was found', () => {
  const budget = new LookupThrottle(() => 0);
  for (let nth = 0; nth < 10; nth++) {
    const turn = budget.enter('a', 1, here);
    expect(now(turn)).toBe(true);
    (turn as Turn).done(false);
  }
});

it('counts those on their way, and lets the next one in as soon as one of them is found', async () => {
  const budget = new LookupThrottle(() => 0);
  const first = budget.enter('a', 1, here) as Turn;
  const second = budget.enter('a', 1, here);
  expect(second).toBeInstanceOf(Promise);
  first.done(false);
  await second;
  expect(budget.waiting).toBe(0);
});

it('gives the addresses turns one after the other, however many one of them sends', async () => {
  const budget = new LookupThrottle(() => 0);
  for (const address of ['flood', 'guest']) (budget.enter(address, 1, here) as Turn).done(true);
  const order: string[] = [];
  const wait = async (address: string) => {
    await budget.enter(address, 1, here);
    order.push(address);
  };
  await Promise.all([...Array.from({ length: 5 }, () => wait('flood')), wait('guest')]);
  expect(order.indexOf('guest')).toBe(1);
});

it('turns away only when a thousand of one address wait, or four thousand of all', () => {
  const budget = new LookupThrottle(() => 0);
  let held = 0;
  for (const address of ['a', 'b', 'c', 'd', 'e']) {
    (budget.enter(address, 1, here) as Turn).done(true);
    for (let nth = 0; nth < 1100; nth++) if (budget.enter(address, 1, here) !== null) held++;
    if (address === 'a') expect(held).toBe(1000);
  }
  expect(held).toBe(4000);
});

it('lets a thousand misses of ever new addresses pass in a second', () => {
  let nowMs = 0;
  const budget = new LookupThrottle(() => nowMs);
  const spend = (from: number) => {
    let passed = 0;
    for (let nth = 0; nth < 1500; nth++) if (now(budget.enter(`address ${from + nth}`, 60, here))) passed++;
    return passed;
  };
  expect(spend(0)).toBe(1000);
  nowMs = 500;
  expect(spend(2000)).toBe(500);
});

it('keeps no place for those who have left', async () => {
  const budget = new LookupThrottle(() => 0);
  let isGone = false;
  const waiting: (Turn | Promise<Turn | null> | null)[] = [];
  for (const address of ['a', 'b', 'c', 'd']) {
    (budget.enter(address, 1, here) as Turn).done(true);
    for (let nth = 0; nth < 1000; nth++) waiting.push(budget.enter(address, 1, () => isGone));
  }
  isGone = true;
  (budget.enter('guest', 1, here) as Turn).done(true);
  expect(budget.enter('guest', 1, here)).toBeInstanceOf(Promise);
  expect(budget.waiting).toBe(1);
  expect(new Set(await Promise.all(waiting))).toEqual(new Set([null]));
});
