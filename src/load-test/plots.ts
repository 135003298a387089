/** The two pictures of a report, as inline SVG without script: latency by percentile, and over time. Colours are the page's. */
import { Latencies, type LatencySeries } from './latencies.ts';
import type { TimeSlot } from './recorder.ts';
import { figureMs } from './verdict.ts';

const WIDTH = 860;
const HEIGHT = 340;
const LEFT = 64;
const RIGHT = 32;
const TOP = 12;
const BOTTOM = 40;
const INNER_WIDTH = WIDTH - LEFT - RIGHT;
const INNER_HEIGHT = HEIGHT - TOP - BOTTOM;

export interface PlottedSeries {
  readonly name: string;
  /** Which of the page's colours. */
  readonly colour: number;
  readonly series: LatencySeries;
}

/** The x axis gives each further nine the same room; the y axis is logarithmic. */
export function percentilePlot(plotted: readonly PlottedSeries[]): string {
  const shown = plotted.filter(({ series }) => series.count > 0);
  const most = Math.max(...shown.map(({ series }) => series.count), 100);
  const nines = Math.min(Math.max(Math.ceil(Math.log10(most)), 2), 5);
  const x = (percent: number) => LEFT + (Math.min(-Math.log10(1 - percent / 100), nines) / nines) * INNER_WIDTH;
  const lines = shown.map(({ name, colour, series }) => {
    const latencies = Latencies.from(series);
    const points = percents(nines, series.count).map((percent) => [x(percent), latencies.quantileMs(percent)] as const);
    return { name, colour, points };
  });
  const y = logScale(lines.flatMap(({ points }) => points.map(([, ms]) => ms)));
  const ticks = [0, 50, 90, 99, 99.9, 99.99, 99.999].filter(
    (percent) => -Math.log10(1 - percent / 100) <= nines + 1e-9,
  );
  return svg('Latency by percentile', [
    ...yGrid(y),
    ...ticks.map((percent) => xTick(x(percent), `${percent} %`)),
    axisName('share of requests that took at most this long'),
    ...lines.map(
      ({ name, colour, points }) =>
        `<polyline class="line c${colour}" points="${points.map(([at, ms]) => `${round(at)},${round(y.at(ms))}`).join(' ')}"><title>${name}</title></polyline>`,
    ),
  ]);
}

/** Median and p99 as lines, the longest of each stretch as a dot; a stretch with failures is marked below. */
export function timePlot(slots: readonly TimeSlot[]): string {
  const shown = slots.filter(({ count }) => count > 0);
  if (shown.length === 0) return '';
  const stretch = shown.length > 1 ? Math.min(...gaps(shown)) : 1;
  const end = Math.max(...shown.map(({ fromSeconds }) => fromSeconds)) + stretch;
  const x = (seconds: number) => LEFT + (seconds / end) * INNER_WIDTH;
  const y = logScale(shown.flatMap(({ p50Ms, maxMs }) => [p50Ms, maxMs]));
  const middle = ({ fromSeconds }: TimeSlot) => x(fromSeconds + stretch / 2);
  const line = (of: (slot: TimeSlot) => number, colour: number) =>
    runs(shown).map((run) => {
      const points = run.map((slot) => `${round(middle(slot))},${round(y.at(of(slot)))}`).join(' ');
      return `<polyline class="line c${colour}${run[0]!.place === 'direct' ? ' direct' : ''}" points="${points}"/>`;
    });
  const seconds = timeTicks(end);
  return svg('Latency over time', [
    ...shown
      .filter(({ place }) => place === 'direct')
      .map(
        ({ fromSeconds }) =>
          `<rect class="band" x="${round(x(fromSeconds))}" y="${TOP}" width="${round(x(stretch) - LEFT)}" height="${INNER_HEIGHT}"/>`,
      ),
    ...yGrid(y),
    ...seconds.map((at) => xTick(x(at), `${at} s`)),
    axisName('time of the intended start'),
    ...shown.map(
      (slot) =>
        `<circle class="dot" cx="${round(middle(slot))}" cy="${round(y.at(slot.maxMs))}" r="2.5"><title>${figureMs(slot.maxMs)}</title></circle>`,
    ),
    ...line(({ p99Ms }) => p99Ms, 2),
    ...line(({ p50Ms }) => p50Ms, 1),
    ...shown
      .filter(({ failed }) => failed > 0)
      .map(
        (slot) =>
          `<rect class="failed" x="${round(middle(slot) - 2)}" y="${TOP + INNER_HEIGHT - 6}" width="4" height="6"><title>${slot.failed} failed</title></rect>`,
      ),
  ]);
}

