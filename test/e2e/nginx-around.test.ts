/** The real nginx in front of the gateway, with the documented configuration, and the real nginx as its upstream. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { freeUrl, type RunningProxy, recipeFile, startNginx } from '../support/proxies.ts';
import { ask, RawClient, rawRequest } from '../support/raw.ts';
import { Recorder } from '../support/recorder.ts';
import { hasTool } from '../support/tools.ts';

const ROUTES = [
  { id: 'read', match: { methods: ['GET'], path: '/files/**' }, require: { scopes: ['workflows:read'] } },
  { id: 'write', match: { methods: ['PUT'], path: '/files/**' }, require: { scopes: ['workflows:write'] } },
];
const bearer = (token: string) => `Authorization: Bearer ${token}`;
const host = (url: string) => new URL(url).host;

describe.skipIf(!hasTool('nginx'))('nginx in front', () => {
  let app: Recorder;
  let gateway: TestGateway;
  let nginx: RunningProxy;
  beforeAll(async () => {
    app = await Recorder.start();
    const settings = { gateway: { trustedProxies: ['127.0.0.1'] } };
    gateway = await startTestGateway({ upstreamUrl: app.url, routes: ROUTES, settings });
    const url = await freeUrl();
    const addresses = { 'listen 8000;': `listen ${host(url)};`, '127.0.0.1:8080': host(gateway.url) };
    nginx = await startNginx(url, recipeFile('nginx-in-front/nginx.conf', addresses));
  });
  beforeEach(() => app.clear());
  afterAll(async () => {
    await nginx[Symbol.asyncDispose]();
    await app.stop();
    await gateway.stop();
  });

  it('the app learns the address that nginx saw, and not what the client claims', async () => {
    const forged = ['X-Forwarded-For: 6.6.6.6', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: evil.test'];
    await ask(nginx.url, rawRequest('GET /files/a%20b?q=%2F', [bearer(gateway.tokens.reader), ...forged]));
    const request = await app.request();
    expect(request.target).toBe('/files/a%20b?q=%2F');
    expect(['for', 'proto', 'host'].map((name) => request.all(`x-forwarded-${name}`))).toEqual([
      ['127.0.0.1, 127.0.0.1'],
      ['http'],
      ['api.test'],
    ]);
    expect(request.all('x-scopegate-subject')).toEqual(['bob']);
  });

  it("a refusal reaches the client in the policy's words", async () => {
    const { status, body } = await ask(nginx.url, rawRequest('GET /files/x'));
    expect([status, JSON.parse(body)]).toEqual([401, expect.objectContaining({ code: 4100 })]);
    expect((await ask(nginx.url, rawRequest('GET /files/%2e%2e/x', [bearer(gateway.tokens.reader)]))).status).toBe(400);
    expect(app.text).toBe('');
  });

  it('an event stream arrives event by event', async () => {
    app.reply = ({ connection }) => {
      connection.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
      connection.write('9\r\ndata: 1\n\n\r\n');
      return undefined;
    };
    using client = await RawClient.connect(nginx.url);
    client.send(rawRequest('GET /files/x', [bearer(gateway.tokens.reader)]));
    await client.untilText('data: 1');
    app.requests[0]!.connection.write('9\r\ndata: 2\n\n\r\n0\r\n\r\n');
    expect((await client.response()).body).toBe('data: 1\n\ndata: 2\n\n');
  });
});

describe.skipIf(!hasTool('nginx'))('nginx behind', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scopegate-site-'));
  let gateway: TestGateway;
  let nginx: RunningProxy;
  beforeAll(async () => {
    mkdirSync(join(folder, 'files'));
    writeFileSync(join(folder, 'files/hello.txt'), 'hello');
    writeFileSync(join(folder, 'files/big.bin'), Buffer.alloc(3_000_000, 'x'));
    const url = await freeUrl();
    nginx = await startNginx(
      url,
      `server { listen ${host(url)}; root ${folder}; client_max_body_size 0; location / { dav_methods PUT; } }`,
    );
    gateway = await startTestGateway({ upstreamUrl: nginx.url, routes: ROUTES });
  });
  afterAll(async () => {
    await gateway.stop();
    await nginx[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  const get = (path: string, ...headers: string[]) =>
    ask(gateway.url, rawRequest(`GET ${path}`, [bearer(gateway.tokens.reader), ...headers]));

  it('serves files, parts of files, HEAD and 304 through the gateway', async () => {
    const whole = await get('/files/hello.txt');
    expect([whole.status, whole.body, whole.header('via')]).toEqual([200, 'hello', '1.1 scopegate']);
    expect((await get('/files/big.bin')).body.length).toBe(3_000_000);
    const part = await get('/files/hello.txt', 'Range: bytes=1-2');
    expect([part.status, part.body]).toEqual([206, 'el']);
    expect((await get('/files/hello.txt', `If-None-Match: ${whole.header('etag')}`)).status).toBe(304);
    using client = await RawClient.connect(gateway.url);
    client.send(rawRequest('HEAD /files/hello.txt', [bearer(gateway.tokens.reader)]));
    expect((await client.response()).header('content-length')).toBe('5');
    expect((await get('/files/none')).status).toBe(404);
  });

  it('takes an upload, and none that the token does not allow', async () => {
    const put = (token: string) =>
      ask(gateway.url, rawRequest('PUT /files/new.txt', [bearer(token), 'Content-Length: 3'], 'new'));
    expect((await put(gateway.tokens.reader)).status).toBe(403);
    expect((await get('/files/new.txt')).status).toBe(404);
    expect((await put(gateway.tokens.writer)).status).toBe(201);
    expect((await get('/files/new.txt')).body).toBe('new');
  });
});
