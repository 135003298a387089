/**
 * Reads the head of an answer off the bytes of a connection, in one pass and by hand, and says what it means for the
 * framing and the connection. Strict (RFC 9112 sections 2.2, 4, 5 and 6): what is not plainly right is an error. Holds the
 * bytes of a head that comes in pieces, and never looks at a line of it more than twice.
 */
import { ANSWER_NAMES } from '../core/field-names.ts';
import { COLON, CR, FIELD_TEXT, HTAB, isBlank, LF, SP, TCHAR } from '../core/http1/octets.ts';
import { PassingLines } from '../core/http1/passing-lines.ts';
import { TokenTable } from '../core/http1/token-table.ts';
import type { SortedAnswer } from './exchange.ts';

export type HeadProgress = 'needs-more' | 'complete' | 'invalid';

/** From the first byte of the status line to the last of the empty line. */
export const MAX_HEAD_BYTES = 64 * 1024;

// What may stand at each place of "HTTP/1.x nnn": from this byte to that one.
const LOWEST = Buffer.from('HTTP/1.0 100');
const HIGHEST = Buffer.from('HTTP/1.1 999');
const MINOR_AT = 7;
const STATUS_AT = 9;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const COMMA = 0x2c;
const EQUALS = 0x3d;
const MAX_LENGTH_DIGITS = 15;
const MAX_TIMEOUT_DIGITS = 9;
const MIN_HELD_BYTES = 1024;

const NAMES = new TokenTable([...ANSWER_NAMES, 'date', 'location', 'content-location', 'link']);
/** Those that pass, though they mean something here. */
const PASSING: ReadonlySet<string> = new Set(['date', 'location', 'content-location', 'link']);
type Name = NonNullable<ReturnType<typeof NAMES.find>>;
const CODINGS = new TokenTable(['chunked']);
const OPTIONS = new TokenTable(['close', 'keep-alive']);
const PARAMETERS = new TokenTable(['timeout']);

// What reading a line answers, where it is not where the line ends.
const CUT = -1;
const BAD = -2;

export class AnswerHeadReader {
  /** Up to where the last `read` used its input: of a complete head, its end. */
  used = 0;
  /** Why a head is invalid. */
  error = '';

  // Of a complete head, until the next `begin`.
  status = 0;
  isHttp10 = false;
  /** Status line, headers and empty line, one char per byte. */
  text = '';
  /** Where in `text` the headers begin. */
  fieldsAt = 0;
  /** Content-Length, or -1. */
  length = -1;
  isChunked = false;
  saysClose = false;
  saysKeepAlive = false;
  /** `timeout` of Keep-Alive, or -1. */
  keepAliveSeconds = -1;

  /** A head that came in pieces, as far as it has come. */
  #held: Buffer | null = null;
  #heldLength = 0;
  readonly #passing = new PassingLines();
  #isDated = false;
  #namesUris = false;
  #via = '';
  #requestId = '';
  /** Connection names more than what becomes of the connection: what that is about does not pass. */
  #namesHeaders = false;
  /** The first line that is not read yet, counted from the start of the head. */
  #lineAt = 0;

  /** The next head. */
  begin(): void {
    this.status = 0;
    this.length = -1;
    this.isChunked = false;
    this.saysClose = false;
    this.saysKeepAlive = false;
    this.keepAliveSeconds = -1;
    this.text = '';
    this.#held = null;
    this.#heldLength = 0;
    this.#lineAt = 0;
    this.#passing.clear();
    this.#isDated = false;
    this.#namesUris = false;
    this.#via = '';
    this.#requestId = '';
    this.#namesHeaders = false;
  }

