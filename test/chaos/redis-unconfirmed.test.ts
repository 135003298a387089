/** A replica that hangs: changes are made and cannot be confirmed. Nobody is told that they were, or that they were not. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';

let redis: RedisServer;
let replica: RedisServer;
let gateway: TestGateway;
let authorization: string;

const PATIENCE = { timeout: 10_000, interval: 100 };

const admin = (method: string, path: string, body?: object) =>
  gateway.admin(method, `/v1/organizations/acme${path}`, body);
/** On a busy machine a replica may take longer to confirm than is waited here: then once more. */
const made = (method: string, path: string, body: object): Promise<unknown> =>
  vi.waitUntil(async () => {
    const answer = await admin(method, path, body);
    if (answer.status < 300) return answer.body;
    if (answer.status !== 503) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
    return null;
  }, PATIENCE);
const requestToken = async () => {
  const answer = await fetch(`${gateway.url}/api/auth/oauth2/token`, {
    method: 'POST',
    headers: { authorization },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

beforeAll(async () => {
  redis = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] });
  replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(redis.port)] });
  await vi.waitUntil(async () => (await redis.cli('info', 'replication')).includes('state=online'), PATIENCE);
  gateway = await startTestGateway({
    upstreamUrl: 'http://127.0.0.1:9',
    seed: false,
    policy: new URL('../../policies/scrydon.yaml', import.meta.url).pathname,
    routes: [{ id: 'all', match: { path: '/**' }, require: { scopes: ['chat:read'] } }],
    settings: { store: { driver: 'redis', url: redis.url, commitTimeoutMs: 300 } },
  });
  await made('PUT', '', { name: 'Acme', edition: 'team' });
  const account = await made('POST', '/service-accounts', { name: 'robot', scopes: ['chat:read'] });
  const { clientId, clientSecret } = account as { clientId: string; clientSecret: string };
  authorization = `Basic ${btoa(`${clientId}:${clientSecret}`)}`;
  await vi.waitUntil(async () => (await requestToken()).status !== 503, PATIENCE);
  expect(await requestToken()).toMatchObject({ status: 200 });
  replica.pause();
});
afterAll(async () => {
  await gateway.stop();
  await replica.stop();
  await redis.stop();
});

it('the sidecar says that the outcome is unknown; who looks finds the change made', async () => {
  const answer = await admin('PUT', '/members/carol', { name: 'Carol', role: 'member' });
  expect(answer).toMatchObject({ status: 503, body: { code: 'outcome_unknown' } });
  expect(await admin('GET', '/members/carol')).toMatchObject({ status: 200 });
});

it('the OAuth endpoint hands out no token', async () => {
  const answer = await requestToken();
  expect(answer).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
  expect(answer.body).not.toHaveProperty('access_token');
});

it('goes on by itself once the replica does', async () => {
  replica.resume();
  await expect.poll(async () => (await requestToken()).status, { timeout: 5000 }).toBe(200);
});
