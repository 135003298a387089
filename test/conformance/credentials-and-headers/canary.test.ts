import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AdminAnswer, startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { RawClient, type RawResponse, rawRequest, readResponses } from '../../support/raw.ts';
import { Recorder } from '../../support/recorder.ts';
import { attack } from '../attack.ts';

const POLICY = fileURLToPath(new URL('../../../policies/scrydon.yaml', import.meta.url));
const READ = { require: { scopes: ['workflows:read'] } };
const FORM = 'Content-Type: application/x-www-form-urlencoded';

let upstream: Recorder;
let gateway: TestGateway;
let refusing: TestGateway;
/** Everything that was answered, by whichever door. */
const answers: string[] = [];
/** name → the text that must appear nowhere. */
const canaries = new Map<string, string>();

beforeAll(async () => {
  upstream = await Recorder.start();
  const settings = {
    log: { level: 'trace', access: 'all' },
    gateway: { publicUrl: 'https://api.test', guesses: { tokenFailures: 0 } },
  };
  const routes = [
    { id: 'public', match: { path: '/public/**' }, public: true },
    { id: 'read', match: { path: '/files/**' }, ...READ },
    { id: 'closed', match: { path: '/closed/**' }, require: { scopes: ['knowledge:write'] } },
    { id: 'socket', match: { path: '/socket' }, credentials: ['bearer', 'raw', 'query.authorization'], ...READ },
    { id: 'dead', match: { path: '/dead/**' }, upstream: 'dead', ...READ },
  ];
  const upstreams = { platform: { targets: [upstream.url] }, dead: { targets: ['http://nowhere.invalid:9'] } };
  refusing = await startTestGateway({ upstreamUrl: upstream.url, routes, settings: { ...settings, upstreams } });
  gateway = await startTestGateway({
    upstreamUrl: upstream.url,
    routes,
    policy: POLICY,
    seed: false,
    settings: { ...settings, upstreams },
  });
});
afterAll(async () => {
  await upstream.stop();
  await gateway.stop();
  await refusing.stop();
});

async function send(url: string, bytes: string): Promise<RawResponse | undefined> {
  using client = await RawClient.connect(url);
  await client.send(bytes).finish().untilEnded();
  answers.push(client.received);
  return readResponses(client.received, client.methods, true)[0];
}
const call = async (at: TestGateway, ...rest: Parameters<TestGateway['admin']>): Promise<AdminAnswer> => {
  const answer = await at.admin(...rest);
  answers.push(JSON.stringify([answer.headers, answer.body]));
  return answer;
};
/** The one answer in which a secret belongs: looked at here, and not kept. */
const reveal = async (at: TestGateway, name: string, field: string, ...rest: Parameters<TestGateway['admin']>) => {
  const { status, body } = await at.admin(...rest);
  const text = (body as Record<string, string>)[field]!;
  expect([status, typeof text]).toEqual([rest[1].includes('rotate') ? 200 : 201, 'string']);
  canaries.set(name, text);
  return body as Record<string, string>;
};

/** Every way to present a token, right and wrong. */
async function present(url: string, token: string): Promise<void> {
  const bearer = `Authorization: Bearer ${token}`;
  const body = `token=${token}`;
  const twice = `${token}&${token}`;
  for (const bytes of [
    rawRequest('GET /files/x', [bearer]),
    rawRequest('POST /files/x', [bearer, 'Content-Length: 3'], 'abc'),
    rawRequest('GET /closed/x', [bearer]),
    rawRequest('GET /dead/x', [bearer]),
    rawRequest('GET /nowhere/x', [bearer]),
    rawRequest(`GET /nowhere/${token}`),
    rawRequest(`GET /nowhere/${token.replace('_', '%5F')}/x`),
    rawRequest(`GET /nowhere/of-${token}and-more`),
    rawRequest(`GET /closed/${token}`, [bearer]),
    rawRequest('PUT /public/x', [bearer, 'Content-Length: 0']),
    rawRequest('GET /files/../x', [bearer]),
    rawRequest('GET /files/x', [bearer, 'Host: a', 'Host: b']),
    rawRequest('GET /files/x', [bearer, bearer]),
    rawRequest('GET /files/x', [bearer, `X: ${'x'.repeat(20_000)}`]),
    rawRequest('GET /files/x', [bearer, 'X: \x00']),
    rawRequest('GET /files/x', [`Authorization: Bearer ${token}, Bearer ${token}`]),
    rawRequest('GET /files/x', [`Authorization: Basic ${token}`]),
    rawRequest('GET /files/x', [`Authorization: Bearer ${token.slice(0, -1)}`]),
    rawRequest('GET /socket', [`Authorization: ${token}`]),
    rawRequest(`GET /socket?a=1&authorization=Bearer%20${token}&b=2`),
    rawRequest(`GET /socket?authorization=${token}&authorization=${token}`),
    rawRequest('GET /socket', [bearer, 'Connection: Upgrade', 'Upgrade: websocket']),
    rawRequest('POST /files/x', [bearer, 'Transfer-Encoding: chunked'], 'zz\r\n'),
    rawRequest('POST /api/auth/oauth2/introspect', [bearer, FORM, `Content-Length: ${body.length}`], body),
    rawRequest('POST /api/auth/oauth2/revoke', [FORM, `Content-Length: ${body.length}`], body),
    rawRequest('POST /api/auth/oauth2/token', [FORM, `Content-Length: ${twice.length}`], twice),
    rawRequest('GET /api/v1/service-account/whoami', [bearer]),
    `GET /files/x HTTP/9.9\r\n${bearer}\r\n\r\n`,
  ])
    await send(url, bytes);
}

