/** An HTTP/2 upstream that breaks the protocol, frame by frame, behind a whole gateway, and clients of both protocols. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { block, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, h2, RST_STREAM } from '../../http/h2-client.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { RawClient, rawRequest } from '../../support/raw.ts';
import {
  type FramePeer,
  type FrameServer,
  PUSH_PROMISE,
  serveFrames,
  WINDOW_UPDATE,
} from '../../upstream/frame-server.ts';
import { cleanUp } from '../../upstream/raw-server.ts';
import { attack } from '../attack.ts';

type Answer = (peer: FramePeer, stream: number) => void;

const ROUTES = [{ id: 'public', match: { path: '/**' }, public: true }];
const OK = [[':status', '200']] as const;

let server: FrameServer;
let gateway: TestGateway;
let answer: Answer;

beforeAll(async () => {
  server = await serveFrames((peer, stream) => answer(peer, stream));
  gateway = await startTestGateway({
    upstreamUrl: server.origin,
    upstream: { protocol: 'h2c', timeouts: { headersMs: 300, idleMs: 300 } },
    routes: ROUTES,
    settings: { gateway: { h2c: true } },
    seed: false,
  });
});
afterAll(async () => {
  expect(gateway.errorLines).toEqual([]);
  await gateway.stop();
  cleanUp();
});

async function overHttp1(lines: readonly string[] = [], line = 'GET /x'): Promise<string> {
  using client = await RawClient.connect(gateway.url);
  client.send(rawRequest(line, lines));
  await client.until(({ responses, ending }) => responses[0]?.complete === true || ending !== 'open', 'end', 10_000);
  const [response] = client.responses;
  return response?.complete === true ? `${response.status}` : 'cut';
}

async function overHttp2(): Promise<string> {
  using session = await h2(gateway.url);
  const stream = session.request({ ':path': '/x' });
  let status = 0;
  stream.on('error', () => {});
  stream.on('response', (fields) => {
    status = fields[':status']!;
  });
  stream.resume();
  await new Promise((resolve) => stream.once('close', resolve));
  return stream.rstCode === 0 ? `${status}` : 'cut';
}

/** Both clients see the same, and a well-behaved answer comes after it. */
async function holds(attackWith: Answer, seen: string): Promise<void> {
  answer = attackWith;
  expect(await overHttp1(), 'over HTTP/1.1').toBe(seen);
  expect(await overHttp2(), 'over HTTP/2').toBe(seen);
  answer = (peer, stream) => peer.ok(stream);
  expect(await overHttp1(), 'afterwards').toBe('200');
}

attack({
  name: 'an HTTP/2 upstream that resets or leaves',
  outcome:
    '502 before the head of its answer; in the middle of it the client is reset, even where the code is NO_ERROR',
  sources: ['RFC 9113 section 5.4', 'RFC 9113 section 6.8'],
})(() => {
  test('a stream, before the head', () => holds((peer, stream) => peer.reset(stream, 2), '502'));
  test.each([0, 2, 8])('a stream in the middle, with code %i', (code) =>
    holds((peer, stream) => peer.head(stream, OK).data(stream, 'half').reset(stream, code), 'cut'),
  );
  test('everything, with a GOAWAY that leaves nothing out', () =>
    holds((peer, stream) => peer.goaway(stream, 2), '502'));
  test('the connection, in the middle of an answer', () =>
    holds((peer, stream) => {
      peer.head(stream, OK).data(stream, 'half');
      setImmediate(() => peer.socket.destroy());
    }, 'cut'));
});

attack({
  name: 'an HTTP/2 upstream that stalls',
  outcome: '504 where no head comes; a stream that stops in the middle is cut, and no other stream of its connection',
  sources: [],
})(() => {
  test('before the head', () => holds(() => undefined, '504'));
  test('in the middle', () => holds((peer, stream) => peer.head(stream, OK).data(stream, 'half'), 'cut'));
});

attack({
  name: 'trailers of an HTTP/2 upstream that are none',
  outcome: 'hop-by-hop fields and pseudo-headers reset the stream, and so do trailers beyond 64 KiB: the answer is cut',
  sources: ['RFC 9113 section 8.1', 'RFC 9113 section 8.2.2'],
})(() => {
  const trailing = (pairs: ReadonlyArray<readonly [string, string]>) => (peer: FramePeer, stream: number) =>
    peer.head(stream, OK).data(stream, 'all').head(stream, pairs, true);
  test('a connection’s own', () => holds(trailing([['connection', 'close']]), 'cut'));
  test('a transfer coding', () => holds(trailing([['transfer-encoding', 'chunked']]), 'cut'));
  test('a length', () => holds(trailing([['content-length', '5']]), 'cut'));
  test('a pseudo-header', () => holds(trailing([[':status', '200']]), 'cut'));
  test('too large', () =>
    holds((peer, stream) => {
      peer.head(stream, OK).data(stream, 'all');
      const large = block(Array.from({ length: 10 }, (_, nth) => [`x-${nth}`, 'v'.repeat(15_000)] as const));
      sendBlock(peer, stream, large, END_STREAM);
    }, 'cut'));
  test('such as frame or route are left out, others cross', async () => {
    answer = trailing([
      ['x-request-id', 'theirs'],
      ['x-sum', '7'],
      ['via', '1.1 x'],
    ]);
    using session = await h2(gateway.url);
    const stream = session.request({ ':path': '/x' });
    const trailers = new Promise((resolve) => stream.once('trailers', resolve));
    stream.resume();
    expect(Object.entries((await trailers) as object)).toEqual([['x-sum', '7']]);
  });
});

