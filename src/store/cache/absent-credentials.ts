/**
 * Credentials that are known not to be, each until some time: in a table of fixed size that keeps 120 bits of their hash and
 * no text. Whoever invents tokens fills it, and nothing that they sent outlives its request. Takes hashes alone.
 */

/** As base64url. */
const HASH_CHARACTERS = 43;
/** Each number is made of so many characters, 30 bits; a hash is known by the first four. */
const CHARACTERS = 5;
const NUMBERS = 4;
/** Places in which a hash may stand. */
const WAYS = 4;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const DIGITS = new Int8Array(128).fill(-1);
for (let index = 0; index < ALPHABET.length; index++) DIGITS[ALPHABET.charCodeAt(index)] = index;

export class AbsentCredentials {
  readonly #hashes: Int32Array;
  /** 0: nobody stands there. */
  readonly #untilMs: Float64Array;
  readonly #mask: number;
  #size = 0;
  /** Of the hash that was looked at last. */
  readonly #numbers = new Int32Array(NUMBERS);

  /** `max`: no more, and half of it at least. */
  constructor(max: number) {
    const sets = 2 ** Math.floor(Math.log2(Math.max(1, max / WAYS)));
    this.#mask = sets - 1;
    this.#hashes = new Int32Array(sets * WAYS * NUMBERS);
    this.#untilMs = new Float64Array(sets * WAYS);
  }

  get size(): number {
    return this.#size;
  }

  /** false: it is no hash, and has no place here. */
  add(key: string, untilMs: number): boolean {
    if (!this.#read(key)) return false;
    const place = this.#find();
    const free = place === -1 ? this.#oldest() : place;
    if (this.#untilMs[free] === 0) this.#size++;
    this.#hashes.set(this.#numbers, free * NUMBERS);
    this.#untilMs[free] = untilMs;
    return true;
  }

  has(key: string, nowMs: number): boolean {
    const place = this.#read(key) ? this.#find() : -1;
    return place !== -1 && this.#untilMs[place]! > nowMs;
  }

  delete(key: string): void {
    const place = this.#size > 0 && this.#read(key) ? this.#find() : -1;
    if (place === -1) return;
    this.#untilMs[place] = 0;
    this.#size--;
  }

  clear(): void {
    this.#untilMs.fill(0);
    this.#size = 0;
  }

  #read(key: string): boolean {
    if (key.length !== HASH_CHARACTERS) return false;
    let at = 0;
    for (let nth = 0; nth < NUMBERS; nth++) {
      let number = 0;
      for (const end = at + CHARACTERS; at < end; at++) {
        const code = key.charCodeAt(at);
        const digit = code > 127 ? -1 : DIGITS[code]!;
        // Every other key has a slash among these.
        if (digit < 0) return false;
        number = (number << 6) | digit;
      }
      this.#numbers[nth] = number;
    }
    return true;
  }

  get #first(): number {
    return (this.#numbers[0]! & this.#mask) * WAYS;
  }

  /** -1: it is not here. */
  #find(): number {
    const [zero, one, two, three] = [this.#numbers[0], this.#numbers[1], this.#numbers[2], this.#numbers[3]];
    const hashes = this.#hashes;
    for (let place = this.#first, end = place + WAYS; place < end; place++) {
      const at = place * NUMBERS;
      const isSame =
        hashes[at] === zero && hashes[at + 1] === one && hashes[at + 2] === two && hashes[at + 3] === three;
      if (isSame && this.#untilMs[place] !== 0) return place;
    }
    return -1;
  }

  #oldest(): number {
    let oldest = this.#first;
    for (let place = oldest + 1, end = oldest + WAYS; place < end; place++)
      if (this.#untilMs[place]! < this.#untilMs[oldest]!) oldest = place;
    return oldest;
  }
}
