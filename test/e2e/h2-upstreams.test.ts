/** An upstream of HTTP/2 behind a whole gateway: what only that shows. The engine itself is tried in test/upstream/h2.test.ts. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Http2Server, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { askH2, h2 } from '../http/h2-client.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { RawClient, rawRequest } from '../support/raw.ts';

let server: Http2Server;
let gateway: TestGateway;
const seen: IncomingHttpHeaders[] = [];

beforeAll(async () => {
  server = createServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1');
  server.on('stream', (_stream, headers) => seen.push(headers));
  await once(server, 'listening');
  gateway = await startTestGateway({
    upstreamUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    upstream: { protocol: 'http1' },
    routes: [
      { id: 'closed', match: { path: '/closed' }, require: { scopes: ['workflows:read'] } },
      { id: 'hosted', match: { hosts: ['api.example.com'], path: '/**' }, public: true },
      { id: 'open', match: { path: '/**' }, public: true },
    ],
    settings: { gateway: { h2c: true } },
  });
});
afterAll(async () => {
  await gateway.stop();
  server.close();
});

async function ask(lines: readonly string[] = [], line = 'GET /x', host?: string) {
  using client = await RawClient.connect(gateway.url);
  const request = rawRequest(line, lines);
  return await client.send(host === undefined ? request : request.replace(/Host: .*/, `Host: ${host}`)).response();
}

it('a reload changes what is spoken to an upstream', async () => {
  expect((await ask()).status).toBe(502);
  const path = join(gateway.folder, 'gateway.yaml');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/(protocol\W+)http1/, '$1h2c'));
  expect(await gateway.running.reload('request')).toMatchObject({ result: 'applied' });
  expect(await ask()).toMatchObject({ status: 200, body: 'ok' });
  expect(seen.at(-1)).toMatchObject({ ':scheme': 'http', 'x-forwarded-for': '127.0.0.1' });
});

it('the authority is the target’s own, or the client’s Host where the route names hosts', async () => {
  await ask();
  expect(seen.at(-1)![':authority']).toBe(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  await ask([], 'GET /x', 'api.example.com');
  expect(seen.at(-1)![':authority']).toBe('api.example.com');
});

it('identity and request id are written, the credential is not passed on', async () => {
  await ask([`Authorization: Bearer ${gateway.tokens.reader}`], 'GET /closed');
  expect(seen.at(-1)).toMatchObject({ 'x-scopegate-kind': 'personal', 'x-request-id': expect.stringMatching(/^01/) });
  expect(seen.at(-1)).not.toHaveProperty('authorization');
});

it('a refusal of gRPC is its own over both protocols, and any other is not', async () => {
  const type = 'content-type: application/grpc';
  const overHttp1 = await ask([type, 'Content-Length: 0'], 'POST /closed');
  expect(overHttp1).toMatchObject({ status: 200, body: '' });
  expect(Object.fromEntries(overHttp1.headers.map(([name, value]) => [name.toLowerCase(), value]))).toMatchObject({
    'content-type': 'application/grpc',
    'content-length': '0',
    'grpc-status': '16',
  });
  using session = await h2(gateway.url);
  const fields = { ':method': 'POST', ':path': '/closed', 'content-type': 'application/grpc+proto' };
  const overHttp2 = await askH2(session, fields);
  expect(overHttp2).toMatchObject({ status: 200, body: '', trailers: {}, rstCode: 0 });
  expect(overHttp2.headers).toMatchObject({ 'grpc-status': '16', 'grpc-message': expect.stringContaining('invalid') });
  expect(overHttp2.headers).not.toHaveProperty('content-length');
  expect((await askH2(session, { ...fields, ':path': '/closed', 'content-type': 'application/json' })).status).toBe(
    401,
  );
});
