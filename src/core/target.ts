/**
 * Step 1 of a request: turns the request-target into one path and query that can be read in one way only, or refuses.
 * What comes out is what is matched AND what is sent, byte for byte; nothing is repaired, save percent-encoded
 * unreserved characters, which RFC 3986 section 6.2.2.2 makes the same character. Pure: no URL parser with a will of
 * its own (CVE-2019-9901, CVE-2021-29492, CVE-2026-26205 and GHSA-p224-6x5r-fjpm all came from two parsers).
 */

export interface RequestTarget {
  /** Path as forwarded: latin1, one char per byte, always starting with `/`. */
  readonly path: string;
  /** Query as forwarded, with its `?`; empty when there is none. */
  readonly query: string;
  /** Decoded path segments for matching; a trailing slash is a last, empty segment. */
  readonly segments: readonly string[];
  /** The segments as whoever decodes `%2F` before splitting would read them; null: the path has no `%2F`. */
  readonly slashSegments: readonly string[] | null;
}

/** Characters that mean themselves in a path segment, whoever parses it. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, code) =>
  Number(/[A-Za-z0-9_~!$&'()*+,=:@.-]/.test(String.fromCharCode(code))),
);
const SLASH = 0x2f;
const DOT = 0x2e;
/** Bytes that may stand in a query: anything visible but `#`, `\` and the quotes that no client sends raw. */
const QUERY_FORBIDDEN = /[\x00-\x20\x7f#\\]/;
const PATH_FORBIDDEN = /[\x00-\x20\x7f#\\?]/;
const ABSOLUTE_FORM = /^https?:\/\/([^/?#\\]*)(.*)$/i;
const UNRESERVED = /[A-Za-z0-9._~-]/;
/** Full-width `．` `／` `＼` become `.` `/` `\` in parsers that normalise (best-fit mappings). */
const FULL_WIDTH = /[\uff0e\uff0f\uff3c]/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * `raw` is the request-target as received, `host` the one Host header. null = refuse with 400.
 * Refuses: dot segments in every spelling, also between encoded slashes, encoded backslashes, backslash, `//`, `#`, control characters, broken
 * percent or UTF-8 encoding, an absolute-form whose authority is not the Host, asterisk- and authority-form.
 */
export function readTarget(raw: string, host: string): RequestTarget | null {
  const origin = raw.charCodeAt(0) === 0x2f ? raw : fromAbsoluteForm(raw, host);
  if (origin === null) return null;
  const mark = origin.indexOf('?');
  const rawPath = mark === -1 ? origin : origin.slice(0, mark);
  const query = mark === -1 ? '' : origin.slice(mark);
  if (query !== '' && QUERY_FORBIDDEN.test(query)) return null;
  const segments = readPlainPath(origin, mark === -1 ? origin.length : mark);
  return segments === null ? readUnusualPath(rawPath, query) : { path: rawPath, query, segments, slashSegments: null };
}

/**
 * Most requests, in one pass: segments of plain characters, none empty but the last, none starting with a dot. null:
 * look closer. With a regular expression and `split` this took twice as long.
 */
function readPlainPath(origin: string, end: number): string[] | null {
  const segments: string[] = [];
  let start = 1;
  for (let index = 1; index < end; index++) {
    const code = origin.charCodeAt(index);
    if (code === SLASH) {
      if (index === start) return null;
      segments.push(origin.slice(start, index));
      start = index + 1;
    } else if (PLAIN[code] !== 1 || (code === DOT && index === start)) return null;
  }
  segments.push(origin.slice(start, end));
  return segments;
}

function fromAbsoluteForm(raw: string, host: string): string | null {
  const match = ABSOLUTE_FORM.exec(raw);
  if (match === null || match[1] === '' || match[1]!.toLowerCase() !== host.toLowerCase()) return null;
  const rest = match[2]!;
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function readUnusualPath(rawPath: string, query: string): RequestTarget | null {
  if (PATH_FORBIDDEN.test(rawPath) || rawPath.includes('//')) return null;
  const path = decodeUnreserved(rawPath);
  if (path === null) return null;
  const segments: string[] = [];
  for (const piece of path.slice(1).split('/')) {
    const segment = decodeSegment(piece);
    if (segment === null) return null;
    segments.push(segment);
  }
  if (!segments.some((segment) => segment.includes('/'))) return { path, query, segments, slashSegments: null };
  const slashSegments = splitSegments(segments);
  return slashSegments === null ? null : { path, query, segments, slashSegments };
}

/** null where a piece between encoded slashes is empty or a dot segment: upstreams differ on what is left of those. */
function splitSegments(segments: readonly string[]): string[] | null {
  const all: string[] = [];
  for (const segment of segments) {
    const pieces = segment.split('/');
    if (pieces.length > 1 && pieces.some((piece) => piece === '' || isDotSegment(piece))) return null;
    all.push(...pieces);
  }
  return all;
}

/** null where a percent sign is not followed by two hexadecimal digits. */
function decodeUnreserved(path: string): string | null {
  if (!path.includes('%')) return path;
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return null;
  return path.replace(/%([0-9A-Fa-f]{2})/g, (whole, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return UNRESERVED.test(char) ? char : whole;
  });
}

function decodeSegment(piece: string): string | null {
  const bytes = piece.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  let text: string;
  try {
    text = utf8.decode(Uint8Array.from(bytes, (char) => char.charCodeAt(0)));
  } catch {
    return null;
  }
  return /[\\\x00-\x1f\x7f-\x9f]/.test(text) || FULL_WIDTH.test(text) || isDotSegment(text) ? null : text;
}

/** Some parsers drop `;parameters` and trim blanks before they look for dot segments. */
function isDotSegment(text: string): boolean {
  const bare = text.split(';', 1)[0]!.trim();
  return bare === '.' || bare === '..';
}

/** What is wrong with a target that `readTarget` does not take: for the log, in the order in which it looks. */
export function targetFault(raw: string, host: string): string {
  const origin = raw.charCodeAt(0) === SLASH ? raw : fromAbsoluteForm(raw, host);
  if (origin === null)
    return ABSOLUTE_FORM.test(raw) ? 'the target names another authority than Host' : 'the target is no path';
  const mark = origin.indexOf('?');
  const path = mark === -1 ? origin : origin.slice(0, mark);
  if (mark !== -1 && QUERY_FORBIDDEN.test(origin.slice(mark))) return 'the query holds a blank, a control, # or \\';
  if (PATH_FORBIDDEN.test(path)) return 'the path holds a blank, a control, # or \\';
  if (path.includes('//')) return 'the path has an empty segment';
  const decoded = decodeUnreserved(path);
  if (decoded === null) return 'the path has a % without two hexadecimal digits';
  const segments = decoded.slice(1).split('/').map(decodeSegment);
  if (!segments.includes(null)) return 'beside %2F the path has an empty piece or a dot segment';
  return 'the path has a dot segment, invalid UTF-8, or an encoded backslash, control or full-width character';
}

const SHOWN_MAX = 500;

/** The path of any target in visible ASCII, for the log: neither its query nor what could be taken for more than text. */
export function escapedTarget(raw: string): string {
  const end = raw.search(/[?#]/);
  const path = (end === -1 ? raw : raw.slice(0, end)).slice(0, SHOWN_MAX);
  return path.replace(/[^\x21-\x7e]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/**
 * A literal or parameter template path of the configuration, read by the same rules as a request's.
 * null when no request could ever match it.
 */
export function readTemplatePath(path: string): readonly string[] | null {
  const bytes = Array.from(new TextEncoder().encode(path), (byte) => String.fromCharCode(byte)).join('');
  const target = readTarget(bytes, '');
  return target === null || target.slashSegments !== null ? null : target.segments;
}
