/**
 * Request ids: 26 characters that sort by time and never repeat, in the form of a ULID. Names, not secrets: the random
 * part tells processes apart, a counter tells requests apart.
 */
import { randomBytes } from 'node:crypto';

const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

function encode(value: number, length: number): string {
  let out = '';
  let rest = value;
  for (let index = 0; index < length; index++) {
    out = BASE32[rest % 32] + out;
    rest = Math.floor(rest / 32);
  }
  return out;
}

const processPart = Array.from(randomBytes(9), (byte) => BASE32[byte % 32]).join('');
/** The last two characters, which alone differ between most ids. */
const LAST = Array.from({ length: 32 ** 2 }, (_, value) => encode(value, 2));
/** All before them, of the moment and of so many requests. */
let start = '';
let timeMs = -1;
let count = 0;

export function nextRequestId(nowMs: number): string {
  count = (count + 1) % 32 ** 7;
  const last = count % LAST.length;
  if (nowMs !== timeMs || last === 0) {
    timeMs = nowMs;
    // Joined so it is one text, and not a tree of them that is gone through for each id.
    start = [encode(nowMs, 10), processPart, encode(Math.floor(count / LAST.length), 5)].join('');
  }
  return start + LAST[last]!;
}
