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

export function Instant({ at }: { readonly at: string }) {
  const { language } = usePreferences();
  const exact = `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;
  return (
    <time dateTime={at} title={exact}>
      {relative(Date.parse(at) - Date.now(), LANGUAGES[language].tag)}
      <span className="hidden"> ({exact})</span>
    </time>
  );
}

/** `ms` below 0: ago. */
function relative(ms: number, tag: string): string {
  const [unit, length] = STEPS.find(([, each]) => Math.abs(ms) >= each) ?? STEPS.at(-1)!;
  return new Intl.RelativeTimeFormat(tag, { numeric: 'auto' }).format(Math.trunc(ms / length), unit);
}
