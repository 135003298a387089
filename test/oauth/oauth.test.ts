/** OAuth as real clients speak it: oauth4webapi and simple-oauth2 against a running gateway with policies/scrydon.yaml. */
import { fileURLToPath } from 'node:url';
import * as oauth from 'oauth4webapi';
import { ClientCredentials } from 'simple-oauth2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startExampleUpstream } from '../../src/demo/example-upstream.ts';
import { Form } from '../../src/oauth/endpoint.ts';
import type { Clock } from '../../src/observe/clock.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { RawClient, rawRequest } from '../support/raw.ts';

const POLICY = fileURLToPath(new URL('../../policies/scrydon.yaml', import.meta.url));
const FORM = 'application/x-www-form-urlencoded';
const MINUTE_MS = 60_000;

interface Account {
  readonly clientId: string;
  readonly clientSecret: string;
}

let upstream: Awaited<ReturnType<typeof startExampleUpstream>>;
let gateway: TestGateway;
let aheadMs = 0;
const clock: Clock = { nowMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() };

beforeAll(async () => {
  upstream = await startExampleUpstream(0);
  gateway = await startTestGateway({
    upstreamUrl: upstream.url,
    policy: POLICY,
    seed: false,
    clock,
    settings: { gateway: { publicUrl: 'https://api.example.com' }, audit: { issuedTokens: true } },
    routes: [
      {
        id: 'workflows',
        match: { methods: ['GET'], path: '/api/v1/workflows' },
        require: {
          scopes: ['workflows:read'],
          workspace: { from: 'query.environmentId', as: 'environment', role: 'member' },
        },
      },
      {
        id: 'delete-workflow',
        match: { methods: ['DELETE'], path: '/api/v1/workflows/{id}' },
        require: {
          scopes: ['workflows:write'],
          workspace: { from: 'query.environmentId', as: 'environment', role: 'admin' },
        },
      },
      { id: 'chat', match: { methods: ['GET'], path: '/v1/workspaces' }, require: { scopes: ['chat:read'] } },
    ],
  });
  for (const [path, body] of [
    ['', { name: 'Acme', edition: 'team' }],
    ['/members/alice', { name: 'Alice', role: 'admin' }],
    ['/workspaces/ws_a', { name: 'A', owner: 'alice' }],
    ['/workspaces/ws_a/environments/env_a', { name: 'A live' }],
    ['/workspaces/ws_b', { name: 'B', owner: 'alice' }],
    ['/workspaces/ws_b/environments/env_b', { name: 'B live' }],
  ] as const) {
    expect(await admin('PUT', path, body)).toMatchObject({ status: 201 });
  }
});
afterAll(async () => {
  await gateway.stop();
  await upstream.close();
});

const admin = (method: string, path: string, body?: unknown) =>
  gateway.admin(method, `/v1/organizations/acme${path}`, body);

async function account(scopes: readonly string[], role?: 'member' | 'admin'): Promise<Account> {
  const { status, body } = await admin('POST', '/service-accounts', { name: 'robot', scopes });
  expect(status).toBe(201);
  const created = body as Account;
  if (role !== undefined) {
    const put = await admin('PUT', `/workspaces/ws_a/assignments/service-accounts/${created.clientId}`, { role });
    expect(put.status).toBe(201);
  }
  return created;
}

