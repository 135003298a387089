/**
 * Keys in few bytes, in the order of their texts among those of one form and one beginning: the ids that we make are a time
 * and random characters, and a credential's key is a hash. Any other key is its text. Comes back to the letter.
 */
import { isHash } from '../codec/fields.ts';

/** The first character says the form. */
const [PLAIN, TOKEN, EVENT, HASH] = ['0', '1', '2', '3'] as const;
/** As the ids that we make end: a time in base 36, then random characters (manage/tokens/token-id, manage/audit). */
const TOKEN_KEY = /^([^\n]*\/)tok_([0-9a-z]{9})([0-9a-f]{20})$/;
const EVENT_KEY = /^([^\n]*\/)evt_([0-9a-z]{9})([0-9A-Za-z]{12})$/;
const TIME_BYTES = 6;
const [TOKEN_BYTES, EVENT_BYTES, HASH_BYTES] = [TIME_BYTES + 10, TIME_BYTES + 9, 33];
const HASH_LENGTH = 43;

/** 64 characters in the order of their codes, so that six bits of each, one after the other, have the order of the text. */
const ALPHABET = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';
const DIGITS = new Uint8Array(128);
for (let digit = 0; digit < ALPHABET.length; digit++) DIGITS[ALPHABET.charCodeAt(digit)] = digit;

/** Throws for a key that no list could hold. */
export function packKey(key: string): Buffer {
  if (isHash(key as unknown)) {
    const packed = Buffer.allocUnsafe(1 + HASH_BYTES);
    packed.write(HASH, 'latin1');
    sixes(packed, 1, key);
    return packed;
  }
  const token = TOKEN_KEY.exec(key);
  if (token !== null) {
    const packed = startOf(TOKEN, token[1]!, token[2]!, TOKEN_BYTES);
    packed.write(token[3]!, packed.length - TOKEN_BYTES + TIME_BYTES, 'hex');
    return packed;
  }
  const event = token === null ? EVENT_KEY.exec(key) : null;
  if (event !== null) {
    const packed = startOf(EVENT, event[1]!, event[2]!, EVENT_BYTES);
    sixes(packed, packed.length - EVENT_BYTES + TIME_BYTES, event[3]!);
    return packed;
  }
  if (key.includes('\n')) throw new RangeError('a key has a line break');
  return Buffer.from(PLAIN + key);
}

/** Throws where it is none that was packed. */
export function unpackKey(packed: Buffer): string {
  switch (packed.toString('latin1', 0, 1)) {
    case PLAIN:
      return packed.toString('utf8', 1);
    case HASH:
      if (packed.length !== 1 + HASH_BYTES) break;
      return textOfSixes(packed, 1, HASH_LENGTH);
    case TOKEN:
      return `${prefixOf(packed, TOKEN_BYTES)}tok_${timeIn(packed, TOKEN_BYTES)}${packed.toString('hex', packed.length - TOKEN_BYTES + TIME_BYTES)}`;
    case EVENT:
      return `${prefixOf(packed, EVENT_BYTES)}evt_${timeIn(packed, EVENT_BYTES)}${textOfSixes(packed, packed.length - EVENT_BYTES + TIME_BYTES, 12)}`;
  }
  throw new Error('a key is of no known form');
}

/** The hash in which a packed key has its record: some thousand of them, evenly; the same as bucketOf in Lua. */
export function recordsKey(prefix: string, packed: Buffer, kind = 'h:'): string {
  const [last, before] = [packed[packed.length - 1]!, packed[packed.length - 2] ?? 0];
  return `${prefix}${kind}${(last * 16 + (before % 16)).toString(16).padStart(3, '0')}`;
}

/**
 * The part of a packed key that all keys of a list have in common: what its kind is, and where index and key name the same
 * organization, that too.
 */
export function headOf(index: string, key: string, packed: Buffer): string {
  const form = packed.toString('latin1', 0, 1);
  const end = form === HASH ? 0 : key.indexOf('/') + 1;
  if (end === 0) return form;
  const from = index.indexOf('/') + 1;
  if (from === 0) return form + key.slice(0, end);
  const until = index.indexOf('/', from);
  const scope = `${until === -1 ? index.slice(from) : index.slice(from, until)}/`;
  return form + key.slice(0, key.startsWith(scope, end) ? end + scope.length : end);
}

/**
 * Behind which packed key the keys behind `key` are, for each form: `(` that key itself is not one of them, `[` it may be.
 * A key of another form stands between those of this one.
 */
