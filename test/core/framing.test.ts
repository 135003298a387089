/** Where a message begins and ends can be read in one way, or it is refused. */
import { describe, expect, it } from 'vitest';
import { NO_BODY, readHeaders } from '../../src/core/framing.ts';

const HOST = ['Host', 'api.test'];
const CHUNKED = { kind: 'chunked' };
const body = (...headers: string[]) => readHeaders([...HOST, ...headers], 1)?.body ?? null;

it.each<[string[], object | null]>([
  [[], NO_BODY],
  [['Content-Length', '0'], { kind: 'length', length: 0 }],
  [['content-LENGTH', '42'], { kind: 'length', length: 42 }],
  [['Content-Length', '999999999999999'], { kind: 'length', length: 999_999_999_999_999 }],
  [['Content-Length', '1000000000000000'], null],
  [['Content-Length', '+1'], null],
  [['Content-Length', '-1'], null],
  [['Content-Length', '0x10'], null],
  [['Content-Length', '1, 1'], null],
  [['Content-Length', ''], null],
  [['Content-Length', '1', 'content-length', '1'], null],
  [['Transfer-Encoding', 'chunked'], CHUNKED],
  [['Transfer-Encoding', 'Chunked'], CHUNKED],
  [['Transfer-Encoding', 'gzip, chunked'], null],
  [['Transfer-Encoding', 'chunked, chunked'], null],
  [['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'], null],
  [['Transfer-Encoding', 'identity'], null],
  [['Transfer-Encoding', 'chunked', 'Content-Length', '1'], null],
])('the body of %j', (headers, expected) => {
  expect(body(...headers)).toEqual(expected);
});

describe('Host', () => {
  it.each(['api.test', 'api.test:8080', '127.0.0.1', '[::1]', '[::1]:80', 'a_b~c-d'])('%s', (host) => {
    expect(readHeaders(['Host', host], 1)?.host).toBe(host);
  });

  it.each(['', 'a b', 'a,b', 'a@b', 'a/b', 'a:b', 'a:123456', '[::1', 'a\0', 'é'])('%j is refused', (host) => {
    expect(readHeaders(['Host', host], 1)).toBeNull();
    // Nor is it taken for the usual one the second time.
    expect(readHeaders(['Host', host], 1)).toBeNull();
  });

  it('is there once; only HTTP/1.0 may do without', () => {
    expect(readHeaders([], 1)).toBeNull();
    expect(readHeaders([], 0)?.host).toBe('');
    expect(readHeaders([...HOST, 'hOsT', 'api.test'], 1)).toBeNull();
  });
});

it('only HTTP/1.0 and 1.1 are spoken, and chunks only in 1.1', () => {
  expect([readHeaders(HOST, 2), readHeaders(HOST, 9)]).toEqual([null, null]);
  expect(readHeaders([...HOST, 'Transfer-Encoding', 'chunked'], 0)).toBeNull();
});

it('every Authorization and Via is seen, in order', () => {
  const facts = readHeaders(
    [...HOST, 'Authorization', 'a', 'X', 'y', 'AUTHORIZATION', 'b', 'via', '1.1 x', 'Via', 'y'],
    1,
  );
  expect(facts).toMatchObject({ authorization: ['a', 'b'], via: '1.1 x, y', upgrade: false });
});

it('100-continue is the only expectation, said once, and means nothing in HTTP/1.0', () => {
  expect(readHeaders([...HOST, 'Expect', '100-Continue'], 1)?.expectContinue).toBe(true);
  expect(readHeaders([...HOST, 'Expect', '100-continue'], 0)?.expectContinue).toBe(false);
  expect(readHeaders([...HOST, 'Expect', '200-ok'], 1)).toBeNull();
  expect(readHeaders([...HOST, 'Expect', '100-continue', 'expect', '100-continue'], 1)).toBeNull();
});

it('names that only look alike in length are other headers', () => {
  const alike = ['Hose', 'x', 'Content-Lengtg', 'x', 'Transfer-Encodinh', 'x', 'Authorizatiom', 'x', 'Upgradf', 'x'];
  expect(readHeaders([...HOST, ...alike], 1)).toMatchObject({ body: NO_BODY, authorization: [], upgrade: false });
});
