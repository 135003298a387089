/**
 * Where a request goes that was allowed, or why it can go nowhere: the gateway's own endpoint, another program, an
 * upstream. Sends nothing, and counts nothing.
 */
import { withoutQueryCredential } from '../core/credential.ts';
import { survivesUrl } from '../core/upgrade.ts';
import type { Destination, Refused } from './disposition.ts';
import type { RequestContext } from './request-context.ts';

const NO_ROUTE: Refused = { kind: 'refused', reason: 'route_not_found' };
const BAD_REQUEST: Refused = { kind: 'refused', reason: 'bad_request' };
const CHANGED: Refused = { ...BAD_REQUEST, detail: 'only the gateway could have sent it on' };

export function destinationOf({ exchange, ruleset, handler, reading }: RequestContext): Destination | Refused {
  const { route, target, headerFacts } = reading;
  if (route === null) return NO_ROUTE;
  if (route.endpoint !== undefined) {
    if (handler?.servesEndpoints === false) return NO_ROUTE;
    return { kind: 'endpoint', route, endpoint: ruleset.endpoints.get(route.endpoint)! };
  }
  const sent = target.path + withoutQueryCredential(target.query, route.credentials, headerFacts.authorization);
  // What we would have changed on the way, nobody else does: it would not be what was judged.
  if (handler !== null) return sent === exchange.target ? { kind: 'handler', route, handler } : CHANGED;
  if (exchange.upgrade !== undefined && !survivesUrl(sent)) return BAD_REQUEST;
  const binding = ruleset.upstreams.get(route.upstream);
  // It is there for other proxies to ask about.
  if (binding === undefined) return NO_ROUTE;
  return { kind: 'upstream', route, binding, target: sent };
}
