/**
 * Counts the fields of a header block as it arrives (RFC 7541 section 6), without decoding any: what the parser behind it
 * left out is seen by the number alone. Never says what a field is, nor that a block is well formed.
 */

const NAME = 2;
const VALUE = 1;
/** Longer ones end the connection (RFC 7541 section 5.1): past this, it no longer matters what we count. */
const INTEGER_MAX = 2 ** 40;

export class FieldCount {
  #count = 0;
  /** Texts that are still to come of the field that was begun. */
  #texts = 0;
  /** What an integer that was begun has come to; -1: none was. */
  #integer = -1;
  #weight = 1;
  /** It says how long a text is; otherwise it is an index. */
  #isLength = false;
  #isName = false;
  /** Bytes of a text that are still to come. */
  #skip = 0;

  get count(): number {
    return this.#count;
  }

  feed(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to; at++) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, to - at);
        this.#skip -= skipped;
        at += skipped - 1;
      } else if (this.#integer >= 0) this.#continueInteger(bytes[at]!);
      else if (this.#texts > 0) this.#beginLength(bytes[at]!);
      else this.#beginField(bytes[at]!);
    }
  }

  #beginField(byte: number): void {
    this.#isLength = false;
    this.#isName = false;
    if (byte >= 0x80) {
      this.#count++;
      this.#begin(byte, 0x7f);
    } else if (byte >= 0x40) this.#beginLiteral(byte, 0x3f);
    // The size of the table: no field.
    else if (byte >= 0x20) this.#begin(byte, 0x1f);
    else this.#beginLiteral(byte, 0x0f);
  }

  #beginLiteral(byte: number, mask: number): void {
    this.#count++;
    this.#isName = true;
    this.#begin(byte, mask);
  }

  #beginLength(byte: number): void {
    this.#isLength = true;
    this.#begin(byte, 0x7f);
  }

  #begin(byte: number, mask: number): void {
    const value = byte & mask;
    if (value < mask) return this.#ended(value);
    this.#integer = value;
    this.#weight = 1;
  }

  #continueInteger(byte: number): void {
    this.#integer = Math.min(this.#integer + (byte & 0x7f) * this.#weight, INTEGER_MAX);
    this.#weight = Math.min(this.#weight * 128, INTEGER_MAX);
    if (byte >= 0x80) return;
    const value = this.#integer;
    this.#integer = -1;
    this.#ended(value);
  }

  #ended(value: number): void {
    if (this.#isLength) {
      this.#skip = value;
      this.#texts--;
    } else if (this.#isName) this.#texts = value === 0 ? NAME : VALUE;
  }
}
