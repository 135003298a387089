/** When a token ends: the policy's range, presets and never, to the millisecond and without rounding (COZE-PAT-5, COZE-SAT-13). */
import { DAY_MS, type KindPolicy } from '../../core/policy.ts';
import { malformed, unacceptable } from '../rejection.ts';
import type { TokenDoc } from '../unit-of-work/records.ts';

/** RFC 3339 has years of four digits. */
const FIRST_MS = Date.parse('0000-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** At most one of them. */
export interface ExpiryInput {
  readonly expiresInDays?: number;
  /** RFC 3339. */
  readonly expiresAt?: string;
  readonly neverExpires?: boolean;
}

/** For a new token: milliseconds since 1970, or null for never. The range counts from its creation, which may be past. */
export function readExpiry(kind: KindPolicy, input: ExpiryInput, nowMs: number, createdAtMs = nowMs): number | null {
  const given = ['expiresInDays', 'expiresAt', 'neverExpires'].filter(
    (field) => input[field as keyof ExpiryInput] !== undefined,
  );
  if (given.length > 1)
    throw unacceptable(
      'expiry_ambiguous',
      given[1]!,
      `Give one of expiresInDays, expiresAt and neverExpires, not ${given.join(' and ')}.`,
    );
  const read = (atMs: number, field: string) => future(inRange(kind, atMs, createdAtMs, field), nowMs, field);
  if (input.expiresInDays !== undefined) return read(nowMs + Math.round(input.expiresInDays * DAY_MS), 'expiresInDays');
  if (input.expiresAt !== undefined) return read(parseInstant(input.expiresAt, 'expiresAt'), 'expiresAt');
  if (input.neverExpires === true) return never(kind, 'neverExpires');
  if (!kind.expiry.required) return null;
  throw unacceptable('expiry_required', 'expiresInDays', `A ${kind.name} token needs an expiry: ${rangeText(kind)}.`);
}

/** For a token that exists; the range still counts from its creation. */
export function newExpiry(kind: KindPolicy, before: TokenDoc, expiresAt: string | null, nowMs: number): number | null {
  if (expiresAt === null) return never(kind, 'expiresAt');
  const atMs = inRange(kind, parseInstant(expiresAt, 'expiresAt'), before.createdAtMs, 'expiresAt');
  return future(atMs, nowMs, 'expiresAt');
}

function future(atMs: number, nowMs: number, field: string): number {
  if (atMs > nowMs) return atMs;
  const detail = 'The expiry must be in the future; to end a token now, revoke it.';
  throw unacceptable('expiry_out_of_range', field, detail);
}

function never(kind: KindPolicy, field: string): null {
  if (!kind.expiry.never)
    throw unacceptable('expiry_out_of_range', field, `A ${kind.name} token cannot live for ever: ${rangeText(kind)}.`);
  return null;
}

function inRange(kind: KindPolicy, atMs: number, fromMs: number, field: string): number {
  const lifeMs = atMs - fromMs;
  const { minMs, maxMs } = kind.expiry;
  if (!(lifeMs > 0 && lifeMs >= minMs && lifeMs <= maxMs) || atMs > LAST_MS) {
    throw unacceptable('expiry_out_of_range', field, `The expiry of a ${kind.name} token must be ${rangeText(kind)}.`);
  }
  return atMs;
}

function rangeText(kind: KindPolicy): string {
  const { minMs, maxMs, never } = kind.expiry;
  const range =
    maxMs === Number.POSITIVE_INFINITY
      ? 'any future instant up to the year 9999'
      : `${minMs / DAY_MS} to ${maxMs / DAY_MS} days from creation`;
  return never ? `${range}, or never` : range;
}

const RFC3339 = /^(\d{4}-\d{2}-\d{2})T(?:[01]\d|2[0-3]):\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/i;

export function parseInstant(text: string, field: string): number {
  const day = RFC3339.exec(text)?.[1];
  const ms = day === undefined ? Number.NaN : Date.parse(text);
  // Date.parse takes February 30 for March 2.
  if (!(ms >= FIRST_MS) || !new Date(day!).toJSON().startsWith(day!)) {
    throw malformed('invalid_instant', `${field} must be an RFC 3339 instant such as 2030-01-31T12:00:00.000Z.`, field);
  }
  return ms;
}
