/** Where the time went, for those who asked to be told: by a clock that only the test moves. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, RawClient, rawRequest } from '../support/raw.ts';
import { Recorder } from '../support/recorder.ts';

const ROUTES = [
  { id: 'public', match: { path: '/public/**' }, public: true },
  { id: 'files', match: { path: '/files/**' }, require: { scopes: ['workflows:read'] } },
];

let monotonicMs = 1000;
let upstream: Recorder;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await Recorder.start();
  gateway = await startTestGateway({
    upstreamUrl: upstream.url,
    routes: ROUTES,
    settings: { gateway: { serverTiming: true } },
    clock: { nowMs: () => Date.now(), monotonicMs: () => monotonicMs },
  });
});
beforeEach(() => {
  upstream.reply = () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
});
afterAll(async () => {
  await gateway.stop();
  await upstream[Symbol.asyncDispose]();
});

it('a forwarded answer tells what the decision, the upstream and both together took', async () => {
  upstream.reply = () => {
    monotonicMs += 12.3456;
    return 'HTTP/1.1 200 OK\r\nServer-Timing: db;dur=5\r\nContent-Length: 2\r\n\r\nok';
  };
  const response = await ask(gateway.url, rawRequest('GET /public/x'));
  expect(response.all('server-timing')).toEqual(['db;dur=5', 'auth;dur=0, upstream;dur=12.346, total;dur=12.346']);
});

it('a refusal tells what the decision took', async () => {
  const response = await ask(gateway.url, rawRequest('GET /files/x'));
  expect([response.status, response.all('server-timing')]).toEqual([401, ['auth;dur=0, total;dur=0']]);
});

it('an upstream that fails is told apart from the decision', async () => {
  upstream.reply = ({ connection }) => {
    monotonicMs += 7;
    connection.reset();
    return undefined;
  };
  const response = await ask(gateway.url, rawRequest('POST /public/x', ['Content-Length: 0']));
  expect([response.status, response.all('server-timing')]).toEqual([502, ['auth;dur=0, upstream;dur=7, total;dur=7']]);
});

it('nobody is told unless asked for', async () => {
  await using quiet = await startTestGateway({ upstreamUrl: upstream.url, routes: ROUTES });
  using client = await RawClient.connect(quiet.url);
  client.send(rawRequest('GET /public/x') + rawRequest('GET /files/x'));
  expect((await client.response(1)).status).toBe(401);
  expect(client.received.toLowerCase()).not.toContain('server-timing');
});
