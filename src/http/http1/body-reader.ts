/**
 * Where the body of a request ends: behind so many bytes, or behind its last chunk. By the letter of RFC 9112 section 7.1:
 * sizes in hexadecimal of bounded length, CRLF and nothing else. Copies no byte of a body and keeps none.
 */
import { IN_NAME, IN_VALUE } from './head-reader.ts';

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
/** More than anybody sends in a lifetime; beyond 2^53 a count is not exact, which nobody will live to see. */
const DIGITS_MAX = 16;
/** Of one chunk. Extensions are nobody's: whoever sends many is up to something (CVE-2024-22019). */
const EXTENSION_BYTES_MAX = 16 * 1024;

/** Whoever joined these to the head would read another message. */
const FRAMING_NAME = /^(?:content-length|transfer-encoding)$/i;

/** `stopped`: nobody takes more now. `invalid`: `status` says what to answer. */
export type BodyOutcome = 'needs-more' | 'complete' | 'stopped' | 'invalid';

/** Is given `bytes[start, end)`; false: it took them not, and is to be asked again later. */
export type TakeBody = (bytes: Buffer, start: number, end: number) => boolean;

type Place = 'size' | 'extension' | 'size-end' | 'data' | 'data-cr' | 'data-lf' | 'trailers';

export class BodyReader {
  /** Up to where the last `read` has used its bytes. */
  used = 0;
  /** Of the last complete body: raw pairs. */
  trailers: readonly string[] = [];
  /** After `invalid`. */
  status: 400 | 431 = 400;

  readonly #take: TakeBody;
  readonly #trailerBytesMax: number;
  #isChunked = false;
  /** Of the body, or of this chunk. */
  #left = 0;
  #place: Place = 'size';
  #digits = 0;
  #extensionBytes = 0;
  #trailerText = '';

  constructor(take: TakeBody, trailerBytesMax: number) {
    this.#take = take;
    this.#trailerBytesMax = trailerBytesMax;
  }

  beginLength(length: number): void {
    this.#begin(false);
    this.#left = length;
  }

  beginChunks(): void {
    this.#begin(true);
  }

  #begin(isChunked: boolean): void {
    this.#isChunked = isChunked;
    this.#left = 0;
    this.#place = 'size';
    this.#digits = 0;
    this.#extensionBytes = 0;
    this.#trailerText = '';
    this.trailers = [];
  }

  read(bytes: Buffer, start: number, end: number): BodyOutcome {
    this.used = start;
    if (this.#isChunked) return this.#readChunks(bytes, end);
    if (!this.#readData(bytes, end)) return 'stopped';
    return this.#left === 0 ? 'complete' : 'needs-more';
  }

  #readData(bytes: Buffer, end: number): boolean {
    const to = Math.min(end, this.used + this.#left);
    if (to === this.used) return true;
    if (!this.#take(bytes, this.used, to)) return false;
    this.#left -= to - this.used;
    this.used = to;
    return true;
  }

  #readChunks(bytes: Buffer, end: number): BodyOutcome {
    while (this.used < end) {
      if (this.#place === 'data') {
        if (!this.#readData(bytes, end)) return 'stopped';
        if (this.#left === 0) this.#place = 'data-cr';
      } else {
        const outcome =
          this.#place === 'trailers' ? this.#readTrailers(bytes, end) : this.#readFraming(bytes[this.used++]!);
        if (outcome !== 'needs-more') return outcome;
      }
    }
    return 'needs-more';
  }

  #readFraming(byte: number): 'needs-more' | 'invalid' {
    switch (this.#place) {
      case 'size':
        return this.#readSize(byte);
      case 'extension':
        if (byte === CR) this.#place = 'size-end';
        else if (IN_VALUE[byte] !== 1 || ++this.#extensionBytes > EXTENSION_BYTES_MAX) return this.#invalid(400);
        return 'needs-more';
      case 'size-end':
        this.#digits = this.#extensionBytes = 0;
        this.#place = this.#left === 0 ? 'trailers' : 'data';
        return byte === LF ? 'needs-more' : this.#invalid(400);
      case 'data-cr':
        this.#place = 'data-lf';
        return byte === CR ? 'needs-more' : this.#invalid(400);
      default:
        this.#place = 'size';
        return byte === LF ? 'needs-more' : this.#invalid(400);
    }
  }

  #readSize(byte: number): 'needs-more' | 'invalid' {
    const digit = digitOf(byte);
    if (digit >= 0) {
      if (++this.#digits > DIGITS_MAX) return this.#invalid(400);
      this.#left = this.#left * 16 + digit;
      return 'needs-more';
    }
    if (this.#digits === 0) return this.#invalid(400);
    this.#place = byte === CR ? 'size-end' : 'extension';
    return byte === CR || byte === SEMICOLON ? 'needs-more' : this.#invalid(400);
  }

  /** Up to the empty line behind the last chunk. */
  #readTrailers(bytes: Buffer, end: number): BodyOutcome {
    const room = this.#trailerBytesMax - this.#trailerText.length;
    const before = this.#trailerText.length;
    const text = this.#trailerText + bytes.toString('latin1', this.used, Math.min(end, this.used + room + 2));
    const close = text.startsWith('\r\n') ? 0 : text.indexOf('\r\n\r\n', Math.max(0, before - 3));
    if (close === -1) {
      this.used = end;
      this.#trailerText = text;
      if (text.length > this.#trailerBytesMax) return this.#invalid(431);
      return isTrailerStart(text) ? 'needs-more' : this.#invalid(400);
    }
    const closed = close === 0 ? 2 : close + 4;
    this.used += closed - before;
    const trailers = close === 0 ? [] : parseTrailers(text.slice(0, close));
    if (trailers === null) return this.#invalid(400);
    this.trailers = trailers;
    return 'complete';
  }

  #invalid(status: 400 | 431): 'invalid' {
    this.status = status;
    return 'invalid';
  }
}

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** What can never become trailers is refused at once, not when its end comes. */
function isTrailerStart(text: string): boolean {
  return text === '\r' || IN_NAME[text.charCodeAt(0)] === 1;
}

/** null: not by the letter, or one that frames. */
function parseTrailers(text: string): string[] | null {
  const pairs: string[] = [];
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '');
    if (name === '' || !isAll(IN_NAME, name) || !isAll(IN_VALUE, value) || FRAMING_NAME.test(name)) return null;
    pairs.push(name, value);
  }
  return pairs;
}

function isAll(allowed: Uint8Array, text: string): boolean {
  for (let index = 0; index < text.length; index++) if (allowed[text.charCodeAt(index)] !== 1) return false;
  return true;
}
