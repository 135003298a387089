/**
 * What the gateway makes of a header field by its name alone: which cross, which mean something on their way, and which go
 * because they could be mistaken for ours, whatever their spelling. Names come as text, or as the octets of a head that is
 * being read. Judges no value. Pure.
 */
import { foldHeaderName } from './folded-name.ts';
import { lowerName } from './framing.ts';
import { FOLDED, TCHAR } from './http1/octets.ts';
import { TokenTable } from './http1/token-table.ts';

/** `drop`: it ends here. The others that do not pass are written anew, from what they say. */
export type Crossing =
  | 'pass'
  | 'drop'
  | 'authorization'
  | 'connection'
  | 'via'
  | 'forwarded-for'
  | 'forwarded-proto'
  | 'forwarded-host';

const REQUEST_ID = 'x-request-id';
const HOP_BY_HOP = [
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'upgrade',
  'transfer-encoding',
  'http2-settings',
] as const;
/** Headers that make servers act on another request than the one that was judged. */
const OVERRIDES = ['x-original-url', 'x-rewrite-url', 'x-http-method', 'x-http-method-override', 'x-method-override'];
/**
 * Where proxies, clouds and caches write the client's address, each under a name of its own, and where frameworks look
 * for it. What stands there has come from the client, so none crosses; ours is in X-Forwarded-For.
 */
const CLIENT_ADDRESSES = [
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'cf-pseudo-ipv4',
  'client-ip',
  'cloudfront-viewer-address',
  'do-connecting-ip',
  'fastly-client-ip',
  'fly-client-ip',
  'forwarded-for',
  'forwarded-for-ip',
  'incap-client-ip',
  'proxy-client-ip',
  'remote-addr',
  'true-client-ip',
  'wl-proxy-client-ip',
  'x-akamai-client-ip',
  'x-appengine-user-ip',
  'x-azure-clientip',
  'x-azure-socketip',
  'x-client-ip',
  'x-client-real-ip',
  'x-cluster-client-ip',
  'x-envoy-external-address',
  'x-forwarded',
  'x-nf-client-connection-ip',
  'x-original-forwarded-for',
  'x-original-remote-addr',
  'x-originating-ip',
  'x-proxyuser-ip',
  'x-real-ip',
  'x-remote-addr',
  'x-remote-ip',
  'x-sucuri-clientip',
  'x-true-client-ip',
  'x-true-ip',
  'x-vercel-forwarded-for',
];
/** Written by us or by the engine, or believed by upstreams as if a gateway had written them. */
const REQUEST_DROPPED = [
  ...HOP_BY_HOP,
  'host',
  'content-length',
  'expect',
  'trailer',
  'forwarded',
  REQUEST_ID,
  'x-original-uri',
  ...OVERRIDES,
  ...CLIENT_ADDRESSES,
];
const REQUEST_DROPPED_SET: ReadonlySet<string> = new Set(REQUEST_DROPPED);
/** Rewritten rather than dropped. */
const CROSSINGS: ReadonlyMap<string, Crossing> = new Map([
  ['authorization', 'authorization'],
  ['connection', 'connection'],
  ['via', 'via'],
  ['x-forwarded-for', 'forwarded-for'],
  ['x-forwarded-proto', 'forwarded-proto'],
  ['x-forwarded-host', 'forwarded-host'],
]);
/** Nobody but us may use these. */
const OURS = ['x-scopegate-', 'x-forwarded-'];

/** By the spelling seen; bounded, because spellings are the client's to choose. */
const crossings = new Map<string, Crossing>();

/** Of a request's field. */
export function crossingOf(name: string): Crossing {
  let crossing = crossings.get(name);
  if (crossing === undefined) {
    crossing = classify(lowerName(name), foldHeaderName(name));
    if (crossings.size < 1000) crossings.set(name, crossing);
  }
  return crossing;
}

function classify(lower: string, folded: string): Crossing {
  const rewritten = CROSSINGS.get(lower);
  if (rewritten !== undefined) return rewritten;
  if (OURS.some((prefix) => folded.startsWith(prefix)) || REQUEST_DROPPED_SET.has(folded)) return 'drop';
  return CROSSINGS.has(folded) ? 'drop' : 'pass';
}

/** Would this header, in any spelling, forge an identity or turn the request into another one? */
export function isForgery(name: string): boolean {
  const folded = foldHeaderName(name);
  return folded.startsWith('x-scopegate-') || OVERRIDES.includes(folded);
}

const FRAMING_OR_OURS: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'connection',
  'content-length',
  'expect',
  'host',
  'trailer',
  'via',
  REQUEST_ID,
]);

/** May a route set or remove this header? Not what frames a message, is about one connection, or tells who is calling. */
export function isRouteHeader(name: string): boolean {
  const folded = foldHeaderName(name);
  return !FRAMING_OR_OURS.has(folded) && !folded.startsWith('x-scopegate-');
}

/** What a request's field is to whoever reads the head. `meant`: its value is asked for on the way. */
export type RequestField = 'pass' | 'drop' | 'meant';

/** What core/framing reads, whatever is rewritten, and what a trusted proxy calls the request. */
const MEANT: ReadonlySet<string> = new Set([
  ...CROSSINGS.keys(),
  REQUEST_ID,
  'host',
  'expect',
  'upgrade',
  'content-length',
  'transfer-encoding',
]);
const REQUEST_NAMES = new TokenTable([...REQUEST_DROPPED, ...CROSSINGS.keys()], FOLDED);
const PREFIX_LENGTH = 12;
const X = 0x78;

/** Of the field whose name is `octets[start, end)`: the same as `crossingOf` says. */
export function requestFieldAt(octets: Uint8Array, start: number, end: number): RequestField {
  const name = REQUEST_NAMES.find(octets, start, end);
  if (name !== undefined) return MEANT.has(name) && isSpelled(octets, start, name, TCHAR) ? 'meant' : 'drop';
  if (end - start < PREFIX_LENGTH || FOLDED[octets[start]!] !== X) return 'pass';
  return OURS.some((prefix) => isSpelled(octets, start, prefix, FOLDED)) ? 'drop' : 'pass';
}

function isSpelled(octets: Uint8Array, start: number, text: string, as: Uint8Array): boolean {
  for (let index = 0; index < text.length; index++)
    if (as[octets[start + index]!] !== text.charCodeAt(index)) return false;
  return true;
}

/** Of an answer's field that does not pass: written by us, or about the upstream's connection. */
export const ANSWER_NAMES = [
  ...HOP_BY_HOP,
  'content-length',
  'trailer',
  REQUEST_ID,
  'x-scopegate-decision-id',
  'connection',
  'via',
] as const;
const ANSWER_DROPPED: ReadonlySet<string> = new Set(
  ANSWER_NAMES.filter((name) => name !== 'connection' && name !== 'via'),
);

/** Of a field of an answer that is neither Connection nor Via. */
export function isAnswerDropped(lower: string): boolean {
  return ANSWER_DROPPED.has(lower);
}
