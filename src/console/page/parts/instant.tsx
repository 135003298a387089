/** A moment as people say it, with the exact one for whoever looks closer or listens. */
import { usePreferences } from '../preferences.tsx';
import { LANGUAGES } from '../text/translate.ts';

const STEPS: ReadonlyArray<readonly [Intl.RelativeTimeFormatUnit, number]> = [
  ['year', 365 * 86_400_000],
  ['month', 30 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
];

/** `isDay`: no more than the day is known. */
export function Instant({ at, isDay = false }: { readonly at: string; readonly isDay?: boolean }) {
  const { language } = usePreferences();
  const exact = isDay ? `${at.slice(0, 10)} UTC` : `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;
  const sinceMs = Date.parse(at) - Date.now();
  return (
    <time dateTime={at} title={exact}>
      {relative(sinceMs, LANGUAGES[language].tag, isDay)}
      <span className="hidden"> ({exact})</span>
    </time>
  );
}

/** `ms` below 0: ago. */
function relative(ms: number, tag: string, isDay: boolean): string {
  const steps = isDay ? STEPS.slice(0, 3) : STEPS;
  const [unit, length] = steps.find(([, each]) => Math.abs(ms) >= each) ?? steps.at(-1)!;
  return FORMATS.get(tag)!.format(Math.trunc(ms / length), unit);
}

/** Making one takes longer than all else of a row, and a list has a hundred moments. */
const FORMATS = new Map(
  Object.values(LANGUAGES).map(
    ({ tag }) => [tag, new Intl.RelativeTimeFormat(tag, { numeric: 'auto', style: 'short' })] as const,
  ),
);
