/** Promises about HTTP/2 without TLS, where `gateway.h2c` lets clients begin with it: the same gateway once more. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { started } from '../support/process.ts';
import { RawClient, rawRequest } from '../support/raw.ts';
import { Recorder, startHttpUpstream } from '../support/recorder.ts';
import { hasTool } from '../support/tools.ts';
import { askH2, FrameClient, GOAWAY, h2, PREFACE, SETTINGS } from './h2-client.ts';

const ROUTES = [
  { id: 'public', match: { path: '/public/**' }, public: true },
  { id: 'files', match: { path: '/files/**' }, require: { scopes: ['workflows:read'] } },
];
const GET = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'api.test'],
  [':path', '/public/x'],
] as const;

let upstream: Recorder;
let gateway: TestGateway;
let bearer: string;
const start = (upstreamUrl: string, settings = {}) =>
  startTestGateway({ upstreamUrl, routes: ROUTES, settings: { gateway: { h2c: true, ...settings } } });
beforeAll(async () => {
  upstream = await Recorder.start();
  gateway = await start(upstream.url, { timeouts: { headersMs: 1000 } });
  bearer = `Bearer ${await gateway.mint({ scopes: ['workflows:read'] })}`;
});
beforeEach(() => {
  upstream.clear();
  upstream.reply = () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  upstream.replyToHead = null;
});
afterAll(async () => {
  await gateway.stop();
  await upstream[Symbol.asyncDispose]();
});

describe('a connection that begins with the preface of HTTP/2', () => {
  it('has its requests judged and forwarded as any other', async () => {
    using session = await h2(gateway.url);
    const allowed = await askH2(session, { ':path': '/files/a', authorization: bearer });
    expect([allowed.status, allowed.body, allowed.rstCode]).toEqual([200, 'ok', 0]);
    expect((await askH2(session, { ':path': '/files/a' })).status).toBe(401);
    const [request, ...others] = upstream.requests;
    expect(others).toEqual([]);
    expect(request!.header('via')).toMatch(/^2\.0 scopegate\.[a-p]{12}$/);
    expect(request!.header('x-forwarded-proto')).toBe('http');
    expect(request!.header('authorization')).toBeUndefined();
  });

  it('may cut it anywhere, and send what follows in one piece with it', async () => {
    for (const cut of [1, 3, 4, 16, 23]) {
      using client = await RawClient.connect(gateway.url);
      client.send(PREFACE.slice(0, cut));
      // Read by now, most likely: both are of this process.
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      client.send(`${PREFACE.slice(cut)}\0\0\0\x04\0\0\0\0\0`);
      // The settings of the other side.
      await client.until(({ received }) => received.length >= 9, 'settings');
      expect(client.received.charCodeAt(3)).toBe(SETTINGS);
    }
  });

  it('is refused what HTTP/2 forbids, though Node would leave it out', async () => {
    using client = await FrameClient.connect(gateway.url);
    client.headers(1, [...GET, ['x-bad', 'a\0b']]);
    expect(await client.fate(1)).toBe(400);
    expect(await client.headers(3, GET).fate(3)).toBe(200);
    expect(upstream.requests).toHaveLength(1);
  });

  it('is told GOAWAY where the gateway stops, once what it asked for is answered', async () => {
    const own = await start(upstream.url);
    using client = await FrameClient.connect(own.url);
    expect(await client.headers(1, GET).fate(1)).toBe(200);
    const stopped = own.running.stop();
    await client.until(() => client.frames.some(({ type }) => type === GOAWAY), 'GOAWAY');
    await client.until(() => client.ended, 'end of the connection');
    await stopped;
  });

  it('is cut off where it never goes on', async () => {
    using client = await RawClient.connect(gateway.url);
    await client.send(PREFACE.slice(0, 20)).untilEnded();
    expect(client.responses.map(({ status }) => status)).toEqual([408]);
  });
});

it('HTTP/1.1 is served on the same port, and what only looks like the preface is refused', async () => {
  using client = await RawClient.connect(gateway.url);
  expect((await client.send(rawRequest('PROPFIND /public/x')).response()).status).toBe(200);
  // Behind a request it is none.
  await client.send(PREFACE).untilEnded();
  expect(client.responses.map(({ status }) => status)).toEqual([200, 400]);
  using other = await RawClient.connect(gateway.url);
  await other.send('PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n').untilEnded();
  expect(other.responses.map(({ status }) => status)).toEqual([400]);
  expect(upstream.lines).toEqual(['PROPFIND /public/x']);
});

it('8 MiB cross whole in both directions, to a client and an upstream that pause', async () => {
  const bytes = randomBytes(8 * 1024 * 1024);
  await using echo = await startHttpUpstream((request, response) => void request.pipe(response));
  await using own = await start(echo.url);
  using session = await h2(own.url);
  const stream = session.request({ ':method': 'POST', ':path': '/public/x' });
  stream.end(bytes);
  await once(stream, 'response');
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
});

it.skipIf(!hasTool('h2load'))('h2load gets every answer of many streams on few connections', async () => {
  const run = started('h2load', [
    ...['-n', '1000', '-c', '4', '-m', '20', '-H', `authorization: ${bearer}`],
    `${gateway.url}/files/x`,
  ]);
  expect(await run.exit()).toBe(0);
  expect(run.stdout()).toContain('1000 succeeded, 0 failed, 0 errored');
  expect(run.stdout()).toContain('Application protocol: h2c');
});
