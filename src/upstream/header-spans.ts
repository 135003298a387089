/**
 * Collects the reason phrase and the header lines of one head (or the trailers after it) from the spans llhttp reports,
 * over as many reads as they take. Keeps bytes, case and order; never interprets a header.
 */

/** Of status line and headers, and again of trailers: what one message may make us hold. */
const MAX_BYTES = 64 * 1024;
const NO_BYTES = Buffer.alloc(0);

type Span = 'nothing' | 'name' | 'value';

// Where the names and values of the current read lie: name offset, name length, value offset, value length, …
// Shared, because a read is turned into strings before the next one is parsed. A header counts 5 bytes at least, so
// the limit above is met before this is full.
const marks = new Int32Array(MAX_BYTES);

export class HeaderSpans {
  /** Raw [name, value, …] so far. */
  headers: string[] = [];
  reason = '';

  #source: Buffer = NO_BYTES;
  #start = 0;
  #bytes = 0;
  #reasonAt = -1;
  #reasonLength = 0;
  /** Which span came last. */
  #last: Span = 'nothing';
  #marked = 0;
  // A header cut by the end of a read waits here for the rest of it.
  #carried = false;
  #carriedName = '';
  #carriedValue = '';

  /** A new message. */
  clear(): void {
    this.headers = [];
    this.reason = '';
    this.#bytes = 0;
    this.#reasonAt = -1;
    this.#last = 'nothing';
    this.#marked = 0;
    this.#carried = false;
    this.#carriedName = '';
    this.#carriedValue = '';
  }

  /** A new read: the offsets from here on count from `start` in `source`. */
  attach(source: Buffer, start: number): void {
    this.#source = source;
    this.#start = start;
  }

  /** The same for all three: false when the message holds too much. */
  addReason(at: number, length: number): boolean {
    this.#reasonAt = at;
    this.#reasonLength = length;
    return this.#count(length);
  }

  addName(at: number, length: number): boolean {
    if (this.#last === 'name' && this.#marked === 0) {
      this.#carriedName += this.#text(at, length);
      return this.#count(length);
    }
    this.#last = 'name';
    if (!this.#count(length + 4)) return false;
    const next = this.#marked;
    marks[next] = at;
    marks[next + 1] = length;
    marks[next + 2] = at + length;
    marks[next + 3] = 0;
    this.#marked = next + 4;
    return true;
  }

  addValue(at: number, length: number): boolean {
    this.#last = 'value';
    const next = this.#marked;
    if (next === 0) {
      this.#carriedValue += this.#text(at, length);
    } else {
      marks[next - 2] = at;
      marks[next - 1] = length;
    }
    return this.#count(length);
  }

  /** The read is used up and its bytes are about to change; the last header may go on in the next one. */
  suspend(): void {
    if (this.#last === 'nothing' && this.#reasonAt < 0) return;
    const cut = this.#marked - 4;
    // A header carried from the read before is over once another one has begun.
    if (cut >= 0) this.#pushCarried();
    this.#collect(Math.max(cut, 0));
    if (cut >= 0) {
      this.#carriedName = this.#text(marks[cut]!, marks[cut + 1]!);
      this.#carriedValue = this.#text(marks[cut + 2]!, marks[cut + 3]!);
    }
    this.#carried = this.#last !== 'nothing';
    this.#marked = 0;
  }

  /** The head, or the trailers, are whole. */
  finish(): void {
    this.#pushCarried();
    this.#collect(this.#marked);
    this.#marked = 0;
    this.#last = 'nothing';
  }

  #collect(complete: number): void {
    const source = this.#source;
    const base = this.#start;
    const marked = this.#marked;
    if (marked === 0 && this.#reasonAt < 0) return;
    // One string for the whole read, cut up below, is far cheaper than one call into the buffer for each span.
    const from = this.#reasonAt >= 0 ? this.#reasonAt : marks[0]!;
    const to = marked > 0 ? marks[marked - 2]! + marks[marked - 1]! : this.#reasonAt + this.#reasonLength;
    const text = source.toString('latin1', base + from, base + to);
    if (this.#reasonAt >= 0) {
      const part = text.substring(0, this.#reasonLength);
      this.reason = this.reason === '' ? part : this.reason + part;
      this.#reasonAt = -1;
    }
    const headers = this.headers;
    for (let i = 0; i < complete; i += 4) {
      const name = marks[i]! - from;
      const value = marks[i + 2]!;
      let end = value + marks[i + 3]!;
      // llhttp leaves white space after a value in place; it is no part of it (RFC 9112 5).
      while (end > value && isBlank(source[base + end - 1]!)) end -= 1;
      headers.push(text.substring(name, name + marks[i + 1]!), text.substring(value - from, end - from));
    }
  }

  #pushCarried(): void {
    if (!this.#carried) return;
    this.headers.push(this.#carriedName, withoutBlanks(this.#carriedValue));
    this.#carried = false;
    this.#carriedName = '';
    this.#carriedValue = '';
  }

  #text(at: number, length: number): string {
    return this.#source.toString('latin1', this.#start + at, this.#start + at + length);
  }

  #count(bytes: number): boolean {
    this.#bytes += bytes;
    return this.#bytes <= MAX_BYTES;
  }
}

/** Not by a regular expression: those take the square of the number of blanks. */
function withoutBlanks(value: string): string {
  let end = value.length;
  while (end > 0 && isBlank(value.charCodeAt(end - 1))) end -= 1;
  return value.slice(0, end);
}

function isBlank(byte: number): boolean {
  return byte === 32 || byte === 9;
}
