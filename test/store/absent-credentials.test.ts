/** The table of credentials that are known not to be: whom it knows, until when, and how few it forgets for others. */
import { beforeEach, expect, it } from 'vitest';
import { hashToken } from '../../src/secret.ts';
import { AbsentCredentials } from '../../src/store/cache/absent-credentials.ts';

const hashOf = (nth: number) => hashToken(`token ${nth}`);

let absent: AbsentCredentials;
beforeEach(() => {
  absent = new AbsentCredentials(1024);
});

it('knows a hash until its time is over, and no other', () => {
  expect(absent.add(hashOf(1), 50)).toBe(true);
  expect([absent.has(hashOf(1), 49), absent.has(hashOf(1), 50), absent.has(hashOf(2), 0)]).toEqual([
    true,
    false,
    false,
  ]);
  absent.add(hashOf(1), 80);
  expect(absent.has(hashOf(1), 79)).toBe(true);
  expect(absent.size).toBe(1);
});

it('tells hashes apart by each of their first twenty characters', () => {
  const hash = hashOf(1);
  absent.add(hash, 50);
  for (let at = 0; at < 20; at++) {
    const other = hash.slice(0, at) + (hash[at] === 'A' ? 'B' : 'A') + hash.slice(at + 1);
    expect(absent.has(other, 0), `character ${at}`).toBe(false);
  }
});

it('forgets what has come to be, and everything', () => {
  for (const nth of [1, 2, 3]) absent.add(hashOf(nth), 50);
  absent.delete(hashOf(2));
  absent.delete(hashOf(9));
  expect([1, 2, 3].map((nth) => absent.has(hashOf(nth), 0))).toEqual([true, false, true]);
  expect(absent.size).toBe(2);
  absent.clear();
  expect([absent.has(hashOf(1), 0), absent.size]).toEqual([false, 0]);
});

it('takes no key of another kind', () => {
  for (const key of ['', 'junk', `workspace/${'a'.repeat(33)}`, `${'é'.repeat(43)}`, hashOf(1).slice(1)]) {
    expect(absent.add(key, 50), key).toBe(false);
    expect(absent.has(key, 0), key).toBe(false);
  }
  expect(absent.size).toBe(0);
});

it('keeps nearly all of as many as half its room, and never more than its room, the newest among them', () => {
  for (let nth = 0; nth < 512; nth++) absent.add(hashOf(nth), 1000 + nth);
  const known = Array.from({ length: 512 }, (_, nth) => absent.has(hashOf(nth), 0)).filter(Boolean).length;
  expect(known).toBeGreaterThan(450);
  for (let nth = 512; nth < 50_000; nth++) absent.add(hashOf(nth), 1000 + nth);
  expect(absent.size).toBeLessThanOrEqual(1024);
  expect(absent.has(hashOf(49_999), 0)).toBe(true);
  expect(absent.has(hashOf(0), 0)).toBe(false);
});