export function boundsOf(key: string): readonly Buffer[] {
  const own = packKey(key);
  const form = own.toString('latin1', 0, 1);
  const [prefix, id] = [key.slice(0, key.lastIndexOf('/') + 1), key.slice(key.lastIndexOf('/') + 1)];
  const near = [
    () => ['(', Buffer.from(PLAIN + key)],
    () => nearest('tok_', [...Array<string>(9).fill(BASE36), ...Array<string>(20).fill(HEX)], prefix, id),
    () => nearest('evt_', [...Array<string>(9).fill(BASE36), ...Array<string>(12).fill(BASE62)], prefix, id),
    () => nearest('', [...Array<string>(HASH_LENGTH - 1).fill(ALPHABET), HASH_LAST], '', key),
  ] as const;
  return near.map((bound, place) => {
    const [sign, packed] = String(place) === form ? ['(', own] : bound();
    return Buffer.concat([Buffer.from(sign as string), packed as Buffer]);
  });
}

/** The same from the other side: before which packed key the keys before `key` are. */
export function boundsBefore(key: string): readonly Buffer[] {
  const own = Number(packKey(key).toString('latin1', 0, 1));
  return boundsOf(key).map((bound, form) => {
    const isNeither = form !== own && bound[0] === '('.charCodeAt(0);
    return Buffer.concat([Buffer.from(isNeither ? '[' : '('), bound.subarray(1)]);
  });
}

const HEX = '0123456789abcdef';
const BASE36 = '0123456789abcdefghijklmnopqrstuvwxyz';
const BASE62 = ALPHABET.replace(/[-_]/g, '');
/** The last of 43 characters carries four bits. */
const HASH_LAST = 'AEIMQUYcgkosw048'.split('').sort().join('');

/** Between which texts of a form an id stands that has none of it: behind the greatest below it, or from the least above it. */
function nearest(start: string, alphabets: readonly string[], prefix: string, id: string): readonly [string, Buffer] {
  const [least, greatest] = [alphabets.map((each) => each[0]!), alphabets.map((each) => each.at(-1)!)];
  const filled = (sign: string, kept: string, by: readonly string[]) =>
    [sign, packKey(`${prefix}${start}${kept}${by.slice(kept.length).join('')}`)] as const;
  if (!id.startsWith(start)) return id < start ? filled('[', '', least) : filled('(', '', greatest);
  const rest = id.slice(start.length);
  for (let place = 0; place < alphabets.length; place++) {
    const char = rest[place];
    if (char === undefined) return filled('[', rest, least);
    if (alphabets[place]!.includes(char)) continue;
    const above = [...alphabets[place]!].find((each) => each > char);
    const kept = rest.slice(0, place);
    return above === undefined ? filled('(', kept, greatest) : filled('[', kept + above, least);
  }
  return filled('(', rest.slice(0, alphabets.length), greatest);
}

function startOf(form: string, prefix: string, time: string, bytes: number): Buffer {
  const length = 1 + Buffer.byteLength(prefix) + bytes;
  const packed = Buffer.allocUnsafe(length);
  packed.write(form + prefix);
  packed.writeUIntBE(Number.parseInt(time, 36), length - bytes, TIME_BYTES);
  return packed;
}

function prefixOf(packed: Buffer, bytes: number): string {
  if (packed.length <= bytes) throw new Error('a key is cut off');
  return packed.toString('utf8', 1, packed.length - bytes);
}

function timeIn(packed: Buffer, bytes: number): string {
  return packed
    .readUIntBE(packed.length - bytes, TIME_BYTES)
    .toString(36)
    .padStart(9, '0');
}

function sixes(into: Buffer, at: number, text: string): void {
  let [bits, held, place] = [0, 0, at];
  for (let index = 0; index < text.length; index++) {
    held = ((held << 6) | DIGITS[text.charCodeAt(index)]!) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    into[place++] = held >> bits;
  }
  if (bits > 0) into[place] = held << (8 - bits);
}

function textOfSixes(from: Buffer, at: number, length: number): string {
  let [bits, held, place, text] = [0, 0, at, ''];
  while (text.length < length) {
    if (bits < 6) {
      held = ((held << 8) | from[place++]!) & 0xffff;
      bits += 8;
    }
    bits -= 6;
    text += ALPHABET[(held >> bits) & 63];
  }
  return text;
}
