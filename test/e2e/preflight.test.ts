/** What a browser asks before a request to another origin, without a token, where the app behind the gateway speaks CORS. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type HttpUpstream, startHttpUpstream } from '../support/recorder.ts';

const READ = { require: { scopes: ['workflows:read'] } };
const ALLOWED = { 'access-control-allow-origin': 'https://app.test', 'access-control-allow-headers': 'authorization' };
let upstream: HttpUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => {
    response.writeHead(request.method === 'OPTIONS' ? 204 : 200, ALLOWED).end();
  });
  gateway = await startTestGateway({
    upstreamUrl: upstream.url,
    routes: [
      { id: 'bots', match: { methods: ['GET', 'POST'], path: '/v1/bots/{bot}' }, ...READ },
      { id: 'bots-preflight', match: { methods: ['OPTIONS'], path: '/v1/bots/{any}' }, public: true },
      { id: 'files', match: { path: '/files/**' }, ...READ },
      { id: 'files-preflight', match: { methods: ['OPTIONS'], path: '/files/**' }, public: true },
      { id: 'closed', match: { methods: ['GET'], path: '/closed' }, ...READ },
      { id: 'closed-whatever-the-method', match: { path: '/closed/any' }, ...READ },
      { id: 'every-preflight', match: { methods: ['OPTIONS'], path: '/**' }, public: true },
    ],
  });
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});
const preflight = (path: string) =>
  fetch(gateway.url + path, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.test',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization',
    },
  });
const get = (path: string, headers = {}) => fetch(gateway.url + path, { headers });

it.each(['/v1/bots/7', '/files/a/b'])(
  '%s: a public OPTIONS on the same path lets it through, and nothing else',
  async (path) => {
    const { status, headers } = await preflight(path);
    expect([status, Object.fromEntries(headers)]).toEqual([204, expect.objectContaining(ALLOWED)]);

    expect((await get(path)).status).toBe(401);
    const allowed = await get(path, { authorization: `Bearer ${gateway.tokens.reader}` });
    expect([allowed.status, Object.fromEntries(allowed.headers)]).toEqual([200, expect.objectContaining(ALLOWED)]);
  },
);

it.each([
  ['/closed', 405],
  ['/closed/any', 401],
])('%s, which has a path of its own and no OPTIONS, is not opened by a wider one', async (path, status) => {
  expect((await preflight(path)).status).toBe(status);
});

it('a refusal of the gateway says nothing of CORS, so a script of another origin cannot read it', async () => {
  const { status, headers } = await get('/v1/bots/7', { origin: 'https://app.test' });
  expect([status, headers.get('access-control-allow-origin')]).toEqual([401, null]);
});
