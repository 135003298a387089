/**
 * The host that a request names, in the one spelling by which routes are chosen, and the hosts of the configuration in the
 * same spelling. Names are letters, digits and hyphens; whatever some reader would take for an address must be one in its
 * usual form. Resolves nothing.
 */
import { readAddress } from './address-range.ts';

/** Spellings are the client's to choose. */
const REMEMBERED_MAX = 1000;
const LENGTH_MAX = 255;
const PARTS = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+))(?::([0-9]{1,5}))?$/;
const PORT_MAX = 65_535;
const NAME = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/;
/** A last label by which readers take the whole for an address: `127.1`, `0x7f000001` (WHATWG URL, "ends in a number"). */
const NUMERIC_END = /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/;

const remembered = new Map<string, string>();
/** Nearly every request names the same host as the one before it. */
let lastHost = '';
let lastName = '';

/**
 * `host`: a Host header, `name[:port]`. The name in lower case, without port and without one dot at its end; IPv4; IPv6 in
 * brackets, always spelt alike. null: none of these, refuse with 400 (RFC 9112 section 3.2).
 */
export function readHostName(host: string): string | null {
  if (host === lastHost && host !== '') return lastName;
  const name = remembered.get(host) ?? read(host);
  if (name === null) return null;
  if (remembered.size < REMEMBERED_MAX) remembered.set(host, name);
  lastHost = host;
  lastName = name;
  return name;
}

function read(host: string): string | null {
  const parts = host.length <= LENGTH_MAX ? PARTS.exec(host) : null;
  if (parts === null) return null;
  const [, v6, text, port] = parts;
  if (port !== undefined && Number(port) > PORT_MAX) return null;
  if (v6 !== undefined) {
    const address = v6.includes(':') ? readAddress(v6) : null;
    return address === null ? null : `[${address.width}:${address.bits.toString(16)}]`;
  }
  const lower = text!.toLowerCase();
  const name = lower.endsWith('.') ? lower.slice(0, -1) : lower;
  if (!NAME.test(name)) return null;
  return !NUMERIC_END.test(name) || readAddress(name) !== null ? name : null;
}

/** A host of the configuration, `*.` in front for all names below it. null: no request could ever name it. */
export function readHostPattern(text: string): string | null {
  const below = text.startsWith('*.') ? text.slice(2) : text;
  if (/:[0-9]*$/.test(below) && !below.endsWith(']')) return null;
  const name = read(below);
  if (name === null || below === text) return name;
  // Names stand below names, never below addresses.
  return name.startsWith('[') || readAddress(name) !== null ? null : `*.${name}`;
}
