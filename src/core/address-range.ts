/**
 * IP addresses and ranges of them (CIDR), as texts and as numbers. An IPv4 address that is written as IPv6
 * (::ffff:192.0.2.1) is the IPv4 address. Never resolves a name, and takes nothing for an address that is none.
 */

export interface AddressRange {
  /** 32 or 128. */
  readonly width: 32 | 128;
  /** Its first address. */
  readonly first: bigint;
  /** How many bits at the end may be anything. */
  readonly free: bigint;
}

/** An address as a number of 32 or 128 bits. */
export interface Address {
  readonly width: 32 | 128;
  readonly bits: bigint;
}

const MAPPED = 0xffffn << 32n;
const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
const GROUP = /^[0-9a-f]{1,4}$/i;

/** null: not an address. A zone (fe80::1%eth0) names an interface of one machine, so such a text is none. */
export function readAddress(text: string): Address | null {
  const v4 = readIpv4(text);
  if (v4 !== null) return { width: 32, bits: v4 };
  const v6 = readIpv6(text);
  if (v6 === null) return null;
  return v6 >> 32n === MAPPED >> 32n ? { width: 32, bits: v6 & 0xffffffffn } : { width: 128, bits: v6 };
}

/** `10.0.0.0/8`, `2001:db8::/32` or one address. null: neither, or with bits behind its prefix that are not zero. */
export function readRange(text: string): AddressRange | null {
  const slash = text.indexOf('/');
  const address = readAddress(slash === -1 ? text : text.slice(0, slash));
  if (address === null) return null;
  const { width, bits } = address;
  if (slash === -1) return { width, first: bits, free: 0n };
  const prefix = text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(prefix)) return null;
  // A prefix of a mapped address counts the 96 bits before it.
  const mapped = width === 32 && text.includes(':') ? 96 : 0;
  const free = width + mapped - Number(prefix);
  if (free < 0 || free > width) return null;
  const range = { width, first: bits, free: BigInt(free) };
  return (bits >> range.free) << range.free === bits ? range : null;
}

/** Is this address in one of the ranges? A text that is no address is in none. */
export function isWithin(ranges: readonly AddressRange[], text: string): boolean {
  const address = readAddress(text);
  if (address === null) return false;
  return ranges.some(({ width, first, free }) => width === address.width && address.bits >> free === first >> free);
}

/** Is each of `inner` within one of `outer`? Two of `outer` that only together cover one of `inner` do not count. */
export function coversRanges(outer: readonly AddressRange[], inner: readonly AddressRange[]): boolean {
  return inner.every(({ width, first, free }) =>
    outer.some(
      (range) => range.width === width && range.free >= free && first >> range.free === range.first >> range.free,
    ),
  );
}

function readIpv4(text: string): bigint | null {
  const parts = IPV4.exec(text);
  if (parts === null) return null;
  let bits = 0n;
  for (const part of parts.slice(1)) {
    // Other readers take 010 for eight.
    if (Number(part) > 255 || (part.length > 1 && part.startsWith('0'))) return null;
    bits = (bits << 8n) | BigInt(part);
  }
  return bits;
}

function readIpv6(text: string): bigint | null {
  const halves = text.split('::');
  if (halves.length > 2 || !text.includes(':')) return null;
  const head = readGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 1 ? [] : readGroups(halves[1]!, true);
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  let bits = 0n;
  for (const group of [...head, ...Array<bigint>(missing).fill(0n), ...tail]) bits = (bits << 16n) | group;
  return bits;
}

/** `isLast`: an IPv4 address may stand at its end. */
function readGroups(text: string, isLast: boolean): bigint[] | null {
  if (text === '') return [];
  const groups: bigint[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    const v4 = isLast && index === parts.length - 1 ? readIpv4(part) : null;
    if (v4 !== null) groups.push(v4 >> 16n, v4 & 0xffffn);
    else if (GROUP.test(part)) groups.push(BigInt(`0x${part}`));
    else return null;
  }
  return groups;
}
