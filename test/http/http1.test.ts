/** HTTP/1 as it is: old clients, every method, answers without a body, parts, compressed bodies, patience, sizes. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { harness, ROUTES } from '../conformance/harness.ts';
import { startTestGateway } from '../support/gateway.ts';
import { started } from '../support/process.ts';
import { rawRequest } from '../support/raw.ts';
import { startHttpUpstream } from '../support/recorder.ts';
import { hasTool } from '../support/tools.ts';

const at = harness();
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Sum: 1\r\n\r\n';
const SIZED = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('a client of HTTP/1.0', () => {
  test('gets no chunks: the end of the connection is the end of the answer', async () => {
    at.upstream.reply = () => CHUNKED;
    using client = await at.connect();
    client.send(rawRequest('GET /public/x HTTP/1.0'));
    await client.untilEnded();
    const [response] = client.responses;
    expect([response!.framing, response!.body, response!.header('transfer-encoding')]).toEqual([
      'close',
      'abcdefg',
      undefined,
    ]);
    expect(client.received).not.toContain('X-Sum');
    expect(at.upstream.requests[0]!.version).toBe('HTTP/1.1');
    expect(at.upstream.requests[0]!.header('via')).toMatch(/^1\.0 scopegate\.[a-p]{12}$/);
  });

  test('keeps its connection only where it asked to, and where the length is known', async () => {
    at.upstream.reply = () => SIZED;
    using plain = await at.connect();
    await plain.send(rawRequest('GET /public/x HTTP/1.0')).untilEnded();
    expect(plain.responses[0]!.body).toBe('ok');

    using asking = await at.connect();
    const request = rawRequest('GET /public/x HTTP/1.0', ['Connection: keep-alive']);
    expect((await asking.send(request).response()).header('connection')).toBe('keep-alive');
    expect((await asking.send(request).response(1)).body).toBe('ok');
    at.upstream.reply = () => CHUNKED;
    await asking.send(request).untilEnded();
    expect(asking.responses[2]!.body).toBe('abcdefg');
  });

  test('gets nothing behind an answer that the end of the connection ends', async () => {
    at.upstream.reply = () => CHUNKED;
    using client = await at.connect();
    client.send(`${rawRequest('GET /public/x HTTP/1.0', ['Connection: keep-alive'])}no request\r\n\r\n`);
    await client.untilEnded();
    expect(client.responses.map(({ body }) => body)).toEqual(['abcdefg']);
  });

  test('is refused with an answer that it can read, too', async () => {
    using client = await at.connect();
    await client.send(rawRequest('GET /files/x HTTP/1.0')).untilEnded();
    expect([client.responses[0]!.status, client.responses[0]!.framing]).toEqual([401, 'length']);
  });
});

test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'REPORT', 'QUERY'])(
  '%s crosses as it is, and the connection is kept',
  async (method) => {
    at.upstream.reply = ({ method: seen }) =>
      seen === 'HEAD' ? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n' : SIZED;
    using client = await at.connect();
    client.send(rawRequest(`${method} /public/x`)).methods.splice(0, 1, method);
    expect((await client.response()).status).toBe(200);
    client.send(rawRequest('GET /public/y'));
    expect((await client.response(1)).body).toBe('ok');
    expect(at.upstream.lines).toEqual([`${method} /public/x`, 'GET /public/y']);
  },
);

test('a client is told how long its connection is kept, in seconds, or that it is not', async () => {
  at.upstream.reply = () => SIZED;
  using client = await at.connect();
  const kept = await client.send(rawRequest('GET /public/x')).response();
  expect([kept.header('connection'), kept.header('keep-alive')]).toEqual(['keep-alive', 'timeout=72']);
  const last = await client.send(rawRequest('GET /public/x', ['Connection: close'])).response(1);
  expect([last.header('connection'), last.header('keep-alive')]).toEqual(['close', undefined]);
});

test('a range is asked for and answered untouched', async () => {
  at.upstream.reply = () =>
    'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-4/9\r\nAccept-Ranges: bytes\r\nContent-Length: 3\r\n\r\ncde';
  const { request, response } = await at.passes(
    rawRequest('GET /public/x', ['Range: bytes=2-4', 'If-Range: "v1"', 'If-None-Match: "a", W/"b"']),
  );
  expect([request.header('range'), request.header('if-range'), request.header('if-none-match')]).toEqual([
    'bytes=2-4',
    '"v1"',
    '"a", W/"b"',
  ]);
  expect([response.status, response.header('content-range'), response.body]).toEqual([206, 'bytes 2-4/9', 'cde']);
});

test('a compressed body is carried byte for byte, both ways', async () => {
  const every = Buffer.from(Uint8Array.from({ length: 256 }, (_, byte) => byte)).toString('latin1');
  at.upstream.reply = () => `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 256\r\n\r\n${every}`;
  const headers = ['Content-Encoding: br', 'Accept-Encoding: br;q=1, *;q=0', 'Content-Length: 256'];
  const { request, response } = await at.passes(rawRequest('POST /public/x', headers, every));
  expect([request.body, request.header('content-encoding')]).toEqual([every, 'br']);
  expect(request.header('accept-encoding')).toBe('br;q=1, *;q=0');
  expect([response.body, response.header('content-encoding')]).toEqual([every, 'gzip']);
});

test.each([204, 304])('%i is an answer without a body, and the next one is read right', async (status) => {
  at.upstream.reply = ({ target }) => (target === '/public/x' ? `HTTP/1.1 ${status} X\r\nETag: "a"\r\n\r\n` : SIZED);
  using client = await at.connect();
  client.send(rawRequest('GET /public/x') + rawRequest('GET /public/y'));
  await client.response(1);
  expect(client.responses.map((each) => [each.status, each.body])).toEqual([
    [status, ''],
    [200, 'ok'],
  ]);
  expect(client.responses[0]!.header('transfer-encoding')).toBeUndefined();
});

test('a long poll is waited for, and its answer arrives once there is one', async () => {
  let answer: (bytes: string) => void = () => {};
  at.upstream.reply = () => new Promise((resolve) => (answer = resolve));
  using client = await at.connect();
  client.send(rawRequest('GET /public/poll'));
  await at.upstream.until(({ requests }) => requests.length === 1);
  expect(client.received).toBe('');
  answer(SIZED);
  expect((await client.response()).body).toBe('ok');
});

test('an event stream is seen event by event', async () => {
  at.upstream.replyToHead = (_head, connection) => {
    connection.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
    return undefined;
  };
  using client = await at.connect();
  client.send(rawRequest('GET /public/events'));
  await client.untilText('text/event-stream');
  for (const event of ['data: one\n\n', 'data: two\n\n']) {
    expect(client.received).not.toContain(event);
    at.upstream.connections[0]!.write(`${event.length.toString(16)}\r\n${event}\r\n`);
    await client.untilText(event);
    // The next one has not been asked for, and nothing ended the stream.
    expect(client.received.endsWith(`${event}\r\n`)).toBe(true);
  }
});

describe.skipIf(!hasTool('curl'))('curl sends and gets back 32 MiB', () => {
  const bytes = randomBytes(32 * 1024 * 1024);
  const folder = mkdtempSync(join(tmpdir(), 'scopegate-http1-'));
  writeFileSync(join(folder, 'up'), bytes);
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    ['of a known length', []],
    ['in chunks', ['-H', 'Transfer-Encoding: chunked']],
  ])('%s', async (_name, more) => {
    await using echo = await startHttpUpstream((request, response) => {
      const { 'content-length': length } = request.headers;
      if (length !== undefined) response.setHeader('Content-Length', length);
      request.pipe(response);
    });
    await using gateway = await startTestGateway({ upstreamUrl: echo.url, routes: ROUTES });
    const down = join(folder, 'down');
    const curl = started('curl', [
      ...['-sS', '-X', 'POST', '-T', join(folder, 'up'), '-o', down, ...more],
      `${gateway.url}/public/x`,
    ]);
    expect([await curl.exit(), curl.stderr()]).toEqual([0, '']);
    expect(readFileSync(down).equals(bytes)).toBe(true);
  });
});
