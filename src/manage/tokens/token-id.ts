/** Ids of tokens: names that may be shown and logged, unrelated to the token's value. */
import { randomBytes } from 'node:crypto';

/** Sorts by creation; 80 random bits tell tokens of one millisecond apart. */
export function newTokenId(nowMs: number): string {
  return `tok_${nowMs.toString(36).padStart(9, '0')}${randomBytes(10).toString('hex')}`;
}
