/** Whose address a request has: for counting somebody always, for checks only whom somebody may be believed about. */
import { expect, test } from 'vitest';
import { clientAddress, knownAddress } from '../../src/edge/client-address.ts';

const isProxy = (address: string) => address.startsWith('10.9.');
const both = (peer: string, ...hops: readonly string[]) => {
  const headers = hops.flatMap((hop) => ['x-Forwarded-FOR', hop]);
  return [clientAddress(headers, peer, isProxy), knownAddress(headers, peer, isProxy)];
};

test.each([
  ['nobody is believed who is no proxy', both('192.0.2.1', '198.51.100.7'), '192.0.2.1', '192.0.2.1'],
  ['a proxy names its client', both('10.9.0.1', '198.51.100.7'), '198.51.100.7', '198.51.100.7'],
  [
    'what stands before the client is its own word',
    both('10.9.0.1', '6.6.6.6, 198.51.100.7'),
    '198.51.100.7',
    '198.51.100.7',
  ],
  ['a chain of proxies', both('10.9.0.1', '198.51.100.7', '10.9.0.2'), '198.51.100.7', '198.51.100.7'],
  ['a client among the proxies', both('10.9.0.1', '10.9.0.2'), '10.9.0.2', '10.9.0.2'],
  ['with a port', both('10.9.0.1', '[2001:db8::7]:4711'), '2001:db8::7', '2001:db8::7'],
  ['a proxy that names nobody', both('10.9.0.1'), '10.9.0.1', null],
  ['a proxy that names no address', both('10.9.0.1', 'unknown'), '10.9.0.1', null],
  ['an address behind one that is none', both('10.9.0.1', '198.51.100.7, unknown'), '10.9.0.1', null],
  ['no address behind a second proxy', both('10.9.0.1', 'unknown, 10.9.0.2'), '10.9.0.2', null],
  ['a peer without an address', both('', '198.51.100.7'), '', null],
])('%s', (_, said, counted, checked) => {
  expect(said).toEqual([counted, checked]);
});
