/**
 * Finds tokens (names of headers, options of a connection) by their octets, in any case, without a string for each.
 * Knows a fixed few; whatever it is asked for else is none of them. Pure.
 */
import { TCHAR } from './octets.ts';

export class TokenTable<Token extends string> {
  readonly #tokens: (Token | undefined)[];
  readonly #mask: number;

  /** In lower case. No two alike in length, first and last letter: what is not known is told by these alone. */
  constructor(tokens: readonly Token[]) {
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
    const token = this.#tokens[slot(length, TCHAR[octets[start]!]!, TCHAR[octets[end - 1]!]!) & this.#mask];
    if (token === undefined || token.length !== length) return undefined;
    for (let index = 0; index < length; index++)
      if (TCHAR[octets[start + index]!] !== token.charCodeAt(index)) return undefined;
    return token;
  }
}

function slot(length: number, first: number, last: number): number {
  return length * 31 + first * 7 + last;
}

function slotOf(token: string, mask: number): number {
  return slot(token.length, token.charCodeAt(0), token.charCodeAt(token.length - 1)) & mask;
}
