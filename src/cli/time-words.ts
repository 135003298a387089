/** Times as people write and read them: `30d`, `in 3 d`, `134 d ago`. */
import { SetupError } from '../errors.ts';

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/;

/** `0` needs no unit. Throws SetupError; `option` is where it was written. */
export function durationMs(text: string, option: string): number {
  if (text === '0') return 0;
  const [, count, unit] = DURATION.exec(text) ?? [];
  if (unit === undefined)
    throw new SetupError(`${option} takes a time such as 90s, 12h or 30d, not ${JSON.stringify(text)}`);
  return Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS];
}

export type End = { readonly afterMs: number } | { readonly at: string } | 'never';

/** When something is to end. Throws SetupError. */
export function endOf(text: string, option: string): End {
  if (text === 'never') return 'never';
  if (DURATION.test(text)) return { afterMs: durationMs(text, option) };
  if (/^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text))) return { at: text };
  throw new SetupError(
    `${option} takes 30d, 12h, an instant such as 2030-01-31T00:00:00Z, or never, not ${JSON.stringify(text)}`,
  );
}

/** In the largest unit of which there are at least two, rounded. */
export function span(ms: number): string {
  const length = Math.abs(ms);
  for (const unit of ['d', 'h', 'm', 's'] as const)
    if (length >= 2 * UNITS_MS[unit]) return `${Math.round(length / UNITS_MS[unit]).toLocaleString('en-US')} ${unit}`;
  return `${Math.round(length)} ms`;
}

/** Of an instant, as seen now; `never` where there is none. */
export function seen(instant: string | null, nowMs: number): string {
  if (instant === null) return 'never';
  const fromNow = Date.parse(instant) - nowMs;
  return fromNow < 0 ? `${span(fromNow)} ago` : `in ${span(fromNow)}`;
}