  /** Of a complete head; undefined: whoever wants to pass it on has to look at each header. */
  get sorted(): SortedAnswer | undefined {
    if (this.#namesHeaders) return undefined;
    return {
      passing: this.#passing.textIn(this.text),
      via: this.#via,
      requestId: this.#requestId,
      isDated: this.#isDated,
      namesUris: this.#namesUris,
    };
  }

  /** Reads on in `source[start, end)`. Whatever is not used is no part of the head. */
  read(source: Buffer, start: number, end: number): HeadProgress {
    if (this.#held !== null) return this.#readHeld(source, start, end);
    const stop = Math.min(end, start + MAX_HEAD_BYTES);
    const headEnd = this.#lines(source, start, stop);
    if (headEnd > 0) return this.#complete(source, start, headEnd, headEnd);
    if (headEnd === BAD) return 'invalid';
    if (stop - start === MAX_HEAD_BYTES) return this.#tooLarge();
    this.used = end;
    if (end > start) this.#hold(source, start, end);
    return 'needs-more';
  }

  #readHeld(source: Buffer, start: number, end: number): HeadProgress {
    const before = this.#heldLength;
    const taken = Math.min(end - start, MAX_HEAD_BYTES - before);
    this.#hold(source, start, start + taken);
    const held = this.#held!;
    const length = this.#heldLength;
    // A line is read again only once it is whole: over each piece of it, that would cost the square of its length.
    const hasLine = held.subarray(before, length).includes(LF);
    const headEnd = hasLine ? this.#lines(held, 0, length) : CUT;
    if (headEnd > 0) return this.#complete(held, 0, headEnd, start + headEnd - before);
    if (headEnd === BAD) return 'invalid';
    if (length === MAX_HEAD_BYTES) return this.#tooLarge();
    this.used = end;
    return 'needs-more';
  }

  #hold(source: Buffer, start: number, end: number): void {
    const length = this.#heldLength + end - start;
    if (this.#held === null || length > this.#held.length) {
      const room = Buffer.allocUnsafeSlow(Math.min(MAX_HEAD_BYTES, Math.max(MIN_HELD_BYTES, length * 2)));
      this.#held?.copy(room, 0, 0, this.#heldLength);
      this.#held = room;
    }
    source.copy(this.#held, this.#heldLength, start, end);
    this.#heldLength = length;
  }

  #complete(bytes: Buffer, start: number, headEnd: number, used: number): HeadProgress {
    if (this.isChunked && this.length !== -1) {
      this.#bad('both Content-Length and Transfer-Encoding');
      return 'invalid';
    }
    this.text = bytes.toString('latin1', start, headEnd);
    this.used = used;
    this.#held = null;
    return 'complete';
  }

  /** The lines that are whole, of the head that begins at `start`. Answers where the head ends, CUT or BAD. */
  #lines(bytes: Buffer, start: number, end: number): number {
    let at = start + this.#lineAt;
    if (this.#lineAt === 0) {
      at = this.#statusLine(bytes, start, end);
      if (at < 0) return at;
      this.fieldsAt = at - start;
    }
    for (;;) {
      this.#lineAt = at - start;
      const nameAt = at;
      while (at < end && TCHAR[bytes[at]!] !== 0) at += 1;
      if (at === end) return CUT;
      if (at === nameAt) return this.#lineEnd(bytes, at, end, 'header name');
      if (bytes[at] !== COLON) return this.#bad('header name');
      const nameEnd = at;
      at += 1;
      while (at < end && isBlank(bytes[at]!)) at += 1;
      const valueAt = at;
      while (at < end && FIELD_TEXT[bytes[at]!] === 1) at += 1;
      const valueEnd = at;
      at = this.#lineEnd(bytes, at, end, 'header value');
      if (at < 0) return at;
      let stop = valueEnd;
      while (stop > valueAt && isBlank(bytes[stop - 1]!)) stop -= 1;
      const name = NAMES.find(bytes, nameAt, nameEnd);
      if (name !== undefined && !this.#header(name, bytes, valueAt, stop, valueEnd)) return BAD;
      if (name !== undefined && !PASSING.has(name)) continue;
      const value = valueAt - start;
      this.#passing.add(nameAt - start, nameEnd - start, value, stop - start, at - start, bytes[nameEnd + 1]!);
    }
  }

