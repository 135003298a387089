/** The small schemas from which gateway.yaml's sections are built. No section's own meaning stands here. */
import { isIP } from 'node:net';
import type { TObject, TObjectOptions, TProperties } from 'typebox';
import { readRange } from './core/address-range.ts';
import { Type } from './schema-type.ts';

/** Timers beyond this many milliseconds (about 25 days) would fire at once in Node. */
export const TIMER_MAX_MS = 2_147_483_647;

/** An object that refuses keys it does not know. */
export function section<P extends TProperties>(properties: P, options: TObjectOptions = {}): TObject<P> {
  return Type.Object(properties, { ...options, additionalProperties: false });
}

/** A TCP port, with its default. */
export function port(description: string, byDefault: number) {
  return Type.Integer({
    minimum: 0,
    maximum: 65_535,
    default: byDefault,
    description: `${description} 0 takes any free port.`,
  });
}

/** A span of time in milliseconds, with its default and its least value. */
export function milliseconds(description: string, byDefault: number, minimum = 1) {
  return Type.Integer({ minimum, maximum: TIMER_MAX_MS, default: byDefault, description });
}

/** A host name or address to listen on. */
export function host(description: string) {
  return Type.String({ minLength: 1, default: '127.0.0.1', description });
}

/** A file's path; relative ones count from the configuration file's folder. */
export function file(description: string) {
  return Type.String({ minLength: 1, description: `${description} Relative to this file.` });
}

/** Addresses and networks, as `127.0.0.1` or `10.0.0.0/8`. */
export function networks(description: string, byDefault: readonly string[]) {
  const network = Type.Refine(
    Type.String({ minLength: 1, description: 'An IP address, or a network such as 10.0.0.0/8.' }),
    isNetwork,
    () => 'must be an IP address or a network such as 10.0.0.0/8',
  );
  return Type.Array(network, { uniqueItems: true, default: byDefault, description });
}

/** Addresses and networks that requests are checked against, read as core/address-range reads them. */
export function addressRanges(description: string) {
  const range = Type.Refine(
    Type.String({ minLength: 1, description: 'An IP address, or a network such as 10.0.0.0/8 or 2001:db8::/32.' }),
    (text) => readRange(text) !== null,
    () => 'must be an IP address, or a network such as 10.0.0.0/8 with nothing behind its prefix',
  );
  return Type.Array(range, { minItems: 1, uniqueItems: true, description });
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  // A zone (fe80::1%eth0) names an interface of this machine, which no peer's address carries.
  const version = address.includes('%') ? 0 : isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^(?:0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}
