/** A head of HTTP/2 as HTTP/1.1 would have said it; refused where HTTP/1.1 could not carry it. */
import { expect, it } from 'vitest';
import { areFields, isConnectionSpecific, translateHead } from '../../src/core/h2-head.ts';

const pseudo = (path = '/a', authority = 'api.test') => [
  ...[':method', 'GET', ':scheme', 'https', ':authority', authority, ':path', path],
];

it('names the host first, and announces a body without a length as chunked', () => {
  expect(translateHead([...pseudo(), 'x-a', 'b'], true)).toEqual({
    method: 'GET',
    target: '/a',
    headers: ['host', 'api.test', 'x-a', 'b'],
  });
  expect(translateHead(pseudo(), false)?.headers).toEqual(['host', 'api.test', 'transfer-encoding', 'chunked']);
  expect(translateHead([...pseudo(), 'content-length', '3'], false)?.headers).toEqual([
    ...['host', 'api.test', 'content-length', '3'],
  ]);
});

it('joins the pieces of a Cookie where the first one stood', () => {
  expect(translateHead([...pseudo(), 'cookie', 'a=1', 'x-a', 'b', 'cookie', 'c=2'], true)?.headers).toEqual([
    ...['host', 'api.test', 'cookie', 'a=1; c=2', 'x-a', 'b'],
  ]);
});

it('takes the host from either place, and refuses two that differ', () => {
  const withHost = (host: string) => [...pseudo(), 'host', host];
  expect(translateHead(withHost('API.test'), true)?.headers.slice(0, 2)).toEqual(['host', 'api.test']);
  expect(translateHead(withHost('other.test'), true)).toBeNull();
  const alone = [':method', 'GET', ':scheme', 'https', ':path', '/'];
  expect(translateHead([...alone, 'host', 'api.test'], true)?.headers).toEqual(['host', 'api.test']);
  expect(translateHead(alone, true)).toBeNull();
  expect(translateHead([...alone, 'host', 'a', 'host', 'a'], true)).toBeNull();
});

it.each<[string, readonly string[]]>([
  ['no path', [':method', 'GET', ':scheme', 'https', ':authority', 'a']],
  ['no scheme', [':method', 'GET', ':authority', 'a', ':path', '/']],
  ['another scheme', [':method', 'GET', ':scheme', 'file', ':authority', 'a', ':path', '/']],
  ['a pseudo-header twice', [...pseudo(), ':path', '/b']],
  ['a pseudo-header unknown', [...pseudo(), ':protocol', 'websocket']],
  ['a pseudo-header behind a header', [...pseudo(), 'x', 'y', ':path', '/b']],
  ['an absolute target', pseudo('http://api.test/')],
  ['a blank in the target', pseudo('/a b')],
  ['a byte above ASCII in the target', pseudo('/\xe9')],
  ['a name in upper case', [...pseudo(), 'X-A', 'b']],
  ['a name with a colon', [...pseudo(), 'x:a', 'b']],
  ['a value with a line feed', [...pseudo(), 'x-a', 'b\nc']],
  ['a value with blanks around', [...pseudo(), 'x-a', ' b']],
  ['Connection', [...pseudo(), 'connection', 'close']],
  ['Transfer-Encoding', [...pseudo(), 'transfer-encoding', 'chunked']],
  ['TE other than trailers', [...pseudo(), 'te', 'gzip']],
  ['a length and no body', [...pseudo(), 'content-length', '3']],
])('refuses %s', (_, raw) => {
  expect(translateHead(raw, true)).toBeNull();
});

it('trailers cross only where HTTP/1.1 can carry them', () => {
  expect(areFields(['x-sum', '1', 'x-b', ''])).toBe(true);
  expect([areFields(['x-sum', '1\r\nx: y']), areFields([':path', '/']), areFields(['upgrade', 'x'])]).toEqual(
    Array(3).fill(false),
  );
  expect([isConnectionSpecific('keep-alive'), isConnectionSpecific('date')]).toEqual([true, false]);
});
