/** Service accounts over the API as the console asks of it: what they have and were issued, and what an end takes with it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT } from '../support/process.ts';
import { type Json, type Sidecar, startSidecar } from './sidecar.ts';

let sidecar: Sidecar;
/** Administrators are no admins of workspaces that are not theirs. */
const folder = mkdtempSync(join(tmpdir(), 'scopegate-policy-'));
const policy = join(folder, 'policy.yaml');
beforeAll(async () => {
  const text = readFileSync(join(ROOT, 'policies/scrydon.yaml'), 'utf8');
  writeFileSync(policy, text.replace('workspaceRole: admin, administrator: true', 'administrator: true'));
  const routes = [{ id: 'chat', match: { path: '/v1/chat' }, require: { scopes: ['chat:read'] } }];
  sidecar = await startSidecar({}, { policy, routes });
  await sidecar.ok('PUT', '', { name: 'Acme', edition: 'team' });
  for (const [id, role] of [
    ['ada', 'admin'],
    ['ann', 'member'],
    ['bob', 'member'],
  ])
    await sidecar.ok('PUT', `/members/${id}`, { name: id, role });
  for (const id of ['w1', 'w2']) await sidecar.ok('PUT', `/workspaces/${id}`, { name: id, owner: 'ann' });
});
afterAll(async () => {
  await sidecar.stop();
  rmSync(folder, { recursive: true });
});

const CASCADE = { endedTokens: 0, drainingTokens: 0, lostRoles: [] };

async function account(name: string, more: Json = {}): Promise<{ clientId: string; clientSecret: string }> {
  return (await sidecar.ok('POST', '/service-accounts', { name, scopes: ['chat:read'], ...more })) as never;
}

/** As its program asks for one. */
async function issue({ clientId, clientSecret }: { clientId: string; clientSecret: string }): Promise<void> {
  const answer = await fetch(`${sidecar.gateway.url}/api/auth/oauth2/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  expect(answer.status).toBe(200);
}

const named = async (name: string): Promise<Json[]> => {
  const { items } = await sidecar.ok('GET', `/service-accounts?name=${encodeURIComponent(name)}`);
  return items as Json[];
};

it('is made with its roles, all of them or none', async () => {
  const roles = [
    { workspace: 'w1', role: 'member' },
    { workspace: 'w2', role: 'admin' },
  ];
  const { clientId } = await account('with roles', { roles });
  expect(await sidecar.ok('GET', `/service-accounts/${clientId}`)).toMatchObject({ roles });
  for (const wrong of [[{ workspace: 'none', role: 'member' }], [roles[0], { workspace: 'w1', role: 'admin' }]]) {
    const body = { name: 'never made', scopes: ['chat:read'], roles: wrong };
    const refused = await sidecar.call('POST', '/service-accounts', body);
    expect([refused.status, refused.body]).toMatchObject([422, { code: 'workspace_unknown', field: 'roles' }]);
  }
  expect(await named('never made')).toEqual([]);
});

it('nobody makes one with a role that they do not have', async () => {
  const body = { name: 'too much', scopes: ['chat:read'], roles: [{ workspace: 'w2', role: 'admin' }] };
  const asAda = await sidecar.call('POST', '/service-accounts', body, { 'scopegate-actor': 'ada' });
  expect([asAda.status, asAda.body]).toMatchObject([403, { code: 'not_allowed' }]);
  expect(await named('too much')).toEqual([]);
});

it('is listed with its roles as they stand and what it was issued, and found by a part of its name or id', async () => {
  await sidecar.ok('PUT', '/workspaces/short', { name: 'Short', owner: 'ann' });
  const made = await account('Nightly Import', { roles: [{ workspace: 'short', role: 'member' }] });
  await issue(made);
  await issue(made);
  const tokens = { live: 2, issued: 2, lastIssuedAt: new Date(sidecar.nowMs).toISOString() };
  const { clientId, clientSecret } = made;
  for (const part of ['nightly', 'IMPORT', clientId.slice(3, 12)])
    expect(await named(part)).toMatchObject([{ clientId, roles: [{ workspace: 'short', role: 'member' }], tokens }]);
  expect(JSON.stringify(await named(''))).not.toContain(clientSecret);
  await sidecar.ok('DELETE', '/workspaces/short');
  expect(await named('nightly')).toMatchObject([{ clientId, roles: [] }]);
});

it.each([
  ['POST', '/disable', { drainingTokens: 2 }],
  ['POST', '/disable?tokens=revoke', { endedTokens: 2 }],
  ['DELETE', '', { drainingTokens: 2, lostRoles: ['w1'] }],
  ['DELETE', '?tokens=revoke', { endedTokens: 2, lostRoles: ['w1'] }],
  ['POST', '/revoke-tokens', { endedTokens: 2 }],
])('%s %s says beforehand what it takes with it, and then takes just that', async (method, path, expected) => {
  const made = await account('to end', { roles: [{ workspace: 'w1', role: 'member' }] });
  await issue(made);
  await issue(made);
  const below = `/service-accounts/${made.clientId}${path}`;
  const before = await sidecar.ok('GET', `/service-accounts/${made.clientId}`);
  const preview = await sidecar.ok(method, `${below}${path.includes('?') ? '&' : '?'}dryRun=true&wait=1000`);
  expect(preview).toMatchObject({ cascade: { ...CASCADE, ...expected }, dryRun: true });
  expect(preview).not.toHaveProperty('revision');
  expect(await sidecar.ok('GET', `/service-accounts/${made.clientId}`)).toEqual(before);
  const done = await sidecar.ok(method, `${below}${path.includes('?') ? '&' : '?'}wait=1000`);
  expect(done).toMatchObject({ cascade: { ...CASCADE, ...expected }, dryRun: false, applied: true });
});

it('a preview is for those who may do it', async () => {
  const { clientId } = await account('of others');
  const path = `/service-accounts/${clientId}?dryRun=true`;
  const asBob = await sidecar.call('DELETE', path, undefined, { 'scopegate-actor': 'bob' });
  expect([asBob.status, asBob.body]).toMatchObject([403, { code: 'not_allowed' }]);
});
