/** Numbers as people read them: three digits that matter, and times in the unit that fits. */
import { usePreferences } from '../preferences.tsx';
import { LANGUAGES } from '../text/translate.ts';

export interface NumberText {
  count(value: number): string;
  /** At most three digits that matter. */
  rate(value: number): string;
  ms(value: number): string;
  /** A length of time, in its largest unit. */
  span(ms: number): string;
}

export function useNumberText(): NumberText {
  const { tag } = LANGUAGES[usePreferences().language];
  const whole = new Intl.NumberFormat(tag);
  const three = new Intl.NumberFormat(tag, { maximumSignificantDigits: 3 });
  const unit = (value: number, name: string) =>
    new Intl.NumberFormat(tag, { style: 'unit', unit: name, unitDisplay: 'short', maximumSignificantDigits: 3 }).format(
      value,
    );
  return {
    count: (value) => whole.format(value),
    rate: (value) => three.format(value),
    ms: (value) =>
      value === 0
        ? unit(0, 'millisecond')
        : value < 1
          ? unit(value * 1000, 'microsecond')
          : value < 1000
            ? unit(value, 'millisecond')
            : unit(value / 1000, 'second'),
    span: (ms) => {
      const [name, length] = SPANS.find(([, each]) => ms >= each) ?? SPANS.at(-1)!;
      return unit(Math.floor(ms / length), name);
    },
  };
}

const SPANS: ReadonlyArray<readonly [unit: string, ms: number]> = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
];
