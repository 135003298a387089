/** What takes a while to find out: nobody waits long for it, it is never found out twice at once, and it rests. */
import { expect, it } from 'vitest';
import { SlowFacts } from '../src/slow-facts.ts';
import { timePasses } from './support/time.ts';

const OPTIONS = { patienceMs: 20, restFactor: 0, max: 2 };

/** Finds out when the test says so. */
function finder() {
  const asked: Array<PromiseWithResolvers<string>> = [];
  const find = () => {
    asked.push(Promise.withResolvers<string>());
    return asked.at(-1)!.promise;
  };
  return { asked, find };
}

it('whoever asks gets what is there after a moment: nothing at first, then what was known last', async () => {
  const facts = new SlowFacts<string>(OPTIONS);
  const { asked, find } = finder();
  expect(await facts.get('a', find)).toBeNull();
  expect(await facts.get('a', find)).toBeNull();
  expect(asked).toHaveLength(1);
  asked[0]!.resolve('first');
  await asked[0]!.promise;
  expect(await facts.get('a', find)).toBe('first');
  expect(asked).toHaveLength(2);
  asked[1]!.resolve('second');
  expect(await facts.get('a', find)).toBe('second');
});

it('what is found out within the moment is told at once', async () => {
  expect(await new SlowFacts<string>(OPTIONS).get('a', async () => 'soon')).toBe('soon');
});

it('it rests for as long as it is to, and is not found out meanwhile', async () => {
  const facts = new SlowFacts<string>({ ...OPTIONS, patienceMs: 1000, restFactor: 1000 });
  let count = 0;
  const find = async () => {
    await timePasses(5, 'finding out takes a while, and the rest is a multiple of it');
    count++;
    return String(count);
  };
  expect([await facts.get('a', find), await facts.get('a', find)]).toEqual(['1', '1']);
  expect(await facts.get('b', find)).toBe('2');
});

it('a failure is told to whoever waits, and to nobody else; the next one asks again', async () => {
  const facts = new SlowFacts<string>(OPTIONS);
  await expect(facts.get('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
  const { asked, find } = finder();
  expect(await facts.get('a', find)).toBeNull();
  asked[0]!.reject(new Error('away'));
  await expect(asked[0]!.promise).rejects.toThrow('away');
  expect(await facts.get('a', async () => 'back')).toBe('back');
});

it('what was asked for longest ago is forgotten first', async () => {
  const facts = new SlowFacts<string>({ ...OPTIONS, restFactor: 1e9 });
  const at = (key: string) => facts.get(key, async () => `${key} anew`);
  for (const key of ['a', 'b']) await facts.get(key, async () => key);
  expect([await at('a'), await at('c'), await at('a'), await at('b')]).toEqual(['a', 'c anew', 'a', 'b anew']);
});
