/** What one service account may take: requests, tokens that live, room in the trail. And that it can always give back. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startExampleUpstream } from '../../src/demo/example-upstream.ts';
import type { Clock } from '../../src/observe/clock.ts';
import { type Settings, startTestGateway, type TestGateway } from '../support/gateway.ts';

const POLICY = fileURLToPath(new URL('../../policies/scrydon.yaml', import.meta.url));

interface Account {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A gateway with one organization, acme, and what clients ask of it. */
async function startBounded(settings: Settings, { liveTokensMax }: { liveTokensMax?: number } = {}) {
  const upstream = await startExampleUpstream(0);
  const time = { aheadMs: 0 };
  const clock: Clock = { nowMs: () => Date.now() + time.aheadMs, monotonicMs: () => performance.now() + time.aheadMs };
  const gateway = await startTestGateway({
    ...{ upstreamUrl: upstream.url, policy: POLICY, seed: false, clock, settings },
    routes: [{ id: 'chat', match: { path: '/v1/workspaces' }, require: { scopes: ['chat:read'] } }],
  });
  if (liveTokensMax !== undefined) {
    const text = readFileSync(POLICY, 'utf8').replace(
      'serviceAccounts: {',
      `serviceAccounts: { liveTokensMax: ${liveTokensMax},`,
    );
    const path = join(gateway.folder, 'policy.yaml');
    writeFileSync(path, text);
    const file = join(gateway.folder, 'gateway.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace(POLICY, path));
    expect(await gateway.running.reload('request')).toMatchObject({ result: 'applied' });
  }
  await gateway.admin('PUT', '', { name: 'Acme', edition: 'team' });
  return { gateway, time, stop: () => Promise.all([gateway.stop(), upstream.close()]) };
}

async function account({ admin }: TestGateway): Promise<Account> {
  const { status, body } = await admin('POST', '/service-accounts', { name: 'robot', scopes: ['chat:read'] });
  expect(status).toBe(201);
  return body as Account;
}

async function post(
  { url }: TestGateway,
  name: string,
  { clientId, clientSecret }: Account,
  form: Record<string, string>,
) {
  const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
  const body = new URLSearchParams(form);
  const answer = await fetch(`${url}/api/auth/oauth2/${name}`, { method: 'POST', headers: { authorization }, body });
  const text = await answer.text();
  return {
    status: answer.status,
    limit: answer.headers.get('ratelimit'),
    retryAfter: Number(answer.headers.get('retry-after')),
    body: (text === '' ? {} : JSON.parse(text)) as Record<string, string>,
  };
}

const ask = (gateway: TestGateway, client: Account) =>
  post(gateway, 'token', client, { grant_type: 'client_credentials' });
const whoami = async ({ url }: TestGateway, token: string) => {
  const answer = await fetch(`${url}/api/v1/service-account/whoami`, { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, limit: answer.headers.get('ratelimit') };
};
const metric = async ({ adminUrl }: TestGateway, start: string) => {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(start))
      ?.split(' ')
      .at(-1),
  );
};

