/** An allowed request as its upstream gets it: target, host, headers, body. Sends nothing. */
import { NO_BODY } from '../../core/framing.ts';
import type { UpstreamRequest } from '../../upstream/exchange.ts';
import type { Destination } from '../disposition.ts';
import { clientAddressOf, type RequestContext } from '../request-context.ts';
import { sourceOf } from '../throttles/auth-failure-throttle.ts';
import { requestHeaderLines } from './headers.ts';
import { degradedLine, identityLines } from './identity.ts';

/** `headers`: the client's raw pairs, as the next hop may have them. */
export function upstreamRequest(
  request: RequestContext,
  { route, binding, target }: Extract<Destination, { readonly kind: 'upstream' }>,
  headers: readonly string[],
  viaName: string,
): UpstreamRequest {
  const { exchange, ruleset, requestId, reading, allowed, degraded } = request;
  const { host, body } = reading.headerFacts;
  const { method, peerAddress, encrypted, protocol, upgrade } = exchange;
  const headerLines = requestHeaderLines(headers, {
    requestId,
    peerAddress,
    encrypted,
    host,
    protocol,
    viaName,
    trusted: ruleset.isTrustedProxy(peerAddress),
    forwardAuthorization: route.forwardAuthorization,
    identityLines: allowed === null ? '' : identityLines(allowed, ruleset.policy) + degradedLine(degraded),
  });
  return {
    holder: allowed?.token.id ?? sourceOf(clientAddressOf(request)),
    method,
    target,
    host: (binding.preserveHost ?? route.hosts !== null) && host !== '' ? host : undefined,
    headerLines,
    // It has none; what its client says next is for the far end of the tunnel.
    body: upgrade === undefined ? body : NO_BODY,
    upgrade: upgrade?.protocols,
  };
}
