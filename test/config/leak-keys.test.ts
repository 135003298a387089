/** A file of public keys is refused with the place and what would be right, and never taken for half of what it should be. */
import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { readLeakKeys } from '../../src/config/load/leak-keys.ts';

const pem = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const good = pem('P-256');
const spki = good.publicKey.export({ type: 'spki', format: 'pem' });
const read = (text: string | Buffer) => readLeakKeys('keys.json', () => Buffer.from(text));
const listing = (...keys: unknown[]) => JSON.stringify({ public_keys: keys });
const key = (more: object) => ({ key_identifier: 'a', key: spki, is_current: true, ...more });

it('lists its keys by their names', () => {
  const keys = read(listing(key({}), key({ key_identifier: 'b', is_current: false })));
  expect([...(keys as Map<string, unknown>).keys()]).toEqual(['a', 'b']);
});

it.each([
  ['no JSON', 'public_keys:', /^keys\.json: must have the form \{"public_keys":/],
  ['no list', '{"public_keys":{}}', /must have the form/],
  ['null', 'null', /must have the form/],
  ['no UTF-8', Buffer.from([0xff]), /UTF-8/],
  ['an empty list', listing(), 'keys.json: lists no key'],
  ['a key without a name', listing({ key: spki }), 'keys.json: public_keys[0] has no key_identifier'],
  ['a name that no header can say', listing(key({ key_identifier: 'a b' })), /public_keys\[0\] has no key_identifier/],
  ['null for a key', listing(null), /public_keys\[0\] has no key_identifier/],
  ['a name twice', listing(key({}), key({})), 'keys.json: public_keys[1] has the key_identifier of another one'],
  [
    'a key on another curve',
    listing(key({ key: pem('P-384').publicKey.export({ type: 'spki', format: 'pem' }) })),
    'keys.json: public_keys[0].key is no public key on the curve P-256 in PEM form',
  ],
  ['a private key', listing(key({ key: good.privateKey.export({ type: 'pkcs8', format: 'pem' }) })), /no public key/],
  ['something else', listing(key({ key: '-----BEGIN PUBLIC KEY-----\nAAAA\n' })), /no public key/],
  ['a number', listing(key({ key: 1 })), /no public key/],
])('%s', (_what, text, message) => {
  const problem = read(text);
  if (typeof message === 'string') expect(problem).toBe(message);
  else expect(problem).toMatch(message);
});

it('a file that is not there is said to be missing', () => {
  expect(
    readLeakKeys('nowhere.json', () => {
      throw Object.assign(new Error('x'), { code: 'ENOENT' });
    }),
  ).toMatch(/^nowhere\.json cannot be read: /);
});
