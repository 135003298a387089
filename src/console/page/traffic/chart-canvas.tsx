/** Draws lines on a canvas, by uPlot. Loaded when the first chart is shown. What it shows stands in words beside it. */
import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import type { ChartLine } from './chart-line.ts';

interface Props {
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly lines: readonly ChartLine[];
  /** Colours change with it. */
  readonly scheme: string;
  readonly write: (value: number) => string;
  readonly writeTime: (seconds: number) => string;
  /** null: none is pointed at. */
  onPoint(nth: number | null): void;
}

const HEIGHT = 200;
const DASHES: ReadonlyArray<number[]> = [[], [8, 4], [2, 3], [10, 3, 2, 3], [4, 4], [1, 2]];

export function ChartCanvas({ times, lines, scheme, write, writeTime, onPoint }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const latest = useRef({ write, writeTime, onPoint });
  latest.current = { write, writeTime, onPoint };
  const count = lines.length;
  useEffect(() => {
    const place = box.current!;
    const made = new UPlot(options(place, count, latest), [[]], place);
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: place.clientWidth, height: HEIGHT }));
    resized.observe(place);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [count]);
  useEffect(() => {
    plot.current?.setData([[...times], ...lines.map(({ values }) => [...values])] as UPlot.AlignedData);
  }, [times, lines]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read anew with each scheme
  useEffect(() => {
    const redraw = () => plot.current?.redraw(false, true);
    redraw();
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', redraw);
    return () => dark.removeEventListener('change', redraw);
  }, [scheme]);
  return <div ref={box} className="canvas" />;
}

interface Latest {
  readonly current: Pick<Props, 'write' | 'writeTime' | 'onPoint'>;
}

function options(place: HTMLElement, count: number, latest: Latest): UPlot.Options {
  // As the words of the page have them: a canvas knows no custom properties.
  const ink = (name: string) => () => {
    const swatch = place.closest('figure')?.querySelector(`.${name}`);
    return swatch ? getComputedStyle(swatch).color : 'gray';
  };
  const grid = { stroke: ink('grid-ink'), width: 1 };
  const axis = { stroke: ink('axis-ink'), grid, ticks: grid, font: '12px system-ui, sans-serif' };
  return {
    width: place.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { y: { range: (_, _low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [
      { ...axis, space: 90, values: (_, splits) => splits.map((each) => latest.current.writeTime(each)) },
      { ...axis, size: 64, values: (_, splits) => splits.map((each) => latest.current.write(each)) },
    ],
    series: [
      {},
      ...Array.from({ length: count }, (_, nth) => ({
        stroke: ink(`ink-${nth + 1}`),
        width: 2,
        dash: DASHES[nth % DASHES.length]!,
        points: { size: 5 },
      })),
    ],
    hooks: {
      setCursor: [(made) => latest.current.onPoint(made.cursor.idx ?? null)],
    },
  };
}
