/**
 * Mints tokens and hashes them: the only file that handles a token's text beyond the request that carried it.
 * Tokens are 256 random bits, so a plain SHA-256 is right: there is nothing to guess, and a look-up by hash leaves no
 * secret to compare byte by byte.
 */
import { hash, randomFillSync, timingSafeEqual } from 'node:crypto';
import type { TokenHash } from './core/facts.ts';
import { ALPHABET, checksum, RANDOM_LENGTH } from './core/token-format.ts';

/** A token on its way to its owner. Cannot be printed, logged or serialised by accident. */
export class RawToken {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Call once, when handing a new token to its owner. */
  reveal(): string {
    return this.#text;
  }

  hash(): TokenHash {
    return hashToken(this.#text);
  }

  /** First characters, for people to tell their tokens apart: 4 of 43 random ones, 24 of 256 bits. */
  hint(prefix: string): string {
    return `${this.#text.slice(0, prefix.length + 4)}…`;
  }

  toString(): string {
    return '[token]';
  }

  toJSON(): string {
    return '[token]';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[token]';
  }
}

/** `prefix` with its underscore. */
export function mintToken(prefix: string): RawToken {
  const text = prefix + randomText(RANDOM_LENGTH);
  return new RawToken(text + checksum(text));
}

export function hashToken(text: string): TokenHash {
  return hash('sha256', text, 'base64url') as TokenHash;
}

/** A connection whose tokens have differed so often in a row carries those of many. */
const OTHERS_MAX = 4;

/** The token that came last on one connection, hashed once for all its requests: the digest is the dearest step of most. */
export class LastToken {
  #text = '';
  #hash: TokenHash | null = null;
  #others = 0;

  hashOf(text: string): TokenHash {
    if (this.#hash !== null && text === this.#text) {
      this.#others = 0;
      return this.#hash;
    }
    const found = hashToken(text);
    if (this.#others > OTHERS_MAX) return found;
    this.#others += 1;
    // A piece of a head would keep the whole of it in memory.
    const copy = Buffer.from(text, 'latin1').toString('latin1');
    const isKept = this.#others <= OTHERS_MAX && copy === text;
    this.#text = isKept ? copy : '';
    this.#hash = isKept ? found : null;
    return found;
  }

  toString(): string {
    return '[token]';
  }

  toJSON(): string {
    return '[token]';
  }
}

/** As people write a SHA-256: 64 hexadecimal digits. */
export function hashOfHex(hex: string): TokenHash {
  return Buffer.from(hex, 'hex').toString('base64url') as TokenHash;
}

/** Drawn for many at once: each drawing costs as much as a hundred bytes. */
const drawn = Buffer.alloc(1024);
let nextDrawn = drawn.length;

/** `length` characters of base62 without bias, 5.95 bits each. */
export function randomText(length: number): string {
  let out = '';
  while (out.length < length) {
    if (nextDrawn === drawn.length) {
      randomFillSync(drawn);
      nextDrawn = 0;
    }
    const byte = drawn[nextDrawn]!;
    // What a secret was made of is kept nowhere else.
    drawn[nextDrawn++] = 0;
    // 248 = 4 * 62: bytes above it would make the first characters likelier.
    if (byte < 248) out += ALPHABET[byte % 62];
  }
  return out;
}

/** A secret as a file or an environment variable has it: many programs write a line break behind it, which is no part of it. */
export function withoutLineBreak(text: string): string {
  return text.replace(/\r?\n$/, '');
}

/** Constant-time comparison of two secrets of any length. */
export function sameSecret(left: string, right: string): boolean {
  return timingSafeEqual(hash('sha256', left, 'buffer'), hash('sha256', right, 'buffer'));
}
