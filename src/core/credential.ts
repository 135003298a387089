/**
 * Step 3 of a request: exactly one token, from the places that the route accepts. Extracts text; does NOT say that the
 * token exists, nor even that it is well formed. Never looks at cookies, bodies or trailers.
 */
import { type BasicSource, readBasicCredential } from './basic-credential.ts';
import { type FoldedQueryName, foldHeaderName, foldQueryName, readsAs } from './folded-name.ts';
import { decodeFormText } from './form-text.ts';
import { lowerName } from './framing.ts';
import { isBareToken } from './token-format.ts';

/** Where a route accepts a credential. */
export interface CredentialSources {
  /** `Authorization: Bearer TOKEN` (RFC 6750 section 2.1). */
  readonly bearer: boolean;
  /** `Authorization: TOKEN`. */
  readonly raw: boolean;
  /** `Authorization: Basic …` (RFC 7617); null: not accepted. */
  readonly basic: BasicSource | null;
  /** Headers that hold the bare token. */
  readonly headers: readonly HeaderSource[];
  /** Parameters of the query that hold the token. */
  readonly queries: readonly FoldedQueryName[];
  /** Authorization is for the upstream alone: no credential of ours stands there. */
  readonly leavesAuthorization: boolean;
}

/** Where nobody says otherwise. */
export const BEARER_ONLY: CredentialSources = {
  bearer: true,
  raw: false,
  basic: null,
  headers: [],
  queries: [],
  leavesAuthorization: false,
};

export interface HeaderSource {
  /** In lower case. */
  readonly name: string;
  readonly folded: string;
}

/** The parts of a request in which a credential may stand. */
export interface CredentialRequest {
  /** Every value of Authorization, in order. */
  readonly authorization: readonly string[];
  /** With its `?`, or empty. */
  readonly query: string;
  /** Raw pairs. */
  readonly headers: readonly string[];
  /** Did a browser send it for a page of somebody else? */
  isForeignPage(): boolean;
}

export type Credential =
  | { readonly ok: true; readonly token: string }
  | { readonly ok: false; readonly reason: 'token_missing' | 'token_malformed' };

const BEARER = /^[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*)$/;
const BASIC = /^[Bb][Aa][Ss][Ii][Cc] +(.*)$/s;
const MISSING: Credential = Object.freeze({ ok: false, reason: 'token_missing' });
const MALFORMED: Credential = Object.freeze({ ok: false, reason: 'token_malformed' });
export const AUTHORIZATION_QUERY = foldQueryName('authorization');

/**
 * One token, however often and in how many of the accepted places it stands. Two headers or parameters of one name, a
 * second spelling of a name, and two texts that differ are malformed. A Basic credential that a browser remembered and
 * sent for a page of somebody else counts as missing.
 */
export function readCredential(request: CredentialRequest, sources: CredentialSources): Credential {
  const header = sources.leavesAuthorization ? undefined : fromAuthorization(request, sources);
  if (header === null) return MALFORMED;
  let token = header;
  for (const source of sources.headers) {
    const found = fromHeader(source, request.headers);
    if (found === null || (found !== undefined && token !== undefined && found !== token)) return MALFORMED;
    token ??= found;
  }
  if (request.query !== '') {
    for (const name of sources.queries) {
      const found = fromQuery(name, request.query);
      if (found === null || (found !== undefined && token !== undefined && found !== token)) return MALFORMED;
      token ??= found;
    }
  }
  return token === undefined ? MISSING : { ok: true, token };
}

/**
 * The query without its credentials, byte for byte otherwise. On a route that takes none there, only a copy of the token
 * in Authorization is one: some clients always send both.
 */
export function withoutQueryCredential(
  query: string,
  { queries }: CredentialSources,
  authorization: readonly string[],
): string {
  if (query === '') return query;
  const repeated = repeats(query, authorization[0]);
  if (queries.length === 0 && !repeated) return query;
  const names = repeated ? [...queries, AUTHORIZATION_QUERY] : queries;
  const pairs = query.slice(1).split('&');
  const kept = pairs.filter((pair) => !names.some((name) => readsAs(nameOf(pair), name)));
  if (kept.length === pairs.length) return query;
  return kept.length === 0 ? '' : `?${kept.join('&')}`;
}

function repeats(query: string, header: string | undefined): boolean {
  return header !== undefined && query.includes(header.slice(header.lastIndexOf(' ') + 1));
}

/** undefined: there is none. null: malformed. */
type Found = string | null | undefined;

function fromAuthorization(request: CredentialRequest, sources: CredentialSources): Found {
  const values = request.authorization;
  if (values.length === 0) return undefined;
  if (values.length > 1) return null;
  const value = values[0]!;
  if (sources.bearer) {
    const token = bearerToken(value);
    if (token !== null) return token;
  }
  if (sources.basic !== null) {
    const encoded = BASIC.exec(value)?.[1];
    if (encoded !== undefined) return request.isForeignPage() ? undefined : readBasicCredential(encoded, sources.basic);
  }
  return sources.raw && isBareToken(value) ? value : null;
}

/** The usual spelling needs no capturing, which would make a list on every request. */
function bearerToken(value: string): string | null {
  if (value.startsWith('Bearer ')) {
    const token = value.slice(7);
    if (isBareToken(token)) return token;
  }
  return BEARER.exec(value)?.[1] ?? null;
}

function fromHeader({ name, folded }: HeaderSource, headers: readonly string[]): Found {
  let found: string | undefined;
  for (let index = 0; index < headers.length; index += 2) {
    if (foldHeaderName(headers[index]!) !== folded) continue;
    if (found !== undefined || lowerName(headers[index]!) !== name) return null;
    found = headers[index + 1]!;
  }
  return found === undefined || isBareToken(found) ? found : null;
}

function fromQuery(name: FoldedQueryName, query: string): Found {
  let found: string | undefined;
  for (const pair of query.slice(1).split('&')) {
    if (!readsAs(nameOf(pair), name)) continue;
    // In another spelling it is no credential, but somebody behind us would take it for one.
    const isNamed = decodeFormText(nameOf(pair))?.toLowerCase() === name.name.toLowerCase();
    const equals = pair.indexOf('=');
    const value = equals === -1 ? '' : decodeFormText(pair.slice(equals + 1));
    if (found !== undefined || !isNamed || value === null) return null;
    found = value;
  }
  if (found === undefined) return undefined;
  // Clients that know no other place put the whole header there.
  const bearer = name.folded === AUTHORIZATION_QUERY.folded ? bearerToken(found) : null;
  return bearer ?? (isBareToken(found) ? found : null);
}

function nameOf(pair: string): string {
  const equals = pair.indexOf('=');
  return equals === -1 ? pair : pair.slice(0, equals);
}
