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
let timePart = '';
let timeMs = -1;
let count = 0;

export function nextRequestId(nowMs: number): string {
  if (nowMs !== timeMs) {
    timeMs = nowMs;
    timePart = encode(nowMs, 10);
  }
  count = (count + 1) % 32 ** 7;
  return timePart + processPart + encode(count, 7);
}
