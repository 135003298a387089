/** How many places one holder may take, and from when on. */
import { expect, test } from 'vitest';
import { Places } from '../../src/upstream/places.ts';

/** Takes for one after the other, as long as each is admitted; says how many each got. */
function taken(places: Places, ...holders: string[]): number[] {
  return holders.map((holder) => {
    let count = 0;
    while (places.admits(holder)) {
      places.take(holder);
      count += 1;
    }
    return count;
  });
}

test('one alone gets all but a quarter, and others their share of what is left', () => {
  // The last one taken leaves less than a quarter, which is no reason before.
  expect(taken(new Places(128, 1 / 4), 'a', 'b', 'c')).toEqual([97, 31, 0]);
  expect(taken(new Places(128, 1 / 8), 'a', 'b', 'c')).toEqual([97, 16, 15]);
  expect(taken(new Places(8, 1 / 4), 'a', 'b', 'c')).toEqual([7, 1, 0]);
});

test('with a share of all, whoever comes first may have everything', () => {
  expect(taken(new Places(128, 1), 'a', 'b')).toEqual([128, 0]);
});

test('fewer than four places have no quarter to keep', () => {
  for (const most of [1, 2, 3]) expect(taken(new Places(most, 1 / 4), 'a', 'b')).toEqual([most, 0]);
});

test('who gives places back may take them again, up to the share while little is free', () => {
  const places = new Places(8, 1 / 4);
  expect(taken(places, 'a', 'b')).toEqual([7, 1]);
  for (let nth = 0; nth < 3; nth += 1) places.give('a');
  // Three are free, which is more than a quarter.
  expect(taken(places, 'a')).toEqual([2]);
  for (let nth = 0; nth < 6; nth += 1) places.give('a');
  expect(taken(places, 'a')).toEqual([6]);
  expect(places.used).toBe(7);
});

test('what is waited for counts, too', () => {
  const places = new Places(8, 1 / 4);
  taken(places, 'a');
  expect([places.isAboveShare('b', 1), places.isAboveShare('b', 2)]).toEqual([false, true]);
});
