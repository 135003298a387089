/**
 * Which pages of other origins may read what is answered (Fetch section 3.2). Says what to write into an answer, and what a
 * preflight asks; never decides whether a request is allowed: a browser does, by what is written here.
 */
import { lowerName } from './framing.ts';

export interface Cors {
  /** Every origin, without credentials. */
  readonly isOpen: boolean;
  /** As browsers write them. */
  readonly exact: ReadonlySet<string>;
  readonly wildcards: readonly OriginWildcard[];
  /** What scripts may send beside the usual; null: whatever they ask for. */
  readonly allowHeaders: string | null;
  /** What scripts may read beside the usual; empty: nothing. */
  readonly exposeHeaders: string;
  readonly credentials: boolean;
  /** How long browsers may keep the answer to a preflight; null: as long as they like. */
  readonly maxAgeSeconds: number | null;
}

/** `https://*.example.com:8443`. */
export interface OriginWildcard {
  /** `https://`. */
  readonly scheme: string;
  /** `.example.com:8443`. */
  readonly end: string;
}

export interface Preflight {
  readonly origin: string;
  /** The method that the script wants to use. */
  readonly method: string;
  /** The headers that it wants to send, as a list; empty: none. */
  readonly headers: string;
}

/** One label or more, in front of the end of a wildcard. */
const LABELS = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/;
const METHOD = /^[A-Za-z]+(?:-[A-Za-z]+)*$/;
const NAMES = /^[A-Za-z0-9!#$%&'*+.^_`|~, -]*$/;

/** The one Origin of a request; null: none, or several, which no browser sends. `headers`: raw pairs. */
export function originOf(headers: readonly string[]): string | null {
  return onlyValue(headers, 'origin');
}

/** `headers`: raw pairs of an OPTIONS request. null: it is no question of a browser. */
export function readPreflight(headers: readonly string[]): Preflight | null {
  const origin = originOf(headers);
  const wanted = onlyValue(headers, 'access-control-request-method');
  if (origin === null || wanted === null || !METHOD.test(wanted)) return null;
  const names = onlyValue(headers, 'access-control-request-headers') ?? '';
  return { origin, method: wanted, headers: NAMES.test(names) ? names : '' };
}

/** Is it one of the origins that are named? `*` names none. */
export function isNamedOrigin({ exact, wildcards }: Cors, origin: string): boolean {
  return exact.has(origin) || wildcards.some((wildcard) => fits(wildcard, origin));
}

/** Raw pairs for any answer. What is cached for one origin must not be shown to another (Fetch section 3.2.5). */
export function corsHeaders(cors: Cors, origin: string | null): string[] {
  const allowed = origin === null ? null : allowedOrigin(cors, origin);
  if (allowed === null) return ['Vary', 'Origin'];
  const pairs = ['Vary', 'Origin', 'Access-Control-Allow-Origin', allowed];
  if (cors.credentials) pairs.push('Access-Control-Allow-Credentials', 'true');
  if (cors.exposeHeaders !== '') pairs.push('Access-Control-Expose-Headers', cors.exposeHeaders);
  return pairs;
}

/** Raw pairs for the answer to a preflight; of an origin that is not allowed nothing but Vary. */
export function preflightHeaders(cors: Cors, { origin, method, headers }: Preflight): string[] {
  const vary = ['Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'];
  const allowed = allowedOrigin(cors, origin);
  if (allowed === null) return vary;
  const pairs = [...vary, 'Access-Control-Allow-Origin', allowed, 'Access-Control-Allow-Methods', method];
  const names = cors.allowHeaders ?? headers;
  if (names !== '') pairs.push('Access-Control-Allow-Headers', names);
  if (cors.credentials) pairs.push('Access-Control-Allow-Credentials', 'true');
  if (cors.maxAgeSeconds !== null) pairs.push('Access-Control-Max-Age', String(cors.maxAgeSeconds));
  return pairs;
}

/** Does an upstream speak of CORS with this header? In lower case. */
export function isCorsHeader(lower: string): boolean {
  return lower.startsWith('access-control-');
}

function allowedOrigin(cors: Cors, origin: string): string | null {
  if (cors.isOpen) return '*';
  return isNamedOrigin(cors, origin) ? origin : null;
}

function fits({ scheme, end }: OriginWildcard, origin: string): boolean {
  if (!origin.startsWith(scheme) || !origin.endsWith(end)) return false;
  return LABELS.test(origin.slice(scheme.length, -end.length));
}

function onlyValue(headers: readonly string[], name: string): string | null {
  let value: string | null = null;
  for (let index = 0; index < headers.length; index += 2) {
    if (lowerName(headers[index]!) !== name) continue;
    if (value !== null) return null;
    value = headers[index + 1]!;
  }
  return value;
}
