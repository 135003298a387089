/**
 * Reads the head of one request off bytes, in one pass, by the letter of RFC 9112: what two parsers could read in two ways
 * is no head. Judges no header's meaning; that is core/framing's.
 */
import { requestFieldAt } from '../../core/field-names.ts';
import { COLON, CR, FIELD_TEXT, isBlank, LF, SP, TCHAR } from '../../core/http1/octets.ts';
import { PassingLines } from '../../core/http1/passing-lines.ts';
import { isKnownMethod } from '../known-method.ts';
import { type LastFields, RequestFields } from './request-fields.ts';

/** A client may begin with an empty line or two (RFC 9112 section 2.2). */
const EMPTY_LINES_MAX = 4;
/** Whatever lies above is no part of a target (RFC 3986 section 2), and read in one way here and in another there. */
const DEL = 0x7f;
const VERSION = Uint8Array.from('HTTP/1.', (char) => char.charCodeAt(0));
/** The longest that Node knows has fewer. */
const METHOD_BYTES_MAX = 24;

export type HeadOutcome = 'needs-more' | 'complete' | 'invalid';

/** A request as its head says it. Strings are latin1: one char per byte. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly fields: RequestFields;
}

const NO_HEAD: RequestHead = { method: '', target: '', fields: new RequestFields(1, [], '', '', 0) };

/** One for many connections: it remembers nothing between two calls but what it says of the last one. */
export class HeadReader {
  /** After `complete`. */
  head = NO_HEAD;
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
   * `last`: of its connection; null: they are not kept.
   */
  read(bytes: Buffer, start: number, to: number, linesRead = 0, last: LastFields | null = null): HeadOutcome {
    this.#bytes = bytes;
    this.#start = start;
    // One byte more than fits is enough to know.
    this.#to = Math.min(to, start + this.#bytesMax + 1);
    if (linesRead > 0 && to - start <= this.#bytesMax && this.#isCut(start + linesRead)) return 'needs-more';
    this.#at = start;
    this.linesRead = 0;
    this.#targetStart = this.#targetEnd = -1;
    const outcome = this.#read(last);
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

  #read(last: LastFields | null): HeadOutcome {
    const empty = this.#skipEmptyLines();
    if (empty !== 'complete') return empty;
    const methodStart = this.#at;
    const line = this.#readLine();
    if (line !== 'complete') return line;
    const bytes = this.#bytes;
    const minorVersion = (bytes[this.#at - 3]! - 0x30) as 0 | 1;
    const again = last === null ? null : this.#sameFields(last, minorVersion);
    const fieldsAt = this.#at;
    if (again === null) {
      const fields = this.#readHeaders(methodStart);
      if (fields !== 'complete') return fields;
    }
    // Once for all: each part is a piece of this text, not a copy.
    const text = bytes.toString('latin1', methodStart, again === null ? this.#at : this.#targetEnd);
    const target = text.substring(this.#targetStart - methodStart, this.#targetEnd - methodStart);
    const method = text.substring(0, text.indexOf(' '));
    const fields = again ?? this.#fieldsIn(text, minorVersion, fieldsAt - methodStart);
    if (again === null) last?.keep(fields, bytes, fieldsAt, this.#at);
    this.end = this.#at;
    this.head = { method, target, fields };
    return 'complete';
  }

  /** Those of the request before, where they have come again: then they have been read. */
  #sameFields(last: LastFields, minorVersion: 0 | 1): RequestFields | null {
    const end = last.endIn(this.#bytes, this.#at, this.#to);
    const fields = end < 0 ? null : last.of(minorVersion);
    if (fields !== null) this.#at = end;
    return fields;
  }

  #fieldsIn(text: string, minorVersion: 0 | 1, fieldsAt: number): RequestFields {
    const places = this.#places;
    const meant: string[] = [];
    for (let at = 0; at < this.#noted; at += 4)
      meant.push(text.substring(places[at]!, places[at + 1]!), text.substring(places[at + 2]!, places[at + 3]!));
    return new RequestFields(minorVersion, meant, this.#passing.textIn(text), text, fieldsAt);
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
