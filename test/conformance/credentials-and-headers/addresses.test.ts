/** Requests from where they may not come: `allowFrom` of a route, `allowedAddresses` of a token. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Settings, TestGateway } from '../../support/gateway.ts';
import { ROOT } from '../../support/process.ts';
import { ask, RawClient, rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { counted, harness } from '../harness.ts';

const OFFICE = ['10.0.0.0/8', '2001:db8::/32'];
const READ = { require: { scopes: ['workflows:read'] } };
const ROUTES: readonly Settings[] = [
  { id: 'public', match: { path: '/public/**' }, public: true },
  { id: 'read', match: { methods: ['GET'], path: '/files/**' }, ...READ },
  { id: 'office', match: { path: '/office/**' }, allowFrom: OFFICE, public: true },
  { id: 'office-read', match: { path: '/office-files/**' }, allowFrom: OFFICE, ...READ },
  { id: 'here', match: { path: '/here' }, allowFrom: ['127.0.0.1'], public: true },
];

const at = harness({ routes: ROUTES });
const trusting = { routes: ROUTES, settings: { gateway: { trustedProxies: ['127.0.0.1', '10.9.0.0/16'] } } };
let behind: TestGateway;
beforeAll(async () => {
  behind = await at.start(trusting);
});
afterAll(() => behind.stop());

const bearer = (token: string) => `Authorization: Bearer ${token}`;
const from = (...names: string[]) => names.map((name) => `X-Forwarded-For: ${name}`);
const statusBehind = async (line: string, headers: readonly string[]) =>
  (await ask(behind.url, rawRequest(line, headers))).status;

attack({
  name: 'a client that makes up its address gets no further than its own address may',
  outcome: '403; by default nobody is believed, and behind a trusted proxy what it added itself',
  sources: ['CWE-348', 'CWE-290', 'RFC 7239 section 8.1'],
})(() => {
  test.each([
    from('10.1.2.3'),
    from('10.1.2.3', '10.1.2.3'),
    ['X-Real-IP: 10.1.2.3'],
    ['Forwarded: for=10.1.2.3'],
    ['True-Client-IP: 10.1.2.3'],
    ['X_Forwarded_For: 10.1.2.3'],
    ['Client-IP: 10.1.2.3'],
  ])('directly, %j', async (...lines) => {
    const response = await at.refuses(rawRequest('GET /office/x', lines.flat()), 403);
    expect(response!.body).toContain('4101');
  });

  test.each([
    [from('10.1.2.3, 203.0.113.9')],
    [from('10.1.2.3', '203.0.113.9')],
    [from('10.1.2.3, 203.0.113.9, 10.9.1.1')],
    [[...from('203.0.113.9'), 'X-Real-IP: 10.1.2.3', 'Forwarded: for=10.1.2.3', 'X_Forwarded_For: 10.1.2.3']],
  ])('behind a proxy that appends, %j', async (lines) => {
    expect(await statusBehind('GET /office/x', lines)).toBe(403);
  });

  test('and is let in where it really is', async () => {
    expect(await statusBehind('GET /office/x', from('203.0.113.9, 10.1.2.3'))).toBe(200);
    expect(await statusBehind('GET /office/x', from('10.1.2.3, 10.9.1.1'))).toBe(200);
    expect(await statusBehind('GET /office/x', from('2001:DB8:0::7'))).toBe(200);
    expect((await at.passes(rawRequest('GET /here'))).response.status).toBe(200);
  });
});

attack({
  name: 'an address that nobody can name is in no list',
  outcome: '403, also where the list holds the proxy itself',
  sources: ['RFC 7239 section 6.2', 'CWE-636'],
})(() => {
  test.each([
    ['the proxy names nobody', []],
    ['unknown', from('unknown')],
    ['an obfuscated name', from('_hidden')],
    ['an empty list', from('')],
    ['a gap', from('10.1.2.3,')],
    ['a name', from('office.example.com')],
    ['octal digits', from('10.0.0.010')],
    ['a zone', from('fe80::1%eth0')],
    ['unknown behind another proxy', from('unknown, 10.9.1.1')],
  ])('%s', async (_, lines) => {
    expect(await statusBehind('GET /office/x', lines)).toBe(403);
    expect(await statusBehind('GET /here', lines)).toBe(403);
  });
});

attack({
  name: 'an IPv4 address in the clothes of IPv6 is the IPv4 address',
  outcome: 'let in and kept out as the bare one',
  sources: ['RFC 4291 section 2.5.5.2', 'CWE-1389'],
})(() => {
  test.each([
    '::ffff:10.1.2.3',
    '::FFFF:a01:203',
    '0:0:0:0:0:ffff:10.1.2.3',
    '[::ffff:10.1.2.3]:4711',
    '10.1.2.3:4711',
  ])('%s is let in', async (name) => {
    expect(await statusBehind('GET /office/x', from(name))).toBe(200);
  });
  test.each(['::ffff:203.0.113.9', '::10.1.2.3', '64:ff9b::10.1.2.3', '2002:a01:203::'])(
    '%s is kept out',
    async (name) => {
      expect(await statusBehind('GET /office/x', from(name))).toBe(403);
    },
  );

  test('of a socket that takes both, too', async () => {
    await using both = await at.start({ routes: ROUTES, settings: { gateway: { host: '::' } } });
    const url = both.url.replace('[::]', '127.0.0.1');
    expect((await ask(url, rawRequest('GET /here'))).status).toBe(200);
    expect((await ask(url, rawRequest('GET /office/x'))).status).toBe(403);
  });
});

attack({
  name: 'a stolen token is of no use elsewhere than its addresses are',
  outcome: '403 before its scopes are looked at; the upstream sees nothing',
  sources: ['CWE-294', 'RFC 6819 section 5.1.5.8'],
})(() => {
  test('whatever the request says of itself', async () => {
    const token = await at.gateway.mint({ scopes: ['workflows:read'], allowedAddresses: OFFICE });
    for (const lines of [[], from('10.1.2.3'), ['X-Real-IP: 10.1.2.3']])
      await at.refuses(rawRequest('GET /files/x', [bearer(token), ...lines]), 403);
    expect(await counted(at.gateway, 'address_not_allowed')).toBeGreaterThanOrEqual(3);
  });

  test('before scopes are, and after the token is known to be alive', async () => {
    const { gateway } = at;
    const elsewhere = await gateway.mint({ scopes: ['bot:read'], allowedAddresses: OFFICE });
    await at.refuses(rawRequest('GET /files/x', [bearer(elsewhere)]), 403);
    await gateway.logged('address_not_allowed');
    const { body } = await gateway.admin('POST', '/v1/tokens/find', { token: elsewhere });
    // A gateway beside this one, on the same store, has heard of it by then.
    const { status } = await gateway.admin('POST', `/tokens/${(body as { id: string }).id}/revoke?wait=5000`);
    expect(status).toBe(200);
    await at.refuses(rawRequest('GET /files/x', [bearer(elsewhere)]), 401);
  });

  test('behind a proxy by the address that it names', async () => {
    const token = await behind.mint({ scopes: ['workflows:read'], allowedAddresses: ['10.1.0.0/16', '192.0.2.7'] });
    const ask = (...names: string[]) => statusBehind('GET /files/x', [bearer(token), ...from(...names)]);
    expect(await ask('10.1.2.3')).toBe(200);
    expect(await ask('::ffff:192.0.2.7')).toBe(200);
    expect(await ask('10.2.2.3')).toBe(403);
    expect(await ask('10.1.2.3, 10.2.2.3')).toBe(403);
    expect(await ask()).toBe(403);
  });

  test('and the route is asked first, before any token', async () => {
    expect(await statusBehind('GET /office-files/x', from('203.0.113.9'))).toBe(403);
    expect(await statusBehind('GET /office-files/x', from('10.1.2.3'))).toBe(401);
    expect(await statusBehind('GET /office-files/x', [bearer(behind.tokens.reader), ...from('10.1.2.3')])).toBe(200);
  });
});

async function reload(gateway: TestGateway, routes: readonly Settings[]): Promise<void> {
  const path = join(gateway.folder, 'gateway.yaml');
  const file = JSON.parse(readFileSync(path, 'utf8')) as object;
  const forwarded = routes.map((route) => ({ upstream: 'platform', ...route }));
  writeFileSync(path, JSON.stringify({ ...file, routes: forwarded }));
  const answer = await gateway.admin('POST', '/v1/reload');
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
}

attack({
  name: 'an open stream ends when its address may no longer have it',
  outcome: 'a last event, then the end; those that still may go on',
  sources: ['CWE-613'],
})(() => {
  const events =
    'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n: hi\n\n\n\r\n';
  const open = async (gateway: TestGateway, line: string, headers: readonly string[] = []) => {
    const client = await RawClient.connect(gateway.url);
    await client.send(rawRequest(line, headers)).untilText(': hi');
    return client;
  };
  const told = (client: RawClient) => client.untilText('event: error');

  test('a new list for its route, public or not', async () => {
    at.upstream.reply = () => events;
    const streaming = await at.start(trusting);
    const reader = bearer(streaming.tokens.reader);
    using inside = await open(streaming, 'GET /office/x', from('10.1.2.3'));
    using outside = await open(streaming, 'GET /office/x', from('10.2.2.3'));
    using byToken = await open(streaming, 'GET /office-files/x', [reader, ...from('10.2.2.3')]);
    const routes = ROUTES.map((route) => ('allowFrom' in route ? { ...route, allowFrom: ['10.1.0.0/16'] } : route));
    await reload(streaming, routes);
    await Promise.all([told(outside), told(byToken)]);
    expect(outside.received).toContain('4101');
    await streaming.logged('address_not_allowed');
    expect(inside.ending).toBe('open');
    expect(inside.received).not.toContain('event: error');
    inside.socket.destroy();
    await streaming.stop();
  });

  test('a new list for its token', async () => {
    at.upstream.reply = () => events;
    const streaming = await at.start({ ...trusting, policy: join(ROOT, 'policies/default.yaml'), seed: false });
    const call = async (method: string, path: string, body: unknown) => {
      const answer = await streaming.admin(method, `/v1/organizations/acme${path}`, body);
      expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
      return answer.body as { id: string; token: string };
    };
    await call('PUT', '', { name: 'Acme', edition: 'team' });
    await call('PUT', '/members/ann', { name: 'Ann', role: 'owner' });
    const token = { name: 't', owner: 'ann', scopes: ['workflows:read'], workspaces: 'all', expiresInDays: 1 };
    const { id, token: text } = await call('POST', '/tokens', { ...token, allowedAddresses: OFFICE });
    using inside = await open(streaming, 'GET /files/x', [bearer(text), ...from('10.1.2.3')]);
    using outside = await open(streaming, 'GET /files/x', [bearer(text), ...from('10.2.2.3')]);
    await call('PATCH', `/tokens/${id}`, { allowedAddresses: ['10.1.0.0/16'] });
    await told(outside);
    expect(outside.received).toContain('address_not_allowed');
    expect(inside.received).not.toContain('event: error');
    inside.socket.destroy();
    await streaming.stop();
  });
});
