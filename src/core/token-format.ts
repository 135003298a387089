/**
 * The form of a token: prefix by kind, 43 base62 characters of 256 random bits, 6 of a CRC-32 over what precedes.
 * The checksum turns junk away before it costs a look-up; it proves nothing else. Never mints and never hashes.
 */

export const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
export const RANDOM_LENGTH = 43;
const CHECKSUM_LENGTH = 6;

/** Signed, so that no step leaves the machine's small integers. */
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

const DIGIT = new Int8Array(128).fill(-1);
for (let index = 0; index < ALPHABET.length; index++) DIGIT[ALPHABET.charCodeAt(index)] = index;

function crc32(text: string, length: number): number {
  let crc = -1;
  for (let index = 0; index < length; index++) {
    crc = CRC_TABLE[(crc ^ text.charCodeAt(index)) & 0xff]! ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

/** The six characters that complete `text` (prefix, underscore and random part). */
export function checksum(text: string): string {
  let rest = crc32(text, text.length);
  let out = '';
  for (let index = 0; index < CHECKSUM_LENGTH; index++) {
    out = ALPHABET[rest % 62] + out;
    rest = Math.floor(rest / 62);
  }
  return out;
}

/**
 * Is `text` a token of one of the known prefixes (each with its underscore: `pat_`) with a right checksum?
 * Does NOT say that such a token exists.
 */
export function isWellFormed(text: string, prefixes: readonly string[]): boolean {
  for (const prefix of prefixes) {
    if (text.startsWith(prefix))
      return text.length === prefix.length + RANDOM_LENGTH + CHECKSUM_LENGTH && sums(text, prefix.length);
  }
  return false;
}

const BARE = /^[A-Za-z0-9._~+/-]+=*$/;

/** Is this what any token looks like, whoever made it (RFC 6750 section 2.1, `b64token`)? */
export function isBareToken(text: string): boolean {
  return BARE.test(text);
}

/** With a prefix of one letter. */
const SHORTEST = 2 + RANDOM_LENGTH + CHECKSUM_LENGTH;
/** Every place where a token may stand: the prefix before it (its longest reading), and whether it goes on behind it. */
const TOKEN_LIKE = new RegExp(
  `(?<=([a-z][a-z0-9]{0,15}_))[0-9A-Za-z]{${RANDOM_LENGTH + CHECKSUM_LENGTH}}(?=([0-9A-Za-z])?)`,
  'g',
);

/**
 * The text without the tokens that somebody pasted into it, for everything that is kept or shown. What stands alone is
 * cut out by its looks, mistyped or not; what is glued to more text only if its checksum is right.
 */
export function withoutTokens(text: string): string {
  return text.replace(TOKEN_LIKE, (rest: string, prefix: string, more?: string) =>
    more === undefined || isMinted(prefix, rest) ? '…' : rest,
  );
}

/** Does a token with a right checksum stand anywhere in the text, whatever is glued to it? */
export function holdsToken(text: string): boolean {
  if (text.length < SHORTEST) return false;
  for (const [rest, prefix] of text.matchAll(TOKEN_LIKE)) if (isMinted(prefix!, rest)) return true;
  return false;
}

/** Every token with a right checksum in the text, whatever its prefix and whatever is glued to it. */
export function* tokensIn(text: string): Generator<{ readonly index: number; readonly token: string }> {
  for (const { 0: rest, 1: prefix, index } of text.matchAll(TOKEN_LIKE)) {
    const start = mintedFrom(prefix!, rest);
    if (start === null) continue;
    const token = prefix!.slice(start) + rest;
    yield { index: index + rest.length - token.length, token };
  }
}

function isMinted(prefix: string, rest: string): boolean {
  return mintedFrom(prefix, rest) !== null;
}

/** A prefix may be glued to letters before it: every reading is tried. null: none has this checksum. */
function mintedFrom(prefix: string, rest: string): number | null {
  for (let start = 0; start < prefix.length - 1; start++) {
    if (sums(prefix.slice(start) + rest, prefix.length - start)) return start;
  }
  return null;
}

/** One pass: alphabet and checksum together. What stands before `from` is the prefix, which has been compared. */
function sums(text: string, from: number): boolean {
  const split = text.length - CHECKSUM_LENGTH;
  let crc = -1;
  for (let index = 0; index < split; index++) {
    const code = text.charCodeAt(index);
    if (index >= from && (code > 127 || DIGIT[code]! < 0)) return false;
    crc = CRC_TABLE[(crc ^ code) & 0xff]! ^ (crc >>> 8);
  }
  let claimed = 0;
  for (let index = split; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const digit = code > 127 ? -1 : DIGIT[code]!;
    if (digit < 0) return false;
    claimed = claimed * 62 + digit;
  }
  return claimed === ~crc >>> 0;
}
