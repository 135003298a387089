/**
 * Writes and reads the parts that encoded records are made of: small whole numbers in few bytes, texts, bytes. Knows no
 * record. What cannot be read throws, and nothing is read past the end.
 */

const SAFE_MAX = Number.MAX_SAFE_INTEGER;

/** What is written grows behind what was written before; `take` hands it out and begins anew. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafeSlow(4096);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  /** A whole number from 0 to 2^53 - 1. */
  whole(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** A whole number of either sign, from -2^52 to 2^52. */
  signed(value: number): void {
    this.whole(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** In so many bytes, six at most. */
  fixed(value: number, length: number): void {
    this.#room(length);
    this.#bytes.writeUIntBE(value, this.#length, length);
    this.#length += length;
  }

  /** Any number, in eight bytes. */
  double(value: number): void {
    this.#room(8);
    this.#length = this.#bytes.writeDoubleBE(value, this.#length);
  }

  text(value: string): void {
    const length = Buffer.byteLength(value);
    this.whole(length);
    this.#room(length);
    this.#bytes.write(value, this.#length);
    this.#length += length;
  }

  /** Bytes in their common text form; the text must be of that form. */
  encoded(value: string, encoding: 'hex' | 'base64url', length: number): void {
    this.#room(length + 1);
    this.#bytes.write(value, this.#length, encoding);
    this.#length += length;
  }

  raw(value: Uint8Array): void {
    this.#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** What was written from here on is none. */
  backTo(length: number): void {
    this.#length = length;
  }

  /** A copy of it. */
  take(): Buffer {
    const taken = Buffer.allocUnsafe(this.#length);
    this.#bytes.copy(taken, 0, 0, this.#length);
    this.#length = 0;
    return taken;
  }

  /** Of what stands there now; good until more is written. */
  view(from = 0): Uint8Array {
    return this.#bytes.subarray(from, this.#length);
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#length + more));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

export class ByteReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }

  get at(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    this.#need(1);
    return this.#bytes[this.#at++]!;
  }

  whole(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (value > SAFE_MAX || factor > SAFE_MAX) throw new Error('a number in a record is too large');
      if (byte < 0x80) return value;
    }
  }

  signed(): number {
    const value = this.whole();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  fixed(length: number): number {
    this.#need(length);
    this.#at += length;
    return this.#bytes.readUIntBE(this.#at - length, length);
  }

  double(): number {
    this.#need(8);
    this.#at += 8;
    return this.#bytes.readDoubleBE(this.#at - 8);
  }

  text(): string {
    const length = this.whole();
    this.#need(length);
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }

  encoded(encoding: 'hex' | 'base64url', length: number): string {
    this.#need(length);
    this.#at += length;
    return this.#bytes.toString(encoding, this.#at - length, this.#at);
  }

  #need(length: number): void {
    if (this.#at + length > this.#bytes.length) throw new Error('a record is cut off');
  }
}
