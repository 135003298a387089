/** The Map for few entries does what a Map does. */
import { expect, it } from 'vitest';
import { FewEntries } from '../src/few-entries.ts';

it('in whatever order they come and go, there is what a Map would have', () => {
  const few = new FewEntries<number, string>();
  const map = new Map<number, string>();
  // Every key again and again, in an order that repeats late.
  for (let turn = 0, key = 1; turn < 2000; turn++, key = (key * 7 + 3) % 31) {
    if ((turn * key) % 3 === 0) expect(few.delete(key)).toBe(map.delete(key));
    else {
      few.set(key, `${turn}`);
      map.set(key, `${turn}`);
    }
    expect(few.size).toBe(map.size);
    expect(few.get(key)).toBe(map.get(key));
    expect([...few.all].sort()).toEqual([...map.values()].sort());
  }
  expect(map.size).toBeGreaterThan(0);
});

it('those that are taken out while all are visited do not hide others', () => {
  const few = new FewEntries<number, string>().set(1, 'a').set(2, 'b').set(3, 'c');
  const visited: string[] = [];
  few.forEach((value, key) => {
    visited.push(value);
    few.delete(key);
  });
  expect(visited).toEqual(['a', 'b', 'c']);
  expect(few.size).toBe(0);
});
