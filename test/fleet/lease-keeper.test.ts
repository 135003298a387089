/** When a process may believe its cache: the keeper with a real cache, store and registry, on a clock that the test moves. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LeaseKeeper } from '../../src/fleet/lease-keeper.ts';
import { createLog } from '../../src/observe/log.ts';
import { Durations } from '../../src/observe/metrics.ts';
import { FactCache } from '../../src/store/cache/fact-cache.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import type { GatewayProcess } from '../../src/store/registry.ts';
import { Bell } from '../support/bell.ts';
import { MemoryRegistry } from '../support/memory-registry.ts';

const STALENESS_MS = 1000;
const KEEPER_TIMERS: Parameters<typeof vi.useFakeTimers>[0] = {
  toFake: ['setTimeout', 'clearTimeout', 'performance'],
};

/** Answers when the test says so, and can be told to fail. */
class SlowRegistry extends MemoryRegistry {
  readonly renewed: GatewayProcess[] = [];
  readonly bell = new Bell();
  failing = false;
  attempts = 0;
  answering: Promise<void> = Promise.resolve();

  override async renew(process: GatewayProcess, leaseMs: number): Promise<void> {
    this.attempts++;
    await this.answering;
    if (this.failing) throw new Error('out of reach');
    await super.renew(process, leaseMs);
    this.renewed.push(process);
    this.bell.ring();
  }

  until(holds: () => boolean): Promise<void> {
    return this.bell.until(holds, () => `renewed: ${JSON.stringify(this.renewed)}`, 5000);
  }
}

let time: number;
let registry: SlowRegistry;
let facts: FactCache;
let keeper: LeaseKeeper;
let lines: string[];
let lag: Durations;

beforeEach(() => {
  time = 50_000;
  lines = [];
  lag = new Durations();
  registry = new SlowRegistry();
  const clock = { monotonicMs: () => time, nowMs: () => 1_000_000 };
  facts = new FactCache(new MemoryStore(), { maxEntries: 10, absentTtlMs: 10, maxStalenessMs: STALENESS_MS, ...clock });
  keeper = new LeaseKeeper({
    registry,
    self: { id: 'me', host: 'h', pid: 1, startedAtMs: 1 },
    facts,
    maxStalenessMs: STALENESS_MS,
    clock,
    lag,
    log: createLog('info', { write: (line) => lines.push(line) }),
  });
});
afterEach(async () => {
  vi.useRealTimers();
  await keeper.stop();
});

const hear = (revision: number, ageMs = 0) => {
  facts.caughtUp(0);
  keeper.caughtUp(revision, ageMs);
};

it('nothing cached is believed before the first lease', async () => {
  expect(facts.isFresh()).toBe(false);
  hear(1);
  expect(facts.isFresh()).toBe(false);
  await keeper.start();
  expect(facts.isFresh()).toBe(true);
  expect(await registry.live()).toMatchObject([{ id: 'me', revision: 1 }]);
});

it('a lease counts from before it was asked for, however long the answer took', async () => {
  hear(1);
  let answer = () => {};
  registry.answering = new Promise((resolve) => {
    answer = resolve;
  });
  const started = keeper.start();
  time += 600;
  answer();
  await started;
  hear(1);
  expect(facts.isFresh()).toBe(true);
  time += 400;
  hear(1);
  expect(facts.isFresh()).toBe(true);
  time += 1;
  hear(1);
  expect(facts.isFresh()).toBe(false);
});

it('a fresh feed without a lease is no reason to believe, and neither is a lease without a feed', async () => {
  hear(1);
  await keeper.start();
  registry.failing = true;
  time += STALENESS_MS + 1;
  hear(1);
  expect(facts.isFresh()).toBe(false);
});

it('a lease taken again after a gap counts only once the feed has been complete since', async () => {
  hear(1);
  await keeper.start();
  time += STALENESS_MS + 1;
  const before = registry.renewed.length;
  hear(1);
  await registry.until(() => registry.renewed.length > before);
  await new Promise(setImmediate);
  expect(facts.isFresh()).toBe(false);
  // This one had been on its way before the lease was taken.
  time += 10;
  hear(1, 11);
  expect(facts.isFresh()).toBe(false);
  hear(2, 10);
  expect(facts.isFresh()).toBe(true);
});

it('a first lease that came late counts like one after a gap: what was read meanwhile is in the cache', async () => {
  hear(1);
  registry.failing = true;
  await keeper.start();
  expect(facts.isFresh()).toBe(false);
  registry.failing = false;
  await registry.until(() => registry.renewed.length > 0);
  await new Promise(setImmediate);
  expect(facts.isFresh()).toBe(false);
  hear(1);
  expect(facts.isFresh()).toBe(true);
});

it('a process that hears nothing is waited for by nobody: it renews no lease until it hears again', async () => {
  vi.useFakeTimers(KEEPER_TIMERS);
  hear(1);
  await keeper.start();
  const before = registry.renewed.length;
  time += STALENESS_MS + 1;
  await vi.advanceTimersByTimeAsync(STALENESS_MS * 10);
  expect(registry.renewed).toHaveLength(before);
  hear(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(registry.renewed.length).toBeGreaterThan(before);
});

it('what has been applied is told at once, and what was applied together is told together', async () => {
  hear(1);
  await keeper.start();
  const before = registry.renewed.length;
  for (let revision = 2; revision <= 100; revision++) hear(revision);
  await registry.until(() => registry.renewed.at(-1)?.revision === 100);
  expect(registry.renewed.length - before).toBeLessThanOrEqual(3);
});

it('a renewal that fails is said once, and so often only as it begins', async () => {
  vi.useFakeTimers(KEEPER_TIMERS);
  hear(1);
  registry.failing = true;
  await keeper.start();
  const before = registry.attempts;
  await vi.advanceTimersByTimeAsync(STALENESS_MS / 2);
  expect(registry.attempts).toBeGreaterThan(before);
  expect(lines.filter((line) => line.includes('lease: not renewed'))).toHaveLength(1);
});

it('who stops gives the lease up, and believes nothing any more', async () => {
  hear(1);
  await keeper.start();
  await keeper.stop();
  expect(facts.isFresh()).toBe(false);
  expect(await registry.live()).toEqual([]);
  hear(2);
  expect(await registry.live()).toEqual([]);
});

it('the time that a change of another process took to arrive is counted, and never below nothing', () => {
  keeper.changed({ revision: 1, keys: [], committedAtMs: 1_000_000 - 30 }, false);
  keeper.changed({ revision: 2, keys: [], committedAtMs: 1_000_000 + 30 }, false);
  keeper.changed({ revision: 3, keys: [], committedAtMs: 1_000_000 - 30 }, true);
  const values = lag.values('lag');
  const of = (name: string) => values.find(({ metricName }) => metricName === name)!.value;
  expect([of('lag_count'), of('lag_sum')]).toEqual([2, 0.03]);
});
