/**
 * Reads the head of one request off bytes, in one pass, by the letter of RFC 9112: what two parsers could read in two ways
 * is no head. Judges no header's meaning; that is core/framing's.
 */
import { requestFieldAt } from '../../core/field-names.ts';
import { headersIn } from '../../core/http1/header-pairs.ts';
import { COLON, CR, FIELD_TEXT, isBlank, LF, SP, TCHAR } from '../../core/http1/octets.ts';
import { PassingLines } from '../../core/http1/passing-lines.ts';
import type { SortedHeaders } from '../exchange.ts';
import { isKnownMethod } from '../known-method.ts';

/** A client may begin with an empty line or two (RFC 9112 section 2.2). */
const EMPTY_LINES_MAX = 4;
/** Whatever lies above is no part of a target (RFC 3986 section 2), and read in one way here and in another there. */
const DEL = 0x7f;
const VERSION = Uint8Array.from('HTTP/1.', (char) => char.charCodeAt(0));
/** The longest that Node knows has fewer. */
const METHOD_BYTES_MAX = 24;

export type HeadOutcome = 'needs-more' | 'complete' | 'invalid';

/** A request as its head says it. Strings are latin1: one char per byte. */
export class RequestHead implements SortedHeaders {
  readonly method: string;
  readonly target: string;
  readonly minorVersion: 0 | 1;
  readonly meant: readonly string[];
  readonly passing: string;
  readonly #text: string;
  readonly #fieldsAt: number;
  #headers: readonly string[] | undefined;

  /** `text`: from the method to the empty line, with both. `fieldsAt`: where the first header is, or would be. */
  constructor(
    method: string,
    target: string,
    minorVersion: 0 | 1,
    meant: readonly string[],
    passing: string,
    text: string,
    fieldsAt: number,
  ) {
    this.method = method;
    this.target = target;
    this.minorVersion = minorVersion;
    this.meant = meant;
    this.passing = passing;
    this.#text = text;
    this.#fieldsAt = fieldsAt;
  }

  /** Raw [name, value, …] in order and case as received. Most requests are never asked for theirs. */
  get headers(): readonly string[] {
    this.#headers ??= headersIn(this.#text, this.#fieldsAt);
    return this.#headers;
  }
}

/** One for many connections: it remembers nothing between two calls but what it says of the last one. */
export class HeadReader {
  /** After `complete`. */
  head = new RequestHead('', '', 1, [], '', '', 0);
  /** After `complete`: where what follows the head begins. */
  end = 0;
  /** After `invalid`: what to answer. */
  status: 400 | 414 | 431 = 400;
  /** After `needs-more`: how many bytes of the head are whole lines. */
  linesRead = 0;

  readonly #bytesMax: number;
  /** Of the headers that mean something on the way: where each name begins and ends, and its value. */
  readonly #places: number[] = [];
  #noted = 0;
  readonly #passing = new PassingLines();
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;
  #at = 0;
  #to = 0;
  #targetStart = 0;
  #targetEnd = 0;

  /** `bytesMax`: request line and headers together. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /**
   * Of `bytes[start, to)`, which begins where a head is to begin. After `needs-more`: again from the same start, with more,
   * and with `linesRead` as it was: those lines are not read again before the head is whole, however many pieces it comes in.
   */
  read(bytes: Buffer, start: number, to: number, linesRead = 0): HeadOutcome {
    this.#bytes = bytes;
    this.#start = start;
    // One byte more than fits is enough to know.
    this.#to = Math.min(to, start + this.#bytesMax + 1);
    if (linesRead > 0 && to - start <= this.#bytesMax && this.#isCut(start + linesRead)) return 'needs-more';
    this.#at = start;
    this.linesRead = 0;
    this.#targetStart = this.#targetEnd = -1;
    const outcome = this.#read();
    const isOver = outcome === 'needs-more' ? to - start > this.#bytesMax : this.#at - start > this.#bytesMax;
    if (outcome === 'invalid') this.status = 400;
    if (outcome === 'invalid' || !isOver) return outcome;
    this.status = this.#isLongTarget() ? 414 : 431;
    return 'invalid';
  }

  /** Behind whole lines: the end of the head is not there yet. */
  #isCut(at: number): boolean {
    this.#at = at;
    return this.#readHeaders(this.#start) === 'needs-more';
  }