/** In frames of 16 KiB at most. */
function sendBlock(peer: FramePeer, stream: number, bytes: Buffer, flags: number): void {
  for (let at = 0; at < bytes.length; at += 16_384) {
    const isLast = at + 16_384 >= bytes.length;
    const own = (at === 0 ? flags : 0) | (isLast ? END_HEADERS : 0);
    peer.send(at === 0 ? HEADERS : CONTINUATION, own, stream, bytes.subarray(at, at + 16_384));
  }
}

attack({
  name: 'heads of an HTTP/2 upstream that HTTP/1.1 would read otherwise, or nobody could hold',
  outcome: '502; an endless CONTINUATION ends the connection after a few frames',
  sources: ['RFC 9113 section 8.2', 'CVE-2024-27316'],
})(() => {
  test.each([
    ['no status', [['x', 'y']]],
    [
      'two statuses',
      [
        [':status', '200'],
        [':status', '200'],
      ],
    ],
    ['a status of no class', [[':status', '099']]],
    ['101, which nobody asked for', [[':status', '101']]],
    ['a field of the connection', [...OK, ['connection', 'x-secret']]],
    ['a transfer coding', [...OK, ['transfer-encoding', 'chunked']]],
    ['two lengths', [...OK, ['content-length', '1'], ['content-length', '2']]],
    ['a length that is no number', [...OK, ['content-length', '1e1']]],
  ] as ReadonlyArray<readonly [string, ReadonlyArray<readonly [string, string]>]>)('%s', (_what, pairs) =>
    holds((peer, stream) => peer.head(stream, pairs, true), '502'),
  );
  test('a list of fields that is too large', () =>
    holds((peer, stream) => {
      const fields = Array.from({ length: 5 }, (_, nth) => [`x-${nth}`, 'v'.repeat(15_000)] as const);
      sendBlock(peer, stream, block([...OK, ...fields]), 0);
    }, '502'));
  test('CONTINUATION without end', async () => {
    await holds((peer, stream) => {
      peer.send(HEADERS, 0, stream, block(OK));
      for (let nth = 0; nth < 100; nth += 1) peer.send(CONTINUATION, 0, stream, block([['x', 'y']]));
    }, '502');
  });
  test('a name or a value that HTTP/1.1 would take for the end of a line never crosses', async () => {
    answer = (peer, stream) =>
      peer
        .head(stream, [...OK, ['x-a', 'b\r\nx-injected: 1'], ['x-c\r\n', 'd'], ['content-length', '2']])
        .data(stream, 'ok', true);
    using client = await RawClient.connect(gateway.url);
    client.send(rawRequest('GET /x'));
    const { headers } = await client.response();
    expect(headers.map(([name]) => name.toLowerCase())).not.toContain('x-injected');
  });
});

attack({
  name: 'bodies of an HTTP/2 upstream that are not what was announced',
  outcome:
    'longer or shorter than Content-Length, or where there is none: the answer is cut; beyond its window: the connection ends',
  sources: ['RFC 9113 section 8.1.1', 'RFC 9113 section 6.9'],
})(() => {
  const sized = [...OK, ['content-length', '3']] as const;
  test('longer', () => holds((peer, stream) => peer.head(stream, sized).data(stream, 'four', true), 'cut'));
  test('shorter', () => holds((peer, stream) => peer.head(stream, sized).data(stream, 'ab', true), 'cut'));
  test('behind a 204: they are not delivered, whether it has left by then or is cut', async () => {
    answer = (peer, stream) => peer.head(stream, [[':status', '204']]).data(stream, 'surprise', true);
    using client = await RawClient.connect(gateway.url);
    client.send(rawRequest('GET /x'));
    await client.until(({ responses, ending }) => responses.length > 0 || ending !== 'open', 'end', 10_000);
    await client.finish().untilEnded();
    expect(client.responses.map(({ status }) => status)).toBeOneOf([[], [204]]);
    expect(client.received).not.toContain('surprise');
    expect(['204', 'cut']).toContain(await overHttp2());
  });
  test('beyond the window', () =>
    holds((peer, stream) => {
      peer.head(stream, OK);
      for (let nth = 0; nth < 200; nth += 1) peer.data(stream, Buffer.alloc(16_384));
    }, 'cut'));
  test('a window that would overflow', () =>
    holds((peer, stream) => {
      const most = Buffer.from([0x7f, 0xff, 0xff, 0xff]);
      peer.head(stream, OK).send(WINDOW_UPDATE, 0, stream, most).send(WINDOW_UPDATE, 0, stream, most);
    }, 'cut'));
});

