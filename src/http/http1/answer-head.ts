/**
 * The head of an answer over HTTP/1, as text: status line, headers, and what the connection has to say of itself. Decides
 * how the body is framed, which the version of the client and the headers leave no choice about. Writes nothing.
 */
import { STATUS_CODES } from 'node:http';

/** What would end a header early, or cannot be written as one byte. */
const NOT_A_NAME = /[^!#$%&'*+.^_`|~0-9A-Za-z-]/;
const NOT_A_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

const OK_LINE = 'HTTP/1.1 200 OK\r\n';
const CHUNKED_END = 'Transfer-Encoding: chunked\r\n\r\n';

export interface AnswerTo {
  readonly method: string;
  readonly minorVersion: 0 | 1;
}

/** A head without what its connection has to say. */
export interface RelayedHead {
  readonly status: number;
  readonly statusText: string;
  /** Each with CRLF. */
  readonly lines: string;
  readonly isSized: boolean;
  readonly isDated: boolean;
  /** Of Upgrade, as a line; mostly empty. */
  readonly protocols: string;
}

export interface RenderedHead {
  readonly text: string;
  /** The connection is kept, and the head says so. */
  readonly keeps: boolean;
  /** Nothing follows the head, whatever it announces. */
  readonly isBodiless: boolean;
  readonly isChunked: boolean;
}

/** `pairs`: as they were read. */
export function linesOf(status: number, statusText: string, pairs: readonly string[]): RelayedHead {
  let lines = '';
  let protocols = '';
  let isSized = false;
  let isDated = false;
  for (let index = 0; index < pairs.length; index += 2) {
    const name = pairs[index]!;
    const line = `${name}: ${pairs[index + 1]}\r\n`;
    if (name === 'Upgrade') {
      protocols += line;
      continue;
    }
    if (name.length === 14) isSized ||= name.toLowerCase() === 'content-length';
    else if (name.length === 4) isDated ||= name.toLowerCase() === 'date';
    lines += line;
  }
  return { status, statusText, lines, isSized, isDated, protocols };
}

/**
 * The same of headers that are ours, and were never on a wire: each is looked at before it is sent. Throws TypeError for
 * one that would not be read as it was meant (RFC 9110 section 5.5).
 */
export function linesOfOwn(status: number, statusText: string, pairs: readonly string[]): RelayedHead {
  for (let index = 0; index < pairs.length; index += 2)
    if (NOT_A_NAME.test(pairs[index]!) || NOT_A_VALUE.test(pairs[index + 1]!))
      throw new TypeError(`header ${JSON.stringify(pairs[index])} cannot be sent`);
  return linesOf(status, statusText, pairs);
}

/** `mayKeep`: the connection may be kept behind it, as far as others know. `keepLines`: what one says that is kept. */
export function renderHead(
  request: AnswerTo,
  { status, statusText, lines, isSized, isDated, protocols }: RelayedHead,
  mayKeep: boolean,
  keepLines: string,
): RenderedHead {
  const isBodiless = request.method === 'HEAD' || status === 204 || status === 304;
  const isChunked = !isSized && !isBodiless && request.minorVersion === 1;
  // To an old client the end of the connection is the end of a body without length.
  const keeps = mayKeep && (isSized || request.minorVersion === 1);
  const statusLine = status === 200 && statusText === 'OK' ? OK_LINE : `HTTP/1.1 ${status} ${statusText}\r\n`;
  let text = isDated ? statusLine + lines : `${statusLine}${lines}Date: ${dateNow()}\r\n`;
  // Whoever names a protocol says which connection it is about; over HTTP/1.0 there is no such thing.
  if (protocols !== '' && request.minorVersion === 1)
    text += `${protocols}${keeps ? 'Connection: upgrade\r\n' : 'Connection: close, upgrade\r\n'}`;
  else text += keeps ? keepLines : 'Connection: close\r\n';
  return { text: `${text}${isChunked ? CHUNKED_END : '\r\n'}`, keeps, isBodiless, isChunked };
}

/** Of a kept connection. */
export function keepLines(keepAliveMs: number): string {
  return `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveMs / 1000)}\r\n`;
}

export function statusTextOf(status: number): string {
  return STATUS_CODES[status] ?? 'unknown';
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
