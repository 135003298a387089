/**
 * Step 1 of a request that asks to leave HTTP: which protocols it offers, and whether its target survives the URL parser
 * on its way. Says nothing about whether it may; that is decided like any other request.
 */

/** Inside these a client would send requests that nobody here sees (h2c smuggling; RFC 2817 section 3). */
const CARRIES_REQUESTS = /^(?:h2c?|h3|https?|tls|ssl)(?:[/-]|$)/i;
const PROTOCOL = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:\/[!#$%&'*+.^_`|~0-9A-Za-z-]+)?$/;
const BASE = 'http://base.invalid';

/**
 * The protocols to offer upstream, as a header value; empty: this is a plain request. Only a GET without body over
 * HTTP/1.1 can leave HTTP (RFC 9110 section 7.8); whatever else says Upgrade is answered as if it had not.
 */
export function offeredProtocols(method: string, minorVersion: number, rawHeaders: readonly string[]): string {
  if (method !== 'GET' || minorVersion !== 1) return '';
  return declaresBody(rawHeaders) ? '' : namedProtocols(rawHeaders);
}

/** A length of zero declares none: some clients send it with every request. */
export function declaresBody(rawHeaders: readonly string[]): boolean {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    if (/^content-length$/i.test(name) ? !/^0+$/.test(rawHeaders[index + 1]!) : /^transfer-encoding$/i.test(name))
      return true;
  }
  return false;
}

/** What the Upgrade headers of a message name, without what no client may leave HTTP for. */
export function namedProtocols(rawHeaders: readonly string[]): string {
  const named: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]!.toLowerCase() !== 'upgrade') continue;
    named.push(...rawHeaders[index + 1]!.split(',').map((protocol) => protocol.trim()));
  }
  return named.filter((protocol) => PROTOCOL.test(protocol) && !CARRIES_REQUESTS.test(protocol)).join(', ');
}

/** The library that carries upgrades reads the target with `new URL`: what that would change must not go through it. */
export function survivesUrl(target: string): boolean {
  const url = URL.parse(BASE + target);
  return url !== null && url.origin === BASE && url.pathname + url.search === target;
}

/** Did the upstream choose among what was offered (RFC 9110 section 7.8)? */
export function isOffered(chosen: string, offered: string): boolean {
  const known = new Set(protocolsOf(offered));
  const named = protocolsOf(chosen);
  return named.length > 0 && named.every((protocol) => known.has(protocol));
}

function protocolsOf(list: string): string[] {
  return list
    .toLowerCase()
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== '');
}