attack({
  name: 'an HTTP/2 upstream that says what nobody asked it',
  outcome:
    'a pushed answer, an answer on a stream of its own, or interim answers without end are answers to nobody: 502',
  sources: ['RFC 9113 section 8.4'],
})(() => {
  test('a push', () =>
    holds((peer, stream) => {
      const promised = Buffer.concat([
        Buffer.from([0, 0, 0, 2]),
        block([
          [':method', 'GET'],
          [':path', '/'],
        ]),
      ]);
      peer.send(PUSH_PROMISE, END_HEADERS, stream, promised);
    }, '502'));
  test('an answer on a stream that was not opened', () =>
    holds((peer, stream) => peer.head(stream + 100, OK).data(stream + 100, 'other', true), '502'));
  test('interim answers without end', () =>
    holds((peer, stream) => {
      for (let nth = 0; nth < 100; nth += 1) peer.head(stream, [[':status', '102']]);
    }, '502'));
});

attack({
  name: 'clients that begin requests only to cancel them',
  outcome:
    'what reaches an HTTP/2 upstream is bounded: no connection sees more than 200 resets, and other callers are served',
  sources: ['CVE-2023-44487'],
})(() => {
  test('a flood of resets', async () => {
    answer = () => undefined;
    const before = server.peers.length;
    for (let round = 0; round < 5; round += 1) {
      using session = await h2(gateway.url);
      const streams = Array.from({ length: 90 }, () => session.request({ ':path': '/slow' }));
      for (const stream of streams) stream.on('error', () => {});
      await new Promise(setImmediate);
      await new Promise(setImmediate);
      for (const stream of streams) stream.close(8);
      await Promise.all(streams.map((stream) => new Promise((resolve) => stream.once('close', resolve))));
    }
    answer = (peer, stream) => peer.ok(stream);
    const rest = async () => (await overHttp1()) === '200';
    await expect.poll(rest, { timeout: 5000 }).toBe(true);
    for (const peer of server.peers.slice(Math.max(0, before - 1)))
      expect(peer.frames.filter(({ type }) => type === RST_STREAM).length).toBeLessThanOrEqual(200);
  });
});

attack({
  name: 'what one hop may say crosses into no other, over HTTP/2 either',
  outcome: 'hop-by-hop fields and forged identities end at the gateway; `te: trailers` alone passes; an upgrade is 400',
  sources: ['RFC 9110 section 7.6.1', 'RFC 8441'],
})(() => {
  test('fields of the client’s connection, and ours in other spellings', async () => {
    let seen = '';
    answer = (peer, stream) => {
      seen = peer.frames
        .filter((frame) => frame.type === HEADERS && frame.stream === stream)
        .at(-1)!
        .payload.toString('latin1');
      peer.ok(stream);
    };
    const lines = [
      ...['TE: gzip, trailers', 'Connection: TE, X-Hop', 'X-Hop: 1', 'Keep-Alive: 1', 'Proxy-Connection: x'],
      ...['X_Scopegate_Kind: service', 'X-Scopegate-Kind: service', 'HTTP2-Settings: AAA'],
    ];
    expect(await overHttp1(lines)).toBe('200');
    expect(seen).not.toMatch(/x-hop|keep-alive|proxy-connection|gzip|http2-settings/);
  });
  test('an upgrade', async () => {
    answer = (peer, stream) => peer.ok(stream);
    const before = server.peers.flatMap(({ frames }) => frames).length;
    const lines = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ];
    expect(await overHttp1(lines)).toBe('400');
    expect(server.peers.flatMap(({ frames }) => frames).length).toBe(before);
  });
});

describe('a request with a body', () => {
  test('is ended at the upstream only where its client has ended it', async () => {
    answer = () => undefined;
    using client = await RawClient.connect(gateway.url);
    client.send(`${rawRequest('POST /x', ['Transfer-Encoding: chunked'])}4\r\nhalf\r\n`);
    const peer = () => server.peers.at(-1)!;
    await expect
      .poll(() => peer().frames.some(({ type, payload }) => type === DATA && payload.includes('half')))
      .toBe(true);
    const { stream } = peer().frames.findLast(({ type }) => type === DATA)!;
    client.close();
    await peer().until(() => peer().resetOf(stream) !== undefined, 'reset');
    expect(
      peer().frames.some((frame) => frame.type === DATA && frame.stream === stream && (frame.flags & END_STREAM) !== 0),
    ).toBe(false);
  });
});
