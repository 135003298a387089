/** When a token was last used, as its owner sees it: from whatever took the request, soon, and never of what failed. */

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, rawRequest } from '../support/raw.ts';
import { Recorder } from '../support/recorder.ts';
import { scraped } from '../support/scrape.ts';

const ROUTES = [
  { id: 'read', match: { path: '/files/**' }, require: { scopes: ['workflows:read'] } },
  { id: 'any', match: { path: '/any' }, require: { anyOf: ['knowledge:write', 'chat:read', 'workflows:read'] } },
  { id: 'bots', match: { path: '/bots' }, require: { scopes: ['bot:read', 'workflows:read'] } },
  { id: 'closed', match: { path: '/closed' }, require: { scopes: ['knowledge:write'] } },
];
/** The interval, and time for a busy machine. */
const SOON = { timeout: 10_000, interval: 50 };

let upstream: Recorder;
beforeAll(async () => {
  upstream = await Recorder.start();
});
afterAll(() => upstream.stop());

const start = (more = {}) => startTestGateway({ upstreamUrl: upstream.url, routes: ROUTES, ...more });
interface Token {
  readonly id: string;
  readonly token: string;
  readonly lastUsedAt: string | null;
}
async function create(gateway: TestGateway, more = {}): Promise<Token> {
  const wanted = { owner: 'alice', name: 'n', scopes: ['workflows:read'], workspaces: ['ws_sales'], expiresInDays: 1 };
  const { status, body } = await gateway.admin('POST', '/tokens', { ...wanted, ...more });
  expect([status, (body as Token).lastUsedAt]).toEqual([201, null]);
  return body as Token;
}
const use = async (gateway: TestGateway, { token }: Token, path = '/files/x') =>
  (await ask(gateway.url, rawRequest(`GET ${path}`, [`Authorization: Bearer ${token}`]))).status;
const seen = async (gateway: TestGateway, { id }: Token) =>
  ((await gateway.admin('GET', `/tokens/${id}`)).body as Token).lastUsedAt;
const scopesOf = async (gateway: TestGateway, { id }: Token) => {
  const { body } = await gateway.admin('GET', `/tokens/${id}`);
  const { scopesUsed } = body as { scopesUsed: Array<{ scope: string; lastUsedOn: string }> };
  return scopesUsed.map(({ scope }) => scope).sort();
};
const within = (beganAtMs: number) => (at: string | null) =>
  at !== null && Date.parse(at) >= beganAtMs && Date.parse(at) <= Date.now();

test('a use is seen within seconds: alone, in lists, and in the answer to a change', async () => {
  await using gateway = await start();
  const [used, idle] = [await create(gateway), await create(gateway)];
  const beganAtMs = Date.now();
  expect(await use(gateway, used)).toBe(200);
  await expect.poll(() => seen(gateway, used), SOON).toSatisfy(within(beganAtMs));
  const at = await seen(gateway, used);
  expect(await seen(gateway, idle)).toBeNull();
  const { items } = (await gateway.admin('GET', '/tokens')).body as { items: Token[] };
  const listed = new Map(items.map(({ id, lastUsedAt }) => [id, lastUsedAt]));
  expect([listed.get(used.id), listed.get(idle.id)]).toEqual([at, null]);
  for (const [method, path, body] of [
    ['PATCH', '', { name: 'other' }],
    ['POST', '/deactivate', undefined],
    ['POST', '/activate', undefined],
    ['POST', '/rotate', undefined],
  ] as const) {
    const changed = await gateway.admin(method, `/tokens/${used.id}${path}`, body);
    expect(changed.status, path).toBeLessThan(300);
    expect((changed.body as Token).lastUsedAt, path).toBe(at);
  }
  const again = Date.now();
  const { token } = (await gateway.admin('POST', `/tokens/${used.id}/rotate`)).body as Token;
  expect(await use(gateway, { ...used, token })).toBe(200);
  await expect.poll(() => seen(gateway, used), SOON).toSatisfy(within(again));
});

