import { expect, it } from 'vitest';
import {
  grpcCode,
  grpcHeaders,
  grpcTimeoutMs,
  grpcTrailers,
  isGrpcRequest,
  isGrpcStream,
} from '../../src/core/grpc.ts';

const typed = (type: string) => ['Host', 'a', 'Content-TYPE', type];

it('a request of gRPC is known by its type, whatever stands behind it, and is a POST', () => {
  for (const type of ['application/grpc', 'Application/GRPC+proto', 'application/grpc;x=y', 'application/grpc-web'])
    expect(isGrpcRequest({ method: 'POST', headers: typed(type) }), type).toBe(true);
  for (const type of ['application/grpcx', 'application/json', 'text/plain; application/grpc'])
    expect(isGrpcRequest({ method: 'POST', headers: typed(type) }), type).toBe(false);
  expect(isGrpcRequest({ method: 'GET', headers: typed('application/grpc') })).toBe(false);
  expect(isGrpcRequest({ method: 'POST', headers: ['application/grpc', 'Content-Type'] })).toBe(false);
});

it('an answer ends with trailers unless it is gRPC-Web, whose trailers stand in its body', () => {
  expect(isGrpcStream(typed('application/grpc+proto'))).toBe(true);
  expect(isGrpcStream(typed('application/grpc-web+proto'))).toBe(false);
});

it.each([
  [400, 3],
  [401, 16],
  [403, 7],
  [404, 5],
  [405, 5],
  [413, 3],
  [415, 3],
  [429, 8],
  [502, 14],
  [503, 14],
  [504, 4],
  [418, 2],
])('status %i is code %i', (status, code) => expect(grpcCode(status, 500)).toBe(code));

it('a dialect that refuses with a status of success says by its reason what it is', () => {
  expect(grpcCode(200, 401)).toBe(16);
});

it('a message is ASCII that can be read back, whatever it says', () => {
  for (const message of ['The token is invalid.', '100 % "ja"', 'nö\r\nx-injected: 1', '令牌无效 🔑', '']) {
    const [, , name, value] = grpcTrailers(7, message);
    expect(name).toBe('grpc-message');
    expect(value).toMatch(/^[\x20-\x7e]*$/);
    expect(decodeURIComponent(value!)).toBe(message);
  }
  expect(grpcTrailers(7, '\ud800')[3]).toBe('%EF%BF%BD');
});

it('the headers of a refusal stay, but those about its body', () => {
  const headers = ['Content-Type', 'application/json', 'X-Request-Id', '1', 'content-length', '9'];
  const trailers = grpcTrailers(16, 'no');
  const rest = ['X-Request-Id', '1', 'grpc-status', '16', 'grpc-message', 'no'];
  expect(grpcHeaders(headers, trailers, false)).toEqual(['Content-Type', 'application/grpc', ...rest]);
  expect(grpcHeaders(headers, trailers, true).slice(2, 4)).toEqual(['Content-Length', '0']);
});

it.each([
  ['2H', 7_200_000],
  ['3M', 180_000],
  ['10S', 10_000],
  ['250m', 250],
  ['5000u', 5],
  ['123456789S', null],
  ['1.5S', null],
  ['S', null],
])('grpc-timeout %s', (value, ms) => expect(grpcTimeoutMs(['grpc-timeout', value])).toBe(ms));
