/** The form of a token: junk is turned away without a look-up, and every slip of a finger is junk. */
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALPHABET, checksum, isWellFormed, RANDOM_LENGTH, withoutTokens } from '../../src/core/token-format.ts';
import { hashToken, mintToken, randomText } from '../../src/secret.ts';
import { assertForSeeds } from '../support/chance.ts';

const PREFIXES = ['pat_', 'sat_', 'sgt_', 'sgs_'];
const prefix = fc.constantFrom(...PREFIXES);
const random = fc.array(fc.constantFrom(...ALPHABET), { minLength: RANDOM_LENGTH, maxLength: RANDOM_LENGTH });
const token = fc.tuple(prefix, random).map(([head, tail]) => {
  const text = head + tail.join('');
  return text + checksum(text);
});

describe('a minted token', () => {
  it.each(PREFIXES)('of prefix %s has the promised form and is well formed', (head) => {
    for (let count = 0; count < 50; count++) {
      const text = mintToken(head).reveal();
      expect(text).toMatch(/^(pat|sat|sgt|sgs)_[0-9A-Za-z]{49}$/);
      expect(text.startsWith(head)).toBe(true);
      expect(isWellFormed(text, PREFIXES)).toBe(true);
    }
  });

  it('differs from every other', () => {
    expect(new Set(Array.from({ length: 1000 }, () => mintToken('pat_').reveal())).size).toBe(1000);
  });

  it('uses every character of the alphabet about equally often', () => {
    const counts = new Map<string, number>();
    for (const char of randomText(62_000)) counts.set(char, (counts.get(char) ?? 0) + 1);
    expect(counts.size).toBe(62);
    // 1000 expected, standard deviation 31.
    for (const [char, count] of counts) expect(Math.abs(count - 1000), char).toBeLessThan(220);
  });

  it('cannot be printed by accident', () => {
    const minted = mintToken('pat_');
    const secret = minted.reveal();
    const shown = [String(minted), JSON.stringify({ minted }), `${minted}`];
    expect(shown.some((text) => text.includes(secret.slice(8)))).toBe(false);
    expect(secret.startsWith(minted.hint('pat_').slice(0, -1))).toBe(true);
    expect(minted.hint('pat_')).toHaveLength('pat_'.length + 5);
  });

  it('is kept as the SHA-256 of its text', () => {
    expect(hashToken('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
  });
});

it('the checksum is the CRC-32 that everybody computes, in base62', async () => {
  await assertForSeeds(
    fc.property(token, (text) => {
      const digits = [...text.slice(-6)].map((char) => ALPHABET.indexOf(char));
      expect(digits.reduce((sum, digit) => sum * 62 + digit, 0)).toBe(crc32(text.slice(0, -6)));
    }),
  );
});

it('a change of any one character is junk', async () => {
  const printable = fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code));
  await assertForSeeds(
    fc.property(token, fc.nat({ max: 52 }), printable, (text, index, char) => {
      fc.pre(text[index] !== char);
      expect(isWellFormed(text.slice(0, index) + char + text.slice(index + 1), PREFIXES)).toBe(false);
    }),
    { numRuns: 5000 },
  );
});

it('two characters that changed places are junk', async () => {
  await assertForSeeds(
    fc.property(token, fc.nat({ max: 51 }), (text, index) => {
      fc.pre(text[index] !== text[index + 1]);
      const swapped = text.slice(0, index) + text[index + 1] + text[index] + text.slice(index + 2);
      expect(isWellFormed(swapped, PREFIXES)).toBe(false);
    }),
    { numRuns: 2000 },
  );
});

it('a token that is longer, shorter or of an unknown prefix is junk', async () => {
  await assertForSeeds(
    fc.property(token, (text) => {
      for (const other of [
        text.slice(0, -1),
        `${text}0`,
        text.slice(1),
        ` ${text}`,
        text.toUpperCase(),
        `xat_${text.slice(4)}`,
      ])
        expect(isWellFormed(other, PREFIXES), other).toBe(false);
      expect(isWellFormed(text, [])).toBe(false);
      expect(
        isWellFormed(
          text,
          PREFIXES.filter((head) => !text.startsWith(head)),
        ),
      ).toBe(false);
    }),
  );
});

it('any text at all is judged without a throw, and none by chance is a token', async () => {
  await assertForSeeds(
    fc.property(prefix, fc.string({ minLength: 49, maxLength: 49, unit: 'binary' }), (head, tail) => {
      expect(isWellFormed(head + tail, PREFIXES)).toBe(false);
    }),
    { numRuns: 2000 },
  );
  for (const text of ['', 'pat_', 'pat', `pat_${'é'.repeat(49)}`, `pat_${'\u{1f600}'.repeat(24)}a`])
    expect(isWellFormed(text, PREFIXES)).toBe(false);
});

describe('a text that is kept or shown', () => {
  it.each(['', '/', 'a-', 'key', '0', 'é', `${'x'.repeat(40)}`])('has a token cut out of it after "%s"', (before) => {
    for (const head of [...PREFIXES, 'p2_', 'a234567890123456_']) {
      const text = mintToken(head).reveal();
      for (const after of ['', '/x', ' and', 'and more', '0'.repeat(60)])
        expect(withoutTokens(before + text + after)).toBe(`${before}${head}…${after}`);
    }
  });

  it('keeps what only looks like one from far away', () => {
    const random = randomText(49);
    for (const text of ['', 'pat_', `pat_${random.slice(1)}`, `pat-${random}`, `user_${random}0`, random.repeat(9)])
      expect(withoutTokens(text)).toBe(text);
  });
});
