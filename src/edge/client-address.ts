/**
 * Whose request it is, behind proxies: the nearest address that no trusted proxy vouches for. Told twice: for counting,
 * where somebody must be named, and for checks, where an address that is not known must not pass for another.
 */
import { isIP } from 'node:net';
import { lowerName } from '../core/framing.ts';

/** Says whether an address is a proxy whose X-Forwarded-For is believed. */
export type IsTrusted = (address: string) => boolean;

/**
 * Walks X-Forwarded-For from its end, as long as the hop before was a configured proxy. Never believes anybody else,
 * and never takes for an address what is none: then it is the proxy's own. To count by; `knownAddress` is to check by.
 */
export function clientAddress(headers: readonly string[], peerAddress: string, isTrustedProxy: IsTrusted): string {
  if (!isTrustedProxy(peerAddress)) return peerAddress;
  let address = peerAddress;
  for (const named of namedHops(headers)) {
    if (named === null || !isTrustedProxy(address)) break;
    address = named;
  }
  return address;
}

/**
 * The same, or null: the peer has no address, or a trusted proxy names nobody, or something that is no address. The
 * proxy's own would open to everybody behind it what is open to the proxy.
 */
export function knownAddress(
  headers: readonly string[],
  peerAddress: string,
  isTrustedProxy: IsTrusted,
): string | null {
  if (isIP(peerAddress) === 0) return null;
  if (!isTrustedProxy(peerAddress)) return peerAddress;
  let address: string | null = null;
  for (const named of namedHops(headers)) {
    if (named === null || !isTrustedProxy(named)) return named;
    address = named;
  }
  return address;
}

/** The hops of X-Forwarded-For from the nearest on; null: this one is no address. */
function namedHops(headers: readonly string[]): Array<string | null> {
  const hops: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    if (lowerName(headers[index]!) === 'x-forwarded-for') hops.push(...headers[index + 1]!.split(','));
  }
  return hops.reverse().map((hop) => {
    const named = withoutPort(hop.trim());
    // A zone (fe80::1%eth0) names an interface of another machine.
    return isIP(named) === 0 || named.includes('%') ? null : named;
  });
}

/** Some proxies write `192.0.2.1:4711` and `[2001:db8::1]:4711`. */
function withoutPort(hop: string): string {
  return /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(hop)?.[1] ?? /^\[([^\]]*)\](?::\d+)?$/.exec(hop)?.[1] ?? hop;
}
