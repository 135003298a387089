/** Ids of tokens: names that may be shown and logged, unrelated to the token's value. */
import { randomFillSync } from 'node:crypto';

const BYTES = 10;
/** Drawn for many ids at once: they are no secret. */
const drawn = Buffer.alloc(100 * BYTES);
let next = drawn.length;

function randomHex(): string {
  if (next === drawn.length) {
    randomFillSync(drawn);
    next = 0;
  }
  next += BYTES;
  return drawn.toString('hex', next - BYTES, next);
}

/** Sorts by creation; 80 random bits tell tokens of one millisecond apart. */
export function newTokenId(nowMs: number): string {
  return `tok_${nowMs.toString(36).padStart(9, '0')}${randomHex()}`;
}
