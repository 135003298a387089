/** An allowed request as its upstream gets it: target, host, headers, body. Sends nothing. */
import { NO_BODY } from '../../core/framing.ts';
import { editLines } from '../../core/header-edits.ts';
import type { UpstreamRequest } from '../../upstream/exchange.ts';
import type { Destination } from '../disposition.ts';
import { clientAddressOf, type RequestContext } from '../request-context.ts';
import { sourceOf } from '../throttles/auth-failure-throttle.ts';
import { sendsClientHost } from './client-origin.ts';
import { requestHeaderLines } from './headers.ts';
import { degradedLine, identityLines } from './identity.ts';

/** `headers`: raw pairs in place of the client's. */
export function upstreamRequest(
  request: RequestContext,
  { route, binding, target }: Extract<Destination, { readonly kind: 'upstream' }>,
  headers: readonly string[] | undefined,
  viaName: string,
): UpstreamRequest {
  const { exchange, ruleset, requestId, reading, allowed, degraded } = request;
  const { host, body } = reading.headerFacts;
  const { method, peerAddress, encrypted, protocol, upgrade, connection } = exchange;
  const sorted = headers === undefined ? exchange.sorted : undefined;
  const context = {
    requestId,
    peerAddress,
    encrypted,
    host,
    protocol,
    viaName,
    trusted: ruleset.isTrustedProxy(peerAddress),
    forwardAuthorization: route.forwardAuthorization,
    identityLines: allowed === null ? '' : identityLines(allowed, ruleset.policy) + degradedLine(degraded),
    connection,
  };
  const lines =
    sorted === undefined
      ? requestHeaderLines(headers ?? exchange.headers, context)
      : requestHeaderLines(sorted.meant, context, sorted.passing);
  const { requestEdits } = route;
  return {
    holder: allowed?.token.id ?? sourceOf(clientAddressOf(request)),
    timeouts: route.timeouts,
    method,
    target,
    host: sendsClientHost(route, binding) && host !== '' ? host : undefined,
    headerLines: requestEdits === null ? lines : editLines(lines, requestEdits),
    // It has none; what its client says next is for the far end of the tunnel.
    body: upgrade === undefined ? body : NO_BODY,
    upgrade: upgrade?.protocols,
  };
}
