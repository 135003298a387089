/** The console's words, in every language that it has. */
import { expect, it } from 'vitest';
import { en } from '../../src/console/page/text/en.ts';
import { translator } from '../../src/console/page/text/translate.ts';
import { zh } from '../../src/console/page/text/zh.ts';

it('every language says the same things', () => {
  expect(Object.keys(zh)).toEqual(Object.keys(en));
});

it('a message has the same names to fill in, in every language', () => {
  const names = (message: unknown) => new Set(JSON.stringify(message).match(/\{\w+\}/g) ?? []);
  for (const [key, message] of Object.entries(en))
    expect(names(zh[key as keyof typeof en]), key).toEqual(names(message));
});

it('what is said in Chinese is Chinese', () => {
  const isSaid = (message: unknown) => /\p{L}/u.test(JSON.stringify(message));
  for (const [key, message] of Object.entries(zh))
    if (isSaid(message)) expect(JSON.stringify(message), key).toMatch(/\p{Script=Han}/u);
});

it('counts are said in their plural, with the language’s own digits', () => {
  expect(translator('en')('tokens.count', { count: 1 })).toBe('1 token');
  expect(translator('en')('tokens.count', { count: 1200 })).toBe('1,200 tokens');
  expect(translator('zh')('tokens.count', { count: 1 })).toBe('1 个令牌');
});
