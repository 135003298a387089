/** Who manages Scrydon's service accounts; everything else about them is in test/oauth. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, startHarness } from './harness.ts';

let harness: Harness;

beforeAll(async () => {
  harness = await startHarness('scrydon', [
    { id: 'chat', match: { path: '/v1/workspaces' }, require: { scopes: ['chat:read'] } },
  ]);
  await harness.organization('acme', 'team', { ada: 'admin', ben: 'member', cat: 'member' });
  await harness.workspace('acme', 'ws', 'cat');
});
afterAll(() => harness.stop());

const account = { name: 'robot', scopes: ['chat:read'] };

describe('under policies/scrydon.yaml', () => {
  it('SCRYDON-4 X-8 organization admins create accounts with a name and the scopes it may request; members do not', async () => {
    const made = await harness.must('acme', 'POST', '/service-accounts', account, 'ada');
    expect(made).toMatchObject({
      name: 'robot',
      scopes: ['chat:read'],
      state: 'active',
      createdBy: 'ada',
      clientId: expect.stringMatching(/^sa_/),
    });
    for (const [method, path] of [
      ['POST', '/service-accounts'],
      ['GET', '/service-accounts'],
      ['POST', `/service-accounts/${made.clientId}/rotate-secret`],
      ['DELETE', `/service-accounts/${made.clientId}`],
    ] as const) {
      expect(
        (
          await harness.call(
            'acme',
            method,
            path,
            method === 'POST' && path === '/service-accounts' ? account : undefined,
            'ben',
          )
        ).status,
        path,
      ).toBe(403);
    }
  });

  it('SCRYDON-18 an organization or workspace admin assigns it to a workspace, as member or admin', async () => {
    const { clientId } = await harness.must('acme', 'POST', '/service-accounts', account);
    const path = `/workspaces/ws/assignments/service-accounts/${clientId}`;
    expect((await harness.call('acme', 'PUT', path, { role: 'member' }, 'ben')).status).toBe(403);
    expect((await harness.call('acme', 'PUT', path, { role: 'member' }, 'ada')).status).toBe(201);
    // Cat owns the workspace, and is a plain member of the organization.
    expect((await harness.call('acme', 'PUT', path, { role: 'admin' }, 'cat')).status).toBe(200);
    expect((await harness.call('acme', 'PUT', path, { role: 'owner' })).status).toBe(400);
  });

  it('SCRYDON-18 a workspace admin finds members, teams and service accounts by name in one place, and reads and writes who has a role', async () => {
    await harness.organization('picker', 'team', { ada: 'admin', ben: 'member', cat: 'member', dan: 'member' });
    await harness.workspace('picker', 'own', 'cat');
    await harness.workspace('picker', 'other', 'ada');
    await harness.must('picker', 'PUT', '/teams/crew', { name: 'Robotics crew', members: ['ben'] });
    const { clientId } = await harness.must('picker', 'POST', '/service-accounts', { ...account, name: 'ROBOT one' });
    const gone = await harness.must('picker', 'POST', '/service-accounts', { ...account, name: 'robot gone' });
    await harness.must('picker', 'DELETE', `/service-accounts/${gone.clientId}`);
    const robot = { type: 'service-account', id: clientId, name: 'ROBOT one' };
    const crew = { type: 'team', id: 'crew', name: 'Robotics crew' };
    const look = (query: string, by?: string) => harness.call('picker', 'GET', `/principals${query}`, undefined, by);
    for (const by of ['cat', 'ada', undefined]) {
      expect((await look('?name=robot', by)).body.items, by).toEqual([robot, crew]);
      expect((await look('?name=robot&type=team', by)).body.items).toEqual([crew]);
      expect((await look('?type=member', by)).body.items).toHaveLength(4);
      expect((await look('?limit=2', by)).body).toMatchObject({ items: { length: 2 }, nextCursor: expect.any(String) });
    }
    // Who may assign nowhere looks for nobody; who may somewhere, by a team, does.
    expect((await look('', 'ben')).status).toBe(403);
    await harness.must('picker', 'PUT', '/workspaces/other/assignments/teams/crew', { role: 'member' });
    expect((await look('', 'ben')).status).toBe(403);
    await harness.must('picker', 'PUT', '/workspaces/other/assignments/teams/crew', { role: 'admin' });
    expect((await look('', 'ben')).status).toBe(200);
    expect((await look('', 'dan')).status).toBe(403);

    const path = `/workspaces/own/assignments/service-accounts/${clientId}`;
    expect((await harness.call('picker', 'PUT', path, { role: 'member' }, 'cat')).status).toBe(201);
    const listed = await harness.call('picker', 'GET', '/workspaces/own/assignments', undefined, 'cat');
    expect(listed.body.items).toEqual([{ kind: 'service-accounts', id: clientId, role: 'member' }]);
    expect((await harness.call('picker', 'GET', '/workspaces/other/assignments', undefined, 'cat')).status).toBe(403);
    expect((await harness.call('picker', 'DELETE', path, undefined, 'cat')).status).toBe(200);
  });

  it('SCRYDON-18 in edition personal nobody looks for the strangers beside them', async () => {
    await harness.organization('crowd', 'personal', { ada: 'admin', ben: 'member' });
    await harness.workspace('crowd', 'bens', 'ben');
    for (const by of ['ada', 'ben'])
      expect((await harness.call('crowd', 'GET', '/principals', undefined, by)).status).toBe(403);
    expect((await harness.call('crowd', 'GET', '/principals')).body.items).toHaveLength(2);
  });

  it('SCRYDON-6 a scope of ours stands in no catalogue, and no account can have it', async () => {
    const { scopes } = (await harness.gateway.admin('GET', '/v1/policy')).body as { scopes: Array<{ name: string }> };
    expect(scopes).toHaveLength(14);
    const metadata = await fetch(`${harness.gateway.url}/.well-known/oauth-authorization-server`);
    expect(((await metadata.json()) as { scopes_supported: string[] }).scopes_supported).toEqual(
      scopes.map(({ name }) => name),
    );
    const asked = { name: 'x', scopes: ['chat:read', 'tokens:manage'] };
    const unknown = { status: 422, body: { code: 'scope_unknown', field: 'scopes' } };
    expect(await harness.call('acme', 'POST', '/service-accounts', asked)).toMatchObject(unknown);
    const { clientId } = await harness.must('acme', 'POST', '/service-accounts', account);
    expect(await harness.call('acme', 'PATCH', `/service-accounts/${clientId}`, asked)).toMatchObject(unknown);
    expect(await harness.call('acme', 'PATCH', '/members/ben', { scopes: asked.scopes })).toMatchObject(unknown);
    expect(
      await harness.ask('acme', 'ada', { scopes: ['tokens:manage'], workspaces: 'all', expiresInDays: 1 }),
    ).toMatchObject({ status: 201, body: { scopes: ['tokens:manage'] } });
  });

  it('SCRYDON-4 an account without any scope, which the source does not know, is refused', async () => {
    const none = { status: 422, body: { code: 'scopes_required', field: 'scopes' } };
    expect(await harness.call('acme', 'POST', '/service-accounts', { name: 'x', scopes: [] })).toMatchObject(none);
    const { clientId } = await harness.must('acme', 'POST', '/service-accounts', account);
    const path = `/service-accounts/${clientId}`;
    expect(await harness.call('acme', 'PATCH', path, { scopes: [] })).toMatchObject(none);
    expect(await harness.must('acme', 'GET', path)).toMatchObject({ scopes: ['chat:read'] });
  });

  it('SCRYDON-17 X-3 what a deleted account was issued can still be ended by an administrator, all at once', async () => {
    const { clientId, clientSecret } = await harness.must('acme', 'POST', '/service-accounts', account);
    const issue = async () => {
      const answer = await fetch(`${harness.gateway.url}/api/auth/oauth2/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      });
      return ((await answer.json()) as { access_token: string }).access_token;
    };
    const issued = [await issue(), await issue()];
    const statuses = () => Promise.all(issued.map((text) => harness.status(text, '/v1/workspaces')));
    await harness.must('acme', 'DELETE', `/service-accounts/${clientId}`);
    expect(await statuses()).toEqual([200, 200]);
    const end = (actor: string) =>
      harness.call('acme', 'POST', `/service-accounts/${clientId}/revoke-tokens`, undefined, actor);
    expect((await end('ben')).status).toBe(403);
    expect((await end('ada')).status).toBe(200);
    expect(await statuses()).toEqual([401, 401]);
    expect((await harness.call('acme', 'GET', `/service-accounts/${clientId}`)).status).toBe(404);
  });

  it('under a policy without service accounts there are none, and no OAuth endpoints', async () => {
    const coze = await startHarness('coze');
    await coze.organization('acme', 'team', {});
    expect(await coze.call('acme', 'POST', '/service-accounts', { name: 'x', scopes: [] })).toMatchObject({
      status: 409,
    });
    expect((await fetch(`${coze.gateway.url}/api/auth/oauth2/token`, { method: 'POST' })).status).toBe(404);
    await coze.stop();
  });
});
