/**
 * Which headers cross the gateway, in both directions. First everything that could be mistaken for ours goes, whatever
 * its spelling and on public routes too; then, last, ours are written, so that no `Connection` list can take them away
 * (CVE-2025-48865, CVE-2022-31813). Framing and Host are never copied: the upstream engine writes them.
 */

import { foldHeaderName } from '../../core/folded-name.ts';
import { lowerName } from '../../core/framing.ts';
import { namedProtocols } from '../../core/upgrade.ts';

type Crossing =
  | 'pass'
  | 'drop'
  | 'authorization'
  | 'connection'
  | 'via'
  | 'forwarded-for'
  | 'forwarded-proto'
  | 'forwarded-host';

const HOP_BY_HOP = new Set([
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'upgrade',
  'transfer-encoding',
  'http2-settings',
]);
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
const REQUEST_DROPPED = new Set([
  ...HOP_BY_HOP,
  'host',
  'content-length',
  'expect',
  'trailer',
  'forwarded',
  'x-request-id',
  'x-original-uri',
  ...OVERRIDES,
  ...CLIENT_ADDRESSES,
]);
const RESPONSE_DROPPED = new Set([...HOP_BY_HOP, 'content-length', 'trailer', 'x-request-id']);
/** What a client may name in `Connection` without effect: losing these would change where a message ends. */
const CONNECTION_CANNOT_NAME = new Set(['host', 'content-length', 'transfer-encoding', 'close', 'keep-alive']);

const PRINTABLE = /^[\x20-\x7e]+$/;

/** By the spelling seen; bounded, because spellings are the client's to choose. */
const crossings = new Map<string, Crossing>();

function crossingOf(name: string): Crossing {
  let crossing = crossings.get(name);
  if (crossing === undefined) {
    crossing = classify(lowerName(name), foldHeaderName(name));
    if (crossings.size < 1000) crossings.set(name, crossing);
  }
  return crossing;
}

function classify(lower: string, folded: string): Crossing {
  if (lower === 'authorization') return 'authorization';
  if (lower === 'connection') return 'connection';
  if (lower === 'via') return 'via';
  if (lower === 'x-forwarded-for') return 'forwarded-for';
  if (lower === 'x-forwarded-proto') return 'forwarded-proto';
  if (lower === 'x-forwarded-host') return 'forwarded-host';
  if (folded.startsWith('x-scopegate-') || folded.startsWith('x-forwarded-') || REQUEST_DROPPED.has(folded))
    return 'drop';
  return folded === 'authorization' || folded === 'connection' || folded === 'via' ? 'drop' : 'pass';
}

/** Would this header, in any spelling, forge an identity or turn the request into another one? */
export function isForgery(name: string): boolean {
  const folded = foldHeaderName(name);
  return folded.startsWith('x-scopegate-') || OVERRIDES.includes(folded);
}

export interface RequestHeaderContext {
  readonly requestId: string;
  readonly peerAddress: string;
  readonly encrypted: boolean;
  /** The Host that the client sent. */
  readonly host: string;
  readonly protocol: string;
  /** Ours, in Via. */
  readonly viaName: string;
  /** The peer is a configured proxy: its forwarded headers are kept and appended to. */
  readonly trusted: boolean;
  readonly forwardAuthorization: boolean;
  /** Ready lines, each with CRLF; empty on public routes. */
  readonly identityLines: string;
}

/** Header lines for the upstream, each ending in CRLF, without Host and framing. `raw`: the client's pairs. */
export function requestHeaderLines(raw: readonly string[], context: RequestHeaderContext): string {
  let lines = '';
  let via = '';
  let named: ReadonlySet<string> | null = null;
  let forwardedFor = '';
  let proto = '';
  let host = '';
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!;
    const value = raw[index + 1]!;
    switch (crossingOf(name)) {
      case 'pass':
        lines += `${name}: ${value}\r\n`;
        break;
      case 'authorization':
        if (context.forwardAuthorization) lines += `${name}: ${value}\r\n`;
        break;
      case 'connection':
        named = addNamed(named, value);
        break;
      case 'via':
        via += `${value}, `;
        break;
      case 'forwarded-for':
        forwardedFor += `${value}, `;
        break;
      case 'forwarded-proto':
        proto = value;
        break;
      case 'forwarded-host':
        host = value;
        break;
    }
  }
  if (named !== null) lines = withoutNamed(lines, named);
  const address = context.peerAddress.startsWith('::ffff:') ? context.peerAddress.slice(7) : context.peerAddress;
  const ownProto = context.encrypted ? 'https' : 'http';
  const { trusted } = context;
  return (
    `${lines}Via: ${via}${context.protocol} ${context.viaName}\r\n` +
    `X-Forwarded-For: ${trusted ? forwardedFor : ''}${address}\r\n` +
    `X-Forwarded-Proto: ${trusted && proto !== '' ? proto : ownProto}\r\n` +
    `X-Forwarded-Host: ${trusted && host !== '' ? host : context.host}\r\n` +
    `X-Request-Id: ${context.requestId}\r\n${context.identityLines}`
  );
}