interface Scale {
  readonly at: (ms: number) => number;
  readonly ticks: readonly number[];
}

const SMALLEST_MS = 0.001;

function logScale(values: readonly number[]): Scale {
  const least = Math.max(Math.min(...values), SMALLEST_MS);
  const most = Math.max(...values, least * 2);
  const steps = decades(least, most);
  const low = Math.log10(steps[0]!);
  const high = Math.log10(steps.at(-1)!);
  return {
    at: (ms) => TOP + INNER_HEIGHT * (1 - (Math.log10(Math.max(ms, steps[0]!)) - low) / (high - low)),
    ticks: steps,
  };
}

/** 1, 2 and 5 of each decade, or whole decades where that is many; the least and the most lie between them. */
function decades(least: number, most: number): number[] {
  const fine = between([1, 2, 5], least, most);
  return fine.length > 12 ? between([1], least, most) : fine;
}

function between(steps: readonly number[], least: number, most: number): number[] {
  const all = Array.from({ length: 10 * steps.length }, (_, nth) => {
    const decade = Math.floor(nth / steps.length) - 3;
    return steps[nth % steps.length]! * 10 ** decade;
  });
  const first = Math.max(
    all.findLastIndex((step) => step <= least),
    0,
  );
  const last = all.findIndex((step) => step >= most);
  return all.slice(first, last === -1 ? all.length : last + 1);
}

function yGrid({ at, ticks }: Scale): string[] {
  return ticks.flatMap((ms) => [
    `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(at(ms))}" y2="${round(at(ms))}"/>`,
    `<text class="tick" x="${LEFT - 8}" y="${round(at(ms) + 4)}" text-anchor="end">${tickText(ms)}</text>`,
  ]);
}

function tickText(ms: number): string {
  if (ms >= 1000) return `${ms / 1000} s`;
  return ms < 1 ? `${Math.round(ms * 1000)} µs` : `${Math.round(ms)} ms`;
}

function xTick(at: number, text: string): string {
  const foot = TOP + INNER_HEIGHT;
  return `<line class="grid" x1="${round(at)}" x2="${round(at)}" y1="${TOP}" y2="${foot}"/><text class="tick" x="${round(at)}" y="${foot + 17}" text-anchor="middle">${text}</text>`;
}

function axisName(text: string): string {
  return `<text class="tick" x="${LEFT + INNER_WIDTH / 2}" y="${HEIGHT - 5}" text-anchor="middle">${text}</text>`;
}

/** Denser towards the end, no further than the requests go. */
function percents(nines: number, count: number): number[] {
  const last = Math.min(nines, Math.log10(Math.max(count, 2)));
  return Array.from({ length: 160 }, (_, nth) => 100 - 100 * 10 ** (-(nth / 159) * last));
}

function gaps(slots: readonly TimeSlot[]): number[] {
  return slots.slice(1).map(({ fromSeconds }, nth) => fromSeconds - slots[nth]!.fromSeconds);
}

/** Neighbours of one place, so that no line is drawn from one place to the other. */
function runs(slots: readonly TimeSlot[]): TimeSlot[][] {
  const found: TimeSlot[][] = [];
  for (const slot of slots) {
    const last = found.at(-1);
    if (last === undefined || last[0]!.place !== slot.place) found.push([slot]);
    else last.push(slot);
  }
  return found;
}

function timeTicks(end: number): number[] {
  const step = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600].find((each) => end / each <= 10) ?? 7200;
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, nth) => nth * step);
}

function svg(title: string, parts: readonly string[]): string {
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">${parts.join('')}</svg>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
