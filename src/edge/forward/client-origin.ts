/** Under which origin a client came, and which URIs of an answer are our side of the upstream. Reads no answer. */
import type { UriContext } from '../../core/answer-uris.ts';
import { lowerName } from '../../core/framing.ts';
import type { Route } from '../../core/route.ts';
import type { RequestContext } from '../request-context.ts';
import type { UpstreamBinding } from '../ruleset.ts';

const USUAL_PORT = /^(http:\/\/.*):80$|^(https:\/\/.*):443$/;

/** Does the upstream get the Host that the client sent? */
export function sendsClientHost(route: Route, { preserveHost }: UpstreamBinding): boolean {
  return preserveHost ?? route.hosts !== null;
}

export function uriContextOf(request: RequestContext, route: Route, binding: UpstreamBinding): UriContext {
  const { exchange, ruleset, reading } = request;
  const { host } = reading.headerFacts;
  const own = `${schemeOf(request)}://${host}`;
  // Where routes name hosts, one public address cannot be that of all of them.
  const clientOrigin = route.hosts === null ? (ruleset.publicOrigin ?? own) : own;
  return {
    strip: route.rewrite?.strip ?? '',
    add: route.rewrite?.add ?? '',
    clientOrigin: exchange.minorVersion === 0 && host === '' ? (ruleset.publicOrigin ?? '') : clientOrigin,
    isUpstream: (origin) => binding.origins.has(origin.replace(USUAL_PORT, '$1$2')),
    sentHost: sendsClientHost(route, binding) ? host.toLowerCase() : '',
  };
}

/** A configured proxy in front says what it spoke. */
function schemeOf({ exchange, ruleset }: RequestContext): string {
  if (exchange.encrypted) return 'https';
  if (!ruleset.isTrustedProxy(exchange.peerAddress)) return 'http';
  const { headers } = exchange;
  const at = headers.findIndex((name, index) => index % 2 === 0 && lowerName(name) === 'x-forwarded-proto');
  return at !== -1 && headers[at + 1]!.toLowerCase() === 'https' ? 'https' : 'http';
}
