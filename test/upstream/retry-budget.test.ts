/** How many requests may be sent again: a share of all, and a few by the clock. Time is an argument. */
import { expect, it } from 'vitest';
import { RetryBudget } from '../../src/upstream/retry-budget.ts';

const granted = (budget: RetryBudget, tries: number, now: number) =>
  Array.from({ length: tries }, () => budget.withdraw(now)).filter(Boolean).length;

it('a quiet gateway may retry so often a second, and saves none of it up', () => {
  const budget = new RetryBudget({ attempts: 1, budgetPercent: 0, minPerSecond: 3 }, 0);
  expect([granted(budget, 10, 0), granted(budget, 10, 500), granted(budget, 10, 60_000)]).toEqual([3, 1, 3]);
});

it('requests earn their share of retries, of which no more than 100 are kept', () => {
  const budget = new RetryBudget({ attempts: 1, budgetPercent: 25, minPerSecond: 0 }, 0);
  expect(budget.withdraw(0)).toBe(false);
  for (let count = 0; count < 8; count++) budget.deposit();
  expect(granted(budget, 10, 0)).toBe(2);
  for (let count = 0; count < 10_000; count++) budget.deposit();
  expect(granted(budget, 1000, 0)).toBe(100);
});

it('without share and trickle nothing is sent again', () => {
  const budget = new RetryBudget({ attempts: 1, budgetPercent: 0, minPerSecond: 0 }, 0);
  budget.deposit();
  expect(budget.withdraw(1_000_000)).toBe(false);
});