/**
 * Header pairs for the client. `length`: Content-Length to announce, or -1. Headers that `Connection` names are dropped;
 * repeated and non-ASCII values keep their order and bytes.
 */
export function responseHeaders(raw: readonly string[], length: number, requestId: string, protocol = '1.1'): string[] {
  const kept: string[] = [];
  let named: ReadonlySet<string> | null = null;
  let via = '';
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!;
    const value = raw[index + 1]!;
    const lower = lowerName(name);
    if (lower === 'connection') named = addNamed(named, value);
    else if (lower === 'via') via += `${value}, `;
    else if (!RESPONSE_DROPPED.has(lower)) kept.push(name, value);
  }
  if (named !== null) removeNamed(kept, named);
  if (length >= 0) kept.push('Content-Length', String(length));
  kept.push('Via', `${via}${protocol} scopegate`, 'X-Request-Id', requestId);
  return kept;
}

/**
 * Trailers that may follow a body: nothing that frames, routes or identifies (RFC 9110 section 6.5.1), and no second
 * value for a header of the same request, which was judged without it.
 */
export function trailerLines(raw: readonly string[], headers: readonly string[]): string {
  const judged = new Set(headers.filter((_, index) => index % 2 === 0).map(foldHeaderName));
  let lines = '';
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!;
    if (crossingOf(name) === 'pass' && !judged.has(foldHeaderName(name))) lines += `${name}: ${raw[index + 1]}\r\n`;
  }
  return lines;
}

/** Trailers for the client: none that frames or routes. */
export function responseTrailers(raw: readonly string[]): readonly string[] {
  if (raw.length === 0) return raw;
  const kept: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const lower = lowerName(raw[index]!);
    if (lower !== 'connection' && lower !== 'via' && !RESPONSE_DROPPED.has(lower))
      kept.push(raw[index]!, raw[index + 1]!);
  }
  return kept;
}

/** It must say to what (RFC 9110 section 15.5.22); whoever sends it on says which of our connections it is about. */
export function upgradeRequired(headers: readonly string[]): string[] {
  const protocols = namedProtocols(headers);
  return protocols === '' ? [] : ['Upgrade', protocols];
}

/**
 * What of an interim answer crosses, as raw pairs: of early hints (103) the links, which is what they are for (RFC 8297);
 * of others what would cross as a trailer. ASCII, as they are written.
 */
export function interimHeaders(status: number, headers: readonly string[]): string[] {
  const crossing = responseTrailers(headers);
  const kept: string[] = [];
  for (let index = 0; index < crossing.length; index += 2) {
    const [name, value] = [crossing[index]!, crossing[index + 1]!];
    if (PRINTABLE.test(value) && (status !== 103 || lowerName(name) === 'link')) kept.push(name, value);
  }
  return kept;
}

function addNamed(named: ReadonlySet<string> | null, value: string): ReadonlySet<string> | null {
  const lower = value.toLowerCase();
  if (lower === 'keep-alive' || lower === 'close') return named;
  const names = lower.split(',').map((name) => name.trim());
  const counted = names.filter((name) => name !== '' && !CONNECTION_CANNOT_NAME.has(name));
  return counted.length === 0 ? named : new Set([...(named ?? []), ...counted]);
}

function withoutNamed(lines: string, named: ReadonlySet<string>): string {
  return lines
    .split('\r\n')
    .filter((line) => line !== '' && !named.has(line.slice(0, line.indexOf(':')).toLowerCase()))
    .map((line) => `${line}\r\n`)
    .join('');
}

function removeNamed(pairs: string[], named: ReadonlySet<string>): void {
  for (let index = pairs.length - 2; index >= 0; index -= 2) {
    if (named.has(pairs[index]!.toLowerCase())) pairs.splice(index, 2);
  }
}
