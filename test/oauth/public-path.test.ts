/** An issuer with a path, behind a proxy that takes the path away: real clients find everything from the issuer alone. */
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import * as oauth from 'oauth4webapi';
import { ClientCredentials } from 'simple-oauth2';
import { describe, expect, it } from 'vitest';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { Recorder } from '../support/recorder.ts';

const POLICY = fileURLToPath(new URL('../../policies/scrydon.yaml', import.meta.url));
const WELL_KNOWN = '/.well-known/oauth-authorization-server';

interface Harness extends AsyncDisposable {
  readonly issuer: string;
  readonly front: string;
  readonly gateway: TestGateway;
  readonly account: { readonly clientId: string; readonly clientSecret: string };
}

/** `path`: of the public URL, as configured. */
async function harness(path: string): Promise<Harness> {
  const upstream = await Recorder.start();
  const prefix = path.replace(/\/$/, '');
  let behind = '';
  const front = createServer((asked, answer) => {
    const target = asked.url!.startsWith(`${prefix}/`) ? asked.url!.slice(prefix.length) : asked.url!;
    const passed = request(behind + target, { method: asked.method!, headers: asked.headers }, (given) => {
      answer.writeHead(given.statusCode!, given.headers);
      given.pipe(answer);
    });
    asked.pipe(passed);
  }).listen(0, '127.0.0.1');
  await once(front, 'listening');
  const origin = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
  const gateway = await startTestGateway({
    upstreamUrl: upstream.url,
    policy: POLICY,
    seed: false,
    settings: { gateway: { publicUrl: origin + path } },
    routes: [{ id: 'chat', match: { path: '/chat' }, require: { scopes: ['chat:read'] } }],
  });
  behind = gateway.url;
  await gateway.admin('PUT', '/v1/organizations/acme', { name: 'Acme', edition: 'team' });
  const made = await gateway.admin('POST', '/v1/organizations/acme/service-accounts', {
    name: 'x',
    scopes: ['chat:read'],
  });
  expect(made.status).toBe(201);
  return {
    issuer: origin + prefix,
    front: origin,
    gateway,
    account: made.body as Harness['account'],
    [Symbol.asyncDispose]: async () => {
      front.close();
      front.closeAllConnections();
      await gateway.stop();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

describe.each(['/gw', '/gw/', '/eu/gw', ''])('with the public path %j', (path) => {
  it('oauth4webapi finds the endpoints from the issuer, gets a token, introspects and revokes it', async () => {
    await using at = await harness(path);
    const insecure = { [oauth.allowInsecureRequests]: true };
    const found = await oauth.discoveryRequest(new URL(at.issuer), { algorithm: 'oauth2', ...insecure });
    expect(found.status).toBe(200);
    const server = await oauth.processDiscoveryResponse(new URL(at.issuer), found);
    const client = { client_id: at.account.clientId };
    const authentication = oauth.ClientSecretBasic(at.account.clientSecret);
    const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, {}, insecure);
    const { access_token: token } = await oauth.processClientCredentialsResponse(server, client, response);
    const asked = await oauth.introspectionRequest(server, client, authentication, token, insecure);
    const described = await oauth.processIntrospectionResponse(server, client, asked);
    expect(described).toMatchObject({ active: true, iss: at.issuer });
    const revoked = await oauth.revocationRequest(server, client, authentication, token, insecure);
    expect(await oauth.processRevocationResponse(revoked)).toBeUndefined();
  });

  it('simple-oauth2 gets a token at the endpoint that the metadata name', async () => {
    await using at = await harness(path);
    const metadata = await fetch(`${at.front}${WELL_KNOWN}${new URL(at.issuer).pathname.replace(/\/$/, '')}`);
    const { token_endpoint: endpoint } = (await metadata.json()) as { token_endpoint: string };
    expect(endpoint.startsWith(`${at.issuer}/`)).toBe(true);
    const client = new ClientCredentials({
      client: { id: at.account.clientId, secret: at.account.clientSecret },
      auth: { tokenHost: at.front, tokenPath: new URL(endpoint).pathname },
    });
    const { token } = await client.getToken({});
    const answer = await fetch(`${at.issuer}/api/v1/service-account/whoami`, {
      headers: { authorization: `Bearer ${token.access_token as string}` },
    });
    expect(answer.status).toBe(200);
  });
});

it('only the path of the issuer names its metadata; those without a path stay where they were', async () => {
  await using at = await harness('/gw');
  const statusOf = async (path: string) => (await fetch(at.gateway.url + path)).status;
  expect(await statusOf(`${WELL_KNOWN}/gw`)).toBe(200);
  expect(await statusOf(WELL_KNOWN)).toBe(200);
  for (const other of ['/other', '/gw/x', '/GW']) expect(await statusOf(WELL_KNOWN + other), other).toBe(404);
  expect((await fetch(`${at.gateway.url}${WELL_KNOWN}/gw`, { method: 'POST' })).status).toBe(405);
});

it.each(['{gw}', '../gw', 'a//b', 'caf\u00e9', 'a/./b', '%2e/x', '**'])(
  'a public path that no client would ask for (%s) is told at the start',
  (path) => {
    const text = JSON.stringify({
      gateway: { publicUrl: `https://api.example.com/${path}` },
      policy: POLICY,
      decision: { for: 'nginx' },
      routes: [{ id: 'chat', match: { path: '/chat' }, require: { scopes: ['chat:read'] } }],
    });
    const load = () => loadGateway('gateway.yaml', {}, { contents: { text, folder: '/' } });
    expect(load).toThrow(/^\/?gateway\.yaml:1:25: its path must be as clients ask for it/);
  },
);
