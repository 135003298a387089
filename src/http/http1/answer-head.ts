/**
 * The head of an answer over HTTP/1, as text: status line, headers, and what the connection has to say of itself. Decides
 * how the body is framed, which the version of the client and the headers leave no choice about. Writes nothing.
 */
import { STATUS_CODES } from 'node:http';

/** What would end a header early, or cannot be written as one byte. */
const NOT_A_NAME = /[^!#$%&'*+.^_`|~0-9A-Za-z-]/;
const NOT_A_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

export interface AnswerTo {
  readonly method: string;
  readonly minorVersion: 0 | 1;
}

export interface HeadToRender {
  readonly status: number;
  readonly statusText: string;
  /** Raw pairs. */
  readonly headers: readonly string[];
  /** They are ours, and were never on a wire: each is looked at before it is sent. */
  readonly isOwn: boolean;
  /** The connection may be kept behind it, as far as others know. */
  readonly mayKeep: boolean;
  /** Of a connection that is kept: its lines. */
  readonly keepLines: string;
}

export interface RenderedHead {
  readonly text: string;
  /** The connection is kept, and the head says so. */
  readonly keeps: boolean;
  /** Nothing follows the head, whatever it announces. */
  readonly isBodiless: boolean;
  readonly isChunked: boolean;
}

/** Throws TypeError for a header that would not be read as it was meant (RFC 9110 section 5.5). */
export function renderHead(
  request: AnswerTo,
  { status, statusText, headers, isOwn, mayKeep, keepLines }: HeadToRender,
): RenderedHead {
  let text = `HTTP/1.1 ${status} ${statusText}\r\n`;
  let isSized = false;
  let isDated = false;
  let upgrades = false;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!;
    const value = headers[index + 1]!;
    if (isOwn && (NOT_A_NAME.test(name) || NOT_A_VALUE.test(value)))
      throw new TypeError(`header ${JSON.stringify(name)} cannot be sent`);
    if (name.length === 14) isSized ||= name.toLowerCase() === 'content-length';
    else if (name.length === 4) isDated ||= name.toLowerCase() === 'date';
    else if (name === 'Upgrade') {
      // Whoever names a protocol says which connection it is about; over HTTP/1.0 there is no such thing.
      if (request.minorVersion === 0) continue;
      upgrades = true;
    }
    text += `${name}: ${value}\r\n`;
  }
  if (!isDated) text += `Date: ${dateNow()}\r\n`;
  const isBodiless = request.method === 'HEAD' || status === 204 || status === 304;
  const isChunked = !isSized && !isBodiless && request.minorVersion === 1;
  // To an old client the end of the connection is the end of a body without length.
  const keeps = mayKeep && (isSized || request.minorVersion === 1);
  if (upgrades) text += keeps ? 'Connection: upgrade\r\n' : 'Connection: close, upgrade\r\n';
  else text += keeps ? keepLines : 'Connection: close\r\n';
  return { text: `${text}${isChunked ? 'Transfer-Encoding: chunked\r\n' : ''}\r\n`, keeps, isBodiless, isChunked };
}

/** Of a kept connection. */
export function keepLines(keepAliveMs: number): string {
  return `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveMs / 1000)}\r\n`;
}

export function statusTextOf(status: number): string {
  return STATUS_CODES[status] ?? 'unknown';
}

/** Ready for the wire, each with CRLF. */
export function headerLines(pairs: readonly string[]): string {
  let lines = '';
  for (let index = 0; index < pairs.length; index += 2) lines += `${pairs[index]}: ${pairs[index + 1]}\r\n`;
  return lines;
}

let dateSecond = -1;
let dateText = '';

/** IMF-fixdate; made once a second. */
function dateNow(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(second * 1000).toUTCString();
  }
  return dateText;
}
