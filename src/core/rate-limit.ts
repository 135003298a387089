/**
 * What a rate limit is, and how it is told to clients: the RateLimit fields of draft-ietf-httpapi-ratelimit-headers-11,
 * which are lists of structured fields (RFC 9651). Counts nothing itself.
 */
import { type ConfiguredName, configuredName } from './configured-name.ts';

/** What one count is kept for. Several together: one count for each combination. */
export const LIMIT_SUBJECTS = ['token', 'organization', 'address', 'route'] as const;
export type LimitSubject = (typeof LIMIT_SUBJECTS)[number];

/** Addresses cost a sender nothing: so many new ones are remembered in one window of one limit. */
export const ADDRESSES_MAX = 50_000;

/** At most so many requests in each window, which opens with the first one. A quota is a limit with a long window. */
export interface RateLimit {
  /** As configured; clients see it. */
  readonly name: ConfiguredName;
  /** Names its counts. One with another window, or for other subjects, counts anew. */
  readonly id: string;
  readonly requests: number;
  /** Whole seconds. */
  readonly windowMs: number;
  /** In the order of LIMIT_SUBJECTS. */
  readonly per: readonly LimitSubject[];
}

/** The limits that a route's requests count for, all at once; never none. */
export interface RouteLimits {
  readonly limits: readonly RateLimit[];
  /** The RateLimit-Policy field. */
  readonly policyText: string;
}

/** Where one count stands after a request. */
export interface LimitStanding {
  /** Requests left in this window; never negative. */
  readonly remaining: number;
  /** Until they are as many as at first. */
  readonly resetMs: number;
}

/** One count that a request is to be added to. */
export interface Use {
  readonly limit: RateLimit;
  /** Whose count: ids, never a token's text. */
  readonly subject: string;
}

export interface Taken {
  /** false: one of the counts was full, and none was touched. The full ones are those with nothing remaining. */
  readonly allowed: boolean;
  /** In the order of the uses. */
  readonly standings: readonly LimitStanding[];
}

export function rateLimit(
  name: string,
  requests: number,
  windowMs: number,
  subjects: ReadonlyArray<LimitSubject>,
): RateLimit {
  const per = LIMIT_SUBJECTS.filter((subject) => subjects.includes(subject));
  return { name: configuredName(name), id: `${name}:${windowMs / 1000}:${per.join('+')}`, requests, windowMs, per };
}

/** What one service account may ask of one of our own endpoints; its subject is made by whoever counts. */
export function accountLimit({ requests, windowMs }: Pick<RateLimit, 'requests' | 'windowMs'>): RateLimit {
  return rateLimit('oauth-account', requests, windowMs, []);
}

/** null where there are none, so that a request need not look. */
export function routeLimits(limits: readonly RateLimit[]): RouteLimits | null {
  if (limits.length === 0) return null;
  const items = limits.map(({ name, requests, windowMs }) => `"${name}";q=${requests};w=${windowMs / 1000}`);
  return { limits, policyText: items.join(', ') };
}

/** The RateLimit field; `standings` in the order of `limits`. */
export function standingText(limits: readonly RateLimit[], standings: readonly LimitStanding[]): string {
  let text = '';
  for (let index = 0; index < limits.length; index++) {
    const { remaining, resetMs } = standings[index]!;
    text += `${index === 0 ? '' : ', '}"${limits[index]!.name}";r=${remaining};t=${Math.ceil(resetMs / 1000)}`;
  }
  return text;
}
