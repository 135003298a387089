/** What a process remembers of its traffic, and what several of them make of it together. */
import { expect, it } from 'vitest';
import { configuredName } from '../../src/core/configured-name.ts';
import { Metrics } from '../../src/observe/metrics.ts';
import { TrafficRing } from '../../src/observe/traffic-ring.ts';
import {
  inSteps,
  rangeStart,
  TRAFFIC_RANGES,
  type TrafficRange,
  trafficSeries,
} from '../../src/observe/traffic-series.ts';

const START = Date.UTC(2030, 0, 1);
const ROUTE = configuredName('read-bot');

/** As each process answers, and whoever asked makes of it. */
function seriesOf(rings: readonly TrafficRing[], range: TrafficRange, nowMs: number) {
  const { stepMs, fromMs } = TRAFFIC_RANGES[range];
  const sinceMs = rangeStart(range, nowMs);
  return trafficSeries(
    rings.map((ring) => inSteps(ring.slots(fromMs, sinceMs), sinceMs, stepMs)),
    range,
    nowMs,
  );
}

/** A process whose counters the test moves, watched every 2 s as a gateway does. */
function watched() {
  const metrics = new Metrics();
  const time = { nowMs: START, inFlight: 0 };
  const ring = new TrafficRing(metrics, () => time.inFlight, START);
  const pass = (seconds: number, each: () => void = () => undefined) => {
    for (let passed = 0; passed < seconds; passed += 2) {
      each();
      time.nowMs += 2000;
      // A timer rings late.
      ring.sample(time.nowMs + 3);
    }
  };
  return { metrics, ring, time, pass };
}

it('what the counters grew by stands in the slot that it came in, a second', () => {
  const { metrics, ring, time, pass } = watched();
  pass(2, () => {
    for (let nth = 0; nth < 6; nth++) metrics.requests.add(ROUTE, 'forwarded');
    metrics.requests.add(ROUTE, 'scope_missing');
    metrics.requests.add('-', 'upstream_timeout');
    metrics.answers.add(configuredName('platform'), '5xx');
    time.inFlight = 3;
  });
  pass(4);
  const series = seriesOf([ring], '5m', time.nowMs);
  expect(series.from).toBe('2029-12-31T23:55:08.000Z');
  expect(series.requestsPerSecond).toHaveLength(150);
  expect(series.requestsPerSecond.slice(-4)).toEqual([3.99, 0, 0, null]);
  expect(series.requestsPerSecond.slice(0, -4).every((each) => each === null)).toBe(true);
  expect(series.refusedPerSecond.at(-4)).toBeCloseTo(1, 1);
  expect(series.serverErrorsPerSecond.at(-4)).toBeCloseTo(1, 1);
  expect(series.inFlight.slice(-4)).toEqual([3, 3, 3, null]);
  expect(series.reasons.map(({ reason, refused }) => [reason, refused])).toEqual([
    ['scope_missing', 1],
    ['upstream_timeout', 1],
  ]);
  expect(series.total).toMatchObject({ requests: 8, refused: 2, serverErrors: 2, inFlight: 3 });
});

it('a percentile lies in the bucket that holds it, and is none where nothing was decided', () => {
  const { metrics, ring, time, pass } = watched();
  pass(2, () => {
    for (let nth = 0; nth < 99; nth++) metrics.decision.observe(0.00004);
    metrics.decision.observe(0.02);
    metrics.revocationLag.observe(0.003);
  });
  pass(2);
  const { authP50Ms, authP99Ms, revocationLagP99Ms, total } = seriesOf([ring], '5m', time.nowMs);
  const [p50, p99, lag] = [authP50Ms.at(-3)!, authP99Ms.at(-3)!, revocationLagP99Ms.at(-3)!];
  expect(p50).toBeGreaterThan(0.025);
  expect(p50).toBeLessThan(p99);
  expect(p99).toBe(0.05);
  expect(lag).toBeGreaterThan(2.5);
  expect(lag).toBeLessThanOrEqual(5);
  expect([authP50Ms.at(-2), authP99Ms.at(-2), revocationLagP99Ms.at(-2)]).toEqual([null, null, null]);
  expect(total).toMatchObject({ authP99Ms: p99, revocationLagP99Ms: lag });
});

it('what took longer than the last bound is told as that bound', () => {
  const { metrics, ring, time, pass } = watched();
  pass(2, () => metrics.decision.observe(30));
  expect(seriesOf([ring], '5m', time.nowMs).total.authP99Ms).toBe(5000);
});

it('a day fits, and no more is kept than that', () => {
  const { metrics, ring, time, pass } = watched();
  pass(25 * 3600, () => metrics.requests.add(ROUTE, 'forwarded'));
  expect([2000, 10_000, 60_000].map((step) => ring.slots(step as 2000, 0).length)).toEqual([150, 360, 1440]);
  for (const [range, points] of [
    ['5m', 150],
    ['1h', 360],
    ['6h', 360],
    ['24h', 288],
  ] as const) {
    const { requestsPerSecond } = seriesOf([ring], range, time.nowMs);
    expect(requestsPerSecond, range).toHaveLength(points);
    // The newest step has just begun; of a day the oldest has one too many for the ring.
    for (const each of requestsPerSecond.slice(1, -1)) expect(each, range).toBeCloseTo(0.5, 2);
  }
});

it('several processes add up, and one that was not there takes nothing away', () => {
  const [one, two] = [watched(), watched()];
  one.pass(6, () => one.metrics.requests.add(ROUTE, 'forwarded'));
  two.time.nowMs += 4000;
  const late = new TrafficRing(two.metrics, () => 2, two.time.nowMs);
  for (let nth = 0; nth < 3; nth++) two.metrics.requests.add(ROUTE, 'token_unknown');
  late.sample(two.time.nowMs + 2000);
  const series = seriesOf([one.ring, late], '5m', one.time.nowMs);
  expect(series.requestsPerSecond.slice(-4)).toEqual([0.499, 0.5, 2, null]);
  expect(series.inFlight.slice(-4)).toEqual([0, 0, 2, null]);
  expect(series.total).toMatchObject({ requests: 6, refused: 3 });
});

it('a clock that is set back loses no count and makes no rate endless', () => {
  const { metrics, ring, time, pass } = watched();
  pass(4, () => metrics.requests.add(ROUTE, 'forwarded'));
  metrics.requests.add(ROUTE, 'forwarded');
  ring.sample(time.nowMs - 60_000);
  const { requestsPerSecond, total } = seriesOf([ring], '5m', time.nowMs);
  expect(total.requests).toBe(3);
  for (const each of requestsPerSecond) expect(Number.isFinite(each ?? 0)).toBe(true);
});

it('nobody who answers leaves a series without a number', () => {
  const { requestsPerSecond, reasons, total } = seriesOf([], '5m', START);
  expect(requestsPerSecond.every((each) => each === null)).toBe(true);
  expect(reasons).toEqual([]);
  expect(total).toMatchObject({ requests: 0, inFlight: null, authP99Ms: null });
});