test('a refusal counts where the token said who is calling, and not where it did not', async () => {
  await using gateway = await start();
  const [lacking, inactive, revoked] = [await create(gateway), await create(gateway), await create(gateway)];
  await gateway.admin('POST', `/tokens/${inactive.id}/deactivate`);
  await gateway.admin('POST', `/tokens/${revoked.id}/revoke`);
  expect(await use(gateway, lacking, '/closed')).toBe(403);
  for (const token of [inactive, revoked]) expect(await use(gateway, token)).toBe(401);
  await expect.poll(() => seen(gateway, lacking), SOON).not.toBeNull();
  for (const token of [inactive, revoked]) expect(await seen(gateway, token)).toBeNull();
});

test('the scopes that let requests through are seen with their day: the narrowest that a token has, of anyOf the first', async () => {
  await using gateway = await start();
  const scopes = ['workflows:read', 'workflows:write', 'bot:write', 'chat:read', 'knowledge:read'];
  const [narrow, wide] = [await create(gateway, { scopes }), await create(gateway, { scopes: ['workflows:write'] })];
  expect(await scopesOf(gateway, narrow)).toEqual([]);
  for (const path of ['/files/x', '/any', '/bots']) expect(await use(gateway, narrow, path), path).toBe(200);
  expect(await use(gateway, narrow, '/closed')).toBe(403);
  expect(await use(gateway, wide)).toBe(200);
  await expect.poll(() => scopesOf(gateway, wide), SOON).toEqual(['workflows:write']);
  await expect.poll(() => scopesOf(gateway, narrow), SOON).toEqual(['bot:write', 'chat:read', 'workflows:read']);
  const { body } = await gateway.admin('GET', `/tokens/${narrow.id}`);
  const today = new Date().toISOString().slice(0, 10);
  expect(body).toMatchObject({ scopesUsedSince: today, findings: ['expires_soon_in_use'] });
  expect((body as { scopesUsed: object[] }).scopesUsed).toContainEqual({ scope: 'bot:write', lastUsedOn: today });
  const listed = async (query: string) =>
    ((await gateway.admin('GET', `/tokens?${query}`)).body as { items: Token[] }).items.map(({ id }) => id);
  expect((await listed('finding=expires_soon_in_use')).sort()).toEqual([narrow.id, wide.id].sort());
  expect(await listed('finding=dormant&unusedDays=30')).toEqual([]);
  // Watched and made today, so that a window of no day is over.
  expect(await listed('finding=unused_scopes')).toEqual([]);
});

const findingsOf = async (gateway: TestGateway, { id }: { id: string }) =>
  ((await gateway.admin('GET', `/tokens/${id}`)).body as { findings: string[] }).findings;

test('whoever still uses the value that was replaced is found, until the grace ends or nobody does', async () => {
  const shift = { ms: 0 };
  const clock = { nowMs: () => Date.now() + shift.ms, monotonicMs: () => performance.now() + shift.ms };
  await using gateway = await start({ clock });
  const expiresInDays = 30;
  const [rotated, other] = [await create(gateway, { expiresInDays }), await create(gateway, { expiresInDays })];
  const rotate = async (token: Token) =>
    (await gateway.admin('POST', `/tokens/${token.id}/rotate`, { graceSeconds: 3600 })).body as Token;
  const [newer] = [await rotate(rotated), await rotate(other)];
  expect([await use(gateway, rotated), await use(gateway, { ...other, token: newer.token })]).toEqual([200, 200]);
  await expect.poll(() => findingsOf(gateway, rotated), SOON).toEqual(['rotated_value_in_use']);
  const listed = (await gateway.admin('GET', '/tokens?finding=rotated_value_in_use')).body as { items: Token[] };
  expect(listed.items.map(({ id }) => id)).toEqual([rotated.id]);
  expect(await scopesOf(gateway, rotated)).toEqual(['workflows:read']);
  expect(await seen(gateway, rotated)).not.toBeNull();
  // Rotated again: that it was used before says nothing of the value that is old now.
  const newest = await rotate(rotated);
  expect(await findingsOf(gateway, rotated)).toEqual([]);
  expect(await use(gateway, { ...rotated, token: newest.token })).toBe(200);
  expect(await use(gateway, { ...rotated, token: newer.token })).toBe(200);
  await expect.poll(() => findingsOf(gateway, rotated), SOON).toEqual(['rotated_value_in_use']);
  shift.ms = 3_600_001;
  expect(await findingsOf(gateway, rotated)).toEqual([]);
  expect(await findingsOf(gateway, other)).toEqual([]);
});

