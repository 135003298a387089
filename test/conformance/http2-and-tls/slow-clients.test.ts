import { once } from 'node:events';
import { setInterval as every } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { askH2, DATA, END_HEADERS, FrameClient, GOAWAY, h2, RST_STREAM } from '../../http/h2-client.ts';
import { startTlsGateway, type TlsGateway } from '../../http/harness.ts';
import { RawClient } from '../../support/raw.ts';
import { Recorder } from '../../support/recorder.ts';
import { attack } from '../attack.ts';

const ROUTES = [{ id: 'public', match: { path: '/public/**' }, public: true }];
const IDLE_MS = 1500;
const POST = [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':authority', 'api.test'],
  [':path', '/public/x'],
] as const;

let upstream: Recorder;
let harness: TlsGateway;
let url: string;
beforeAll(async () => {
  upstream = await Recorder.start();
  const timeouts = { headersMs: 700, idleMs: IDLE_MS, keepAliveMs: 900 };
  harness = await startTlsGateway(upstream.url, {
    routes: ROUTES,
    gateway: { timeouts, limits: { minBytesPerSecond: 1 } },
  });
  url = harness.gateway.url;
});
beforeEach(() => upstream.clear());
afterAll(async () => {
  await harness[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

attack({
  name: 'a client of HTTP/2 that stalls in its body, or does not read its answer, is cut off',
  outcome: 'its stream is reset after 30 seconds without a byte, unless configured otherwise; the other streams go on',
  sources: ['CVE-2007-6750', 'CVE-2019-9517'],
})(() => {
  test('in its body; the upstream sees no whole request', async () => {
    using client = await FrameClient.connect(url);
    client.headers(1, POST, END_HEADERS).send(DATA, 0, 1, Buffer.from('half'));
    await upstream.until(({ text }) => text.includes('half'), 'half of the body');
    const isReset = () => client.frames.some(({ type, stream }) => type === RST_STREAM && stream === 1);
    await Promise.all([client.until(isReset, 'reset'), upstream.connections[0]!.ended]);
    expect(upstream.requests).toEqual([]);
    expect(await client.headers(3, [[':method', 'GET'], ...POST.slice(1)]).fate(3)).toBe(200);
  });

  test('behind its answer; the upstream is let go', async () => {
    const large = 32 * 1024 * 1024;
    const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${large}\r\n\r\n${'x'.repeat(large)}`;
    upstream.reply = ({ target }) => {
      if (target !== '/public/large') return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
      // A first silence that is not the client's: the second one, which is, must count all the same.
      return new Promise((resolve) => {
        setTimeout(() => resolve(answer), 1.5 * IDLE_MS);
      });
    };
    using session = await h2(url);
    const stream = session.request({ ':path': '/public/large' });
    const broken = once(stream, 'error') as Promise<[NodeJS.ErrnoException]>;
    await once(stream, 'response');
    stream.pause();
    await upstream.until(({ connections }) => connections[0]?.isEnded === true, 'end of the upstream');
    expect((await askH2(session, { ':path': '/public/x' })).body).toBe('ok');
    stream.resume();
    expect((await broken)[0].code).toBe('ERR_HTTP2_STREAM_ERROR');
  });

  test('while one that is slow but goes on, or waits for a slow upstream, is waited for', async () => {
    using client = await FrameClient.connect(url);
    client.headers(1, POST, END_HEADERS);
    let sent = 0;
    for await (const _ of every(IDLE_MS / 3)) {
      client.send(DATA, sent === 4 ? 1 : 0, 1, Buffer.from('x'));
      sent += 1;
      if (sent === 5) break;
    }
    expect(await client.fate(1)).toBe(200);
    expect(upstream.requests[0]?.body).toBe('xxxxx');
    upstream.reply = () =>
      new Promise((resolve) => {
        setTimeout(() => resolve('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'), 2 * IDLE_MS);
      });
    expect(await client.headers(3, [[':method', 'GET'], ...POST.slice(1)]).fate(3)).toBe(200);
  });
});

attack({
  name: 'an idle connection of HTTP/2 is not kept for ever',
  outcome: 'GOAWAY and close, after 72 seconds unless configured otherwise',
  sources: ['RFC 9113 section 9.1'],
})(() => {
  test('before its first request and between two', async () => {
    using fresh = await FrameClient.connect(url);
    using used = await FrameClient.connect(url);
    expect(await used.headers(1, [[':method', 'GET'], ...POST.slice(1)]).fate(1)).toBe(200);
    await Promise.all([fresh, used].map((client) => client.until(() => client.ended, 'end of the connection')));
    for (const client of [fresh, used]) expect(client.frames.map(({ type }) => type)).toContain(GOAWAY);
  });

  test('also when it was silent before, over a request that took long', async () => {
    upstream.reply = () =>
      new Promise((resolve) => {
        setTimeout(() => resolve('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'), 1400);
      });
    using client = await FrameClient.connect(url);
    expect(await client.headers(1, [[':method', 'GET'], ...POST.slice(1)]).fate(1)).toBe(200);
    await client.until(() => client.ended, 'end of the connection');
    expect(client.frames.map(({ type }) => type)).toContain(GOAWAY);
  });
});

attack({
  name: 'a TLS handshake that stalls is cut off',
  outcome: 'closed after 10 seconds, unless configured otherwise; others are served meanwhile',
  sources: ['CVE-2007-6750'],
})(() => {
  // The head of a TLS record that announces a ClientHello of 512 bytes.
  const half = Buffer.from('160301020001000001fc0303', 'hex');

  test.each([
    ['before its first byte', Buffer.alloc(0)],
    ['in the middle of its greeting', half],
  ])('%s', async (_, bytes) => {
    using stalled = await RawClient.connect(url.replace('https', 'http'));
    stalled.socket.write(bytes);
    using session = await h2(url);
    expect((await askH2(session, { ':path': '/public/x' })).status).toBe(200);
    await stalled.untilEnded();
    expect(stalled.received).toBe('');
  });
});
