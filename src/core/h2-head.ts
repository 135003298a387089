/**
 * Step 1 of a request over HTTP/2: its head as HTTP/1.1 would have said it, so that the same readers judge both and the
 * same bytes go to the upstream; and the head of an answer over HTTP/2 likewise. Refuses what HTTP/1.1 cannot carry or could read in another way (RFC 9113 section 8).
 * Never repairs; joining the pieces of a Cookie is what section 8.2.3 asks for.
 */

export interface TranslatedHead {
  readonly method: string;
  readonly target: string;
  /** Raw pairs, Host first; a body without a length is announced as chunked. */
  readonly headers: readonly string[];
}

const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** Nothing that could end a line, and no blanks around. */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
/** As HTTP/1.1's parser reads it: bytes above ASCII are to be encoded (RFC 3986 section 2). */
const TARGET = /^\/[\x21-\x7e]*$/;
const SCHEME = /^https?$/;
const CONNECTION_SPECIFIC = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);
const PSEUDO = [':method', ':scheme', ':authority', ':path'];

/**
 * `raw`: name and value in turn, as received. `endsHere`: nothing follows the head. null = refuse with 400. CONNECT is
 * refused too: it has no path.
 */
export function translateHead(raw: readonly string[], endsHere: boolean): TranslatedHead | null {
  const pseudo: Record<string, string | undefined> = {};
  let at = 0;
  for (; at < raw.length && raw[at]!.startsWith(':'); at += 2) {
    const name = raw[at]!;
    if (!PSEUDO.includes(name) || pseudo[name] !== undefined) return null;
    pseudo[name] = raw[at + 1]!;
  }
  const { ':method': method, ':scheme': scheme, ':authority': authority, ':path': target } = pseudo;
  if (method === undefined || target === undefined || !TARGET.test(target)) return null;
  if (scheme === undefined || !SCHEME.test(scheme)) return null;

  const headers: string[] = ['host', ''];
  let host: string | undefined;
  let length: string | undefined;
  let cookieAt = -1;
  for (; at < raw.length; at += 2) {
    const name = raw[at]!;
    const value = raw[at + 1]!;
    if (!isField(name, value)) return null;
    if (name === 'cookie' && cookieAt !== -1) {
      headers[cookieAt] += `; ${value}`;
      continue;
    }
    if (name === 'host') {
      if (host !== undefined) return null;
      host = value;
      continue;
    }
    if (name === 'te' && value.toLowerCase() !== 'trailers') return null;
    if (name === 'content-length') length = value;
    headers.push(name, value);
    if (name === 'cookie') cookieAt = headers.length - 1;
  }
  const named = authority ?? host;
  if (named === undefined || (host !== undefined && host.toLowerCase() !== named.toLowerCase())) return null;
  headers[1] = named;
  if (endsHere && length !== undefined && length !== '0') return null;
  if (!endsHere && length === undefined) headers.push('transfer-encoding', 'chunked');
  return { method, target, headers };
}

/** The head of an answer. */
export interface H2AnswerHead {
  readonly status: number;
  /** Raw pairs. */
  readonly headers: readonly string[];
  /** Content-Length, or -1. */
  readonly length: number;
}

const STATUS = /^[1-5][0-9]{2}$/;
const LENGTH = /^[0-9]{1,15}$/;

/** `raw` as above. null: an answer that HTTP/1.1 could not carry, or would read in another way. */
export function readAnswerHead(raw: readonly string[]): H2AnswerHead | null {
  if (raw[0] !== ':status' || !STATUS.test(raw[1]!)) return null;
  const headers = raw.slice(2);
  let length = -1;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!;
    const value = headers[at + 1]!;
    if (!isField(name, value)) return null;
    if (name !== 'content-length') continue;
    if (length !== -1 || !LENGTH.test(value)) return null;
    length = Number(value);
  }
  return { status: Number(raw[1]), headers, length };
}

/** May these trailers cross into HTTP/1.1? */
export function areFields(raw: readonly string[]): boolean {
  for (let at = 0; at < raw.length; at += 2) if (!isField(raw[at]!, raw[at + 1]!)) return false;
  return true;
}

/** Headers that speak of a connection have no place in HTTP/2, in either direction. */
export function isConnectionSpecific(name: string): boolean {
  return CONNECTION_SPECIFIC.has(name);
}

function isField(name: string, value: string): boolean {
  return NAME.test(name) && VALUE.test(value) && !CONNECTION_SPECIFIC.has(name);
}
