/**
 * Which headers cross the gateway, in both directions. First everything that could be mistaken for ours goes, whatever
 * its spelling and on public routes too; then, last, ours are written, so that no `Connection` list can take them away
 * (CVE-2025-48865, CVE-2022-31813). Framing and Host are never copied: the upstream engine writes them.
 */

import { crossingOf, isAnswerDropped } from '../../core/field-names.ts';
import { foldHeaderName } from '../../core/folded-name.ts';
import { lowerName } from '../../core/framing.ts';
import { headerLines } from '../../core/http1/header-pairs.ts';
import { DECISION_ID_HEADER, idPairs, type RequestIds, upstreamIdPairs } from '../../core/request-ids.ts';
import { namedProtocols } from '../../core/upgrade.ts';
import type { SortedAnswer } from '../../upstream/exchange.ts';

/** What a client may name in `Connection` without effect: losing these would change where a message ends. */
const CONNECTION_CANNOT_NAME = new Set(['host', 'content-length', 'transfer-encoding', 'close', 'keep-alive']);

const PRINTABLE = /^[\x20-\x7e]+$/;

export interface RequestHeaderContext extends RequestIds {
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
  /** The client's; absent: not known. */
  readonly connection?: object | undefined;
}

/**
 * Header lines for the upstream, each ending in CRLF, without Host and framing. `raw`: the client's pairs. `passing`: lines
 * of hers that cross as they came, and are not among the pairs.
 */
export function requestHeaderLines(raw: readonly string[], context: RequestHeaderContext, passing = ''): string {
  let lines = passing;
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
  let own: string;
  if (context.trusted) own = hopLines(context, via, forwardedFor, proto, host);
  else own = via === '' ? ownLinesOf(context) : hopLines(context, via);
  const { requestId, decisionId, identityLines } = context;
  // Mostly they are the same, and nobody needs it twice.
  const decision = decisionId === requestId ? '' : `${DECISION_ID_HEADER}: ${decisionId}\r\n`;
  return `${lines}${own}${requestId}\r\n${decision}${identityLines}`;
}

/** Ours, up to the request's id; behind what hops before us have said, as far as they are believed. */
function hopLines(context: RequestHeaderContext, via = '', forwardedFor = '', proto = '', host = ''): string {
  const { peerAddress, encrypted, protocol, viaName } = context;
  const address = peerAddress.startsWith('::ffff:') ? peerAddress.slice(7) : peerAddress;
  const ownProto = encrypted ? 'https' : 'http';
  return (
    `Via: ${via}${protocol} ${viaName}\r\n` +
    `X-Forwarded-For: ${forwardedFor}${address}\r\n` +
    `X-Forwarded-Proto: ${proto === '' ? ownProto : proto}\r\n` +
    `X-Forwarded-Host: ${host === '' ? context.host : host}\r\n` +
    'X-Request-Id: '
  );
}

interface OwnLines {
  readonly host: string;
  readonly protocol: string;
  readonly viaName: string;
  readonly lines: string;
}

/** Made once for each connection, as long as nothing that stands in them changes. */
const ownLines = new WeakMap<object, OwnLines>();

function ownLinesOf(context: RequestHeaderContext): string {
  const { connection, host, protocol, viaName } = context;
  if (connection === undefined) return hopLines(context);
  const known = ownLines.get(connection);
  if (known !== undefined && known.host === host && known.protocol === protocol && known.viaName === viaName)
    return known.lines;
  const lines = ownCopy(hopLines(context));
  ownLines.set(connection, { host: ownCopy(host), protocol, viaName, lines });
  return lines;
}

/** In one piece, and no part of the head that something in it was read from. `text`: latin1. */
function ownCopy(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/**
 * Header pairs for the client. `length`: Content-Length to announce, or -1. Headers that `Connection` names are dropped;
 * repeated and non-ASCII values keep their order and bytes.
 */
export function responseHeaders(raw: readonly string[], length: number, ids: RequestIds, protocol = '1.1'): string[] {
  const kept: string[] = [];
  let named: ReadonlySet<string> | null = null;
  let via = '';
  let theirId = '';
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!;
    const value = raw[index + 1]!;
    const lower = lowerName(name);
    if (lower === 'x-request-id') theirId ||= value;
    if (lower === 'connection') named = addNamed(named, value);
    else if (lower === 'via') via += `${value}, `;
    else if (!isAnswerDropped(lower)) kept.push(name, value);
  }
  if (named !== null) removeNamed(kept, named);
  if (length >= 0) kept.push('Content-Length', String(length));
  kept.push('Via', `${via}${protocol} scopegate`, ...idPairs(ids), ...upstreamIdPairs(theirId, ids));
  return kept;
}

/** The same as lines, each with CRLF, of headers that were sorted while they were read. */
export function responseLines(
  { passing, via, requestId: theirId }: SortedAnswer,
  length: number,
  ids: RequestIds,
  protocol = '1.1',
): string {
  const sized = length >= 0 ? `Content-Length: ${length}\r\n` : '';
  const { requestId, decisionId } = ids;
  const theirs = theirId === '' ? '' : headerLines(upstreamIdPairs(theirId, ids));
  return `${passing}${sized}Via: ${via}${protocol} scopegate\r\nX-Request-Id: ${requestId}\r\n${DECISION_ID_HEADER}: ${decisionId}\r\n${theirs}`;
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
    if (lower !== 'connection' && lower !== 'via' && !isAnswerDropped(lower)) kept.push(raw[index]!, raw[index + 1]!);
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
