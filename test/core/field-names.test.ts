/** What a name means is the same whether it is read as text or as octets, in every spelling. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { crossingOf, requestFieldAt } from '../../src/core/field-names.ts';

const fieldOf = (name: string) => requestFieldAt(Buffer.from(`:${name}:`, 'latin1'), 1, 1 + name.length);

/** These end here, and are read before they do. */
const READ = ['host', 'expect', 'upgrade', 'content-length', 'transfer-encoding', 'x-request-id'];
const REWRITTEN = ['authorization', 'connection', 'via', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'];
const ENDING = [
  ...['keep-alive', 'te', 'trailer', 'proxy-authorization', 'http2-settings', 'forwarded'],
  ...[
    'x-original-url',
    'x-http-method-override',
    'x-real-ip',
    'x-true-ip',
    'cf-connecting-ip',
    'x-vercel-forwarded-for',
  ],
  ...['x-scopegate-', 'x-scopegate-role', 'x-forwarded-', 'x-forwarded-port', 'x-forwarded-forx'],
];
const PASSING = ['accept', 'cookie', 'user-agent', 'content-type', 'x-a', 'x', 'x-scopegate', 'x-forwarder-x', 'hosts'];

it.each([...READ, ...REWRITTEN])('%s is asked for, in any case, and in no other spelling', (name) => {
  expect(fieldOf(name)).toBe('meant');
  expect(fieldOf(name.toUpperCase())).toBe('meant');
  if (name.includes('-')) expect(fieldOf(name.replace('-', '_'))).toBe('drop');
});

it.each(ENDING)('%s ends here, in every spelling', (name) => {
  for (const spelled of [name, name.toUpperCase(), name.replaceAll('-', '_'), name.replaceAll('-', '.')])
    expect(fieldOf(spelled)).toBe('drop');
});

it.each(PASSING)('%s passes', (name) => {
  expect(fieldOf(name)).toBe('pass');
  expect(fieldOf(name.toUpperCase())).toBe('pass');
});

it('octets are sorted as texts are', () => {
  const known = fc.constantFrom(...READ, ...REWRITTEN, ...ENDING, ...PASSING);
  const mark = fc.constantFrom('-', '_', '.', '~', '');
  const spelled = fc.tuple(known, mark, fc.boolean()).map(([name, by, isUpper]) => {
    const other = name.replaceAll('-', by);
    return isUpper ? other.toUpperCase() : other;
  });
  const any = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}$/);
  fc.assert(
    fc.property(
      fc.oneof(
        spelled.filter((name) => name !== ''),
        any,
      ),
      (name) => {
        const field = fieldOf(name);
        const crossing = crossingOf(name);
        if (field === 'meant')
          expect([name, [...READ, ...REWRITTEN]]).toEqual([name, expect.arrayContaining([name.toLowerCase()])]);
        else expect([name, field]).toEqual([name, crossing]);
        if (field === 'meant' && !READ.includes(name.toLowerCase())) expect(crossing).not.toMatch(/pass|drop/);
      },
    ),
    { numRuns: 2000 },
  );
});
