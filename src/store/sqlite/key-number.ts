/**
 * Keys as the file finds them: by a number made of the key, which a few keys may have alike. The ids that we make begin with
 * a time, and so does their number, so that what is made together stands together; any other number is evenly spread, and
 * below zero. Part of the file's format. Asks nobody.
 */
import { hash } from 'node:crypto';
import { kindOf } from '../../core/facts.ts';
import { isHash } from '../codec/fields.ts';
import { timeOf } from '../codec/ids.ts';

/** No id of ours is older. */
const EPOCH_MS = Date.UTC(2015, 0, 1);
/** What tells ids of one millisecond apart; with it the number stays in six bytes until 2084. */
const APART = 64;

/** Is it a key that we have made: a credential's, or one with an id that begins with a time? Among each other these have the order in which they came. */
export function isMade(key: string): boolean {
  return isHash(key as unknown) || madeAtMs(key) !== null;
}

/** Of one key it is asked several times in a row. */
let last: { readonly key: string; readonly madeAtMs: number | null } = { key: '', madeAtMs: null };

/** The time that its id begins with; null: it is no such key. */
export function madeAtMs(key: string): number | null {
  if (last.key === key) return last.madeAtMs;
  const kind = kindOf(key);
  const isTimed = kind === 'token' || kind === 'audit';
  last = { key, madeAtMs: isTimed ? timeOf(key.slice(key.lastIndexOf('/') + 1)) : null };
  return last.madeAtMs;
}

export function keyNumber(key: string): number {
  if (isHash(key as unknown)) return below(Buffer.from(key.slice(0, 8), 'base64url').readUInt32BE());
  const atMs = madeAtMs(key);
  if (atMs === null || atMs < EPOCH_MS) return below(Number.parseInt(hash('sha256', key, 'hex').slice(0, 8), 16));
  const [last, before] = [key.charCodeAt(key.length - 1), key.charCodeAt(key.length - 2)];
  return (atMs - EPOCH_MS) * APART + ((31 * last + before) % APART);
}

/** The same where the codec has encoded the key: of a credential it has the hash behind one byte. */
export function encodedNumber(key: string, encoded: Buffer): number {
  return isHash(key as unknown) ? below(encoded.readUInt32BE(1)) : keyNumber(key);
}

/** In four bytes. */
function below(bits: number): number {
  return -1 - (bits >>> 1);
}
