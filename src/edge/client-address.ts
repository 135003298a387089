/** Whose request it is, behind proxies: the nearest address that no trusted proxy vouches for. */
import { isIP } from 'node:net';
import { lowerName } from '../core/framing.ts';

/**
 * Walks X-Forwarded-For from its end, as long as the hop before was a configured proxy. Never believes anybody else,
 * and never takes for an address what is none: then it is the proxy's own.
 */
export function clientAddress(
  headers: readonly string[],
  peerAddress: string,
  isTrustedProxy: (address: string) => boolean,
): string {
  if (!isTrustedProxy(peerAddress)) return peerAddress;
  const hops: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    if (lowerName(headers[index]!) === 'x-forwarded-for') hops.push(...headers[index + 1]!.split(','));
  }
  let address = peerAddress;
  for (const hop of hops.reverse()) {
    if (!isTrustedProxy(address)) break;
    const named = withoutPort(hop.trim());
    // A zone (fe80::1%eth0) names an interface of another machine.
    if (isIP(named) === 0 || named.includes('%')) break;
    address = named;
  }
  return address;
}

/** Some proxies write `192.0.2.1:4711` and `[2001:db8::1]:4711`. */
function withoutPort(hop: string): string {
  return /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(hop)?.[1] ?? /^\[([^\]]*)\](?::\d+)?$/.exec(hop)?.[1] ?? hop;
}