const basic = ({ clientId, clientSecret }: Account) =>
  `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;

async function post(name: string, authorization: string | null, form: Record<string, string> | string) {
  const answer = await fetch(`${gateway.url}/api/auth/oauth2/${name}`, {
    method: 'POST',
    headers: { 'content-type': FORM, ...(authorization === null ? {} : { authorization }) },
    body: typeof form === 'string' ? form : new URLSearchParams(form).toString(),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    body: (text === '' ? null : JSON.parse(text)) as Record<string, unknown>,
  };
}

async function tokenOf(client: Account, scope?: string): Promise<string> {
  const { status, body } = await post('token', basic(client), {
    grant_type: 'client_credentials',
    ...(scope === undefined ? {} : { scope }),
  });
  expect({ status, error: body.error }).toEqual({ status: 200, error: undefined });
  return body.access_token as string;
}

const call = (token: string, path: string, method = 'GET') =>
  fetch(`${gateway.url}${path}`, { method, headers: { authorization: `Bearer ${token}` } });
const statusOf = async (token: string, path: string, method?: string) => (await call(token, path, method)).status;
const introspect = async (token: string, authorization: string) =>
  (await post('introspect', authorization, { token })).body;

describe('a token request', () => {
  it('for a scope that names none is refused; one without scope, or with an empty one, is for all', async () => {
    const client = await account(['chat:read']);
    const ask = (scope: string) => post('token', basic(client), `grant_type=client_credentials${scope}`);
    for (const scope of ['&scope=%20', '&scope=+', '&scope=%20%20'])
      expect(await ask(scope), scope).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
    for (const scope of ['', '&scope='])
      expect(await ask(scope), scope).toMatchObject({ status: 200, body: { scope: 'chat:read' } });
  });

  it.each(['token', 'introspect', 'revoke'])(
    'of a stranger is answered before its body is read: /%s',
    async (endpoint) => {
      using stranger = await RawClient.connect(gateway.url);
      const head = rawRequest(`POST /api/auth/oauth2/${endpoint}`, [`Content-Type: ${FORM}`, 'Content-Length: 16000']);
      stranger.send(head);
      expect((await stranger.untilText('invalid_client')).received).toMatch(/^HTTP\/1\.1 401 /);
    },
  );

  it('costs as much as it is long: a form of nothing but names is read once', () => {
    const names = Array.from({ length: 100_000 }, (_, index) => `n${index}`);
    const started = process.cpuUsage();
    expect(new Form(names.join('&')).repeated()).toBeNull();
    // Comparing each with each takes ten times as long, whatever else the machine does.
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(3000);
    expect(new Form([...names, 'n7'].join('&')).repeated()).toBe('n7');
  });

  it.each(['token', 'introspect', 'revoke'])('authenticates its client in one way: /%s', async (endpoint) => {
    const client = await account(['chat:read']);
    for (const client_secret of ['another', client.clientSecret]) {
      const form = { grant_type: 'client_credentials', token: 'x', client_id: client.clientId, client_secret };
      const answer = await post(endpoint, basic(client), form);
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    }
  });
});

describe('oauth4webapi', () => {
  it('SCRYDON-2 SCRYDON-8 SCRYDON-10 SCRYDON-11 gets a token, asks whoami, introspects and revokes', async () => {
    const created = await account(['knowledge:read', 'tools:write'], 'member');
    const server = {
      issuer: 'https://api.example.com',
      token_endpoint: `${gateway.url}/api/auth/oauth2/token`,
      introspection_endpoint: `${gateway.url}/api/auth/oauth2/introspect`,
      revocation_endpoint: `${gateway.url}/api/auth/oauth2/revoke`,
    };
    const client = { client_id: created.clientId };
    const authentication = oauth.ClientSecretBasic(created.clientSecret);
    const insecure = { [oauth.allowInsecureRequests]: true };

    const response = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      authentication,
      { scope: 'knowledge:read tools:write' },
      insecure,
    );
    const granted = await oauth.processClientCredentialsResponse(server, client, response);
    expect(granted).toMatchObject({ token_type: 'bearer', expires_in: 900, scope: 'knowledge:read tools:write' });
    expect(granted.access_token).toMatch(/^sgt_[0-9A-Za-z]{49}$/);

    const who = await oauth.protectedResourceRequest(
      granted.access_token,
      'GET',
      new URL(`${gateway.url}/api/v1/service-account/whoami`),
      new Headers(),
      null,
      insecure,
    );
    expect(await who.json()).toEqual({
      organizationId: 'acme',
      clientId: created.clientId,
      scopes: ['knowledge:read', 'tools:write'],
    });

    const asked = await oauth.introspectionRequest(server, client, authentication, granted.access_token, insecure);
    const described = await oauth.processIntrospectionResponse(server, client, asked);
    expect(described).toMatchObject({
      active: true,
      client_id: created.clientId,
      scope: 'knowledge:read tools:write',
      iss: server.issuer,
    });
    expect(described.exp! - described.iat!).toBe(900);

    const revoked = await oauth.revocationRequest(server, client, authentication, granted.access_token, insecure);
    expect(await oauth.processRevocationResponse(revoked)).toBeUndefined();
    expect(await statusOf(granted.access_token, '/api/v1/service-account/whoami')).toBe(401);
  });

  it('reads the server metadata of RFC 8414, whose issuer is configured and never the Host header', async () => {
    const answer = await fetch(`${gateway.url}/.well-known/oauth-authorization-server`);
    expect(await answer.json()).toMatchObject({
      issuer: 'https://api.example.com',
      token_endpoint: 'https://api.example.com/api/auth/oauth2/token',
      grant_types_supported: ['client_credentials'],
    });
  });
});

describe('simple-oauth2', () => {
  it('gets a token that the gateway takes', async () => {
    const created = await account(['chat:read']);
    const client = new ClientCredentials({
      client: { id: created.clientId, secret: created.clientSecret },
      auth: { tokenHost: gateway.url, tokenPath: '/api/auth/oauth2/token' },
    });
    const { token } = await client.getToken({ scope: ['chat:read'] });
    expect(await statusOf(token.access_token as string, '/v1/workspaces')).toBe(200);
  });
});

describe('scopes', () => {
  it('SCRYDON-12 a request may only ask for scopes that the account was granted', async () => {
    const created = await account(['chat:read']);
    const { status, body } = await post('token', basic(created), {
      grant_type: 'client_credentials',
      scope: 'chat:read logs:read',
    });
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_scope' });
  });

  it('SCRYDON-7 write implies read on the same resource, and only there', async () => {
    const created = await account(['chat:write', 'knowledge:read']);
    const ask = (scope: string) => post('token', basic(created), { grant_type: 'client_credentials', scope });
    expect((await ask('chat:read')).body).toMatchObject({ scope: 'chat:read' });
    expect((await ask('knowledge:write')).body.error).toBe('invalid_scope');
    expect(await statusOf(await tokenOf(created), '/v1/workspaces')).toBe(200);
  });

  it('SCRYDON-6 are resource:action for the seven resources, and nothing else can be granted', async () => {
    const { body } = await gateway.admin('GET', '/v1/policy');
    const names = (body as { scopes: Array<{ name: string }> }).scopes.map((scope) => scope.name);
    const resources = ['chat', 'workflows', 'storage', 'knowledge', 'templates', 'tools', 'logs'];
    expect(names.sort()).toEqual(resources.flatMap((name) => [`${name}:read`, `${name}:write`]).sort());
    expect(await admin('POST', '/service-accounts', { name: 'x', scopes: ['chat:delete'] })).toMatchObject({
      status: 422,
    });
  });

  it('no scope asked for means all that were granted', async () => {
    const created = await account(['chat:read', 'logs:write']);
    const { body } = await post('token', basic(created), { grant_type: 'client_credentials' });
    expect(body.scope).toBe('chat:read logs:write');
  });

  it('SCRYDON-13 the upstream is told organization and scopes of the token', async () => {
    const created = await account(['chat:read', 'logs:write']);
    const { caller } = (await (await call(await tokenOf(created, 'chat:read'), '/v1/workspaces')).json()) as {
      caller: object;
    };
    expect(caller).toMatchObject({
      organization: 'acme',
      scopes: 'chat:read',
      'client-id': created.clientId,
      kind: 'client_credentials',
    });
  });

  it('SCRYDON-23 the upstream is told of no user', async () => {
    const { caller } = (await (await call(await tokenOf(await account(['chat:read'])), '/v1/workspaces')).json()) as {
      caller: object;
    };
    expect(Object.keys(caller)).not.toContain('subject');
  });
});

describe('workspaces', () => {
  it('SCRYDON-18 SCRYDON-19 SCRYDON-21 SCRYDON-22 takes both a role there and the scope, chosen by ?environmentId=', async () => {
    const assigned = await tokenOf(await account(['workflows:read'], 'member'));
    const unassigned = await tokenOf(await account(['workflows:read']));
    const wrongScope = await tokenOf(await account(['chat:read'], 'member'));
    expect(await statusOf(assigned, '/api/v1/workflows?environmentId=env_a')).toBe(200);
    expect(await statusOf(assigned, '/api/v1/workflows?environmentId=env_b')).toBe(403);
    expect(await statusOf(unassigned, '/api/v1/workflows?environmentId=env_a')).toBe(403);
    expect(await statusOf(wrongScope, '/api/v1/workflows?environmentId=env_a')).toBe(403);
  });

  it('SCRYDON-20 admin actions take the role admin, now: a lost role is lost for tokens already issued', async () => {
    const created = await account(['workflows:write'], 'member');
    const token = await tokenOf(created);
    const path = '/api/v1/workflows/wf_1?environmentId=env_a';
    const assignment = `/workspaces/ws_a/assignments/service-accounts/${created.clientId}`;
    expect(await statusOf(token, path, 'DELETE')).toBe(403);
    await admin('PUT', assignment, { role: 'admin' });
    expect(await statusOf(token, path, 'DELETE')).toBe(200);
    await admin('DELETE', assignment);
    expect(await statusOf(token, path, 'DELETE')).toBe(403);
  });
});

describe('secrets and life', () => {
  it('SCRYDON-5 the secret is shown once: no read path returns it', async () => {
    const created = await account(['chat:read']);
    expect(created.clientSecret).toMatch(/^sgs_[0-9A-Za-z]{49}$/);
    const one = await admin('GET', `/service-accounts/${created.clientId}`);
    const all = await admin('GET', '/service-accounts?limit=1000');
    expect(JSON.stringify([one.body, all.body])).not.toMatch(/sgs_|secret|hash/i);
  });

  it('SCRYDON-14 rotation ends the old secret at once', async () => {
    const created = await account(['chat:read']);
    const { status, body } = await admin('POST', `/service-accounts/${created.clientId}/rotate-secret`);
    expect(status).toBe(200);
    const fresh = body as Account;
    const ask = (client: Account) => post('token', basic(client), { grant_type: 'client_credentials' });
    expect((await ask(created)).body.error).toBe('invalid_client');
    expect((await ask(fresh)).status).toBe(200);
  });

  it('SCRYDON-15 X-2 X-18 disabling stops issuance, issued tokens drain, and the account can be enabled again', async () => {
    const created = await account(['chat:read', 'workflows:read'], 'member');
    const token = await tokenOf(created);
    expect(await admin('POST', `/service-accounts/${created.clientId}/disable`)).toMatchObject({
      status: 200,
      body: { state: 'disabled' },
    });
    expect((await post('token', basic(created), { grant_type: 'client_credentials' })).body.error).toBe(
      'invalid_client',
    );
    expect(await statusOf(token, '/v1/workspaces')).toBe(200);
    expect(await statusOf(token, '/api/v1/workflows?environmentId=env_a')).toBe(200);
    expect(await admin('GET', `/service-accounts/${created.clientId}`)).toMatchObject({ body: { state: 'disabled' } });
    await admin('POST', `/service-accounts/${created.clientId}/enable`);
    expect((await post('token', basic(created), { grant_type: 'client_credentials' })).status).toBe(200);
  });

  it('disabling with tokens=revoke ends issued tokens, too', async () => {
    const created = await account(['chat:read']);
    const token = await tokenOf(created);
    await admin('POST', `/service-accounts/${created.clientId}/disable?tokens=revoke`);
    expect(await statusOf(token, '/v1/workspaces')).toBe(401);
  });

  it('SCRYDON-17 X-3 a deleted account is gone, active or disabled; its tokens live on until they expire', async () => {
    for (const disable of [false, true]) {
      const created = await account(['chat:read', 'workflows:read'], 'member');
      const token = await tokenOf(created);
      if (disable) await admin('POST', `/service-accounts/${created.clientId}/disable`);
      expect((await admin('DELETE', `/service-accounts/${created.clientId}`)).status).toBe(200);
      expect((await admin('GET', `/service-accounts/${created.clientId}`)).status).toBe(404);
      expect((await admin('POST', `/service-accounts/${created.clientId}/enable`)).status).toBe(404);
      expect((await post('token', basic(created), { grant_type: 'client_credentials' })).body.error).toBe(
        'invalid_client',
      );
      expect(await statusOf(token, '/v1/workspaces')).toBe(200);
      expect(await statusOf(token, '/api/v1/workflows?environmentId=env_a')).toBe(200);
      aheadMs = 15 * MINUTE_MS + 1000;
      expect(await statusOf(token, '/v1/workspaces')).toBe(401);
      aheadMs = 0;
    }
  });

  it('SCRYDON-2 an access token lives 15 minutes to the millisecond, whatever the cache holds', async () => {
    const created = await account(['chat:read']);
    const token = await tokenOf(created);
    aheadMs = 15 * MINUTE_MS - 2000;
    expect(await statusOf(token, '/v1/workspaces')).toBe(200);
    expect(await introspect(token, basic(created))).toMatchObject({ active: true });
    aheadMs = 15 * MINUTE_MS;
    expect(await statusOf(token, '/v1/workspaces')).toBe(401);
    expect(await introspect(token, basic(created))).toEqual({ active: false });
    aheadMs = 0;
  });
});

describe('introspection and revocation', () => {
  it('a client sees and ends its own tokens only; the admin key any', async () => {
    const mine = await account(['chat:read']);
    const other = await account(['chat:read']);
    const token = await tokenOf(mine);
    expect(await introspect(token, basic(other))).toEqual({ active: false });
    const imported = await post('revoke', basic(other), { token });
    expect([imported.status, imported.body]).toEqual([200, null]);
    expect(await introspect(token, `Bearer ${gateway.adminKey}`)).toMatchObject({
      active: true,
      client_id: mine.clientId,
    });
    await post('revoke', `Bearer ${gateway.adminKey}`, { token });
    expect(await introspect(token, basic(mine))).toEqual({ active: false });
    const { body } = await admin('GET', '/audit-events?limit=1000');
    expect((body as { items: object[] }).items).toContainEqual(
      expect.objectContaining({ action: 'token.revoked', actor: { kind: 'admin-key', id: null, tokenId: null } }),
    );
  });

  it('what is issued and what is ended stands in the trail, by whom, and without the token', async () => {
    const mine = await account(['chat:read']);
    const token = await tokenOf(mine);
    await post('revoke', basic(mine), { token });
    const { body } = await admin('GET', '/audit-events?limit=1000');
    const actor = { kind: 'client', id: mine.clientId, tokenId: null };
    const lines = (body as { items: Array<{ action: string; actor: object; after: object }> }).items.filter(
      (line) => JSON.stringify(line.actor) === JSON.stringify(actor),
    );
    expect(lines.map(({ action }) => action).sort()).toEqual(['token.created', 'token.revoked']);
    expect(lines.find(({ action }) => action === 'token.created')!.after).toMatchObject({
      kind: 'client_credentials',
      clientId: mine.clientId,
      scopes: ['chat:read'],
    });
    expect(JSON.stringify(lines)).not.toContain(token);
    expect(JSON.stringify(lines)).not.toMatch(/"(hash|secretHash)"/);
  });

  it("the admin key ends a member's token, too, once and for all; a client does not", async () => {
    const mine = await account(['chat:read']);
    const body = { name: 't', owner: 'alice', scopes: ['chat:read'], workspaces: 'all', expiresInDays: 3 };
    const made = await admin('POST', '/tokens', body);
    expect(made.status).toBe(201);
    const { id, token } = made.body as { id: string; token: string };
    expect((await post('revoke', basic(mine), { token })).status).toBe(200);
    expect(await introspect(token, `Bearer ${gateway.adminKey}`)).toMatchObject({ active: true, sub: 'alice' });
    expect((await post('revoke', `Bearer ${gateway.adminKey}`, { token })).status).toBe(200);
    expect(await introspect(token, `Bearer ${gateway.adminKey}`)).toEqual({ active: false });
    expect((await admin('GET', `/tokens/${id}`)).body).toMatchObject({ state: 'revoked' });
    expect((await post('revoke', `Bearer ${gateway.adminKey}`, { token })).status).toBe(200);
  });

  it('an unknown token is inactive, and revoking it succeeds', async () => {
    const created = await account(['chat:read']);
    expect(await introspect('nonsense', basic(created))).toEqual({ active: false });
    expect((await post('revoke', basic(created), { token: 'nonsense' })).status).toBe(200);
  });

  it('nobody unauthenticated learns anything', async () => {
    expect(await post('introspect', null, { token: 'x' })).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    expect(await post('revoke', null, { token: 'x' })).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
  });
});

describe('errors of RFC 6749 section 5.2', () => {
  it.each([
    ['another grant', { grant_type: 'authorization_code' }, 400, 'unsupported_grant_type'],
    ['no grant', {}, 400, 'invalid_request'],
    ['SCRYDON-9 a resource', { grant_type: 'client_credentials', resource: 'https://x' }, 400, 'invalid_target'],
    ['a repeated parameter', 'grant_type=client_credentials&grant_type=client_credentials', 400, 'invalid_request'],
    ['another client id', { grant_type: 'client_credentials', client_id: 'sa_other' }, 400, 'invalid_request'],
  ] as const)('%s', async (_name, form, status, error) => {
    const answer = await post('token', basic(await account(['chat:read'])), form);
    expect({ status: answer.status, error: answer.body.error }).toEqual({ status, error });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('SCRYDON-24 the grant is for service accounts: every other client is answered as unknown, with a Basic challenge', async () => {
    for (const authorization of [null, 'Bearer x', 'Basic ###', basic({ clientId: 'app_1', clientSecret: 's' })]) {
      const { status, body, headers } = await post('token', authorization, { grant_type: 'client_credentials' });
      expect({ status, error: body.error }).toEqual({ status: 401, error: 'invalid_client' });
      expect(headers.get('www-authenticate')).toMatch(/^Basic /);
    }
  });

  it('a body that is no form, or too large, is refused', async () => {
    const created = await account(['chat:read']);
    const json = await fetch(`${gateway.url}/api/auth/oauth2/token`, {
      method: 'POST',
      headers: { authorization: basic(created), 'content-type': 'application/json' },
      body: '{}',
    });
    expect(json.status).toBe(400);
    expect((await post('token', basic(created), `grant_type=${'x'.repeat(20_000)}`)).status).toBe(413);
  });

  it('whoami is for service accounts: another kind is 403', async () => {
    const made = await admin('POST', '/tokens', {
      owner: 'alice',
      name: 't',
      scopes: ['chat:read'],
      workspaces: 'all',
      expiresInDays: 1,
    });
    expect(await statusOf((made.body as { token: string }).token, '/api/v1/service-account/whoami')).toBe(403);
  });
});

describe('guessing', () => {
  it('turns further failures of an address into 429, and never refuses a right secret from it', async () => {
    const created = await account(['chat:read']);
    const wrong = basic({ clientId: created.clientId, clientSecret: 'wrong' });
    const statuses = [];
    for (let attempt = 0; attempt < 60; attempt++)
      statuses.push((await post('token', wrong, { grant_type: 'client_credentials' })).status);
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
    expect(statuses.at(-1)).toBe(429);
    expect((await post('token', basic(created), { grant_type: 'client_credentials' })).status).toBe(200);
  });
});
