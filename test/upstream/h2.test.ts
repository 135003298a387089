import { once } from 'node:events';
import http2, { type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import type { UpstreamOptions } from '../../src/upstream/upstream-options.ts';
import { DATA, END_STREAM, HEADERS, PING, RST_STREAM } from '../http/h2-client.ts';
import { timePasses } from '../support/time.ts';
import { cert, key } from './certificate.ts';
import { type FramePeer, MAX_CONCURRENT_STREAMS, serveFrames } from './frame-server.ts';
import { ask, cleanUp, get, later, listen, nextTurn, post, Recorder, serve, upstreamTo } from './raw-server.ts';

afterEach(cleanUp);

const CANCEL = 8;
const REFUSED_STREAM = 7;
const LENGTHLESS = { kind: 'chunked' } as const;

const h2c = (origin: string | string[], more: Partial<UpstreamOptions> = {}) =>
  upstreamTo(origin, { protocol: 'h2c', ...more });

type Serve = (stream: ServerHttp2Stream, headers: http2.IncomingHttpHeaders, raw: readonly string[]) => void;

/** Node's own server; over TLS where it is given a certificate. */
async function serveH2(onStream: Serve, { secure = false, settings = {} } = {}): Promise<string> {
  const server = secure ? http2.createSecureServer({ cert, key, settings }) : http2.createServer({ settings });
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream: ServerHttp2Stream, headers, _flags, raw: readonly string[] = []) => {
    stream.on('error', () => {});
    onStream(stream, headers, raw);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  later(() => {
    server.close();
    for (const session of sessions) session.destroy();
  });
  return `${secure ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function start(upstream: ReturnType<typeof upstreamTo>, request = get()) {
  const recorder = new Recorder();
  const exchange = upstream.send(request, recorder);
  return { recorder, exchange };
}

describe('a request crosses', () => {
  test('with its fields in HTTP/2’s words: authority for Host, names in lower case, te only where the client said so', async () => {
    const seen: (readonly string[])[] = [];
    const origin = await serveH2((stream, _headers, raw) => {
      seen.push(raw);
      stream.respond({ ':status': 200 });
      stream.end('ok');
    });
    const upstream = h2c(origin);
    const headerLines = 'X-One: 1\r\nCookie: a=1\r\nX-One: 2\r\n';
    expect((await ask(upstream, get('/a?b', { headerLines, takesTrailers: true }))).body).toBe('ok');
    expect((await ask(upstream, get('/', { host: 'api.example.com', method: 'DELETE' }))).body).toBe('ok');
    const authority = new URL(origin).host;
    expect(seen).toEqual([
      [
        ...[':method', 'GET', ':scheme', 'http', ':authority', authority, ':path', '/a?b'],
        ...['x-one', '1', 'cookie', 'a=1', 'x-one', '2', 'te', 'trailers'],
      ],
      [':method', 'DELETE', ':scheme', 'http', ':authority', 'api.example.com', ':path', '/'],
    ]);
  });

  test('with body and trailers in both directions, over TLS', async () => {
    const origin = await serveH2(
      (stream) => {
        const got: Buffer[] = [];
        let trailers: http2.IncomingHttpHeaders = {};
        stream.on('trailers', (fields) => {
          trailers = fields;
        });
        stream.on('data', (chunk: Buffer) => got.push(chunk));
        stream.on('end', () => {
          stream.respond({ ':status': 201, 'x-length': String(Buffer.concat(got).length) }, { waitForTrailers: true });
          stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': String(trailers['x-part']) }));
          stream.end(Buffer.concat(got));
        });
      },
      { secure: true },
    );
    const upstream = upstreamTo(origin, { protocol: 'h2', tls: { ca: cert } });
    const { recorder, exchange } = start(upstream, post(LENGTHLESS));
    for (let i = 0; i < 20; i += 1) exchange.write(Buffer.alloc(10_000, i));
    exchange.end('X-Part: 7\r\n');
    await recorder.over;
    expect(recorder.answer).toMatchObject({ status: 201, statusText: 'Created', framing: 'chunked', protocol: '2.0' });
    expect(recorder.body.length).toBe(200_000);
    expect(recorder.trailers).toEqual(['x-sum', '7']);
  });

  test('what is known of the length of an answer is told: length, none for HEAD, 204, 304 and one that ends with its head', async () => {
    const origin = await serveH2((stream, headers) => {
      const status = Number(headers[':path']!.slice(1));
      const length = headers['x-length'];
      stream.respond(
        { ':status': status, ...(typeof length === 'string' ? { 'content-length': length } : {}) },
        { endStream: status !== 200 },
      );
      if (status === 200) stream.end(headers[':method'] === 'HEAD' ? undefined : '12345');
    });
    const upstream = h2c(origin);
    const sized = { headerLines: 'X-Length: 5\r\n' };
    expect((await ask(upstream, get('/200', sized))).answer).toMatchObject({ framing: 'length', length: 5 });
    expect((await ask(upstream, get('/200'))).answer).toMatchObject({ framing: 'chunked', length: -1 });
    const head = await ask(upstream, get('/200', { method: 'HEAD', ...sized }));
    expect(head).toMatchObject({ answer: { framing: 'none', length: 5 }, body: '', calls: ['head', 'end'] });
    for (const status of ['/204', '/304', '/404'])
      expect(await ask(upstream, get(status))).toMatchObject({ answer: { framing: 'none' }, calls: ['head', 'end'] });
  });

  test('informational answers come before the head', async () => {
    const origin = await serveH2((stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</a.css>' });
      stream.additionalHeaders({ ':status': 102 });
      stream.respond({ ':status': 200 }, { endStream: true });
    });
    const { informationals, calls } = await ask(h2c(origin));
    expect(informationals).toEqual([
      [103, ['link', '</a.css>']],
      [102, []],
    ]);
    expect(calls).toEqual(['informational', 'informational', 'head', 'end']);
  });
});

describe('one session for many calls', () => {
  test('maxConnections counts requests, not connections; further ones wait', async () => {
    const streams: ServerHttp2Stream[] = [];
    const origin = await serveH2((stream) => streams.push(stream));
    const upstream = h2c(origin, { maxConnections: 5 });
    const all = Array.from({ length: 7 }, () => start(upstream).recorder);
    while (streams.length < 5) await nextTurn();
    expect(upstream.stats).toMatchObject({ open: 1, active: 5, queued: 2 });
    for (const stream of streams.splice(0)) {
      stream.respond({ ':status': 200 });
      stream.end('ok');
    }
    await Promise.all(all.slice(0, 5).map(({ over }) => over));
    while (streams.length < 2) await nextTurn();
    for (const stream of streams.splice(0)) stream.respond({ ':status': 204 }, { endStream: true });
    await Promise.all(all.map(({ over }) => over));
    expect(all.map(({ answer }) => answer?.status)).toEqual([200, 200, 200, 200, 200, 204, 204]);
    expect(upstream.stats).toMatchObject({ open: 1, idle: 1, active: 0, queued: 0 });
  });

  test('no session has more streams than its upstream takes: others are opened', async () => {
    const atOnce = new Map<FramePeer, number>();
    let most = 0;
    const server = await serveFrames(
      (peer, stream) => {
        const now = (atOnce.get(peer) ?? 0) + 1;
        atOnce.set(peer, now);
        most = Math.max(most, now);
        setImmediate(() => {
          atOnce.set(peer, atOnce.get(peer)! - 1);
          peer.ok(stream);
        });
      },
      { settings: [[MAX_CONCURRENT_STREAMS, 2]] },
    );
    const upstream = h2c(server.origin);
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(upstream)));
    expect(answers.map(({ body }) => body)).toEqual(Array(10).fill('ok'));
    expect(most).toBe(2);
    expect(server.sockets.length).toBe(5);
  });

  test('an upstream that takes no stream at all is waited for, on one session, for as long as for a connection', async () => {
    const server = await serveFrames((peer, stream) => peer.ok(stream), { settings: [[MAX_CONCURRENT_STREAMS, 0]] });
    const upstream = h2c(server.origin, { timeouts: { connectMs: 80, headersMs: 2000, idleMs: 2000 } });
    const given = await Promise.all([ask(upstream), ask(upstream)]);
    expect(given.map(({ failure }) => failure?.kind)).toEqual(['timeout', 'timeout']);
    expect(server.sockets.length).toBe(1);
    const waiting = ask(upstream);
    while (server.peers.length < 2) await nextTurn();
    await nextTurn();
    server.peers[1]!.settings([MAX_CONCURRENT_STREAMS, 1]);
    expect((await waiting).body).toBe('ok');
  });

  test('an old session carries no further call; those on it go on', async () => {
    let now = 0;
    const streams: ServerHttp2Stream[] = [];
    const sessions = new Set<unknown>();
    const origin = await serveH2((stream) => {
      sessions.add(stream.session);
      streams.push(stream);
    });
    const upstream = h2c(origin, { nowMs: () => now, maxConnectionAgeMs: 1000 });
    const first = start(upstream).recorder;
    while (streams.length < 1) await nextTurn();
    now = 1001;
    const second = start(upstream).recorder;
    while (streams.length < 2) await nextTurn();
    expect(sessions.size).toBe(2);
    for (const stream of streams) stream.respond({ ':status': 200 }, { endStream: true });
    await Promise.all([first.over, second.over]);
    expect([first.answer?.status, second.answer?.status]).toEqual([200, 200]);
  });

  test('once it is retired the last call closes the session, and it is done', async () => {
    const streams: ServerHttp2Stream[] = [];
    const origin = await serveH2((stream) => streams.push(stream));
    const upstream = h2c(origin);
    const { recorder } = start(upstream);
    while (streams.length < 1) await nextTurn();
    const retired = upstream.retire();
    streams[0]!.respond({ ':status': 200 });
    streams[0]!.end('late');
    expect((await recorder.over).body).toBe('late');
    await retired;
    expect(upstream.stats.open).toBe(0);
  });
});

describe('back-pressure', () => {
  test('a listener that takes no more is sent no more than a window, and gets everything in order once it does', async () => {
    // No multiple of a window: Node's server resets a stream whose end waits for one.
    const total = 65 * 16_384;
    let sent = 0;
    const origin = await serveH2((stream) => {
      stream.respond({ ':status': 200 });
      const fill = () => {
        while (sent < total) {
          sent += 16_384;
          if (!stream.write(Buffer.alloc(16_384, sent / 16_384))) return void stream.once('drain', fill);
        }
        stream.end();
      };
      fill();
    });
    const upstream = h2c(origin);
    const { recorder, exchange } = start(upstream);
    recorder.more = false;
    await once(recorder.events, 'data');
    for (let i = 0; i < 50; i += 1) await nextTurn();
    // A window, what Node had already read, and what waits at the server.
    expect(sent).toBeLessThan(total / 2);
    recorder.events.on('data', () => setImmediate(() => exchange.resume()));
    exchange.resume();
    await recorder.over;
    expect([recorder.failure, sent]).toEqual([undefined, total]);
    expect(recorder.body.length).toBe(total);
    const blocks = Buffer.from(recorder.body, 'latin1');
    for (let at = 0; at < total; at += 16_384) expect(blocks[at]).toBe((at / 16_384 + 1) % 256);
  });

  test('one listener that takes nothing holds up no other call of its session', async () => {
    const origin = await serveH2((stream) => {
      stream.respond({ ':status': 200 });
      stream.end(Buffer.alloc(400 * 1024));
    });
    const upstream = h2c(origin);
    const slow = Array.from({ length: 5 }, () => start(upstream));
    for (const { recorder } of slow) recorder.more = false;
    await Promise.all(slow.map(({ recorder }) => once(recorder.events, 'data')));
    const other = await ask(upstream);
    expect([other.failure, other.body.length]).toEqual([undefined, 400 * 1024]);
    expect(upstream.stats.open).toBe(1);
    for (const { exchange } of slow) exchange.abort();
  });

  test('an upstream that does not read holds back the body, and lets it go on', async () => {
    const streams: ServerHttp2Stream[] = [];
    const origin = await serveH2((stream) => streams.push(stream));
    const upstream = h2c(origin);
    const { recorder, exchange } = start(upstream, post(LENGTHLESS));
    while (streams.length < 1) await nextTurn();
    let written = 0;
    while (exchange.write(Buffer.alloc(16_384))) {
      written += 16_384;
      expect(written).toBeLessThan(4 * 1024 * 1024);
      await nextTurn();
    }
    const drained = once(recorder.events, 'drained');
    streams[0]!.resume();
    await drained;
    exchange.end();
    streams[0]!.on('end', () => streams[0]!.respond({ ':status': 200 }, { endStream: true }));
    expect((await recorder.over).answer?.status).toBe(200);
  });
});

describe('the end of one side is the end of the other', () => {
  test('a call that is aborted is reset with CANCEL at once; its session goes on', async () => {
    const server = await serveFrames((peer, stream) => {
      if (stream > 1) peer.ok(stream);
    });
    const upstream = h2c(server.origin);
    const { recorder, exchange } = start(upstream);
    while (server.peers[0]?.has(HEADERS, 1) !== true) await nextTurn();
    exchange.abort();
    const [peer] = server.peers;
    await peer!.until(() => peer!.has(RST_STREAM, 1), 'reset');
    expect(peer!.resetOf(1)).toBe(CANCEL);
    expect(recorder.calls).toEqual([]);
    expect((await ask(upstream)).body).toBe('ok');
    expect(server.sockets.length).toBe(1);
    expect(upstream.stats.active).toBe(0);
  });

  test.each([LENGTHLESS, { kind: 'length', length: 100 } as const])(
    'in the middle of its body, too, which is not ended',
    async (body) => {
      const server = await serveFrames((peer, stream) => peer.head(stream, [[':status', '200']]).data(stream, 'half'));
      const upstream = h2c(server.origin);
      const { recorder, exchange } = start(upstream, post(body));
      exchange.write(Buffer.from('some'));
      await once(recorder.events, 'data');
      exchange.write(Buffer.from('more'));
      exchange.abort();
      const [peer] = server.peers;
      await peer!.until(() => peer!.has(RST_STREAM, 1), 'reset');
      expect(peer!.resetOf(1)).toBe(CANCEL);
      expect(peer!.frames.some(({ type, flags }) => type === DATA && (flags & END_STREAM) !== 0)).toBe(false);
    },
  );

  test('a call that waits for its session leaves nothing behind', async () => {
    const server = await serveFrames((peer, stream) => peer.ok(stream), { settings: null });
    const upstream = h2c(server.origin);
    const { exchange } = start(upstream);
    const other = ask(upstream);
    exchange.abort();
    while (server.peers.length === 0) await nextTurn();
    server.peers[0]!.settings();
    expect((await other).body).toBe('ok');
    expect(server.peers[0]!.has(HEADERS, 3)).toBe(false);
  });

  test.each([
    ['before the head', 2, []],
    ['in the middle, even with NO_ERROR', 0, ['head', 'data']],
    ['in the middle with CANCEL', CANCEL, ['head', 'data']],
  ])('an upstream that resets %s fails the call', async (_when, code, before) => {
    const server = await serveFrames((peer, stream) => {
      if (before.length > 0) peer.head(stream, [[':status', '200']]).data(stream, 'half');
      peer.reset(stream, code);
    });
    const { calls, failure } = await ask(h2c(server.origin));
    expect(calls).toEqual([...before, 'failed']);
    expect(failure).toMatchObject({ kind: 'unreachable', detail: expect.stringContaining('stream reset') });
  });

  test('an answer that is whole before the request is ends the request', async () => {
    const server = await serveFrames((peer, stream) => peer.head(stream, [[':status', '413']], true));
    const upstream = h2c(server.origin);
    const { recorder, exchange } = start(upstream, post(LENGTHLESS));
    exchange.write(Buffer.from('part'));
    expect((await recorder.over).answer?.status).toBe(413);
    const [peer] = server.peers;
    await peer!.until(() => peer!.has(RST_STREAM, 1), 'reset');
    expect(peer!.resetOf(1)).toBe(CANCEL);
    expect(peer!.frames.some(({ type, flags }) => type === DATA && (flags & END_STREAM) !== 0)).toBe(false);
    expect(exchange.write(Buffer.from('more'))).toBe(true);
    expect(upstream.stats.active).toBe(0);
  });
});

describe('what is sent again', () => {
  test('a stream that was refused, of any method, once', async () => {
    let requests = 0;
    const server = await serveFrames((peer, stream) => {
      requests += 1;
      if (requests === 1) peer.reset(stream, REFUSED_STREAM);
      else peer.ok(stream);
    });
    const upstream = h2c(server.origin);
    expect((await ask(upstream, get('/', { method: 'DELETE' }))).body).toBe('ok');
    expect(requests).toBe(2);
  });

  test('not for ever', async () => {
    let requests = 0;
    const server = await serveFrames((peer, stream) => {
      requests += 1;
      peer.reset(stream, REFUSED_STREAM);
    });
    expect((await ask(h2c(server.origin))).failure?.kind).toBe('unreachable');
    expect(requests).toBe(2);
  });

  test('not once a part of its body was sent', async () => {
    let requests = 0;
    const server = await serveFrames((peer, stream) => {
      requests += 1;
      void peer.until(() => peer.bodyOf(stream) !== '', 'body').then(() => peer.reset(stream, REFUSED_STREAM));
    });
    const { recorder, exchange } = start(h2c(server.origin), post(LENGTHLESS));
    exchange.write(Buffer.from('part'));
    expect((await recorder.over).failure?.kind).toBe('unreachable');
    expect(requests).toBe(1);
  });

  test('of calls that a GOAWAY leaves out all, of those before it none; what is in progress comes to its end', async () => {
    const server = await serveFrames((peer, stream) => {
      if (peer !== server.peers[0]) return void peer.ok(stream, `second ${stream}`);
      if (stream !== 5) return;
      peer.goaway(3, 0);
      peer.ok(1, 'first').reset(3, 2);
    });
    const upstream = h2c(server.origin);
    const [first, second, third] = await Promise.all(
      ['DELETE', 'DELETE', 'DELETE'].map((method) => ask(upstream, get('/', { method }))),
    );
    expect(first!.body).toBe('first');
    expect(second!.failure?.detail).toContain('stream reset');
    expect(third!.body).toBe('second 1');
    expect(server.sockets.length).toBe(2);
  });

  test('of calls on a session that ends with an error those that its GOAWAY leaves out', async () => {
    const server = await serveFrames((peer, stream) => {
      if (peer !== server.peers[0]) return void peer.ok(stream, 'second');
      if (stream === 3) peer.goaway(1, 11);
    });
    const upstream = h2c(server.origin);
    const [first, second] = await Promise.all(
      [post(LENGTHLESS), get('/', { method: 'PUT' })].map((request) => ask(upstream, request)),
    );
    expect(first!.failure?.detail).toContain('ENHANCE_YOUR_CALM');
    expect(second!.body).toBe('second');
  });

  test('a safe request whose session was closed while it lay idle; no other', async () => {
    let requests = 0;
    const server = await serveFrames((peer, stream) => {
      requests += 1;
      if (requests % 2 === 1) peer.ok(stream);
      else peer.socket.destroy();
    });
    const upstream = h2c(server.origin);
    expect((await ask(upstream)).body).toBe('ok');
    expect((await ask(upstream)).body).toBe('ok');
    expect(requests).toBe(3);
    expect((await ask(upstream, post({ kind: 'none' }))).failure?.kind).toBe('unreachable');
    expect(requests).toBe(4);
  });

  test('a session that cannot be made is tried at the next target, with the body that waited', async () => {
    const http1 = await serve((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const server = await serveFrames((peer, stream) => {
      void peer.until(() => peer.bodyOf(stream) === 'abc', 'body').then(() => peer.ok(stream));
    });
    const upstream = h2c([http1.origin, server.origin], { breaker: { failures: 1000, openMs: 1, maxOpenMs: 1 } });
    for (let i = 0; i < 2; i += 1) {
      const { recorder, exchange } = start(upstream, post({ kind: 'length', length: 3 }));
      exchange.write(Buffer.from('abc'));
      exchange.end();
      expect((await recorder.over).body).toBe('ok');
    }
    expect(upstream.retries).toBeGreaterThan(0);
  });
});

describe('who is no such upstream', () => {
  test('one that does not choose h2 is unreachable, and that is said', async () => {
    const silent = await listen(() => {}, tls.createServer({ cert, key }));
    const refusing = await listen(
      () => {},
      tls.createServer({ cert, key, ALPNProtocols: ['http/1.1'] }).on('tlsClientError', () => {}),
    );
    for (const { origin } of [silent, refusing]) {
      const { failure } = await ask(upstreamTo(origin, { protocol: 'h2', tls: { ca: cert } }));
      expect(failure).toEqual({ kind: 'unreachable', detail: `${origin}: the server did not choose HTTP/2 (ALPN h2)` });
    }
  });

  test('one that speaks HTTP/1.1 where h2c is expected', async () => {
    const http1 = await serve((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const { failure } = await ask(h2c(http1.origin));
    expect(failure).toEqual({ kind: 'unreachable', detail: expect.stringContaining('no HTTP/2') });
  });

  test('one that accepts and says nothing is given up after connectMs', async () => {
    const silent = await listen(() => {});
    const upstream = h2c(silent.origin, { timeouts: { connectMs: 60, headersMs: 2000, idleMs: 2000 } });
    expect((await ask(upstream)).failure).toMatchObject({ kind: 'timeout' });
    while (upstream.stats.open > 0) await nextTurn();
  });
});

/** What was heard last is noticed at the first look, and the silence at the second. */
async function pingAsked(peer: FramePeer, setClock: (ms: number) => void): Promise<void> {
  for (let ms = 5100; !peer.has(PING, 0); ms += 5100) {
    setClock(ms);
    await timePasses(30, 'a look at what has taken too long, which the pool takes every 10 ms');
  }
}

describe('deadlines', () => {
  const timeouts = { connectMs: 2000, headersMs: 80, idleMs: 80 };

  test('an answer that does not come, or stalls, is given up; its session is kept', async () => {
    const server = await serveFrames((peer, stream) => {
      if (stream === 3) peer.head(stream, [[':status', '200']]).data(stream, 'half');
      if (stream === 5) peer.ok(stream);
    });
    const upstream = h2c(server.origin, { timeouts });
    expect((await ask(upstream)).failure).toMatchObject({
      kind: 'timeout',
      detail: expect.stringContaining('no answer'),
    });
    expect((await ask(upstream)).failure).toMatchObject({
      kind: 'timeout',
      detail: expect.stringContaining('stalled'),
    });
    expect((await ask(upstream)).body).toBe('ok');
    expect([1, 3].map((stream) => server.peers[0]!.resetOf(stream))).toEqual([CANCEL, CANCEL]);
  });

  test('a session that shows no sign of life is asked once, then given up with all its calls', async () => {
    let now = 0;
    const server = await serveFrames((peer) => {
      peer.answersPings = false;
    });
    const forever = { connectMs: 1000, headersMs: 1_000_000, idleMs: 1_000_000, queueMs: 10 };
    const upstream = h2c(server.origin, { timeouts: forever, nowMs: () => now });
    const { recorder } = start(upstream);
    while (server.peers[0]?.has(HEADERS, 1) !== true) await nextTurn();
    await pingAsked(server.peers[0]!, (ms) => {
      now = ms;
    });
    now += 5100;
    expect((await recorder.over).failure).toMatchObject({ detail: expect.stringContaining('no sign of life') });
    expect(server.peers[0]!.frames.filter(({ type }) => type === PING).length).toBe(1);
  });

  test('one that answers the ping is left alone', async () => {
    let now = 0;
    const server = await serveFrames(() => undefined);
    const forever = { connectMs: 1000, headersMs: 1_000_000, idleMs: 1_000_000, queueMs: 10 };
    const upstream = h2c(server.origin, { timeouts: forever, nowMs: () => now });
    const { recorder } = start(upstream);
    while (server.peers[0]?.has(HEADERS, 1) !== true) await nextTurn();
    await pingAsked(server.peers[0]!, (ms) => {
      now = ms;
    });
    for (; now < 100_000; now += 10_000) for (let i = 0; i < 5; i += 1) await nextTurn();
    server.peers[0]!.ok(1);
    expect((await recorder.over).body).toBe('ok');
  });
});

test('whoever cancels more than others do keeps the place of each for a while, and is not let begin more', async () => {
  let now = 0;
  const server = await serveFrames(() => undefined);
  const upstream = h2c(server.origin, { maxConnections: 10, maxShare: 1, maxQueued: 0, nowMs: () => now });
  let begun = 0;
  for (let i = 0; i < 400; i += 1) {
    const { recorder, exchange } = start(upstream);
    await nextTurn();
    if (recorder.failure !== undefined) continue;
    begun += 1;
    exchange.abort();
    now += 1;
  }
  // A hundred at once, a tenth of one each millisecond, and one for each place.
  expect(begun).toBeLessThan(170);
  const most = Math.max(...server.peers.map(({ frames }) => frames.filter(({ type }) => type === RST_STREAM).length));
  expect(most).toBeLessThanOrEqual(200);
});

test('health checks are asked over HTTP/2, on a session of their own', async () => {
  const paths: string[] = [];
  const origin = await serveH2((stream, headers) => {
    paths.push(`${headers[':method']} ${headers[':path']} ${headers['user-agent']}`);
    stream.respond({ ':status': headers[':path'] === '/sick' ? 500 : 200 }, { endStream: true });
  });
  const changes: string[] = [];
  const changed = Promise.withResolvers<void>();
  const health = { path: '/sick', intervalMs: 10, timeoutMs: 1000, failures: 2 };
  const onChange = (_origin: string, state: string, detail: string) => {
    changes.push(`${state} ${detail}`);
    changed.resolve();
  };
  const upstream = h2c(origin, { health, onChange });
  await changed.promise;
  expect(changes).toEqual(['unhealthy health check: answered 500']);
  expect(paths[0]).toBe('GET /sick scopegate');
  expect(upstream.stats.open).toBe(0);
});
