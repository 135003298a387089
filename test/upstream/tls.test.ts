import tls from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import type { UpstreamOptions } from '../../src/upstream/upstream-options.ts';
import { cert, key } from './certificate.ts';
import { ask, cleanUp, get, listen, nextTurn, OK, Recorder, upstreamTo } from './raw-server.ts';

afterEach(cleanUp);

const serveTls = (answer: string, options: tls.TlsOptions = {}) =>
  listen(
    (socket) => socket.on('data', () => socket.write(answer)),
    tls.createServer({ cert, key, ...options }).on('tlsClientError', () => {}),
  );

async function answered(origin: string, tlsOptions: NonNullable<UpstreamOptions['tls']>): Promise<Recorder> {
  return ask(upstreamTo(origin, { tls: tlsOptions }));
}

test('a verified upstream answers over TLS, on one connection, without ALPN', async () => {
  const server = await serveTls(OK, { ALPNProtocols: ['h2', 'http/1.1'] });
  const upstream = upstreamTo(server.origin, { tls: { ca: cert } });
  for (let i = 0; i < 3; i += 1) {
    expect((await ask(upstream)).body).toBe('ok');
    await nextTurn();
  }
  expect(server.sockets).toHaveLength(1);
  const socket = server.sockets[0] as tls.TLSSocket;
  expect(socket.alpnProtocol).toBe(false);
});

test('an upstream nobody vouches for is unreachable and never sees a request', async () => {
  let bytes = 0;
  const server = await listen((socket) => socket.on('data', () => (bytes += 1)), tls.createServer({ cert, key }));
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  const recorder = await answered(server.origin, {});
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  expect(recorder.failure).toMatchObject({ kind: 'unreachable', detail: expect.stringContaining('SELF_SIGNED') });
  expect(bytes).toBe(0);
});

test('the name is asked for and verified: the host of the target, or the one given', async () => {
  const server = await serveTls(OK);
  const other = server.origin.replace('127.0.0.1', 'localhost');
  const wrong = await answered(other, { ca: cert });
  expect(wrong.failure).toMatchObject({ detail: expect.stringContaining('ALTNAME') });
  expect((await answered(other, { ca: cert, servername: 'upstream.test' })).body).toBe('ok');
  expect((server.sockets.at(-1) as tls.TLSSocket).servername).toBe('upstream.test');
  expect((await answered(server.origin, { ca: cert })).body).toBe('ok');
  expect((server.sockets.at(-1) as tls.TLSSocket).servername).toBe(false);
});

test('a client certificate is shown when given', async () => {
  const server = await serveTls(OK, { requestCert: true, ca: cert });
  expect((await answered(server.origin, { ca: cert })).failure?.kind).toBe('unreachable');
  expect((await answered(server.origin, { ca: cert, cert, key })).body).toBe('ok');
});

test('a pause holds over TLS too, up to the end of the connection, and mixes nothing up', async () => {
  const body = (target: string) => Array.from({ length: 30_000 }, (_, i) => target + i).join('');
  const server = await listen((socket) => {
    socket.on('data', (head) => socket.end(`HTTP/1.1 200 OK\r\n\r\n${body(String(head).split(' ')[1]!)}`));
  }, tls.createServer({ cert, key }));
  const upstream = upstreamTo(server.origin, { tls: { ca: cert } });
  await Promise.all(
    ['/a', '/b', '/c'].map(async (target) => {
      const recorder = new Recorder();
      recorder.more = false;
      const exchange = upstream.send(get(target), recorder);
      let resumed = true;
      recorder.events.on('data', () => {
        expect(resumed).toBe(true);
        resumed = false;
        void nextTurn().then(() => {
          resumed = true;
          exchange.resume();
        });
      });
      await recorder.over;
      expect(recorder.calls.at(-1)).toBe('end');
      expect(recorder.body === body(target)).toBe(true);
    }),
  );
});
