/**
 * What a named policy takes away, and an environment that a token loses, is gone at every gateway over one Redis: with the
 * next request, and for the stream that is open there.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';
import { ask, RawClient, rawRequest } from '../support/raw.ts';
import { Recorder } from '../support/recorder.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';

/** Longer than any test: what is seen was heard of, not looked up anew. */
const STALENESS_MS = 60_000;
const EVENT =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n';
const workspace = { from: 'query.env', as: 'environment', role: 'member' };
const ROUTES = [{ id: 'flags', match: { path: '/flags' }, require: { scopes: ['flags:write'], workspace } }];

const folder = mkdtempSync(join(tmpdir(), 'scopegate-iam-'));
let redis: RedisServer;
let upstream: Recorder;
const gateways: TestGateway[] = [];
let token: { readonly id: string; readonly token: string };

const call = async (method: string, path: string, body?: unknown) => {
  const answer = await gateways[0]!.admin(method, `/v1/organizations/acme${path}?wait=5000`, body);
  expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  return answer.body as { id: string; token: string; applied?: boolean };
};

beforeAll(async () => {
  redis = await startRedis();
  upstream = await Recorder.start();
  const policy = join(folder, 'policy.yaml');
  copyFileSync(join(ROOT, 'policies/featbit.yaml'), policy);
  const text = readFileSync(policy, 'utf8');
  writeFileSync(policy, text.replaceAll('mutable: [name]', 'mutable: [name, environments]'));
  const settings = { store: { driver: 'redis', url: redis.url }, cache: { maxStalenessMs: STALENESS_MS } };
  for (let count = 0; count < 2; count++)
    gateways.push(await startTestGateway({ upstreamUrl: upstream.url, routes: ROUTES, policy, settings, seed: false }));
  await call('PUT', '', { name: 'Acme', edition: 'team' });
  for (const [id, role] of Object.entries({ olga: 'owner', dora: 'developer' }))
    await call('PUT', `/members/${id}`, { name: id, role });
  await call('PUT', '/workspaces/web', { name: 'Web', owner: 'olga' });
  for (const id of ['dev', 'prod']) await call('PUT', `/workspaces/web/environments/${id}`, { name: id });
  token = await call('POST', '/tokens', { owner: 'dora', name: 't' });
});
afterAll(async () => {
  for (const gateway of gateways) await gateway.stop();
  await upstream.stop();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

const authorization = () => `Authorization: Bearer ${token.token}`;
const status = async (env: string, at = gateways[1]!) =>
  (await ask(at.url, rawRequest(`GET /flags?env=${env}`, [authorization()]))).status;

/** Of an open stream about production at the other gateway. */
async function whileOpen(change: () => Promise<unknown>): Promise<string> {
  upstream.reply = () => EVENT;
  using client = await RawClient.connect(gateways[1]!.url);
  client.send(rawRequest('GET /flags?env=prod', [authorization()]));
  await client.untilText('data: 1');
  upstream.reply = () => 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
  await change();
  await client.untilText('event: error');
  return client.received;
}

it('FEATBIT-20 a deny that is attached to a member, or written into a policy that they have', async () => {
  const deny = { effect: 'deny', actions: ['ManageFeatureFlag'], resources: ['project/*:env/prod'] };
  const allow = { effect: 'allow', actions: ['ManageFeatureFlag'], resources: ['project/web'] };
  await call('PUT', '/iam-policies/no-prod', { name: 'Not in production', statements: [deny] });
  await whileOpen(() => call('PUT', '/iam-policies/no-prod/attachments/members/dora'));
  for (const at of gateways) expect([await status('dev', at), await status('prod', at)]).toEqual([200, 403]);
  await call('PUT', '/iam-policies/no-prod', { name: 'Anywhere', statements: [allow] });
  for (const at of gateways) expect(await status('prod', at)).toBe(200);
  await whileOpen(() => call('PUT', '/iam-policies/no-prod', { name: 'Not in production', statements: [deny] }));
  for (const at of gateways) expect([await status('dev', at), await status('prod', at)]).toEqual([200, 403]);
  await call('DELETE', '/iam-policies/no-prod/attachments/members/dora');
  for (const at of gateways) expect(await status('prod', at)).toBe(200);
});

it('an environment that a token is no longer for', async () => {
  await whileOpen(() => call('PATCH', `/tokens/${token.id}`, { environments: ['dev'] }));
  for (const at of gateways) expect([await status('dev', at), await status('prod', at)]).toEqual([200, 403]);
});
