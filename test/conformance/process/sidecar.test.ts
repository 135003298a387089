import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startTestGateway } from '../../support/gateway.ts';
import { ask, rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();
const adminKey = () => `Authorization: Bearer ${at.gateway.adminKey}`;

attack({
  name: 'the sidecar cannot be reached over the port of the gateway',
  outcome: '404, with or without the admin key; the upstream sees nothing',
  sources: ['CWE-668'],
})(() => {
  test.each([
    '/v1/policy',
    '/v1/organizations/acme/tokens',
    '/livez',
    '/readyz',
    '/healthz',
    '/metrics',
    '/openapi.json',
  ])('%s', async (path) => {
    const sidecar = `Host: ${new URL(at.gateway.adminUrl).host}`;
    await at.refuses(rawRequest(`GET ${path}`), 404);
    await at.refuses(rawRequest(`GET ${path}`, [adminKey(), sidecar, 'User-Agent: kube-probe/1.30']), 404);
  });

  test('and its key opens no route', async () => {
    await at.refuses(rawRequest('GET /files/x', [adminKey()]), 401);
  });
});

attack({
  name: 'the sidecar does nothing for a caller without the admin key',
  outcome: '401, or 400 for two credentials; nothing is changed',
  sources: ['CWE-306'],
})(() => {
  const token = '{"owner":"alice","name":"stolen","scopes":["workflows:read"],"workspaces":"all","expiresInDays":1}';
  const create = (...headers: string[]) =>
    rawRequest(
      'POST /v1/organizations/acme/tokens',
      ['Content-Type: application/json', `Content-Length: ${token.length}`, ...headers],
      token,
    );

  test.each([
    ['none', () => []],
    ['a token of the gateway', () => [at.writer]],
    ['a part of the key', () => [adminKey().slice(0, -1)]],
    ['the key and more', () => [`${adminKey()}x`]],
    ['an empty one', () => ['Authorization: Bearer ']],
    ['the key in another scheme', () => [adminKey().replace('Bearer', 'Basic')]],
    ['an actor header alone', () => ['Scopegate-Actor: alice']],
    ['the key in another header', () => [adminKey().replace('Authorization', 'X-Authorization')]],
    ['a wrong one and the right one', () => ['Authorization: Bearer x', adminKey()]],
    ['the right one twice', () => [adminKey(), adminKey()]],
  ])('%s', async (_, headers) => {
    const before = await at.gateway.admin('GET', '/tokens');
    const answer = await ask(at.gateway.adminUrl, create(...headers(), 'Connection: close'));
    expect(answer.status, answer.body).toBe(headers().length > 1 ? 400 : 401);
    expect((await at.gateway.admin('GET', '/tokens')).body).toEqual(before.body);
  });

  test('while the admin key does', async () => {
    expect((await ask(at.gateway.adminUrl, create(adminKey(), 'Connection: close'))).status).toBe(201);
  });
});

attack({
  name: 'no web page reads the sidecar by a name of its own (DNS rebinding)',
  outcome: "421 under every name that is not the sidecar's; addresses and loopback names are answered",
  sources: ['CWE-350'],
})(() => {
  const paths = ['/metrics', '/readyz', '/livez', '/openapi.json', '/v1/status', '/nowhere'];
  const statusOf = async (path: string, host: string, url = at.gateway.adminUrl) =>
    (await ask(url, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${adminKey()}\r\nConnection: close\r\n\r\n`)).status;

  test.each([
    'evil.example',
    'evil.example:8081',
    'localhost.evil.example',
    'evillocalhost',
    '127.0.0.1.evil.example',
    '127.0.0.1.nip.io',
    '2130706433',
    '0x7f.0.0.1',
    '[::1].evil.example',
    '[evil]',
    'evil.example@127.0.0.1',
    '127.0.0.1 evil.example',
    'ops.example',
  ])('%s', async (host) => {
    for (const path of paths) expect([400, 421], path).toContain(await statusOf(path, host));
    expect(await statusOf('/metrics', host)).not.toBe(200);
  });

  test.each([
    '127.0.0.1',
    '127.0.0.1:1',
    '10.1.2.3:8081',
    '[::1]',
    '[fd00::1]:8081',
    'localhost',
    'LOCALHOST:8081',
    'localhost.',
    'console.localhost:8081',
    hostname(),
  ])('%s is answered', async (host) => {
    for (const path of paths) expect(await statusOf(path, host), path).not.toBe(421);
    expect(await statusOf('/metrics', host)).toBe(200);
  });

  test('names that the configuration has are answered, and those of a new configuration', async () => {
    const settings = { admin: { allowedHosts: ['scopegate.internal', '*.ops.example'] } };
    await using gateway = await startTestGateway({ upstreamUrl: 'http://127.0.0.1:9', settings, seed: false });
    const ready = (host: string) => statusOf('/readyz', host, gateway.adminUrl);
    for (const host of ['scopegate.internal', 'SCOPEGATE.internal.:8081', 'a.ops.example', 'a.b.ops.example'])
      expect(await ready(host), host).toBe(200);
    for (const host of ['ops.example', 'xops.example', 'a.scopegate.internal', '.ops.example'])
      expect([400, 421], host).toContain(await ready(host));
    const path = join(gateway.folder, 'gateway.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace('scopegate.internal', 'other.internal'));
    expect((await gateway.admin('POST', '/v1/reload')).status).toBe(200);
    expect(await ready('other.internal')).toBe(200);
    expect(await ready('scopegate.internal')).toBe(421);
  });
});

attack({
  name: 'keys that every object has do nothing in the JSON of the sidecar',
  outcome: '400; no object is changed by them',
  sources: ['CWE-1321'],
})(() => {
  test.each([
    '{"name":"x","owner":"alice","__proto__":{"role":"owner"}}',
    '{"name":"x","owner":"alice","constructor":{"prototype":{"public":true}}}',
  ])('%s', async (body) => {
    const headers = [adminKey(), 'Content-Type: application/json', `Content-Length: ${body.length}`];
    const answer = await ask(
      at.gateway.adminUrl,
      rawRequest('PUT /v1/organizations/acme/workspaces/ws_odd', [...headers, 'Connection: close'], body),
    );
    expect(answer.status, answer.body).toBe(400);
    expect(({} as Record<string, unknown>).role).toBeUndefined();
    expect(({} as Record<string, unknown>).public).toBeUndefined();
    expect((await at.gateway.admin('GET', '/workspaces/ws_odd')).status).toBe(404);
  });
});

attack({
  name: 'a scope or id with dots, encodings, blanks or a star is refused when it is written',
  outcome: '400 or 422; nothing is kept that a later match could read in two ways',
  sources: ['GHSA-3x2w-63fp-3qvw'],
})(() => {
  test.each(['', '*', '..', '%2e%2e', 'workflows:*', '*:read', 'workflows:read ', 'workflows:read,bot:read', 'a/b'])(
    'the scope %j',
    async (scope) => {
      const body = { owner: 'alice', name: 'odd', scopes: [scope], workspaces: ['ws_sales'], expiresInDays: 1 };
      const { status } = await at.gateway.admin('POST', '/tokens', body);
      expect([400, 422]).toContain(status);
    },
  );

  test.each(['..', '.', '%2e%2e', '%252e', 'a%2fb', 'a%00', '*', 'a%20b', 'a;b', '%ef%bc%8e'])(
    'the id %s',
    async (id) => {
      const body = '{"name":"x","owner":"alice"}';
      const headers = [
        adminKey(),
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
        'Connection: close',
      ];
      const before = await at.gateway.admin('GET', '/workspaces');
      const answer = await ask(
        at.gateway.adminUrl,
        rawRequest(`PUT /v1/organizations/acme/workspaces/${id}`, headers, body),
      );
      expect([400, 404, 422], answer.body).toContain(answer.status);
      expect((await at.gateway.admin('GET', '/workspaces')).body).toEqual(before.body);
    },
  );
});