it('an account asks so often for tokens, about them and who it is, each by itself; it may always give them back', async () => {
  const { gateway, time, stop } = await startBounded({ oauth: { accountLimit: { requests: 3, windowMs: 60_000 } } });
  const [client, other] = [await account(gateway), await account(gateway)];
  const answers = [];
  for (let index = 0; index < 4; index++) answers.push(await ask(gateway, client));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
  expect(answers[0]!.limit).toBe('"oauth-account";r=2;t=60');
  const [, , , refused] = answers;
  expect(refused).toMatchObject({
    body: { error: 'slow_down' },
    limit: expect.stringContaining('"oauth-account";r=0'),
  });
  expect(refused!.retryAfter).toBeGreaterThan(50);
  const token = answers[0]!.body.access_token!;
  for (let index = 0; index < 3; index++)
    expect(await post(gateway, 'introspect', client, { token })).toMatchObject({ status: 200, body: { active: true } });
  expect((await post(gateway, 'introspect', client, { token })).status).toBe(429);
  for (let index = 0; index < 3; index++) expect((await whoami(gateway, token)).status).toBe(200);
  expect((await whoami(gateway, token)).status).toBe(429);
  // Nobody else waits for it, and the operator is not counted.
  expect((await ask(gateway, other)).status).toBe(200);
  const asOperator = await fetch(`${gateway.url}/api/auth/oauth2/introspect`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.adminKey}` },
    body: new URLSearchParams({ token }),
  });
  expect(await asOperator.json()).toMatchObject({ active: true });
  for (const { body } of answers.slice(0, 3))
    expect((await post(gateway, 'revoke', client, { token: body.access_token! })).status).toBe(200);
  expect((await whoami(gateway, token)).status).toBe(401);
  time.aheadMs = 60_000;
  expect((await ask(gateway, client)).status).toBe(200);
  await stop();
});

it('limits of everywhere and those that oauth.limits names hold at our own endpoints, too', async () => {
  const { gateway, stop } = await startBounded({
    limits: {
      all: { requests: 4, window: 'minute', per: 'address', everywhere: true },
      mine: { requests: 1, window: 'minute', per: 'token' },
    },
    oauth: { limits: ['mine'] },
  });
  const client = await account(gateway);
  const { status, limit, body } = await ask(gateway, client);
  expect([status, limit]).toEqual([200, '"all";r=3;t=60, "oauth-account";r=599;t=60']);
  // What needs a token counts where there is one.
  expect(await whoami(gateway, body.access_token!)).toMatchObject({
    status: 200,
    limit: expect.stringMatching(/^"all";r=2;t=\d+, "mine";r=0/),
  });
  expect((await whoami(gateway, body.access_token!)).status).toBe(429);
  expect((await ask(gateway, client)).status).toBe(200);
  expect((await fetch(`${gateway.url}/.well-known/oauth-authorization-server`)).status).toBe(200);
  expect((await ask(gateway, client)).status).toBe(429);
  await stop();
});

it('so many tokens of an account live at once, however many are asked for together; those that end make room', async () => {
  const { gateway, time, stop } = await startBounded({}, { liveTokensMax: 5 });
  const [client, other] = [await account(gateway), await account(gateway)];
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(gateway, client)));
  const issued = answers.filter(({ status }) => status === 200).map(({ body }) => body.access_token!);
  expect(issued).toHaveLength(5);
  for (const { retryAfter, body } of answers.filter(({ status }) => status !== 200)) {
    expect(body).toMatchObject({ error: 'slow_down', error_description: expect.stringContaining('5 tokens') });
    expect(retryAfter).toBeGreaterThan(880);
    expect(retryAfter).toBeLessThanOrEqual(900);
  }
  expect((await ask(gateway, other)).status).toBe(200);
  await post(gateway, 'revoke', client, { token: issued[0]! });
  expect((await ask(gateway, client)).status).toBe(200);
  expect((await ask(gateway, client)).status).toBe(429);
  expect(await metric(gateway, 'scopegate_access_tokens_total{outcome="too_many_live"}')).toBe(16);
  time.aheadMs = 15 * 60_000;
  expect((await ask(gateway, client)).status).toBe(200);
  await stop();
});

it('what is issued is counted, by account and in a metric, and leaves no line in the trail', async () => {
  const { gateway, stop } = await startBounded({});
  const client = await account(gateway);
  const path = `/service-accounts/${client.clientId}`;
  expect((await gateway.admin('GET', path)).body).toMatchObject({ tokens: { live: 0, issued: 0, lastIssuedAt: null } });
  const tokens = [];
  for (let index = 0; index < 3; index++) tokens.push((await ask(gateway, client)).body.access_token!);
  await post(gateway, 'revoke', client, { token: tokens[0]! });
  const { tokens: figures } = (await gateway.admin('GET', path)).body as { tokens: { lastIssuedAt: string } };
  expect(figures).toMatchObject({ live: 2, issued: 3 });
  expect(Date.now() - Date.parse(figures.lastIssuedAt)).toBeLessThan(60_000);
  expect(await metric(gateway, 'scopegate_access_tokens_total{outcome="issued"}')).toBe(3);
  const { items } = (await gateway.admin('GET', '/audit-events?limit=1000')).body as {
    items: Array<{ action: string }>;
  };
  expect(items.map(({ action }) => action)).toEqual([
    'organization.created',
    'service-account.created',
    'token.revoked',
  ]);
  await stop();
});
