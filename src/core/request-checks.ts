/**
 * Every check that needs more of a request than the decision's facts, in the order in which they are made. The one place
 * for a new one: the request path comes through here, and so do open streams, each time that they are judged again.
 */
import { addressCheck } from './address-check.ts';
import type { TokenFacts } from './facts.ts';
import type { Reason } from './reason.ts';
import type { RequestCheck, RequestSource } from './request-source.ts';
import type { Route } from './route.ts';

const CHECKS: readonly RequestCheck[] = [addressCheck];

/** Why this route is closed to the request, or null. */
export function checkRoute(route: Route, request: RequestSource): Reason | null {
  for (const { ofRoute } of CHECKS) {
    const reason = ofRoute(route, request);
    if (reason !== null) return reason;
  }
  return null;
}

/** Why this token may not be used by the request, or null. */
export function checkToken(token: TokenFacts, request: RequestSource): Reason | null {
  for (const { ofToken } of CHECKS) {
    const reason = ofToken(token, request);
    if (reason !== null) return reason;
  }
  return null;
}
