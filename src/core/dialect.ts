/**
 * How a policy says no: per reason a status, a code and a message, one body template, extra headers. Compiled at load
 * into strings with holes, so a refusal costs a few concatenations. A dialect renders reasons; it never makes one.
 */
import { REASON_NAMES, REASONS, type Reason, reasonRow } from './reason.ts';

/** One row of a dialect, as configured. */
interface DialectRow {
  /** HTTP status, 200 to 599; independent of the code. */
  readonly status: number;
  readonly code: string | number;
  readonly message: string;
}

type BodyTemplate =
  | string
  | number
  | boolean
  | null
  | readonly BodyTemplate[]
  | { readonly [key: string]: BodyTemplate };

export interface DialectSource {
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: BodyTemplate;
  readonly reasons: Readonly<Record<Reason, DialectRow>>;
}

/** What a refusal may say beyond its reason. All of it is public. */
interface RefusalContext {
  readonly requestId: string;
  /** The scopes the route asks for, space-separated; only with `scope_missing`. */
  readonly scopes?: string;
  /** For the Allow header; only with `method_not_allowed`. */
  readonly allow?: readonly string[];
  /** For Retry-After, where it is known better than by the reason. */
  readonly retryAfterSeconds?: number;
}

export interface Refusal {
  readonly status: number;
  readonly code: string | number;
  /** Raw pairs, Content-Length included. */
  readonly headers: string[];
  readonly body: string;
}

export interface Dialect {
  render(reason: Reason, context: RefusalContext): Refusal;
}

/** The words a template may hold in braces. A string that is exactly one keeps the word's type (`{code}` a number). */
const PLACEHOLDERS = ['reason', 'status', 'code', 'message', 'requestId', 'scopes'] as const;
const DYNAMIC = new Map([
  ['requestId', '\u0000r'],
  ['scopes', '\u0000s'],
]);

/** Names that are not a placeholder, for the configuration's error messages. */
export function unknownPlaceholders(text: string): string[] {
  return [...text.matchAll(/\{([A-Za-z]+)\}/g)]
    .map((match) => match[1]!)
    .filter((name) => !(PLACEHOLDERS as readonly string[]).includes(name));
}

export function compileDialect(source: DialectSource): Dialect {
  const compiled = new Map(REASON_NAMES.map((reason) => [reason, compileReason(reason, source)]));
  return { render: (reason, context) => compiled.get(reason)!(context) };
}

function compileReason(reason: Reason, source: DialectSource): (context: RefusalContext) => Refusal {
  const row = source.reasons[reason];
  const { challenge, retryAfterSeconds } = reasonRow(reason);
  const values: Record<string, string | number> = {
    ...row,
    reason,
    requestId: DYNAMIC.get('requestId')!,
    scopes: DYNAMIC.get('scopes')!,
  };
  const body = JSON.stringify(fill(source.body, values));
  const extra = Object.entries(source.headers).map(([name, value]) => [name, String(fill(value, values))] as const);
  // RFC 6750 asks for a challenge with every 401 and with a missing scope, whatever status the dialect gives it.
  const challenged = challenge === 'insufficient_scope' || row.status === 401;
  return (context) => {
    const text = holes(body, context, jsonText);
    const headers = [
      'Content-Type',
      source.contentType,
      'Content-Length',
      String(byteLength(text)),
      'Cache-Control',
      'no-store',
    ];
    headers.push('X-Request-Id', context.requestId);
    if (challenged) headers.push('WWW-Authenticate', challengeText(challenge, context.scopes));
    if (context.scopes !== undefined) headers.push('X-Accepted-Scopes', context.scopes);
    if (context.allow !== undefined) headers.push('Allow', context.allow.join(', '));
    const retryAfter = context.retryAfterSeconds ?? retryAfterSeconds;
    if (retryAfter !== undefined) headers.push('Retry-After', String(retryAfter));
    for (const [name, value] of extra)
      headers.push(
        name,
        holes(value, context, (inner) => inner),
      );
    return { status: row.status, code: row.code, headers, body: text };
  };
}

/** RFC 6750 section 3: no `error` where no credential came; `scope` names what would be enough. */
function challengeText(challenge: string | undefined, scopes: string | undefined): string {
  if (challenge === undefined || challenge === 'bare') return 'Bearer realm="scopegate"';
  const scope = scopes === undefined ? '' : `, scope="${scopes}"`;
  return `Bearer realm="scopegate", error="${challenge}"${scope}`;
}

function fill(template: BodyTemplate, values: Record<string, string | number>): BodyTemplate {
  if (typeof template === 'string') {
    const whole = /^\{([A-Za-z]+)\}$/.exec(template)?.[1];
    if (whole !== undefined && Object.hasOwn(values, whole)) return values[whole]!;
    return template.replace(/\{([A-Za-z]+)\}/g, (text, name: string) =>
      Object.hasOwn(values, name) ? String(values[name]) : text,
    );
  }
  if (Array.isArray(template)) return template.map((entry: BodyTemplate) => fill(entry, values));
  if (typeof template === 'object' && template !== null) {
    return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, fill(value, values)]));
  }
  return template;
}

const HOLE = /(?:\u0000|\\u0000)([rs])/g;

function holes(text: string, context: RefusalContext, encode: (value: string) => string): string {
  return text.replace(HOLE, (_, hole: string) => encode(hole === 'r' ? context.requestId : (context.scopes ?? '')));
}

function jsonText(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

function byteLength(text: string): number {
  let bytes = 0;
  for (const char of text) {
    const code = char.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

const rows = (code: (reason: Reason) => string): Record<Reason, DialectRow> =>
  Object.fromEntries(
    REASON_NAMES.map((reason) => [
      reason,
      { status: REASONS[reason].status, code: code(reason), message: REASONS[reason].text },
    ]),
  ) as Record<Reason, DialectRow>;

/** Dialects that every policy may name instead of writing its own. */
export const BUILT_IN_DIALECTS: Readonly<Record<'problem' | 'oauth', DialectSource>> = {
  /** RFC 9457. */
  problem: {
    contentType: 'application/problem+json',
    headers: {},
    body: { type: 'about:blank', title: '{message}', status: '{status}', code: '{code}', requestId: '{requestId}' },
    reasons: rows((reason) => reason),
  },
  /** RFC 6750 section 3.1. */
  oauth: {
    contentType: 'application/json',
    headers: {},
    body: { error: '{code}', error_description: '{message}' },
    reasons: rows(oauthError),
  },
};

function oauthError(reason: Reason): string {
  const { status, challenge } = reasonRow(reason);
  if (challenge === 'bare') return 'invalid_token';
  if (challenge !== undefined) return challenge;
  if (status === 400) return 'invalid_request';
  if (status === 403) return 'access_denied';
  if (status === 503) return 'temporarily_unavailable';
  return reason;
}
