/** A connection's last token is hashed once; any other is hashed as if there were none before it. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hashToken, LastToken } from '../src/secret.ts';

it('says of every token what hashing it says, whatever came before on the connection', () => {
  const text = fc.oneof(
    fc.constantFrom('pat_a', 'pat_b', 'pat_a\u00ff', 'pat_\u0161', 'pat_a', ''),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(fc.array(text, { maxLength: 40 }), (texts) => {
      const last = new LastToken();
      for (const each of texts.flatMap((one) => [one, one])) expect(last.hashOf(each)).toBe(hashToken(each));
    }),
  );
});

it('a character that would be cut to another octet is not taken for it', () => {
  const last = new LastToken();
  last.hashOf('\u0141');
  expect(last.hashOf('A')).toBe(hashToken('A'));
});

it('prints no token', () => {
  const last = new LastToken();
  last.hashOf('pat_secret');
  expect(`${last} ${JSON.stringify({ last })}`).toBe('[token] {"last":"[token]"}');
});
