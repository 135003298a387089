/** One chart: its name, what each line is with its newest number, the lines, and the same as a table. */
import { lazy, Suspense, useState } from 'react';
import { usePreferences } from '../preferences.tsx';
import { LANGUAGES } from '../text/translate.ts';
import type { ChartLine } from './chart-line.ts';

interface Props {
  readonly title: string;
  /** Of the first step, milliseconds since 1970. */
  readonly fromMs: number;
  readonly stepMs: number;
  readonly lines: readonly ChartLine[];
  readonly write: (value: number) => string;
}

const Canvas = lazy(async () => ({ default: (await import('./chart-canvas.tsx')).ChartCanvas }));

export function Chart({ title, fromMs, stepMs, lines, write }: Props) {
  const { t, scheme, language } = usePreferences();
  const [pointed, setPointed] = useState<number | null>(null);
  const [isOpen, setIsOpen] = useState(false);
  const clock = new Intl.DateTimeFormat(LANGUAGES[language].tag, {
    ...{ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
    ...(stepMs < 60_000 ? { second: '2-digit' as const } : {}),
  });
  const times = Array.from(lines[0]?.values ?? [], (_, nth) => (fromMs + nth * stepMs) / 1000);
  const writeTime = (seconds: number) => clock.format(seconds * 1000);
  const isEmpty = lines.every(({ values }) => values.every((each) => each === null));
  const shown = (values: ChartLine['values']) => {
    const value = pointed === null ? values.findLast((each) => each !== null) : values[pointed];
    return value == null ? '–' : write(value);
  };
  return (
    <figure className="card chart">
      <figcaption>
        <h2>{title}</h2>
        <span className="soft small when">
          {pointed === null ? t('traffic.newest') : writeTime(times[pointed] ?? 0)}
        </span>
      </figcaption>
      <ul className="legend small">
        {lines.map(({ name, values }, nth) => (
          <li key={name}>
            <span className={`swatch ink-${nth + 1}`} aria-hidden="true" />
            {name} <b>{shown(values)}</b>
          </li>
        ))}
      </ul>
      <span className="axis-ink hidden" />
      <span className="grid-ink hidden" />
      <div className="plot" aria-hidden="true">
        {isEmpty ? (
          <p className="soft nothing">{t('traffic.nothing')}</p>
        ) : (
          <Suspense fallback={null}>
            <Canvas {...{ times, lines, scheme, write, writeTime }} onPoint={setPointed} />
          </Suspense>
        )}
      </div>
      <details onToggle={(event) => setIsOpen(event.currentTarget.open)}>
        <summary>{t('traffic.asTable')}</summary>
        {isOpen && <ChartTable title={title} lines={lines} write={write} times={times.map(writeTime)} />}
      </details>
    </figure>
  );
}

function ChartTable(props: Pick<Props, 'title' | 'lines' | 'write'> & { readonly times: readonly string[] }) {
  const { title, lines, write, times } = props;
  const { t } = usePreferences();
  const known = times.map((_, nth) => nth).filter((nth) => lines.some(({ values }) => values[nth] !== null));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is to be scrolled by the keyboard, too
    <section className="scrolled" aria-label={title} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('traffic.time')}</th>
            {lines.map(({ name }) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {known.reverse().map((nth) => (
            <tr key={times[nth]}>
              <th scope="row">{times[nth]}</th>
              {lines.map(({ name, values }) => (
                <td key={name}>{values[nth] == null ? '–' : write(values[nth])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
