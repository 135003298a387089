/**
 * How a policy says no: per reason a status, a code and a message, one body template, extra headers. Compiled at load
 * into strings with holes, so a refusal costs a few concatenations. A dialect renders reasons; it never makes one.
 */

import { REASON_NAMES, REASONS, type Reason, reasonRow } from './reason.ts';
import { DECISION_ID_HEADER } from './request-ids.ts';

/** One row of a dialect, as configured. */
export interface DialectRow {
  /** HTTP status, 200 to 599; independent of the code. */
  readonly status: number;
  readonly code: string | number;
  readonly message: string;
  /** The class of errors that `{type}` stands for; absent: the reason's name. */
  readonly type?: string | undefined;
  /** Beside those of the dialect. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
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

/** Of a reason that has several statuses, each but the first; a dialect that says its own status has that alone. */
function othersOf(reason: Reason, source: DialectSource): ReadonlyMap<number, CompiledReason> {
  const { status, otherStatuses = [] } = reasonRow(reason);
  const row = source.reasons[reason];
  const others = row.status === status ? otherStatuses : [];
  return new Map(
    others.map((other) => [
      other,
      new CompiledReason(reason, { ...source, reasons: { ...source.reasons, [reason]: { ...row, status: other } } }),
    ]),
  );
}

/** What a refusal may say beyond its reason. All of it is public. */
interface RefusalContext {
  readonly requestId: string;
  /** Where the reason has several. */
  readonly status?: number | undefined;
  /** Absent: nobody else has named the request. */
  readonly decisionId?: string | undefined;
  /** The scopes the route asks for, space-separated; only with `scope_missing`. */
  readonly scopes?: string | undefined;
  /** For the Allow header; only with `method_not_allowed`. */
  readonly allow?: readonly string[] | undefined;
  /** For Retry-After, where it is known better than by the reason. */
  readonly retryAfterSeconds?: number | undefined;
  /** The route takes a user name and a password, too (RFC 7617), so browsers and git may ask for them. */
  readonly basicRealm?: string | undefined;
  /** The route takes Basic alone: a client that is also told of Bearer may choose it (docker does, and then fails). */
  readonly basicAlone?: boolean | undefined;
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
  /** The same, its headers as lines that are ready for the wire. */
  renderLines(reason: Reason, context: RefusalContext): RefusalLines;
  /** What it says to people, without the rest. */
  message(reason: Reason): string;
}

export interface RefusalLines extends Pick<Refusal, 'status' | 'code' | 'body'> {
  /** Each with CRLF, Content-Length among them. */
  readonly lines: string;
}

/** The words a template may hold in braces. A string that is exactly one keeps the word's type (`{code}` a number). */
const PLACEHOLDERS = ['reason', 'status', 'code', 'message', 'type', 'requestId', 'scopes'] as const;
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
  const compiled = new Map(REASON_NAMES.map((reason) => [reason, new CompiledReason(reason, source)]));
  const others = new Map(REASON_NAMES.map((reason) => [reason, othersOf(reason, source)]));
  const find = (reason: Reason, { status }: RefusalContext) =>
    (status === undefined ? undefined : others.get(reason)!.get(status)) ?? compiled.get(reason)!;
  return {
    render: (reason, context) => find(reason, context).render(context),
    renderLines: (reason, context) => find(reason, context).renderLines(context),
    message: (reason) => source.reasons[reason].message,
  };
}

/** All of a refusal but its request's id, which stands between the pieces. */
interface Prepared {
  readonly headers: ReadonlyArray<readonly [name: string, pieces: readonly string[]]>;
  /** Of the lines behind Content-Length. */
  readonly lines: readonly string[];
  readonly body: readonly string[];
  /** Of the body's pieces together. */
  readonly bodyBytes: number;
}

/** What is kept prepared of one reason: scopes and methods are the routes', seconds are few. */
const PREPARED_MAX = 1000;
/** Each character is a byte, and means itself in JSON. */
const PLAIN = /^[A-Za-z0-9._-]*$/;

