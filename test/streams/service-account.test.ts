/** Streams whose caller is a service account: its tokens have no owner, and end at its own endpoints too. */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { attack } from '../conformance/attack.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';
import { RawClient, rawRequest } from '../support/raw.ts';
import { SocketUpstream } from './socket-upstream.ts';

/** The second that is promised, and what a busy test machine may take on top. */
const STALLED_MS = 3000;
const ROUTES = [{ id: 'any', match: { path: '/any' }, require: { scopes: ['content:read'] } }];

interface Account {
  readonly clientId: string;
  readonly clientSecret: string;
}
interface Held extends Account {
  readonly token: string;
}

async function start(upstream: SocketUpstream): Promise<TestGateway> {
  const policy = `${ROOT}policies/default.yaml`;
  const gateway = await startTestGateway({ upstreamUrl: upstream.url, routes: ROUTES, policy, seed: false });
  await gateway.admin('PUT', '', { name: 'Acme', edition: 'team' });
  return gateway;
}

const post = (gateway: TestGateway, path: string, { clientId, clientSecret }: Account, form: Record<string, string>) =>
  fetch(`${gateway.url}/api/auth/oauth2/${path}`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` },
    body: new URLSearchParams(form),
  });

async function issue(gateway: TestGateway): Promise<Held> {
  const made = await gateway.admin('POST', '/service-accounts', { name: 'nightly', scopes: ['content:read'] });
  const account = made.body as Account;
  const issued = await post(gateway, 'token', account, { grant_type: 'client_credentials' });
  const { access_token: token } = (await issued.json()) as { access_token: string };
  return { ...account, token };
}

type Cause = readonly [string, (gateway: TestGateway, held: Held) => Promise<unknown>];
const CAUSES: readonly Cause[] = [
  ['revoked by itself', (gateway, held) => post(gateway, 'revoke', held, { token: held.token })],
  ['with all tokens of its account', (gateway, { clientId }) => change(gateway, 'POST', `${clientId}/revoke-tokens`)],
  [
    'disabled, tokens included',
    (gateway, { clientId }) => change(gateway, 'POST', `${clientId}/disable?tokens=revoke`),
  ],
  ['deleted, tokens included', (gateway, { clientId }) => change(gateway, 'DELETE', `${clientId}?tokens=revoke`)],
];

async function change(gateway: TestGateway, method: string, path: string): Promise<void> {
  expect((await gateway.admin(method, `/service-accounts/${path}`)).status).toBe(200);
}

attack({
  name: 'a stream of a service account whose token is revoked does not go on',
  outcome: 'ended within a second; disabling the account alone ends none',
  sources: ['RFC 7009 section 2.1'],
})(() => {
  test('whoever revokes it, and however', async () => {
    await using upstream = await SocketUpstream.start();
    await using gateway = await start(upstream);
    for (const [name, cause] of CAUSES) {
      const held = await issue(gateway);
      const authorization = `Bearer ${held.token}`;
      const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/any`, { headers: { authorization } });
      await once(socket, 'open');
      using events = await RawClient.connect(gateway.url);
      await events.send(rawRequest('GET /any', [`Authorization: ${authorization}`])).untilText('hello');
      const closed = once(socket, 'close');
      await cause(gateway, held);
      const acknowledgedAt = performance.now();
      expect([name, (await closed)[0]]).toEqual([name, 4401]);
      expect((await events.response()).body).toContain('\n\nevent: error\n');
      expect(performance.now() - acknowledgedAt).toBeLessThan(STALLED_MS);
    }
  });

  test('but not for the account being disabled: that stops issuance only', async () => {
    await using upstream = await SocketUpstream.start();
    await using gateway = await start(upstream);
    const held = await issue(gateway);
    const headers = { authorization: `Bearer ${held.token}` };
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/any`, { headers });
    await once(socket, 'open');
    await change(gateway, 'POST', `${held.clientId}/disable`);
    socket.send('still here');
    expect(String((await once(socket, 'message'))[0])).toBe('still here');
    socket.close();
    await once(socket, 'close');
  });
});
