/**
 * Step 3 of a request: exactly one token, by RFC 6750's grammar, from the places the route accepts. Extracts text;
 * does NOT say that the token exists, nor even that it is well formed. Never looks at cookies, bodies or trailers.
 */
import { foldQueryName, readsAs } from './folded-name.ts';
import { decodeFormText } from './form-text.ts';

/** Where a route accepts a credential; the Bearer header always counts unless left out. */
export interface CredentialSources {
  readonly bearer: boolean;
  readonly raw: boolean;
  readonly query: boolean;
}

export type Credential =
  | { readonly ok: true; readonly token: string }
  | { readonly ok: false; readonly reason: 'token_missing' | 'token_malformed' };

const BEARER = /^[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*)$/;
const BARE = /^[A-Za-z0-9._~+/-]+=*$/;
const MISSING: Credential = Object.freeze({ ok: false, reason: 'token_missing' });
const MALFORMED: Credential = Object.freeze({ ok: false, reason: 'token_malformed' });
const QUERY_NAME = foldQueryName('authorization');

/**
 * `authorization`: every value of the header, in order. `query`: with its `?`, or empty.
 * Two headers, two query copies, or a header and a query copy that differ are malformed; a query copy counts only
 * where the route says so (some WebSocket clients send it beside the header).
 */
export function readCredential(
  authorization: readonly string[],
  query: string,
  sources: CredentialSources,
): Credential {
  if (authorization.length > 1) return MALFORMED;
  const header = authorization.length === 0 ? undefined : fromHeader(authorization[0]!, sources);
  if (header === null) return MALFORMED;
  if (!sources.query || query === '') return header === undefined ? MISSING : { ok: true, token: header };
  const copies = queryCopies(query);
  if (copies.length > 1) return MALFORMED;
  const copy = copies.length === 0 ? undefined : tokenOf(copies[0]!.value);
  if (copy === null || (copy !== undefined && header !== undefined && copy !== header)) return MALFORMED;
  const token = header ?? copy;
  return token === undefined ? MISSING : { ok: true, token };
}

/**
 * The query without its credential, byte for byte otherwise. On a route that takes none there, only a copy of the token
 * in the header is one: some clients always send both.
 */
export function withoutQueryCredential(
  query: string,
  sources: CredentialSources,
  authorization: readonly string[],
): string {
  if (query === '' || !(sources.query || repeats(query, authorization[0]))) return query;
  const copies = queryCopies(query);
  if (copies.length === 0) return query;
  const kept = query
    .slice(1)
    .split('&')
    .filter((_, index) => !copies.some((copy) => copy.index === index));
  return kept.length === 0 ? '' : `?${kept.join('&')}`;
}

function repeats(query: string, header: string | undefined): boolean {
  return header !== undefined && query.includes(header.slice(header.lastIndexOf(' ') + 1));
}

function fromHeader(value: string, sources: CredentialSources): string | null {
  if (sources.bearer) {
    const token = bearerToken(value);
    if (token !== null) return token;
  }
  return sources.raw && BARE.test(value) ? value : null;
}

/** The usual spelling needs no capturing, which would make a list on every request. */
function bearerToken(value: string): string | null {
  if (value.startsWith('Bearer ')) {
    const token = value.slice(7);
    if (BARE.test(token)) return token;
  }
  return BEARER.exec(value)?.[1] ?? null;
}

function tokenOf(value: string | null): string | null {
  if (value === null) return null;
  return bearerToken(value) ?? (BARE.test(value) ? value : null);
}

interface Copy {
  readonly index: number;
  readonly value: string | null;
}

function queryCopies(query: string): Copy[] {
  const copies: Copy[] = [];
  for (const [index, pair] of query.slice(1).split('&').entries()) {
    const equals = pair.indexOf('=');
    const rawName = equals === -1 ? pair : pair.slice(0, equals);
    if (!readsAs(rawName, QUERY_NAME)) continue;
    // In another spelling it is no credential, but somebody behind us would take it for one.
    const isCredential = decodeFormText(rawName)?.toLowerCase() === QUERY_NAME.name;
    const value = equals === -1 ? '' : pair.slice(equals + 1);
    copies.push({ index, value: isCredential ? decodeFormText(value) : null });
  }
  return copies;
}