test('a managing token that manages by its old value is found, too', async () => {
  await using gateway = await start();
  const managing = await create(gateway, { scopes: ['tokens:manage'], expiresInDays: 30 });
  await gateway.admin('POST', `/tokens/${managing.id}/rotate`, { graceSeconds: 3600 });
  const authorization = `Authorization: Bearer ${managing.token}`;
  await ask(gateway.adminUrl, rawRequest('GET /v1/organizations/acme/tokens', [authorization]));
  await expect.poll(() => findingsOf(gateway, managing), SOON).toEqual(['rotated_value_in_use']);
});

test('a token without a limit of workspaces is found, and one whose owner may go nowhere that it lists, or has left', async () => {
  await using gateway = await start();
  const expiresInDays = 30;
  const everywhere = await create(gateway, { workspaces: 'all', expiresInDays });
  const somewhere = await create(gateway, { owner: 'bob', expiresInDays });
  expect(await findingsOf(gateway, everywhere)).toEqual(['broad_workspaces']);
  expect(await findingsOf(gateway, somewhere)).toEqual([]);
  expect((await gateway.admin('DELETE', '/workspaces/ws_sales/assignments/members/bob')).status).toBe(200);
  expect(await findingsOf(gateway, somewhere)).toEqual(['owner_inactive']);
});

test('a managing token is used by managing', async () => {
  await using gateway = await start();
  const managing = await create(gateway, { scopes: ['tokens:manage'] });
  const answer = await ask(
    gateway.adminUrl,
    rawRequest('GET /v1/organizations/acme/tokens', [`Authorization: Bearer ${managing.token}`]),
  );
  expect(answer.status).toBe(200);
  await expect.poll(() => seen(gateway, managing), SOON).not.toBeNull();
});

test('stopping writes down what was used, so that the next process knows', async () => {
  let token!: Token;
  let kept!: SqliteStore;
  const beganAtMs = Date.now();
  {
    await using gateway = await start();
    // Another connection to the same file, which outlives its name.
    kept = new SqliteStore(join(gateway.folder, 'data/scopegate.db'));
    token = await create(gateway);
    expect(await use(gateway, token)).toBe(200);
  }
  const [at] = await kept.touched([`token/acme/${token.id}`]);
  expect(at).toBeGreaterThanOrEqual(beganAtMs);
  await kept.close();
});

test('uses during an outage are written down after it', async () => {
  let store!: FaultyStore;
  await using gateway = await start({
    settings: { cache: { maxStalenessMs: 60_000 } },
    aroundStore: (opened: SqliteStore) => {
      store = new FaultyStore(opened);
      return store;
    },
  });
  const token = await create(gateway);
  expect(await use(gateway, token)).toBe(200);
  await expect.poll(() => seen(gateway, token), SOON).not.toBeNull();
  store.fail();
  const beganAtMs = Date.now();
  expect(await use(gateway, token)).toBe(200);
  await gateway.logged('last uses: could not be written');
  store.recover();
  await expect.poll(() => seen(gateway, token), SOON).toSatisfy(within(beganAtMs));
});

test('a use is no change: nothing is asked of the store anew because of it', async () => {
  await using gateway = await start();
  const token = await create(gateway);
  expect(await use(gateway, token)).toBe(200);
  await expect.poll(() => seen(gateway, token), SOON).not.toBeNull();
  const file = new DatabaseSync(join(gateway.folder, 'data/scopegate.db'), { readOnly: true });
  const changes = () => file.prepare('SELECT count(*) AS total FROM changes').get();
  const misses = async () => /^scopegate_cache_misses_total (.*)$/m.exec(await scraped(gateway.running.metrics))![1];
  const before = [changes(), await misses()];
  const beganAtMs = Date.now();
  expect(await use(gateway, token)).toBe(200);
  await expect.poll(() => seen(gateway, token), SOON).toSatisfy(within(beganAtMs));
  expect(await use(gateway, token)).toBe(200);
  expect([changes(), await misses()]).toEqual(before);
  file.close();
});
