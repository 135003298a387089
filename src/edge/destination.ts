/**
 * Where a request goes that was allowed, or why it can go nowhere: the gateway's own endpoint, another program, an
 * upstream. Sends nothing, and counts nothing.
 */
import { withoutQueryCredential } from '../core/credential.ts';
import { rewritePath } from '../core/rewrite.ts';
import { survivesUrl } from '../core/upgrade.ts';
import type { Destination, Refused } from './disposition.ts';
import type { RequestContext } from './request-context.ts';

const NO_ROUTE: Refused = { kind: 'refused', reason: 'route_not_found' };
const BAD_REQUEST: Refused = { kind: 'refused', reason: 'bad_request' };
const PREFLIGHT: Refused = { ...BAD_REQUEST, detail: 'a preflight that only the gateway itself answers' };
const REPLACED: Refused = {
  kind: 'refused',
  reason: 'overloaded',
  detail: 'the rules changed while its body was read',
};
const NO_UPGRADE: Refused = { ...BAD_REQUEST, detail: 'an upgrade, to an upstream that speaks HTTP/2' };
const CHANGED: Refused = { ...BAD_REQUEST, detail: 'only the gateway could have sent it on' };

export function destinationOf({
  exchange,
  ruleset,
  handler,
  reading,
  received,
}: RequestContext): Destination | Refused {
  const { route, target, headerFacts, preflight } = reading;
  if (route === null) return NO_ROUTE;
  // No token was asked for, and another program would let it through.
  if (preflight !== null) return handler === null ? { kind: 'preflight', route, preflight } : PREFLIGHT;
  if (route.endpoint !== undefined) {
    if (handler?.servesEndpoints === false) return NO_ROUTE;
    // By other rules, and an endpoint reads its body itself.
    if (received !== null) return REPLACED;
    return { kind: 'endpoint', route, endpoint: ruleset.endpoints.get(route.endpoint)! };
  }
  const { rewrite } = route;
  const path = rewrite === null ? target.path : rewritePath(target.path, rewrite);
  const sent = path + withoutQueryCredential(target.query, route.credentials, headerFacts.authorization);
  // What we would have changed on the way, nobody else does: it would not be what was judged.
  if (handler !== null) return sent === exchange.target ? { kind: 'handler', route, handler } : CHANGED;
  if (exchange.upgrade !== undefined && !survivesUrl(sent)) return BAD_REQUEST;
  const binding = ruleset.upstreams.get(route.upstream);
  // It is there for other proxies to ask about.
  if (binding === undefined) return NO_ROUTE;
  if (exchange.upgrade !== undefined && binding.upstream.protocol !== 'http1') return NO_UPGRADE;
  return { kind: 'upstream', route, binding, target: sent };
}
