/**
 * Check 11, the last one: rate limits and quotas. Asked once per request that everything else allows, so that what is
 * refused elsewhere uses nothing. Never lets through what was refused, and never refuses because nobody could count.
 */
import type { ConfiguredName } from '../../core/configured-name.ts';
import type { Allowed } from '../../core/decide.ts';
import {
  type LimitSubject,
  type RateLimit,
  type RouteLimits,
  standingText,
  type Taken,
  type Use,
} from '../../core/rate-limit.ts';
import type { Route } from '../../core/route.ts';
import type { Exchange } from '../../http/exchange.ts';
import type { Counters } from '../../limits/counters.ts';
import type { Metrics } from '../../observe/metrics.ts';
import { clientAddress } from '../client-address.ts';
import type { Ruleset } from '../ruleset.ts';
import { sourceOf } from './auth-failure-throttle.ts';

/** What the limits say to one request. */
export interface Admission {
  /** For its answer, whoever gives that: raw pairs. */
  readonly headers: readonly string[];
  /** null: it may go on. */
  readonly refused: { readonly retryAfterSeconds: number; readonly detail: string } | null;
}

/** The request, as far as counts are kept by it. */
export interface Counted {
  readonly exchange: Exchange;
  readonly ruleset: Ruleset;
  readonly route: Route;
  /** null on public routes. */
  readonly allowed: Allowed | null;
}

export class RateLimiter {
  readonly #counters: Counters;
  readonly #refusals = new Map<ConfiguredName, number>();

  constructor(counters: Counters, metrics: Metrics) {
    this.#counters = counters;
    metrics.family('scopegate_rate_limited_total', 'Requests refused by a rate limit that was full.', 'counter', () =>
      Array.from(this.#refusals, ([limit, value]) => ({ labels: { limit }, value })),
    );
  }

  /** Counts the request, or refuses it. Answers at once where the counts are at hand. */
  admit(route: RouteLimits, request: Counted, monotonicMs: number): Admission | Promise<Admission> {
    const uses: Use[] = [];
    for (const limit of route.limits) uses.push({ limit, subject: subjectOf(limit, request) });
    return this.take(route, uses, monotonicMs);
  }

  /** `uses`: one for each limit, in their order. */
  take(limits: RouteLimits, uses: readonly Use[], monotonicMs: number): Admission | Promise<Admission> {
    const taken = this.#counters.take(uses, monotonicMs);
    return taken instanceof Promise
      ? taken.then((settled) => this.#admission(limits, settled))
      : this.#admission(limits, taken);
  }

  #admission({ limits, policyText }: RouteLimits, { allowed, standings }: Taken): Admission {
    const headers = ['RateLimit-Policy', policyText, 'RateLimit', standingText(limits, standings)];
    if (allowed) return { headers, refused: null };
    let waitMs = 0;
    const full: ConfiguredName[] = [];
    for (const [index, { remaining, resetMs }] of standings.entries()) {
      if (remaining > 0) continue;
      waitMs = Math.max(waitMs, resetMs);
      full.push(limits[index]!.name);
    }
    for (const name of full) this.#refusals.set(name, (this.#refusals.get(name) ?? 0) + 1);
    const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
    return { headers, refused: { retryAfterSeconds, detail: `limit ${full.join(', ')}` } };
  }
}

function subjectOf({ per }: RateLimit, request: Counted): string {
  if (per.length === 1) return part(per[0]!, request);
  // No part but the last, a route's id, can have a space in it.
  return per.map((subject) => part(subject, request)).join(' ');
}

function part(subject: LimitSubject, { exchange, ruleset, route, allowed }: Counted): string {
  switch (subject) {
    case 'token':
      return allowed!.token.id;
    case 'organization':
      return allowed!.token.organizationId;
    case 'address':
      return sourceOf(clientAddress(exchange.headers, exchange.peerAddress, ruleset.isTrustedProxy));
    case 'route':
      return route.id;
  }
}