class CompiledReason {
  readonly #row: DialectRow;
  readonly #contentType: string;
  readonly #challenge: string | undefined;
  readonly #isChallenged: boolean;
  readonly #retryAfterSeconds: number | undefined;
  readonly #body: string;
  readonly #extra: ReadonlyArray<readonly [name: string, value: string]>;
  /** Where nothing varies but the request's id, as mostly. */
  readonly #usual: Prepared;
  /** By what varies besides. */
  readonly #prepared = new Map<string, Prepared>();

  constructor(reason: Reason, source: DialectSource) {
    const { challenge, retryAfterSeconds } = reasonRow(reason);
    const row = source.reasons[reason];
    const values: Record<string, string | number> = {
      status: row.status,
      code: row.code,
      message: row.message,
      type: row.type ?? reason,
      reason,
      requestId: DYNAMIC.get('requestId')!,
      scopes: DYNAMIC.get('scopes')!,
    };
    this.#row = row;
    this.#contentType = source.contentType;
    this.#challenge = challenge;
    // RFC 6750 asks for a challenge with every 401 and with a missing scope, whatever status the dialect gives it.
    this.#isChallenged = challenge === 'insufficient_scope' || row.status === 401;
    this.#retryAfterSeconds = retryAfterSeconds;
    this.#body = JSON.stringify(fill(source.body, values));
    this.#extra = Object.entries({ ...source.headers, ...row.headers }).map(([name, value]) => [
      name,
      String(fill(value, values)),
    ]);
    this.#usual = this.#prepare({ requestId: '' });
  }

  render(context: RefusalContext): Refusal {
    const { headers, body, bodyBytes } = this.#preparedFor(context);
    const { requestId, decisionId = requestId } = context;
    const idText = jsonText(requestId);
    const length = bodyBytes + (body.length - 1) * byteLength(idText);
    const pairs = ['Content-Type', this.#contentType, 'Content-Length', String(length)];
    for (const [name, pieces] of headers) pairs.push(name, pieces.join(requestId));
    pairs.push(DECISION_ID_HEADER, decisionId);
    return { status: this.#row.status, code: this.#row.code, headers: pairs, body: body.join(idText) };
  }

  renderLines(context: RefusalContext): RefusalLines {
    const { lines, body, bodyBytes } = this.#preparedFor(context);
    const { requestId, decisionId = requestId } = context;
    const isPlain = PLAIN.test(requestId);
    const idText = isPlain ? requestId : jsonText(requestId);
    const length = bodyBytes + (body.length - 1) * (isPlain ? idText.length : byteLength(idText));
    return {
      status: this.#row.status,
      code: this.#row.code,
      lines: `Content-Length: ${length}\r\n${joined(lines, requestId)}${DECISION_ID_HEADER}: ${decisionId}\r\n`,
      body: joined(body, idText),
    };
  }

  #preparedFor(context: RefusalContext): Prepared {
    const { scopes, allow, retryAfterSeconds, basicRealm, basicAlone } = context;
    if (scopes === undefined && allow === undefined && retryAfterSeconds === undefined && basicRealm === undefined)
      return this.#usual;
    const key = `${scopes}\n${allow}\n${retryAfterSeconds}\n${basicAlone}\n${basicRealm}`;
    let prepared = this.#prepared.get(key);
    if (prepared === undefined) {
      prepared = this.#prepare(context);
      if (this.#prepared.size < PREPARED_MAX) this.#prepared.set(key, prepared);
    }
    return prepared;
  }

  #prepare(context: RefusalContext): Prepared {
    const { scopes, allow, retryAfterSeconds = this.#retryAfterSeconds, basicRealm, basicAlone } = context;
    const headers: Array<readonly [string, readonly string[]]> = [
      ['Cache-Control', ['no-store']],
      ['X-Request-Id', ['', '']],
    ];
    // First: podman and its like take the first challenge that they know, and who needs to be told is a client of Basic.
    if (basicRealm !== undefined && this.#row.status === 401)
      headers.push(['WWW-Authenticate', [`Basic realm="${basicRealm}", charset="UTF-8"`]]);
    if (this.#isChallenged && basicAlone !== true)
      headers.push(['WWW-Authenticate', [challengeText(this.#challenge, scopes)]]);
    if (scopes !== undefined) headers.push(['X-Accepted-Scopes', [scopes]]);
    if (allow !== undefined) headers.push(['Allow', [allow.join(', ')]]);
    if (retryAfterSeconds !== undefined) headers.push(['Retry-After', [String(retryAfterSeconds)]]);
    for (const [name, value] of this.#extra) headers.push([name, pieces(value, scopes ?? '')]);
    const body = pieces(this.#body, jsonText(scopes ?? ''));
    let lines = `Content-Type: ${this.#contentType}\r\n`;
    for (const [name, value] of headers) lines += `${name}: ${value.join(ID_HOLE)}\r\n`;
    return {
      headers,
      lines: lines.split(ID_HOLE),
      body,
      bodyBytes: body.reduce((bytes, piece) => bytes + byteLength(piece), 0),
    };
  }
}

/** The same as `join`, for the few that there are. */
function joined(pieces: readonly string[], between: string): string {
  let text = pieces[0]!;
  for (let index = 1; index < pieces.length; index++) text += between + pieces[index]!;
  return text;
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

const ID_HOLE = '\u0000r';
const ID_HOLES = /\u0000r|\\u0000r/;
const SCOPES_HOLES = /\u0000s|\\u0000s/g;

/** `scopes`: as it is to stand there. What is left is cut where the request's id belongs. */
function pieces(text: string, scopes: string): readonly string[] {
  return text.replace(SCOPES_HOLES, () => scopes).split(ID_HOLES);
}

function jsonText(value: string): string {
  return PLAIN.test(value) ? value : JSON.stringify(value).slice(1, -1);
}

function byteLength(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let bytes = 0;
  for (const char of text) {
    const code = char.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** A row of each reason: the default status and text, with a code of the dialect's. */
export function defaultRows(
  code: (reason: Reason) => string,
  type?: (reason: Reason) => string,
): Record<Reason, DialectRow> {
  return Object.fromEntries(
    REASON_NAMES.map((reason) => [
      reason,
      {
        status: REASONS[reason].status,
        code: code(reason),
        message: REASONS[reason].text,
        ...(type !== undefined && { type: type(reason) }),
      },
    ]),
  ) as Record<Reason, DialectRow>;
}

const own = (reason: Reason): string => reason;

/** Dialects that every policy may name instead of writing its own. */
export const BUILT_IN_DIALECTS: Readonly<Record<'problem' | 'oauth' | 'openai', DialectSource>> = {
  /** RFC 9457. */
  problem: {
    contentType: 'application/problem+json',
    headers: {},
    body: { type: 'about:blank', title: '{message}', status: '{status}', code: '{code}', requestId: '{requestId}' },
    reasons: defaultRows(own),
  },
  /** RFC 6750 section 3.1. */
  oauth: {
    contentType: 'application/json',
    headers: {},
    body: { error: '{code}', error_description: '{message}' },
    reasons: defaultRows(oauthError),
  },
  /** The error object of OpenAI's API, by which its clients choose their own typed errors. */
  openai: {
    contentType: 'application/json',
    headers: {},
    body: { error: { message: '{message}', type: '{type}', code: '{code}', param: null } },
    reasons: onceOnly(defaultRows(openaiCode, openaiType)),
  },
};

/**
 * The clients of OpenAI's API ask again after every 5xx, twice. An upstream that was not waited for to its end is still at
 * work, and each further try would be paid for like the first; by this header they let it be.
 */
function onceOnly(rows: DialectSource['reasons']): DialectSource['reasons'] {
  return { ...rows, upstream_timeout: { ...rows.upstream_timeout, headers: { 'X-Should-Retry': 'false' } } };
}

function openaiCode(reason: Reason): string {
  if (reason === 'rate_limited') return 'rate_limit_exceeded';
  return REASONS[reason].status === 401 ? 'invalid_api_key' : reason;
}

function openaiType(reason: Reason): string {
  const { status } = REASONS[reason];
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

function oauthError(reason: Reason): string {
  const { status, challenge } = reasonRow(reason);
  if (challenge === 'bare') return 'invalid_token';
  if (challenge !== undefined) return challenge;
  if (status === 400) return 'invalid_request';
  if (status === 403) return 'access_denied';
  if (status === 503) return 'temporarily_unavailable';
  return reason;
}
