/** The status of an answer to bytes of which no request could be made. */
import { expect, it } from 'vitest';
import { type ParseFailure, statusOfFailure } from '../../src/http/node-http/parse-failure.ts';

const HEADER_BYTES = 1000;
const failure = (code: string, packet?: unknown): ParseFailure =>
  Object.assign(new Error(code), { code, ...(packet === undefined ? {} : { rawPacket: packet }) });
const overflow = (text: string) =>
  statusOfFailure(failure('HPE_HEADER_OVERFLOW', Buffer.from(text, 'latin1')), HEADER_BYTES);

it('is 408 for a head that did not come in time, and 400 for nonsense', () => {
  expect(statusOfFailure(failure('ERR_HTTP_REQUEST_TIMEOUT'), HEADER_BYTES)).toBe(408);
  expect(statusOfFailure(failure('HPE_INVALID_METHOD', Buffer.from('x')), HEADER_BYTES)).toBe(400);
});

it('is 414 where the request line alone is too long, also behind another request', () => {
  const long = `GET /${'a'.repeat(HEADER_BYTES)}`;
  expect([overflow(long), overflow(`GET / HTTP/1.1\r\nHost: a\r\n\r\n${long}`)]).toEqual([414, 414]);
});

it('is 431 where the headers are too large, or nothing is known', () => {
  const header = `X-A: ${'a'.repeat(HEADER_BYTES)}`;
  expect(overflow(`GET / HTTP/1.1\r\n${header}`)).toBe(431);
  expect(overflow('a'.repeat(HEADER_BYTES))).toBe(431);
  expect([undefined, 'text'].map((packet) => statusOfFailure(failure('HPE_HEADER_OVERFLOW', packet), 10))).toEqual([
    431, 431,
  ]);
});
