/** What a request may leave HTTP for. */
import { expect, it } from 'vitest';
import { isOffered, offeredProtocols, survivesUrl } from '../../src/core/upgrade.ts';

it.each<[string, number, readonly string[], string]>([
  ['GET', 1, ['Upgrade', 'websocket'], 'websocket'],
  ['GET', 1, ['upgrade', 'websocket, foo/2', 'UPGRADE', 'bar'], 'websocket, foo/2, bar'],
  ['GET', 1, ['Upgrade', 'h2c'], ''],
  ['GET', 1, ['Upgrade', 'H2C, websocket, TLS/1.2, HTTP/2.0, h3-29'], 'websocket'],
  ['GET', 1, ['Upgrade', 'a b, c/d/e, (x)'], ''],
  ['POST', 1, ['Upgrade', 'websocket'], ''],
  ['GET', 0, ['Upgrade', 'websocket'], ''],
  ['GET', 1, ['Upgrade', 'websocket', 'Content-Length', '1'], ''],
  ['GET', 1, ['Upgrade', 'websocket', 'Content-Length', '00'], 'websocket'],
  ['GET', 1, ['Upgrade', 'websocket', 'transfer-encoding', 'chunked'], ''],
  ['GET', 1, ['Connection', 'Upgrade'], ''],
])('%s over HTTP/1.%i with %j offers %j', (method, minor, headers, offered) => {
  expect(offeredProtocols(method, minor, headers)).toBe(offered);
});

it('a target that the URL parser would change does not go through it', () => {
  expect(['/a?b=c', '/a//b', '//other.test/a', '/'].map(survivesUrl)).toEqual(Array(4).fill(true));
  expect(['/a/../b', '/%2e/a', '/a b', '/a#b', '/a\\b', '*'].map(survivesUrl)).toEqual(Array(6).fill(false));
});

it('the upstream chooses only among what was offered, in any case', () => {
  expect(isOffered('WebSocket', 'foo, websocket')).toBe(true);
  expect(isOffered('foo,websocket', 'websocket, foo')).toBe(true);
  expect(['', ' , ', 'bar', 'foo, bar'].map((chosen) => isOffered(chosen, 'foo'))).toEqual(Array(4).fill(false));
});
