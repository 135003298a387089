/** Promises about HTTP/2: it is the same gateway, whoever speaks it, and what the protocol adds opens no side door. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http2';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { attack } from '../conformance/attack.ts';
import { Bell } from '../support/bell.ts';
import { started } from '../support/process.ts';
import { Recorder, startHttpUpstream } from '../support/recorder.ts';
import { timePasses } from '../support/time.ts';
import { hasNode, hasTool } from '../support/tools.ts';
import {
  askH2,
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  FrameClient,
  GOAWAY,
  HEADERS,
  h2,
  literal,
  PING,
  RST_STREAM,
  SETTINGS,
} from './h2-client.ts';
import { startTlsGateway, type TlsGateway } from './harness.ts';

const READ = { require: { scopes: ['workflows:read'] } };
const ROUTES = [
  { id: 'public', match: { path: '/public/**' }, public: true },
  { id: 'files', match: { path: '/files/**' }, ...READ },
  { id: 'closed', match: { path: '/closed/**' }, require: { scopes: ['knowledge:write'] } },
];

let upstream: Recorder;
let harness: TlsGateway;
let bearer: string;
let url: string;
beforeAll(async () => {
  upstream = await Recorder.start();
  harness = await startTlsGateway(upstream.url, { routes: ROUTES });
  url = harness.gateway.url;
  bearer = `Bearer ${await harness.gateway.mint({ scopes: ['workflows:read'] })}`;
});
beforeEach(() => {
  upstream.clear();
  upstream.reply = () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  upstream.replyToHead = null;
});
afterAll(async () => {
  await harness[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const GET = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'api.test'],
  [':path', '/public/x'],
] as const;
const without = (name: string) => GET.filter(([key]) => key !== name);
const POST = [[':method', 'POST'] as const, ...without(':method')];

describe('a request over HTTP/2', () => {
  it('is judged and forwarded as one over HTTP/1.1 is', async () => {
    using session = await h2(url);
    const answer = await askH2(session, { ':path': '/files/a%2Eb?q=%2e&r', authorization: bearer, 'x-own': 'kept' });
    expect([answer.status, answer.body, answer.rstCode]).toEqual([200, 'ok', 0]);
    const request = upstream.requests[0]!;
    expect(request.text.split('\r\n', 1)[0]).toBe('GET /files/a.b?q=%2e&r HTTP/1.1');
    expect(request.header('x-own')).toBe('kept');
    expect(request.header('via')).toMatch(/^2\.0 scopegate\.[a-p]{12}$/);
    expect(request.header('x-forwarded-proto')).toBe('https');
    expect(request.header('x-scopegate-kind')).toBe('personal');
    expect(request.header('authorization')).toBeUndefined();
    expect(request.framing).toBe('none');
    expect(request.text).not.toMatch(/^:/m);
    expect(answer.headers['x-request-id']).toBe(request.header('x-request-id'));
  });

  it('with a body of unknown length goes up in chunks, with its trailers, and the answer brings its own', async () => {
    upstream.reply = () =>
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 42\r\n\r\n';
    using session = await h2(url);
    const stream = session.request({ ':path': '/public/x', ':method': 'POST' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-check': 'seven' }));
    let trailers: Record<string, unknown> = {};
    stream.on('trailers', (fields) => {
      trailers = fields;
    });
    stream.resume().end('body');
    await once(stream, 'close');
    const request = upstream.requests[0]!;
    expect([request.framing, request.body, request.trailers]).toEqual(['chunked', 'body', [['x-check', 'seven']]]);
    expect(trailers['x-sum']).toBe('42');
  });

  it('with a length goes up with that length', async () => {
    using session = await h2(url);
    await askH2(session, { ':path': '/public/x', ':method': 'PUT', 'content-length': 5 }, 'hello');
    expect([upstream.requests[0]!.framing, upstream.requests[0]!.body]).toEqual(['length', 'hello']);
  });

  it('keeps repeated and non-ASCII headers in both directions, and joins the pieces of a cookie', async () => {
    // Before, Node resets a stream whose answer has two of what it takes for single.
    const etags = hasNode(24) ? ['"a"', '"b"'] : ['"a"'];
    upstream.reply = () =>
      `HTTP/1.1 200 OK\r\nX-Two: \xe9ins\r\nX-Other: 1\r\nX-Two: zwei\r\n${etags.map((etag) => `ETag: ${etag}\r\n`).join('')}Connection: x-hop\r\n` +
      'X-Hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n';
    using client = await FrameClient.connect(url);
    client.headers(1, [...GET, ['cookie', 'a=1'], ['x-two', '\xe9ins'], ['cookie', 'b=2'], ['x-two', 'zwei']]);
    expect(await client.fate(1)).toBe(200);
    const request = upstream.requests[0]!;
    expect(request.all('cookie')).toEqual(['a=1; b=2']);
    expect(request.all('x-two')).toEqual(['\xe9ins', 'zwei']);

    using session = await h2(url);
    const { raw } = await askH2(session, { ':path': '/public/x' });
    const all = (name: string) => raw.filter((_, at) => at % 2 === 1 && raw[at - 1] === name);
    expect(all('x-two')).toEqual(['\xe9ins', 'zwei']);
    expect(all('etag')).toEqual(etags);
    expect([...all('x-hop'), ...all('connection'), ...all('keep-alive')]).toEqual([]);
  });

  it('that expects 100-continue is told to go on once it is allowed, and not before', async () => {
    using session = await h2(url);
    const ask = async (authorization: string) => {
      const stream = session.request({ ':path': '/files/x', ':method': 'POST', expect: '100-continue', authorization });
      const seen: unknown[] = [];
      stream.on('continue', () => {
        seen.push(100);
        stream.end('late');
      });
      stream.on('response', (fields) => seen.push(fields[':status']));
      stream.resume();
      await once(stream, 'close');
      return seen;
    };
    expect(await ask(bearer)).toEqual([100, 200]);
    expect(upstream.requests[0]!.body).toBe('late');
    expect(await ask('Bearer pat_no')).toEqual([401]);
    expect(upstream.requests).toHaveLength(1);
  });

  it('is told interim answers, and never to upgrade', async () => {
    upstream.reply = () =>
      'HTTP/1.1 102 Processing\r\nX-A: b\r\nKeep-Alive: timeout=5\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n' +
      'HTTP/1.1 426 Upgrade Required\r\nUpgrade: foo\r\nConnection: upgrade\r\nContent-Length: 0\r\n\r\n';
    using session = await h2(url);
    const stream = session.request({ ':path': '/public/x' });
    const interim: IncomingHttpHeaders[] = [];
    stream.on('headers', (headers) => interim.push(headers));
    const answered = once(stream, 'response') as Promise<[IncomingHttpHeaders]>;
    const [answer] = await answered;
    expect(interim).toMatchObject([
      { ':status': 102, 'x-a': 'b' },
      { ':status': 103, link: '</a>; rel=preload' },
    ]);
    expect([answer[':status'], answer.upgrade, answer.connection]).toEqual([426, undefined, undefined]);
    stream.close();
  });

  it.each([204, 304])('%i has no body, and HEAD keeps the length that GET would have', async (status) => {
    upstream.reply = ({ method }) =>
      method === 'HEAD' ? 'HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n' : `HTTP/1.1 ${status} X\r\n\r\n`;
    using session = await h2(url);
    const bare = await askH2(session, { ':path': '/public/x' });
    expect([bare.status, bare.body, bare.rstCode]).toEqual([status, '', 0]);
    const head = await askH2(session, { ':path': '/public/x', ':method': 'HEAD' });
    expect([head.status, head.headers['content-length'], head.body, head.rstCode]).toEqual([200, '42', '', 0]);
  });
});

attack({
  name: 'HTTP/2 is no way around the policy',
  outcome: '401, 403, 404 and 400 as over HTTP/1.1; the upstream sees nothing',
  sources: ['RFC 9113 section 8'],
})(() => {
  it('is refused with the same words', async () => {
    using session = await h2(url);
    const { status, headers, body } = await askH2(session, { ':path': '/files/x' });
    expect([status, JSON.parse(body).code, headers['www-authenticate']]).toEqual([401, 4100, expect.anything()]);
    expect((await askH2(session, { ':path': '/closed/x', authorization: bearer })).status).toBe(403);
    expect((await askH2(session, { ':path': '/nowhere' })).status).toBe(404);
    expect((await askH2(session, { ':path': '/files/../x', authorization: bearer })).status).toBe(400);
    using client = await FrameClient.connect(url);
    client.headers(1, [
      ...GET.slice(0, 3),
      [':path', '/files/x'],
      ['authorization', bearer],
      ['authorization', bearer],
    ]);
    expect(await client.fate(1)).toBe(-1);
    expect((await askH2(session, { ':path': '/files/x', ':method': 'HEAD' })).body).toBe('');
    expect(upstream.text).toBe('');
  });
});

attack({
  name: 'a request over HTTP/2 that HTTP/1.1 would read in another way, or not at all, is refused',
  outcome: '400 or a reset; not a byte of it crosses',
  sources: ['RFC 9113 section 8', 'RFC 9113 section 10.3'],
})(() => {
  it.each([
    ['a path that is no path', [...without(':path'), [':path', 'public/x']]],
    ['an absolute path', [...without(':path'), [':path', 'https://api.test/public/x']]],
    ['dot segments', [...without(':path'), [':path', '/public/../files/x']]],
    ['a fragment', [...without(':path'), [':path', '/public/x#y']]],
    ['a blank in the path', [...without(':path'), [':path', '/public/x HTTP/1.1']]],
    ['a line end in the path', [...without(':path'), [':path', '/public/x HTTP/1.1\r\nX: y']]],
    ['no path', without(':path')],
    ['two paths', [...GET, [':path', '/files/x']]],
    ['no method', without(':method')],
    ['a method that HTTP/1 does not know', [[':method', 'get'], ...without(':method')]],
    ['a method with a line end', [[':method', 'GET /files/x HTTP/1.1\r\nX:'], ...without(':method')]],
    ['no scheme', without(':scheme')],
    ['another scheme', [[':scheme', 'ftp'], ...without(':scheme')]],
    ['no authority', without(':authority')],
    ['an authority with user', [[':authority', 'me@api.test'], ...without(':authority')]],
    ['a Host that is not the authority', [...GET, ['host', 'other.test']]],
    ['two Hosts', [...without(':authority'), ['host', 'api.test'], ['host', 'api.test']]],
    ['an unknown pseudo-header', [[':protocol', 'websocket'], ...GET]],
    ['a status', [[':status', '200'], ...GET]],
    ['a pseudo-header behind a header', [['x', 'y'], ...GET]],
    [
      'CONNECT',
      [
        [':method', 'CONNECT'],
        [':authority', 'api.test:443'],
      ],
    ],
    [
      'OPTIONS *',
      [
        [':method', 'OPTIONS'],
        [':scheme', 'https'],
        [':authority', 'api.test'],
        [':path', '*'],
      ],
    ],
    ['Connection', [...GET, ['connection', 'close']]],
    ['Keep-Alive', [...GET, ['keep-alive', 'timeout=5']]],
    ['Proxy-Connection', [...GET, ['proxy-connection', 'keep-alive']]],
    ['Transfer-Encoding', [...POST, ['transfer-encoding', 'chunked']]],
    ['Upgrade', [...GET, ['upgrade', 'websocket']]],
    ['TE other than trailers', [...GET, ['te', 'gzip']]],
    ['a name in capitals', [...GET, ['X-Own', '1']]],
    ['a length where nothing follows', [...POST, ['content-length', '5']]],
    ['two lengths', [...POST, ['content-length', '0'], ['content-length', '0']]],
    ['a length that is no number', [...POST, ['content-length', '+0']]],
    ['an Expect that we cannot meet', [...POST, ['expect', 'miracles']]],
  ] as const)('%s', async (_name, pairs) => {
    using client = await FrameClient.connect(url);
    client.headers(1, pairs);
    expect(await client.fate(1)).toBeOneOf([400, 'reset', 'ended']);
    expect(upstream.text).toBe('');
    expect(harness.gateway.errorLines).toEqual([]);
  });

  it.each([
    ['x:evil', '1'],
    ['x\r\nevil', '1'],
    ['x\0evil', '1'],
    [' x-own', 'evil'],
    ['x-own ', 'evil'],
    ['x"own', 'evil'],
    ['x\xe9', 'evil'],
    ['X-Own', 'evil'],
    ['x-own', ' evil'],
    ['x-own', 'evil\t'],
    ['x-own', 'a\nevil'],
    ['x-own', 'a\revil'],
    ['authorization', 'Bearer evil\0'],
    ['cookie', 'evil\r\n'],
    ['', 'evil'],
    ['x-own', 'a\r\nevil: 5'],
    ['x-own', 'a\0evil'],
    ['x-own', 'evil\x7f'],
  ])('no byte of a header that HTTP/2 forbids crosses: %j: %j', async (name, value) => {
    using client = await FrameClient.connect(url);
    // Beside others, in several frames, with padding and a priority.
    client.headers(1, [...GET, ['x-before', '1'], [name, value], ['x-behind', 'y'.repeat(300)]]);
    const whole = block([...GET, [name, value]]);
    client.send(HEADERS, END_STREAM, 3, whole.subarray(0, 5));
    client.send(CONTINUATION, 0, 3, whole.subarray(5, -6)).send(CONTINUATION, 0, 3, whole.subarray(-6, -2));
    client.send(CONTINUATION, END_HEADERS, 3, whole.subarray(-2));
    const padded = Buffer.concat([Buffer.of(200, 0, 0, 0, 0, 9), whole, Buffer.alloc(200)]);
    client.send(HEADERS, END_STREAM | END_HEADERS | 0x8 | 0x20, 5, padded);
    for (const stream of [1, 3, 5]) expect(await client.fate(stream)).toBeOneOf([400, 'reset', 'ended']);
    expect(upstream.text).toBe('');
  });

  it('and heads that are whole are served, however they are cut, padded, packed or indexed', async () => {
    using client = await FrameClient.connect(url);
    const whole = block([...GET, ['x-long', 'y'.repeat(5000)]]);
    client.send(HEADERS, END_STREAM, 1, whole.subarray(0, 5));
    for (const [from, to] of [
      [5, 6],
      [6, 30],
      [30, 3000],
    ])
      client.send(CONTINUATION, 0, 1, whole.subarray(from, to));
    client.send(CONTINUATION, END_HEADERS, 1, whole.subarray(3000));
    const padded = Buffer.concat([Buffer.of(255, 0, 0, 0, 0, 9), whole, Buffer.alloc(255)]);
    client.send(HEADERS, END_STREAM | END_HEADERS | 0x8 | 0x20, 3, padded);
    // A new size of the table, a field that enters it and one that never may.
    const others = [Buffer.of(0x3f, 0xe1, 0x1f), block(GET), Buffer.of(0x40), literal('x-a'), literal('1')];
    const never = [Buffer.of(0x10), literal('x-b'), literal('2')];
    client.send(HEADERS, END_STREAM | END_HEADERS, 5, Buffer.concat([...others, ...never]));
    client.send(HEADERS, END_STREAM | END_HEADERS, 7, Buffer.concat([block(GET), Buffer.of(0xbe, 0xbe)]));
    for (const stream of [1, 3, 5, 7]) expect(await client.fate(stream), String(stream)).toBe(200);
    expect(upstream.requests.map((request) => request.header('x-long')?.length ?? request.all('x-a'))).toEqual([
      ...[5000, 5000],
      ...[['1'], ['1', '1']],
    ]);
  });

  it('a trailer that HTTP/2 forbids is not left out of the rest', async () => {
    for (const trailer of [
      ['x-own', 'a\r\nevil'],
      ['x-own', ' evil'],
      ['x\0own', 'evil'],
    ] as const) {
      using client = await FrameClient.connect(url);
      client.headers(1, POST, END_HEADERS).send(DATA, 0, 1, Buffer.from('x'));
      client.headers(1, [['x-before', '1'], trailer]);
      expect(await client.fate(1)).toBeOneOf([400, 502, 'reset', 'ended']);
    }
    expect(upstream.requests).toEqual([]);
  });

  it('and TE: trailers, a Host that is the authority, and no Host but an authority are fine', async () => {
    using client = await FrameClient.connect(url);
    client.headers(1, [...GET, ['te', 'trailers'], ['host', 'API.test']]);
    client.headers(3, [...without(':authority'), ['host', 'api.test']]);
    expect([await client.fate(1), await client.fate(3)]).toEqual([200, 200]);
    expect(upstream.requests.map((request) => request.all('x-forwarded-host'))).toEqual([['api.test'], ['api.test']]);
  });

  it('a body that is longer or shorter than its length never looks whole', async () => {
    for (const [length, body] of [
      ['3', 'four'],
      ['9', 'four'],
    ] as const) {
      using client = await FrameClient.connect(url);
      client.headers(1, [...POST, ['content-length', length]], END_HEADERS);
      client.send(DATA, END_STREAM, 1, Buffer.from(body));
      expect(await client.fate(1)).toBeOneOf([400, 'reset', 'ended']);
    }
    expect(upstream.requests).toEqual([]);
  });

  it('trailers with a pseudo-header or a line end in them never reach the upstream', async () => {
    for (const trailer of [
      [':path', '/files/x'],
      ['x-own', 'a\r\nGET /files/x HTTP/1.1'],
      ['content-length', '5'],
      ['authorization', 'Bearer x'],
      ['x-scopegate-role', 'admin'],
    ] as const) {
      using client = await FrameClient.connect(url);
      client.headers(1, POST, END_HEADERS).send(DATA, 0, 1, Buffer.from('x')).headers(1, [trailer]);
      await client.fate(1);
    }
    for (const request of upstream.requests) expect(request.trailers).toEqual([]);
    expect(upstream.text).not.toContain('/files/x');
  });
});

attack({
  name: 'half an upload or answer over HTTP/2 never looks whole',
  outcome: 'its stream is reset, the other side let go; the other streams go on',
  sources: ['RFC 9113 section 8.1', 'RFC 9113 section 5.4.2'],
})(() => {
  it.each([
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
    ['of a known length', 'Content-Length: 9\r\n\r\nhalf'],
  ])('an answer %s that breaks off resets the stream, and the connection goes on', async (_name, start) => {
    upstream.replyToHead = (head, connection) => {
      if (!head.startsWith('GET /public/half')) return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
      connection.write(`HTTP/1.1 200 OK\r\n${start}`);
      setImmediate(() => connection.reset());
      return undefined;
    };
    using client = await FrameClient.connect(url);
    client.headers(1, [...without(':path'), [':path', '/public/half']]);
    await client.until(() => client.frames.some(({ type, stream }) => type === RST_STREAM && stream === 1), 'reset');
    expect(
      client.frames.some(({ flags, type, stream }) => stream === 1 && type < 2 && (flags & END_STREAM) !== 0),
    ).toBe(false);
    client.headers(3, GET);
    expect(await client.fate(3)).toBe(200);
  });

  it.each([
    ['an error', 8],
    ['no error', 0],
  ])('an upload that its client resets with %s breaks the upstream', async (_name, code) => {
    using client = await FrameClient.connect(url);
    client.headers(1, POST, END_HEADERS).send(DATA, 0, 1, Buffer.from('half'));
    await upstream.until(({ text }) => text.includes('half'), 'half of the body');
    client.reset(1, code);
    await upstream.connections[0]!.ended;
    expect(upstream.requests).toEqual([]);
    client.headers(3, GET);
    expect(await client.fate(3)).toBe(200);
  });

  it('a client that gives up on an answer ends the work upstream', async () => {
    upstream.replyToHead = () => '';
    using client = await FrameClient.connect(url);
    client.headers(1, GET);
    await upstream.until(({ connections }) => connections.length > 0 && connections[0]!.text !== '', 'request');
    const { socket } = upstream.connections[0]!;
    expect(socket.readableEnded || socket.destroyed).toBe(false);
    client.reset(1, 8);
    await upstream.connections[0]!.ended;
    // The work upstream alone: the connection of the client goes on.
    upstream.replyToHead = null;
    client.headers(3, GET);
    expect(await client.fate(3)).toBe(200);
  });

  it('an upload that is refused is stopped, and the connection goes on', async () => {
    using client = await FrameClient.connect(url);
    client.headers(
      1,
      [...without(':path').map(([k, v]) => [k, k === ':method' ? 'POST' : v] as const), [':path', '/nowhere']],
      END_HEADERS,
    );
    expect(await client.fate(1)).toBe(404);
    await client.until(() => client.frames.some(({ type, stream }) => type === RST_STREAM && stream === 1), 'stop');
    expect(client.frames.find(({ type }) => type === RST_STREAM)!.payload.readUInt32BE()).toBe(0);
    client.headers(3, GET);
    expect(await client.fate(3)).toBe(200);
  });
});

attack({
  name: 'streams, resets, frames or headers over HTTP/2 without measure cost no more than the door',
  outcome: 'GOAWAY, or refused; other connections are unharmed',
  sources: ['CVE-2023-44487', 'CVE-2024-27316', 'CVE-2019-9512', 'CVE-2019-9515', 'CVE-2019-9518'],
})(() => {
  const goaway = (client: FrameClient) => () => client.ended || client.frames.some(({ type }) => type === GOAWAY);

  it('no more streams at once than announced', async () => {
    upstream.replyToHead = () => '';
    using client = await FrameClient.connect(url);
    for (let stream = 1; stream <= 2 * 101 + 1; stream += 2) client.headers(stream, GET);
    await client.until(() => client.frames.some(({ type }) => type === RST_STREAM || type === GOAWAY), 'refusal');
    expect(
      client.frames.find(({ type }) => type === SETTINGS)!.payload.includes(Buffer.from([0, 3, 0, 0, 0, 100])),
    ).toBe(true);
  });

  // Before, Node says GOAWAY and leaves the connection open until it has been idle for long.
  it.skipIf(!hasNode(24))('headers beyond 16 KiB are not read', async () => {
    using client = await FrameClient.connect(url);
    client.headers(1, [...GET, ['x-big', 'x'.repeat(16 * 1024)]]);
    expect(await client.fate(1)).toBeOneOf([400, 'reset', 'ended']);
    expect(upstream.text).not.toContain('x-big');
  });

  it('a client that opens streams only to reset them is shown the door', async () => {
    upstream.replyToHead = () => '';
    using client = await FrameClient.connect(url);
    for (let stream = 1; stream < 2 * 600 && !client.ended; stream += 2) client.headers(stream, GET).reset(stream, 8);
    await client.until(goaway(client), 'GOAWAY');
    // And only that one.
    using other = await FrameClient.connect(url);
    upstream.replyToHead = null;
    other.headers(1, GET);
    expect(await other.fate(1)).toBe(200);
  });

  it('so is one that floods with pings, settings, empty frames or header blocks without end', async () => {
    const settings = (client: FrameClient) => client.send(SETTINGS, 0, 0, Buffer.from([0, 4, 0, 0, 255, 255]));
    const floods: ReadonlyArray<(client: FrameClient) => void> = [
      (client) => client.send(CONTINUATION, 0, 1, Buffer.alloc(1)),
      (client) => client.send(HEADERS, 0, 2, Buffer.alloc(1)),
    ];
    for (const flood of floods) {
      using client = await FrameClient.connect(url);
      client.send(HEADERS, 0, 1, Buffer.alloc(0));
      for (let count = 0; count < 5000 && !client.ended; count++) flood(client);
      await client.until(goaway(client), 'GOAWAY');
    }
    // Answered, and with nothing kept: the connection goes on.
    using client = await FrameClient.connect(url);
    for (let count = 0; count < 5000; count++) settings(client.send(PING, 0, 0, Buffer.alloc(8)));
    client.headers(1, GET);
    expect(await client.fate(1)).toBeOneOf([200, 'ended']);
    using other = await FrameClient.connect(url);
    expect(await other.headers(1, GET).fate(1)).toBe(200);
  });
});

attack({
  name: 'a client of HTTP/2 that does not read, or an upstream that does not, fills no memory',
  outcome: 'the other side is held back, and gets every byte once it goes on',
  sources: ['RFC 9113 section 5.2', 'CVE-2019-9517'],
})(() => {
  it('an answer waits for a client that does not read, without being kept', async () => {
    const bell = new Bell();
    let sent = 0;
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const total = 64 * 1024 * 1024;
    upstream.replyToHead = (_head, { socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
      const pump = () => {
        while (sent < total) {
          sent += chunk.length;
          if (!socket.write(chunk)) {
            bell.ring();
            socket.once('drain', pump);
            return;
          }
        }
        bell.ring();
      };
      pump();
      return undefined;
    };
    using session = await h2(url);
    const stream = session.request({ ':path': '/public/x' });
    await once(stream, 'response');
    // Another stream of the same connection is not held up.
    expect((await askH2(session, { ':path': '/nowhere' })).status).toBe(404);
    expect(sent).toBeLessThan(total / 2);
    let received = 0;
    stream.on('data', (piece: Buffer) => {
      received += piece.length;
    });
    await once(stream, 'close');
    expect([received, stream.rstCode]).toEqual([total, 0]);
  });

  it('an upload waits for an upstream that does not read, and arrives whole', async () => {
    const total = 16 * 1024 * 1024;
    const tail = 20_000;
    const body = Buffer.from(Uint8Array.from({ length: total + tail }, (_, index) => index % 251));
    const begun = Promise.withResolvers<IncomingMessage>();
    await using slow = await startHttpUpstream((request, response) => {
      begun.resolve(request);
      const received = createHash('sha256');
      request.on('end', () => response.end(received.digest('hex')));
      request.on('data', (piece: Buffer) => received.update(piece));
      request.pause();
    });
    await using own = await startTlsGateway(slow.url, { routes: ROUTES });
    // It keeps what it sends in memory.
    using session = await h2(own.gateway.url, { maxSessionMemory: 100 });
    const upload = session.request({ ':path': '/public/x', ':method': 'POST' });
    upload.write(body.subarray(0, total));
    // The end in pieces of one byte, each in a frame of its own where they can leave at once.
    for (let at = total; at < body.length; at++) upload.write(body.subarray(at, at + 1));
    upload.end();
    const request = await begun.promise;
    // Another stream of the same connection is not held up.
    expect((await askH2(session, { ':path': '/nowhere' })).status).toBe(404);
    expect(request.socket.bytesRead).toBeLessThan(total / 2);
    request.resume();
    expect(await text(upload)).toBe(createHash('sha256').update(body).digest('hex'));
  });
});

it('an event stream ends when its token is revoked, and the connection goes on', async () => {
  upstream.replyToHead = (_head, connection) => {
    const event = 'data: one\n\n';
    const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
    connection.write(`${head}${event.length.toString(16)}\r\n${event}\r\n`);
    return undefined;
  };
  const { body } = await harness.gateway.admin('POST', '/tokens', {
    owner: 'alice',
    name: 'short',
    scopes: ['workflows:read'],
    workspaces: ['ws_sales'],
    expiresInDays: 1,
  });
  const { id, token } = body as { id: string; token: string };
  using session = await h2(url);
  const stream = session.request({ ':path': '/files/events', authorization: `Bearer ${token}` });
  let text = '';
  const first = Promise.withResolvers<void>();
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    first.resolve();
  });
  await first.promise;
  await harness.gateway.admin('POST', `/tokens/${id}/revoke`);
  await once(stream, 'close');
  expect([stream.rstCode, text]).toEqual([0, expect.stringContaining('data: one\n\nevent: error\ndata: ')]);
  expect((await askH2(session, { ':path': '/nowhere' })).status).toBe(404);
});

describe('a client that is waited for', () => {
  const gateway = { timeouts: { headersMs: 200, keepAliveMs: 400 } };
  const openings: readonly (readonly [string, (client: FrameClient) => unknown])[] = [
    ['says nothing more', () => {}],
    ['begins a head and does not end it', (client) => client.headers(1, GET, END_STREAM)],
    ['sends pings', (client) => client.send(PING, 0, 0, Buffer.alloc(8))],
    [
      'begins a second head and does not end it',
      async (client) => {
        client.headers(1, GET);
        expect(await client.fate(1)).toBe(200);
        client.headers(3, GET, END_STREAM);
      },
    ],
  ];
  it.each(openings)('and %s is sent away in time', async (_, opening) => {
    await using own = await startTlsGateway(upstream.url, { routes: ROUTES, gateway });
    using client = await FrameClient.connect(own.gateway.url);
    await opening(client);
    await client.until(() => client.ended, 'end of the connection');
    expect(upstream.text).not.toContain('/public/y');
  });

  it('is waited for while a stream is open', async () => {
    await using own = await startTlsGateway(upstream.url, { routes: ROUTES, gateway });
    upstream.replyToHead = () => '';
    using client = await FrameClient.connect(own.gateway.url);
    client.headers(1, GET);
    await upstream.until(({ connections }) => connections.some(({ text }) => text.includes('/public/x')), 'request');
    await timePasses(700, 'longer than both timeouts, of which neither may end it');
    upstream.connections.at(-1)!.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await client.fate(1)).toBe(200);
  });

  it('with half a head does not hold up a drain', async () => {
    await using own = await startTlsGateway(upstream.url, { routes: ROUTES });
    using client = await FrameClient.connect(own.gateway.url);
    client.send(PING, 0, 0, Buffer.alloc(8)).headers(1, GET, END_STREAM);
    await client.until(() => client.frames.some(({ type }) => type === PING), 'PING');
    // Otherwise it would be waited for, up to the deadline of the drain.
    const stopped = own.gateway.running.stop();
    await client.until(() => client.ended, 'end of the connection');
    expect(await stopped).toBeUndefined();
    expect(client.frames.some(({ type }) => type === HEADERS)).toBe(false);
  }, 10_000);
});

it('a head beyond the limit is refused, whatever it was packed into, also from a client that confirms no settings', async () => {
  await using own = await startTlsGateway(upstream.url, { routes: ROUTES, gateway: { limits: { headerBytes: 4096 } } });
  using client = await FrameClient.connect(own.gateway.url, { confirms: false });
  const name = literal('x-large');
  // Entered into the table once, and named by a byte each time after that (RFC 7541 section 6.1).
  const entry = Buffer.concat([Buffer.of(0x40), name, literal('y'.repeat(1000))]);
  const head = Buffer.concat([block(GET), entry, Buffer.alloc(5, 0xbe)]);
  client.send(HEADERS, END_STREAM | END_HEADERS, 1, head);
  const answer = () => client.frames.find(({ type, stream }) => type === HEADERS && stream === 1);
  await client.until(() => answer() !== undefined, 'answer');
  // Its status is no entry of the static table: name 8, and three digits.
  expect(answer()!.payload.toString('latin1')).toContain('431');
  expect(upstream.text).toBe('');
});

it('draining says GOAWAY, finishes what was begun, and processes nothing beyond the stream that it named', async () => {
  await using own = await startTlsGateway(upstream.url, { routes: ROUTES });
  upstream.replyToHead = () => '';
  using client = await FrameClient.connect(own.gateway.url);
  client.headers(1, GET);
  await upstream.until(({ connections }) => connections.some(({ text }) => text.includes('/public/x')), 'request');
  const stopped = own.gateway.running.stop();
  const goaway = () => client.frames.find(({ type }) => type === GOAWAY);
  await client.until(() => goaway() !== undefined, 'GOAWAY');
  expect(goaway()!.payload.readUInt32BE(0)).toBe(1);
  client.headers(3, GET);
  upstream.connections.at(-1)!.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  expect(await client.fate(1)).toBe(200);
  await client.until(() => client.ended, 'end of the connection');
  await stopped;
  expect(upstream.requests).toHaveLength(1);
});

it('is not offered where it was switched off', async () => {
  await using own = await startTlsGateway(upstream.url, { routes: ROUTES, tls: { http2: false } });
  await expect(FrameClient.connect(own.gateway.url)).rejects.toThrow();
});

describe.skipIf(!hasTool('curl'))('curl', () => {
  const curl = async (...args: readonly string[]) => {
    const { port } = new URL(url);
    const run = started('curl', [
      ...['-sS', '--http2', '--cacert', harness.paths.cert, '--resolve', `gateway.test:${port}:127.0.0.1`],
      ...args.map((arg) => arg.replace('URL', `https://gateway.test:${port}`)),
    ]);
    return [await run.exit(), run.stdout(), run.stderr()] as const;
  };

  it('speaks HTTP/2 to it', async () => {
    const asked = await curl('-w', ' %{http_version} %{http_code}', '-H', `Authorization: ${bearer}`, 'URL/files/x');
    expect(asked).toEqual([0, 'ok 2 200', '']);
  });

  it('sees that half an answer is half', async () => {
    upstream.replyToHead = (_head, connection) => {
      connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n');
      setImmediate(() => connection.reset());
      return undefined;
    };
    expect((await curl('URL/public/x'))[0]).toBe(92);
  });
});

it.skipIf(!hasTool('h2load'))('h2load gets every answer of many streams on few connections', async () => {
  const run = started('h2load', [
    '-n',
    '2000',
    '-c',
    '4',
    '-m',
    '20',
    '-H',
    `authorization: ${bearer}`,
    `${url}/files/x`,
  ]);
  expect(await run.exit()).toBe(0);
  expect(run.stdout()).toContain('2000 succeeded, 0 failed, 0 errored');
  expect(run.stdout()).toContain('status codes: 2000 2xx');
});
