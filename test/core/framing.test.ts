/** What step 1 reads from the headers, and what it refuses because two readers could read it in two ways. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_BODY, readHeaders } from '../../src/core/framing.ts';

const HOST = ['Host', 'api.test'];
const read = (...pairs: string[]) => readHeaders([...HOST, ...pairs], 1);

describe('the end of a request', () => {
  it.each([
    ['nothing said', [], NO_BODY],
    ['a length', ['Content-Length', '17'], { kind: 'length', length: 17 }],
    ['a length of nothing', ['content-length', '0'], { kind: 'length', length: 0 }],
    ['fifteen digits', ['Content-Length', '999999999999999'], { kind: 'length', length: 999_999_999_999_999 }],
    ['chunks', ['Transfer-Encoding', 'chunked'], { kind: 'chunked' }],
    ['chunks, in capitals', ['TRANSFER-ENCODING', 'Chunked'], { kind: 'chunked' }],
  ])('%s', (_, pairs, body) => {
    expect(read(...pairs)?.body).toEqual(body);
  });

  it.each([
    ['both', ['Content-Length', '3', 'Transfer-Encoding', 'chunked']],
    ['both, the other way round', ['Transfer-Encoding', 'chunked', 'Content-Length', '3']],
    ['two lengths that agree', ['Content-Length', '3', 'content-length', '3']],
    ['two encodings', ['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked']],
    ['another encoding', ['Transfer-Encoding', 'gzip, chunked']],
    ['an empty encoding', ['Transfer-Encoding', '']],
    ...['', ' 3', '+3', '-3', '0x3', '3,3', '3.0', '1e3', '٣', '1000000000000000'].map(
      (length) => [`a length of ${JSON.stringify(length)}`, ['Content-Length', length]] as [string, string[]],
    ),
  ])('%s is refused', (_, pairs) => {
    expect(read(...pairs)).toBeNull();
  });

  it('chunks are refused where the client speaks HTTP/1.0, which knows none', () => {
    expect(readHeaders([...HOST, 'Transfer-Encoding', 'chunked'], 0)).toBeNull();
    expect(readHeaders([...HOST, 'Content-Length', '3'], 0)?.body).toEqual({ kind: 'length', length: 3 });
  });
});

describe('the host', () => {
  it.each(['api.test', 'api.test:8080', '127.0.0.1', '[::1]:80', 'a--b.c'])('%s', (host) => {
    expect(readHeaders(['host', host], 1)?.host).toBe(host);
  });

  it.each(['', 'a b', 'a,b', 'user@a', 'a/b', 'a:port', 'a:123456', '[::1', 'ä'])('%j is refused', (host) => {
    expect(readHeaders(['Host', host], 1)).toBeNull();
  });

  it('stands once, and may only be missing in HTTP/1.0', () => {
    expect(read('HOST', 'api.test')).toBeNull();
    expect(readHeaders([], 1)).toBeNull();
    expect(readHeaders([], 0)?.host).toBe('');
  });
});

it('no version but 1.0 and 1.1 is read', () => {
  for (const version of [-1, 2, 9]) expect(readHeaders(HOST, version)).toBeNull();
});

it('Expect is 100-continue, once; HTTP/1.0 expects nothing', () => {
  expect(read('Expect', '100-Continue')?.expectContinue).toBe(true);
  expect(readHeaders([...HOST, 'Expect', '100-continue'], 0)?.expectContinue).toBe(false);
  for (const pairs of [
    ['Expect', '200-ok'],
    ['Expect', '100-continue', 'expect', '100-continue'],
  ])
    expect(read(...pairs)).toBeNull();
});

it('every credential and every Via is told, in order', () => {
  expect(read('Authorization', 'a', 'AUTHORIZATION', 'b')?.authorization).toEqual(['a', 'b']);
  expect(read('via', '1.1 a', 'Via', '1.0 b')?.via).toBe('1.1 a, 1.0 b');
  expect(read('upgrade', 'websocket')?.upgrade).toBe(true);
});

it('whatever other headers there are changes nothing', () => {
  const names = ['host', 'expect', 'via', 'upgrade', 'authorization', 'content-length', 'transfer-encoding'];
  const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/).filter((text) => !names.includes(text.toLowerCase()));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.string()), { maxLength: 10 }), fc.nat(10), (others, at) => {
      const pairs = others.flat();
      pairs.splice(Math.min(at * 2, pairs.length), 0, ...HOST, 'Content-Length', '7', 'Authorization', 'Bearer x');
      expect(readHeaders(pairs, 1)).toEqual(read('Content-Length', '7', 'Authorization', 'Bearer x'));
    }),
  );
});