  #read(): HeadOutcome {
    const empty = this.#skipEmptyLines();
    if (empty !== 'complete') return empty;
    const methodStart = this.#at;
    const line = this.#readLine();
    if (line !== 'complete') return line;
    const minorVersion = (this.#bytes[this.#at - 3]! - 0x30) as 0 | 1;
    const fieldsAt = this.#at - methodStart;
    const fields = this.#readHeaders(methodStart);
    if (fields !== 'complete') return fields;
    // Once for all: each part is a piece of this text, not a copy.
    const text = this.#bytes.toString('latin1', methodStart, this.#at);
    const places = this.#places;
    const meant: string[] = [];
    for (let at = 0; at < this.#noted; at += 4)
      meant.push(text.substring(places[at]!, places[at + 1]!), text.substring(places[at + 2]!, places[at + 3]!));
    this.end = this.#at;
    const target = text.substring(this.#targetStart - methodStart, this.#targetEnd - methodStart);
    const method = text.substring(0, text.indexOf(' '));
    const passing = this.#passing.textIn(text);
    this.head = new RequestHead(method, target, minorVersion, meant, passing, text, fieldsAt);
    return 'complete';
  }

  #skipEmptyLines(): HeadOutcome {
    const bytes = this.#bytes;
    for (let lines = 0; lines <= EMPTY_LINES_MAX; lines++) {
      if (this.#at === this.#to) return 'needs-more';
      if (bytes[this.#at] !== CR) return 'complete';
      if (this.#at + 1 === this.#to) return 'needs-more';
      if (bytes[this.#at + 1] !== LF) return 'invalid';
      this.#at += 2;
    }
    return 'invalid';
  }

  /** `method SP target SP HTTP/1.x CRLF`. More than one blank is forgiven: one is what is sent on (RFC 9112 section 3). */
  #readLine(): HeadOutcome {
    const bytes = this.#bytes;
    const to = this.#to;
    const start = this.#at;
    let at = start;
    while (at < to && TCHAR[bytes[at]!] !== 0) at++;
    if (at === to) return at - start > METHOD_BYTES_MAX ? 'invalid' : 'needs-more';
    if (bytes[at] !== SP || !isMethod(bytes, start, at)) return 'invalid';
    while (at < to && bytes[at] === SP) at++;
    this.#targetStart = at;
    while (at < to && bytes[at]! > SP && bytes[at]! < DEL) at++;
    this.#targetEnd = at;
    if (at === to) return 'needs-more';
    if (bytes[at] !== SP || at === this.#targetStart) return 'invalid';
    while (at < to && bytes[at] === SP) at++;
    for (const byte of VERSION) {
      if (at === to) return 'needs-more';
      if (bytes[at++] !== byte) return 'invalid';
    }
    if (at === to) return 'needs-more';
    if (bytes[at] !== 0x30 && bytes[at] !== 0x31) return 'invalid';
    this.#at = at + 1;
    return this.#readLineEnd();
  }

  #readLineEnd(): HeadOutcome {
    const bytes = this.#bytes;
    const at = this.#at;
    if (at === this.#to) return 'needs-more';
    if (bytes[at] !== CR) return 'invalid';
    if (at + 1 === this.#to) return 'needs-more';
    if (bytes[at + 1] !== LF) return 'invalid';
    this.#at = at + 2;
    return 'complete';
  }

  /** Up to the empty line, each sorted by its name. Places are counted from `from`. */
  #readHeaders(from: number): HeadOutcome {
    const bytes = this.#bytes;
    const places = this.#places;
    const to = this.#to;
    this.#passing.clear();
    let noted = 0;
    this.#noted = 0;
    let at = this.#at;
    for (;;) {
      const nameStart = at;
      while (at < to && TCHAR[bytes[at]!] !== 0) at++;
      if (at === to) return this.#cutIn(nameStart);
      if (bytes[at] !== COLON || at === nameStart) {
        if (at !== nameStart) return 'invalid';
        this.#at = at;
        const end = this.#readLineEnd();
        return end === 'needs-more' ? this.#cutIn(nameStart) : end;
      }
      const nameEnd = at++;
      while (at < to && isBlank(bytes[at]!)) at++;
      const valueStart = at;
      while (at < to && FIELD_TEXT[bytes[at]!] === 1) at++;
      if (at === to || (at + 1 === to && bytes[at] === CR)) return this.#cutIn(nameStart);
      if (bytes[at] !== CR || bytes[at + 1] !== LF) return 'invalid';
      let valueEnd = at;
      while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1]!)) valueEnd--;
      at += 2;
      const field = requestFieldAt(bytes, nameStart, nameEnd);
      if (field === 'drop') continue;
      const name = nameStart - from;
      const value = valueStart - from;
      if (field === 'pass') {
        this.#passing.add(name, nameEnd - from, value, valueEnd - from, at - from, bytes[nameEnd + 1]!);
        continue;
      }
      places[noted++] = name;
      places[noted++] = nameEnd - from;
      places[noted++] = value;
      places[noted++] = valueEnd - from;
      this.#noted = noted;
    }
  }

  #cutIn(line: number): 'needs-more' {
    this.linesRead = line - this.#start;
    return 'needs-more';
  }

  /** It alone takes most of the room (RFC 9112 section 3). */
  #isLongTarget(): boolean {
    return this.#targetStart >= 0 && this.#targetEnd - this.#targetStart >= this.#bytesMax / 2;
  }
}

function isMethod(bytes: Buffer, start: number, end: number): boolean {
  // GET and POST, which nearly all are, without a string.
  if (end - start === 3 && bytes[start] === 0x47 && bytes[start + 1] === 0x45 && bytes[start + 2] === 0x54) return true;
  return end - start <= METHOD_BYTES_MAX && isKnownMethod(bytes.toString('latin1', start, end));
}
