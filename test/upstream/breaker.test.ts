/** When a target is left alone, and when one request may try it again. Time is an argument. */
import { expect, it } from 'vitest';
import { Breaker } from '../../src/upstream/breaker.ts';

const OPTIONS = { failures: 3, openMs: 100, maxOpenMs: 300 };
function opened(): Breaker {
  const breaker = new Breaker(OPTIONS);
  expect([1, 2, 3].map((now) => breaker.failed(now))).toEqual([false, false, true]);
  return breaker;
}

it('opens after so many failures in a row, and one success begins the count anew', () => {
  const breaker = new Breaker(OPTIONS);
  breaker.failed(0);
  breaker.failed(0);
  expect(breaker.succeeded(0)).toBe(false);
  expect([breaker.failed(0), breaker.failed(0), breaker.isOpen]).toEqual([false, false, false]);
  expect([breaker.failed(0), breaker.isOpen]).toEqual([true, true]);
});

it('admits one request once its time is over, and another only as long after', () => {
  const breaker = opened();
  expect([breaker.admits(102), breaker.admits(103)]).toEqual([false, true]);
  breaker.chosen(103);
  expect([breaker.isTrying, breaker.admits(103), breaker.admits(202), breaker.admits(203)]).toEqual([
    ...[true, false, false, true],
  ]);
});

it('each failed try doubles its time, up to the most', () => {
  const breaker = opened();
  let now = 103;
  for (const openMs of [200, 300, 300]) {
    breaker.chosen(now);
    expect(breaker.failed(now)).toBe(false);
    expect([breaker.admits(now + openMs - 1), breaker.admits(now + openMs)]).toEqual([false, true]);
    now += openMs;
  }
  expect(breaker.openings).toBe(1);
});

it('what was under way when it opened keeps it open no longer', () => {
  const breaker = opened();
  expect(breaker.failed(90)).toBe(false);
  expect(breaker.admits(103)).toBe(true);
});

it('a target that comes and goes stays out for longer; one that held on starts anew', () => {
  const breaker = opened();
  expect([breaker.succeeded(103), breaker.isOpen, breaker.admits(103)]).toEqual([true, false, true]);
  for (const now of [110, 110, 110]) breaker.failed(now);
  expect([breaker.admits(309), breaker.admits(310)]).toEqual([false, true]);
  breaker.succeeded(310);
  for (const now of [610, 610, 610]) breaker.failed(now);
  expect([breaker.admits(709), breaker.admits(710), breaker.openings]).toEqual([false, true, 3]);
});

it('may be tried at once when told so', () => {
  const breaker = opened();
  breaker.tryNow();
  expect(breaker.admits(4)).toBe(true);
});
