/**
 * Finds tokens (names of headers, options of a connection) by their octets, in any case, without a string for each.
 * Knows a fixed list; whatever it is asked for else is none of them. Pure.
 */
import { TCHAR } from './octets.ts';

export class TokenTable<Token extends string> {
  readonly #tokens: (Token | undefined)[];
  readonly #mask: number;
  readonly #octets: Uint8Array;

  /**
   * In lower case. No two alike in length and four letters: what is not known is told by these alone. `octets`: what each
   * octet is compared as; 0: it stands in no token.
   */
  constructor(tokens: readonly Token[], octets = TCHAR) {
    this.#octets = octets;
    let size = 64;
    while (new Set(tokens.map((token) => slotOf(token, size - 1))).size < tokens.length) {
      size *= 2;
      if (size > 4096) throw new Error(`tokens too alike: ${tokens.join(', ')}`);
    }
    this.#mask = size - 1;
    this.#tokens = new Array(size).fill(undefined);
    for (const token of tokens) this.#tokens[slotOf(token, this.#mask)] = token;
  }

  /** Which one `octets[start, end)` is. */
  find(octets: Uint8Array, start: number, end: number): Token | undefined {
    const length = end - start;
    if (length === 0) return undefined;
    const known = this.#octets;
    const first = known[octets[start]!]!;
    const second = known[octets[start + (length >> 2)]!]!;
    const third = known[octets[start + (length >> 1)]!]!;
    const token = this.#tokens[slot(length, first, second, third, known[octets[end - 1]!]!) & this.#mask];
    if (token === undefined || token.length !== length) return undefined;
    for (let index = 0; index < length; index++)
      if (known[octets[start + index]!] !== token.charCodeAt(index)) return undefined;
    return token;
  }
}

function slot(length: number, first: number, second: number, third: number, last: number): number {
  return length * 122 + first * 44 + second * 138 + third * 233 + last * 193;
}

function slotOf(token: string, mask: number): number {
  const { length } = token;
  const at = (index: number) => token.charCodeAt(index);
  return slot(length, at(0), at(length >> 2), at(length >> 1), at(length - 1)) & mask;
}
