/** Tokens are found by their octets, in any case, and nothing else is taken for one. */
import { expect, it } from 'vitest';
import { TokenTable } from '../../src/core/http1/token-table.ts';

const NAMES = ['te', 'via', 'connection', 'keep-alive', 'content-length', 'content-type', 'transfer-encoding'] as const;
const table = new TokenTable(NAMES);
const find = (text: string) => table.find(Buffer.from(`:${text}:`, 'latin1'), 1, 1 + text.length);

it.each(NAMES)('%s is found, in any case', (name) => {
  expect(find(name)).toBe(name);
  expect(find(name.toUpperCase())).toBe(name);
  expect(find(name[0]!.toUpperCase() + name.slice(1))).toBe(name);
});

it.each(NAMES)('what differs from %s in one octet is none of them', (name) => {
  expect(find(name.slice(1))).toBeUndefined();
  expect(find(name.slice(0, -1))).toBeUndefined();
  expect(find(`${name}x`)).toBeUndefined();
  for (let at = 0; at < name.length; at++)
    for (let octet = 0; octet < 256; octet++) {
      const other = name.slice(0, at) + String.fromCharCode(octet) + name.slice(at + 1);
      const isSame = other === name || (/^[A-Z]$/.test(String.fromCharCode(octet)) && other.toLowerCase() === name);
      const found = find(other);
      if (isSame) expect(found).toBe(name);
      else expect(found).toBeUndefined();
    }
});

it('no octets are no token', () => {
  expect(find('')).toBeUndefined();
});

it('tokens that cannot be told apart are not taken', () => {
  expect(() => new TokenTable(['abxcde', 'abycde'])).toThrow('tokens too alike');
});
