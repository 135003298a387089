/** Whose request it is, behind proxies: the nearest address that no trusted proxy vouches for. */
import { lowerName } from '../core/framing.ts';

/** Walks X-Forwarded-For from its end, as long as the hop before was a configured proxy. Never believes anybody else. */
export function clientAddress(
  headers: readonly string[],
  peerAddress: string,
  isTrustedProxy: (address: string) => boolean,
): string {
  if (!isTrustedProxy(peerAddress)) return peerAddress;
  const hops: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    if (lowerName(headers[index]!) === 'x-forwarded-for')
      hops.push(...headers[index + 1]!.split(',').map((hop) => hop.trim()));
  }
  let address = peerAddress;
  for (const hop of hops.reverse()) {
    if (!isTrustedProxy(address)) break;
    address = hop;
  }
  return address;
}
