/** An allowed request as its upstream gets it: target, host, headers, body. Sends nothing. */
import { lowerName, NO_BODY } from '../../core/framing.ts';
import { grpcTimeoutMs, isGrpcRequest } from '../../core/grpc.ts';
import { editLines } from '../../core/header-edits.ts';
import type { UpstreamRequest } from '../../upstream/exchange.ts';
import type { RequestTimeouts } from '../../upstream/timeouts.ts';
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
  const { exchange, ruleset, requestId, decisionId, isTrusted, reading, allowed, degraded } = request;
  const { host, body } = reading.headerFacts;
  const { method, peerAddress, encrypted, protocol, upgrade, connection } = exchange;
  const sorted = headers === undefined ? exchange.sorted : undefined;
  const context = {
    requestId,
    decisionId,
    peerAddress,
    encrypted,
    host,
    protocol,
    viaName,
    trusted: isTrusted,
    forwardAuthorization: route.forwardAuthorization,
    identityLines: allowed === null ? '' : identityLines(allowed, ruleset.policy) + degradedLine(degraded),
    connection,
  };
  const lines =
    sorted === undefined
      ? requestHeaderLines(headers ?? exchange.headers, context)
      : requestHeaderLines(sorted.meant, context, sorted.passing);
  const { requestEdits } = route;
  const speaksHttp2 = binding.upstream.protocol !== 'http1';
  return {
    holder: allowed?.token.id ?? sourceOf(clientAddressOf(request)),
    timeouts: speaksHttp2 ? streamTimeouts(exchange, route.timeouts, binding.upstream.timeouts) : route.timeouts,
    takesTrailers: speaksHttp2 && takesTrailers(exchange.headers),
    method,
    target,
    host: sendsClientHost(route, binding) && host !== '' ? host : undefined,
    headerLines: requestEdits === null ? lines : editLines(lines, requestEdits),
    // It has none; what its client says next is for the far end of the tunnel.
    body: upgrade === undefined ? body : NO_BODY,
    upgrade: upgrade?.protocols,
  };
}

/** What else it may name in TE is HTTP/1.1's, and about one hop (RFC 9113 section 8.2.2). */
function takesTrailers(headers: readonly string[]): boolean {
  return headers.some(
    (value, index) =>
      index % 2 === 1 && lowerName(headers[index - 1]!) === 'te' && /(?:^|,)\s*trailers\s*(?:,|$)/i.test(value),
  );
}

/**
 * A call of gRPC whose client says how long it waits may take that long for its head, which often comes with its first
 * message; but no longer than any stream may stand still.
 */
function streamTimeouts(
  exchange: RequestContext['exchange'],
  ofRoute: RequestTimeouts | null,
  ofUpstream: RequestTimeouts,
): RequestTimeouts | null {
  const timeoutMs = isGrpcRequest(exchange) ? grpcTimeoutMs(exchange.headers) : null;
  if (timeoutMs === null) return ofRoute;
  const { connectMs, headersMs, idleMs } = ofRoute ?? ofUpstream;
  const waitMs = Math.min(timeoutMs, idleMs);
  return waitMs <= headersMs ? ofRoute : { connectMs, headersMs: waitMs, idleMs };
}
