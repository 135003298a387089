/** Routes that look into the body, asked by every kind of client, and what comes after the verdict. */
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTlsGateway } from '../http/harness.ts';
import { first } from '../support/certificates.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, RawClient, rawRequest } from '../support/raw.ts';
import { Recorder } from '../support/recorder.ts';
import { scraped } from '../support/scrape.ts';

const workspace = { from: 'body.space_id', as: 'workspace', role: 'member' };
const require = { scopes: ['bot:write'], workspace };
const ROUTES = [
  { id: 'space', match: { methods: ['POST'], path: '/space' }, require },
  { id: 'open', match: { path: '/open' }, public: true },
  { id: 'spare', match: { methods: ['POST'], path: '/spare' }, require, upstream: 'spare' },
];
const NOBODY = 'http://127.0.0.1:9';
const JSON_TYPE = 'Content-Type: application/json';
const OWN = '{"space_id":"ws_sales"}';
const OTHER = '{"space_id":"ws_legal"}';

let upstream: Recorder;
let gateway: TestGateway;
let writer: string;
beforeAll(async () => {
  upstream = await Recorder.start();
  const platform = { targets: [upstream.url] };
  gateway = await startTestGateway({
    upstreamUrl: upstream.url,
    routes: ROUTES,
    settings: {
      gateway: { h2c: true },
      decision: { port: 0, for: 'envoy' },
      upstreams: { platform, spare: { targets: [NOBODY, upstream.url] } },
    },
  });
  writer = `Bearer ${gateway.tokens.writer}`;
});
beforeEach(() => upstream.clear());
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});
const post = (path: string, body: string) =>
  rawRequest(`POST ${path}`, [`Authorization: ${writer}`, JSON_TYPE, `Content-Length: ${body.length}`], body);

/** The status. `ca`: over TLS. */
async function askOverH2(asked: TestGateway, body: string, pieces: number, ca?: string): Promise<number> {
  const session = connect(asked.url, { ca });
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/space',
      authorization: `Bearer ${asked.tokens.writer}`,
      'content-type': 'application/json',
    });
    const status = new Promise<number>((resolve, reject) => {
      stream.on('response', (headers) => resolve(headers[':status']!));
      stream.on('error', reject);
    });
    const size = Math.ceil(body.length / pieces);
    for (let at = 0; at < body.length; at += size) stream.write(body.slice(at, at + size));
    stream.end();
    return await status;
  } finally {
    session.destroy();
  }
}

describe('over HTTP/2', () => {
  it('its own workspace crosses, byte for byte', async () => {
    expect(await askOverH2(gateway, OWN, 3)).toBe(200);
    expect((await upstream.request()).body).toBe(OWN);
  });

  it('another one does not', async () => {
    expect(await askOverH2(gateway, OTHER, 1)).toBe(403);
    expect(await askOverH2(gateway, `${OWN}x`, 1)).toBe(400);
    expect(await askOverH2(gateway, OWN.padEnd(2 * 1024 * 1024), 40)).toBe(413);
    expect(upstream.lines).toEqual([]);
  });

  it('with TLS neither is different', async () => {
    await using secure = await startTlsGateway(upstream.url, { routes: ROUTES.slice(0, 2) });
    expect(await askOverH2(secure.gateway, OWN, 3, first.cert)).toBe(200);
    expect((await upstream.request()).body).toBe(OWN);
    expect(await askOverH2(secure.gateway, OTHER, 3, first.cert)).toBe(403);
  });
});

it('whose rules are replaced while its body comes is judged by the new ones, and crosses whole', async () => {
  const body = '{"space_id":"ws_legal","space":"ws_sales"}';
  expect((await ask(gateway.url, post('/space', body))).status).toBe(403);
  using client = await RawClient.connect(gateway.url);
  client.send(post('/space', body).slice(0, -1));
  await expect
    .poll(() => scraped(gateway.running.metrics))
    .toContain(`scopegate_waiting_body_bytes ${body.length - 1}\n`);
  const path = join(gateway.folder, 'gateway.yaml');
  const before = readFileSync(path, 'utf8');
  try {
    writeFileSync(path, before.replaceAll('body.space_id', 'body.space'));
    expect(await gateway.running.reload('request')).toMatchObject({ result: 'applied' });
    expect((await client.send(body.slice(-1)).response()).status).toBe(200);
    expect((await upstream.request()).body).toBe(body);
  } finally {
    writeFileSync(path, before);
    expect(await gateway.running.reload('request')).toMatchObject({ result: 'applied' });
  }
});

it('at the decision listener such a route is 400, and others are judged', async () => {
  const url = gateway.running.decisionUrl!;
  expect((await ask(url, rawRequest('POST /space', [`Authorization: ${writer}`, JSON_TYPE]))).status).toBe(400);
  expect((await ask(url, rawRequest('POST /space', [JSON_TYPE]))).status).toBe(401);
  expect((await ask(url, rawRequest('GET /open'))).status).toBe(200);
});

it('a target that cannot be reached leaves the body whole for the next', async () => {
  for (let times = 0; times < 3; times++) expect((await ask(gateway.url, post('/spare', OWN))).status).toBe(200);
  expect(upstream.requests.map(({ body }) => body)).toEqual([OWN, OWN, OWN]);
});

it('a body that the upstream does not read holds back nobody else', async () => {
  const body = `{"space_id":"ws_sales","x":"${'x'.repeat(1_000_000)}"}`;
  upstream.replyToHead = () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno';
  expect((await ask(gateway.url, post('/space', body))).status).toBe(200);
  upstream.replyToHead = null;
  const metrics = await scraped(gateway.running.metrics);
  expect(metrics).toContain('scopegate_waiting_body_bytes 0\n');
});

it('a stream whose workspace stood in the body ends when its right does', async () => {
  const { body } = await gateway.admin('POST', '/tokens', {
    ...{ owner: 'alice', name: 'streams', scopes: ['bot:write'], workspaces: ['ws_sales'], expiresInDays: 1 },
  });
  const { id, token } = body as { id: string; token: string };
  upstream.reply = () =>
    'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n8\r\ndata: 1\n\r\n1\r\n\n\r\n';
  using client = await RawClient.connect(gateway.url);
  const lines = [`Authorization: Bearer ${token}`, JSON_TYPE, `Content-Length: ${OWN.length}`];
  client.send(rawRequest('POST /space', lines, OWN));
  await client.untilText('data: 1');
  // Another change has it judged again, by the body as it was.
  await gateway.admin('PATCH', `/tokens/${id}`, { name: 'still streams' });
  await gateway.admin('POST', `/tokens/${id}/revoke`);
  await client.untilText('event: error');
  expect(client.received).toContain('"code":4100');
});
