/** Which tokens the requests of a load carry, and what answer each of them is to get. Makes no token that anybody knows. */
import { randomInt } from 'node:crypto';
import { ALPHABET, checksum, holdsToken } from '../core/token-format.ts';

/**
 * `hit`: a token that the gateway has seen before. `miss`: one that it sees for the first time. `unknown`: one that
 * nobody made. `refused`: one that was revoked, or may not do this.
 */
export const TOKEN_USES = ['hit', 'miss', 'unknown', 'refused'] as const;
export type TokenUse = (typeof TOKEN_USES)[number];

/** Percent of all requests; together 100. */
export type Mix = Readonly<Record<TokenUse, number>>;

/** For each request the place of its use in TOKEN_USES. `random`: from 0 to below 1. */
export function drawUses(count: number, mix: Mix, random: () => number): Uint8Array {
  return Uint8Array.from({ length: count }, () => {
    let left = random() * 100;
    for (const [place, use] of TOKEN_USES.entries()) {
      left -= mix[use];
      if (left < 0) return place;
    }
    return 0;
  });
}

export type Reception = 'expected' | 'letThrough' | 'failed';

/** `outcome`: a status, or what went wrong instead. A throttle (429) refuses, too. */
export function receptionOf(use: TokenUse, outcome: number | string): Reception {
  if (typeof outcome === 'string' || outcome >= 500) return 'failed';
  const isRefusal = [401, 403, 404, 429].includes(outcome);
  if (use === 'hit' || use === 'miss') return outcome < 400 ? 'expected' : 'failed';
  return isRefusal ? 'expected' : outcome < 400 ? 'letThrough' : 'failed';
}

const TAIL = 49;

/** A text of the same form that nobody made: with a right checksum where the other has one. */
export function unknownLike(token: string): string {
  const split = Math.max(token.length - TAIL, token.lastIndexOf('_') + 1, token.lastIndexOf('-') + 1);
  const prefix = token.slice(0, split);
  if (!holdsToken(token)) return prefix + letters(token.length - split);
  const body = prefix + letters(TAIL - 6);
  return body + checksum(body);
}

function letters(count: number): string {
  return Array.from({ length: count }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}