  #statusLine(bytes: Buffer, start: number, end: number): number {
    const there = Math.min(LOWEST.length, end - start);
    for (let index = 0; index < there; index++) {
      const octet = bytes[start + index]!;
      if (octet < LOWEST[index]! || octet > HIGHEST[index]!)
        return this.#bad(index < 5 ? 'not HTTP' : index < STATUS_AT ? 'HTTP version' : 'status line');
    }
    let at = start + LOWEST.length;
    if (at >= end) return CUT;
    if (bytes[at] === SP) while (at < end && FIELD_TEXT[bytes[at]!] === 1) at += 1;
    at = this.#lineEnd(bytes, at, end, 'status line');
    if (at < 0) return at;
    const digits = start + STATUS_AT;
    this.status = bytes[digits]! * 100 + bytes[digits + 1]! * 10 + bytes[digits + 2]! - DIGIT_0 * 111;
    this.isHttp10 = bytes[start + MINOR_AT] === DIGIT_0;
    return at;
  }

  /** What comes behind the CRLF that has to be here. */
  #lineEnd(bytes: Buffer, at: number, end: number, what: string): number {
    if (at === end) return CUT;
    if (bytes[at] !== CR) return this.#bad(what);
    if (at + 1 === end) return CUT;
    return bytes[at + 1] === LF ? at + 2 : this.#bad(what);
  }

  /** One of those that mean something here. `stop`: behind the blanks at its end. false: it must not stand like this. */
  #header(name: Name, bytes: Buffer, start: number, end: number, stop: number): boolean {
    switch (name) {
      case 'content-length':
        if (this.length !== -1) return this.#refuse('Content-Length');
        this.length = wholeNumber(bytes, start, end);
        return this.length !== -1 || this.#refuse('Content-Length');
      case 'transfer-encoding':
        // Any other coding would reach a client that never asked for it, without the header that names it.
        if (this.isChunked || CODINGS.find(bytes, start, end) === undefined) return this.#refuse('Transfer-Encoding');
        // llhttp takes `chunked` with a tab behind it for another coding, and reads another body.
        if (bytes.subarray(end, stop).includes(HTAB)) return this.#refuse('Transfer-Encoding');
        this.isChunked = true;
        return true;
      case 'connection':
        this.#options(bytes, start, end);
        return true;
      case 'keep-alive':
        this.keepAliveSeconds = timeoutIn(bytes, start, end);
        return true;
      case 'via':
        this.#via += `${bytes.toString('latin1', start, end)}, `;
        return true;
      case 'x-request-id':
        this.#requestId ||= bytes.toString('latin1', start, end);
        return true;
      case 'date':
        this.#isDated = true;
        return true;
      case 'location':
      case 'content-location':
      case 'link':
        this.#namesUris = true;
        return true;
      default:
        return true;
    }
  }

  /** A list with commas, mostly of one. */
  #options(bytes: Buffer, start: number, end: number): void {
    let from = start;
    while (from < end) {
      while (from < end && isBlank(bytes[from]!)) from += 1;
      let comma = from;
      while (comma < end && bytes[comma] !== COMMA) comma += 1;
      let to = comma;
      while (to > from && isBlank(bytes[to - 1]!)) to -= 1;
      const option = OPTIONS.find(bytes, from, to);
      if (option === 'close') this.saysClose = true;
      else if (option === 'keep-alive') this.saysKeepAlive = true;
      else this.#namesHeaders ||= to > from;
      from = comma + 1;
    }
  }

  #refuse(what: string): boolean {
    this.error = what;
    return false;
  }

  #bad(what: string): number {
    this.error = what;
    return BAD;
  }

  #tooLarge(): HeadProgress {
    this.error = 'head too large';
    return 'invalid';
  }
}

/** Keep-Alive: the number behind the first `timeout=` that has one, or -1. */
function timeoutIn(bytes: Buffer, start: number, end: number): number {
  for (let at = start + 'timeout'.length; at + 1 < end; at++) {
    if (bytes[at] !== EQUALS || PARAMETERS.find(bytes, at - 'timeout'.length, at) === undefined) continue;
    let digitsEnd = at + 1;
    while (digitsEnd < end && digitsEnd - at <= MAX_TIMEOUT_DIGITS && isDigit(bytes[digitsEnd]!)) digitsEnd += 1;
    if (digitsEnd > at + 1) return wholeNumber(bytes, at + 1, digitsEnd);
  }
  return -1;
}

/** Digits and nothing else, of a number that can be counted on. -1: not like that. */
function wholeNumber(bytes: Buffer, start: number, end: number): number {
  if (end === start || end - start > MAX_LENGTH_DIGITS) return -1;
  let length = 0;
  for (let at = start; at < end; at++) {
    if (!isDigit(bytes[at]!)) return -1;
    length = length * 10 + bytes[at]! - DIGIT_0;
  }
  return length;
}

function isDigit(octet: number): boolean {
  return octet >= DIGIT_0 && octet <= DIGIT_9;
}