/** Every file below `folder`, as bytes. */
const filesBelow = (folder: string): Array<[name: string, text: string]> =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name)).isFile())
    .map((name) => [name, readFileSync(join(folder, name), 'latin1')]);

attack({
  name: 'tokens, client secrets and admin keys leak nowhere',
  outcome: 'in no log line, metric, refusal, list, trail, file or byte to the upstream; shown once, kept as SHA-256',
  sources: ['RFC 6750 section 5.2', 'CWE-532', 'CWE-256'],
})(() => {
  test('each is presented, refused, listed, rotated, introspected and revoked; then everything is searched', async () => {
    const create = { owner: 'alice', name: 'canary', scopes: ['workflows:read'], workspaces: 'all', expiresInDays: 1 };
    const made = await reveal(refusing, 'token', 'token', 'POST', '/tokens', create);
    await present(refusing.url, made.token!);
    await present(refusing.adminUrl, made.token!);
    for (const [method, path, body] of [
      ['GET', '/tokens'],
      ['GET', `/tokens/${made.id}`],
      ['POST', '/v1/tokens/find', { token: made.token }],
      ['POST', '/v1/tokens/find', { token: made.token, more: 1 }],
      ['POST', '/v1/tokens/find', { token: 'x', [made.token!]: 1 }],
      ['POST', '/tokens', { ...create, scopes: ['no:such'] }],
    ] as const)
      await call(refusing, method, path, body);
    await reveal(refusing, 'rotated token', 'token', 'POST', `/tokens/${made.id}/rotate`, {});
    await present(refusing.url, canaries.get('rotated token')!);
    await call(refusing, 'POST', `/tokens/${made.id}/revoke`);
    await present(refusing.url, canaries.get('rotated token')!);

    for (const [path, body] of [
      ['/v1/organizations/acme', { name: 'Acme', edition: 'team' }],
      ['/v1/organizations/acme/members/alice', { name: 'Alice', role: 'admin' }],
    ] as const)
      expect((await call(gateway, 'PUT', path, body)).status).toBe(201);
    const accounts = '/v1/organizations/acme/service-accounts';
    const account = { name: 'robot', scopes: ['workflows:read'] };
    const { clientId } = await reveal(gateway, 'client secret', 'clientSecret', 'POST', accounts, account);
    const form = 'grant_type=client_credentials';
    const basic = (name: string) => {
      const text = Buffer.from(`${clientId}:${canaries.get(name)}`).toString('base64');
      canaries.set(`${name}, encoded`, text);
      return `Authorization: Basic ${text}`;
    };
    const ask = (credential: string) =>
      rawRequest('POST /api/auth/oauth2/token', [credential, FORM, `Content-Length: ${form.length}`], form);
    using client = await RawClient.connect(gateway.url);
    const { status, body } = await client.send(ask(basic('client secret'))).response();
    expect(status).toBe(200);
    const access = (JSON.parse(body) as { access_token: string }).access_token;
    canaries.set('access token', access);
    await present(gateway.url, access);
    await present(gateway.url, canaries.get('client secret')!);
    await reveal(gateway, 'new client secret', 'clientSecret', 'POST', `${accounts}/${clientId}/rotate-secret`);
    await send(gateway.url, ask(basic('client secret')));
    await send(gateway.url, ask(basic('client secret').replace('Basic ', 'Basic ?')));
    for (const path of [accounts, `${accounts}/${clientId}`]) await call(gateway, 'GET', path);
    await call(gateway, 'POST', `${accounts}/${clientId}/revoke-tokens`);
    await present(gateway.url, access);

    for (const at of [gateway, refusing]) {
      canaries.set(`admin key of ${at.url}`, at.adminKey);
      await call(at, 'GET', '/v1/organizations/acme/audit-events');
      await call(at, 'GET', '/v1/policy');
      await call(at, 'GET', '/metrics');
      await call(at, 'GET', '/readyz');
      await call(at, 'GET', '/v1/nowhere');
      await send(at.adminUrl, rawRequest('GET /v1/policy', [`Authorization: Bearer ${at.adminKey}x`]));
      await send(at.url, rawRequest('GET /files/x', [`Authorization: Bearer ${at.adminKey}`]));
    }

    expect(canaries.size).toBe(8);
    expect(upstream.requests.length).toBeGreaterThan(5);
    expect(answers.length).toBeGreaterThan(150);
    const places: Array<readonly [string, string]> = [
      ['the log', [...gateway.logLines, ...refusing.logLines].join('\n')],
      ['the answers', answers.join('\n')],
      ['the bytes to the upstream', upstream.text],
      ...[gateway, refusing].flatMap(({ folder }) => filesBelow(folder)),
    ];
    expect(places.map(([name]) => name)).toContain('data/scopegate.db');
    for (const [canary, text] of canaries) {
      // Without its prefix and its last characters, so that a part of it is found too.
      const core = text.slice(4, -6);
      expect(core.length).toBeGreaterThan(20);
      for (const [place, found] of places) expect(found.includes(core), `the ${canary} in ${place}`).toBe(false);
    }
    // The search would have found them: what stands for each token, its hash, is in the file.
    expect(places.some(([, found]) => found.includes(clientId!))).toBe(true);
  });
});
