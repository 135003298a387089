/**
 * Where a chunked body ends (RFC 9112 section 7.1), read over as many pieces as it comes in. Says where its data lies in what it
 * was given, and copies none of it. Strict: sizes of at most 16 digits, CRLF and nothing else, extensions and trailers
 * as the grammar has them and no more than a bounded number of octets. Never repairs. Pure.
 */
import { COLON, CR, FIELD_TEXT, HEX, isBlank, LF, TCHAR } from './octets.ts';

/** `data`: some of the body lies between `dataStart` and `used`; ask again for what follows. `invalid`: see `fault`. */
export type ChunkStep = 'data' | 'needs-more' | 'complete' | 'invalid';

export type ChunkFault = 'chunk size' | 'chunk extension' | 'chunk' | 'trailer' | 'trailers too large';

type ExtensionState = 'extension' | 'name' | 'value' | 'unquoted' | 'quoted' | 'escaped' | 'closed';
type State = 'size' | ExtensionState | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailer';

/** Beyond 2^53 a count is not exact any more, and never comes to its end. */
const MAX_DIGITS = 16;
/** Of the extensions of one chunk. They are nobody's: whoever sends many is up to something (CVE-2024-22019). */
const MAX_EXTENSION_BYTES = 16 * 1024;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export class ChunkedBody {
  /** Up to where the last `next` used its octets; on `data` also where the data ends. */
  used = 0;
  dataStart = 0;
  fault: ChunkFault | undefined;
  /** Raw [name, value, …] of a complete body. */
  trailers: string[] = [];

  readonly #maxTrailerBytes: number;
  #state: State = 'size';
  #digits = 0;
  /** Of this chunk. */
  #left = 0;
  #extensionBytes = 0;
  #line = '';
  #trailerBytes = 0;

  constructor(maxTrailerBytes: number) {
    this.#maxTrailerBytes = maxTrailerBytes;
  }

  /** The next body. */
  begin(): void {
    this.fault = undefined;
    this.trailers = [];
    this.#state = 'size';
    this.#digits = 0;
    this.#left = 0;
    this.#extensionBytes = 0;
    this.#line = '';
    this.#trailerBytes = 0;
  }

  /** Reads on in `source[start, end)`, up to the next data, the end of the body or that of what there is. */
  next(source: Buffer, start: number, end: number): ChunkStep {
    let at = start;
    while (at < end) {
      const octet = source[at]!;
      switch (this.#state) {
        case 'data':
          return this.#data(at, end);
        case 'size':
          if (!this.#size(octet)) return this.#fail('chunk size');
          break;
        case 'size-lf':
          if (octet !== LF) return this.#fail('chunk size');
          this.#chunkBegins();
          break;
        case 'data-cr':
          if (octet !== CR) return this.#fail('chunk');
          this.#state = 'data-lf';
          break;
        case 'data-lf':
          if (octet !== LF) return this.#fail('chunk');
          this.#state = 'size';
          break;
        case 'trailer': {
          const step = this.#trailer(source, at, end);
          if (step !== undefined) return step;
          at = this.used;
          continue;
        }
        default:
          if (!this.#extension(this.#state, octet)) return this.#fail('chunk extension');
      }
      at += 1;
    }
    this.used = end;
    return 'needs-more';
  }

  #data(start: number, end: number): ChunkStep {
    const length = Math.min(end - start, this.#left);
    this.#left -= length;
    if (this.#left === 0) this.#state = 'data-cr';
    this.dataStart = start;
    this.used = start + length;
    return 'data';
  }

  #size(octet: number): boolean {
    const digit = HEX[octet]!;
    if (digit < 16) {
      this.#left = this.#left * 16 + digit;
      this.#digits += 1;
      return this.#digits <= MAX_DIGITS;
    }
    if (this.#digits === 0) return false;
    if (octet === CR) this.#state = 'size-lf';
    else if (octet === SEMICOLON) this.#state = 'extension';
    else return false;
    return true;
  }

  #chunkBegins(): void {
    this.#state = this.#left === 0 ? 'trailer' : 'data';
    this.#digits = 0;
    this.#extensionBytes = 0;
  }

  #extension(state: ExtensionState, octet: number): boolean {
    const after = afterExtension(state, octet);
    if (after === undefined) return false;
    this.#state = after;
    this.#extensionBytes += 1;
    return this.#extensionBytes <= MAX_EXTENSION_BYTES;
  }

  /** Some of the trailers, or of the empty line behind them. undefined: a line is read, and `used` is behind it. */
  #trailer(source: Buffer, start: number, end: number): ChunkStep | undefined {
    let stop = start;
    while (stop < end && source[stop] !== LF) stop += 1;
    const isWhole = stop < end;
    if (isWhole) stop += 1;
    this.#trailerBytes += stop - start;
    if (this.#trailerBytes > this.#maxTrailerBytes) return this.#fail('trailers too large');
    this.used = stop;
    // Most bodies have no trailers: for the empty line alone no string is made.
    if (this.#line === '' && isWhole && stop - start === 2 && source[start] === CR) return 'complete';
    const line = this.#line + source.toString('latin1', start, stop);
    this.#line = isWhole ? '' : line;
    if (!isWhole) return 'needs-more';
    if (line === '\r\n') return 'complete';
    const pair = trailerOf(line);
    if (pair === null) return this.#fail('trailer');
    this.trailers.push(...pair);
    return undefined;
  }

  #fail(fault: ChunkFault): ChunkStep {
    this.fault = fault;
    return 'invalid';
  }
}

/** `;name`, `;name=value` and `;name="value"`, as often as one likes, up to CR. undefined: not like that. */
function afterExtension(state: ExtensionState, octet: number): State | undefined {
  const isToken = TCHAR[octet] !== 0;
  switch (state) {
    case 'extension':
      return isToken ? 'name' : undefined;
    case 'name':
      if (octet === EQUALS) return 'value';
      return isToken ? 'name' : afterValue(octet);
    case 'value':
      if (octet === QUOTE) return 'quoted';
      return isToken ? 'unquoted' : undefined;
    case 'unquoted':
      return isToken ? 'unquoted' : afterValue(octet);
    case 'quoted':
      if (octet === QUOTE) return 'closed';
      if (octet === BACKSLASH) return 'escaped';
      return FIELD_TEXT[octet] === 1 ? 'quoted' : undefined;
    case 'escaped':
      return FIELD_TEXT[octet] === 1 ? 'quoted' : undefined;
    case 'closed':
      return afterValue(octet);
  }
}

function afterValue(octet: number): State | undefined {
  if (octet === CR) return 'size-lf';
  return octet === SEMICOLON ? 'extension' : undefined;
}

/** null: not a header line, or one that says where a message ends: whoever joins it to the head would read another message. */
function trailerOf(line: string): readonly [string, string] | null {
  const colon = line.indexOf(String.fromCharCode(COLON));
  if (colon < 1 || !line.endsWith('\r\n')) return null;
  for (let at = 0; at < colon; at++) if (!(TCHAR[line.charCodeAt(at)]! > 0)) return null;
  let start = colon + 1;
  let end = line.length - 2;
  for (let at = start; at < end; at++) if (FIELD_TEXT[line.charCodeAt(at)] !== 1) return null;
  while (start < end && isBlank(line.charCodeAt(start))) start += 1;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end -= 1;
  const name = line.slice(0, colon);
  if (/^(?:content-length|transfer-encoding)$/i.test(name)) return null;
  return [name, line.slice(start, end)];
}
