/** Half an answer over HTTPS is seen as half, and a connection that both sides leave at once is really left. */
import { on, once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CLIENT_LIMITS } from '../../src/http/client-limits.ts';
import type { Listener } from '../../src/http/listener.ts';
import { resetConnection } from '../../src/http/socket-close.ts';
import { startListener } from '../../src/http/start-listener.ts';
import { first } from '../support/certificates.ts';
import { started } from '../support/process.ts';
import { RawClient, rawRequest } from '../support/raw.ts';
import { Recorder } from '../support/recorder.ts';
import { timePasses } from '../support/time.ts';
import { hasTool } from '../support/tools.ts';
import { startTlsGateway, type TlsGateway } from './harness.ts';

const ROUTES = [{ id: 'public', match: { path: '/public/**' }, public: true }];

let upstream: Recorder;
let harness: TlsGateway;
beforeAll(async () => {
  upstream = await Recorder.start();
  harness = await startTlsGateway(upstream.url, { routes: ROUTES });
});
beforeEach(() => upstream.clear());
afterAll(async () => {
  await harness[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

describe.skipIf(!hasTool('curl'))('half an answer over HTTPS', () => {
  const curl = (...args: readonly string[]) => {
    const { port } = new URL(harness.gateway.url);
    const trust = ['-sS', '--cacert', harness.paths.cert, '--resolve', `gateway.test:${port}:127.0.0.1`];
    return started('curl', [...trust, ...args, `https://gateway.test:${port}/public/x`]);
  };

  it.each([
    ['in chunks', '--http1.1', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
    ['of a known length', '--http1.1', 'Content-Length: 9\r\n\r\nhalf'],
    ['without any length, to HTTP/1.0', '--http1.0', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ])('%s', async (_name, version, start) => {
    upstream.replyToHead = (_head, connection) => {
      connection.write(`HTTP/1.1 200 OK\r\n${start}`);
      return undefined;
    };
    const run = curl(version, '-N');
    await run.until('half');
    upstream.connections[0]!.reset();
    expect(await run.exit()).toBeOneOf([18, 56]);
    expect(harness.gateway.errorLines).toEqual([]);
    upstream.replyToHead = null;
    const after = curl('--http1.1');
    expect([await after.exit(), after.stdout()]).toEqual([0, 'ok']);
  });
});

it('half an answer over HTTPS ends with a reset of TCP, whatever the client makes of an end without goodbye', async () => {
  upstream.replyToHead = (_head, connection) => {
    connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n');
    return undefined;
  };
  const client = connectTls({ port: Number(new URL(harness.gateway.url).port), ca: first.cert });
  const ending = Promise.withResolvers<string>();
  client.on('error', ({ code }: NodeJS.ErrnoException) => ending.resolve(code!));
  client.on('end', () => ending.resolve('end'));
  client.write(rawRequest('GET /public/x HTTP/1.0'));
  for await (const [chunk] of on(client, 'data')) if (String(chunk).includes('half')) break;
  upstream.connections[0]!.reset();
  upstream.replyToHead = null;
  client.resume();
  expect(await ending.promise).toBe('ECONNRESET');
});

it('a connection whose own end is on its way is cut, too, and does not stay open', async () => {
  const closed = Promise.withResolvers<boolean>();
  await using server = createServer((socket) => {
    socket.on('close', () => closed.resolve(socket.destroyed));
    socket.write('half');
    socket.end();
    resetConnection(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => {}).resume();
  expect(await closed.promise).toBe(true);
});

it('a client that takes its time over the end of its last answer gets it whole', async () => {
  // More than kernels keep for a reader that does not read.
  const large = Buffer.alloc(32 * 1024 * 1024, 'x');
  const listener = await startListener({
    ...{ host: '127.0.0.1', port: 0, name: 'gateway', tls: null },
    handle: (exchange) => {
      exchange.relayHead(200, 'OK', ['Content-Length', `${large.length}`]);
      exchange.relay(large);
      exchange.relayEnd(null, []);
    },
    refuse: () => ({ headers: [], body: '' }),
    onBug: (error) => expect.fail(String(error)),
  });
  try {
    using client = await RawClient.connect(listener.url);
    client.socket.pause();
    client.send(rawRequest('GET /x', ['Connection: close']));
    await timePasses(2500, 'longer than a client that was answered is read on in silence');
    client.socket.resume();
    await client.untilEnded();
    expect(client.responses[0]!.body.length).toBe(large.length);
  } finally {
    await listener.drain({ deadlineMs: 0, idleMs: 0 });
  }
});

it.each([
  ['its reader takes nothing for too long', () => Promise.resolve()],
  ['the deadline of a drain has come', (listener: Listener) => listener.drain({ deadlineMs: 0, idleMs: 0 })],
])(
  'half of an answer that only the end of its connection ends is not ended like a whole one when %s',
  async (_, end) => {
    const large = Buffer.alloc(32 * 1024 * 1024, 'x');
    const given = Promise.withResolvers<void>();
    const over = Promise.withResolvers<boolean>();
    const listener = await startListener({
      ...{ host: '127.0.0.1', port: 0, name: 'gateway', tls: null, limits: { ...CLIENT_LIMITS, idleMs: 500 } },
      handle: (exchange) => {
        exchange.listen({ clientDrained: () => {}, clientClosed: over.resolve });
        exchange.relayHead(200, 'OK', []);
        exchange.relay(large);
        exchange.relayEnd(null, []);
        given.resolve();
      },
      refuse: () => ({ headers: [], body: '' }),
      onBug: (error) => expect.fail(String(error)),
    });
    using client = await RawClient.connect(listener.url);
    client.socket.pause();
    client.send(rawRequest('GET /x HTTP/1.0'));
    await given.promise;
    await end(listener);
    expect(await over.promise).toBe(false);
    client.socket.resume();
    await client.untilEnded();
    expect([client.ending, client.received.length < large.length]).toEqual(['reset', true]);
    await listener.drain({ deadlineMs: 0, idleMs: 0 });
  },
);

it('a request that comes when its connection has been closed for being idle is not run', async () => {
  const seen: string[] = [];
  const listener = await startListener({
    ...{ host: '127.0.0.1', port: 0, name: 'gateway', tls: null },
    handle: (exchange) => {
      seen.push(exchange.target);
      exchange.answer(200, ['Content-Length', '2'], 'ok');
    },
    refuse: () => ({ headers: [], body: '' }),
    onBug: (error) => expect.fail(String(error)),
  });
  using client = await RawClient.connect(listener.url);
  await client.send(rawRequest('GET /first')).response();
  const drained = listener.drain({ deadlineMs: 3000, idleMs: 0 });
  await client.untilEnded();
  client.send(rawRequest('POST /late', ['Content-Length: 0'])).finish();
  await drained;
  expect(seen).toEqual(['/first']);
});

it('a request that comes soon after a drain has begun is served: idle connections are closed once they were quiet for long enough', async () => {
  const listener = await startListener({
    ...{ host: '127.0.0.1', port: 0, name: 'gateway', tls: null },
    handle: (exchange) => exchange.answer(200, ['Content-Length', '2'], 'ok'),
    refuse: () => ({ headers: [], body: '' }),
    onBug: (error) => expect.fail(String(error)),
  });
  using client = await RawClient.connect(listener.url);
  await client.send(rawRequest('GET /first')).response();
  const drained = listener.drain({ deadlineMs: 20_000, idleMs: 10_000 });
  await timePasses(500, 'as long as idle connections are looked at a few times');
  const late = await client.send(rawRequest('GET /late')).response(1);
  expect([late.status, late.header('connection')]).toEqual([200, 'close']);
  client.finish();
  await drained;
});

it('whoever begins to listen while the connection is about to close hears of its end once', async () => {
  let ends = 0;
  const ended = Promise.withResolvers<void>();
  const listener = await startListener({
    ...{ host: '127.0.0.1', port: 0, name: 'gateway', tls: null },
    handle: (exchange) => {
      exchange.breakOff();
      exchange.listen({
        clientDrained: () => {},
        clientClosed: () => {
          ends++;
          ended.resolve();
        },
      });
    },
    refuse: () => ({ headers: [], body: '' }),
    onBug: (error) => expect.fail(String(error)),
  });
  using client = await RawClient.connect(listener.url);
  await client.send(rawRequest('GET /x')).untilEnded();
  await Promise.all([ended.promise, listener.drain({ deadlineMs: 3000, idleMs: 0 })]);
  expect(ends).toBe(1);
});
