/** Every rule of FeatBit's access tokens, under policies/featbit.yaml, from outside. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, startHarness } from './harness.ts';

const FORBIDDEN = { success: false, errors: ['Forbidden'], data: null };
const READ = '/v1/workspaces';

let harness: Harness;
let count = 0;
let org: string;

beforeAll(async () => {
  harness = await startHarness('featbit', [
    { id: 'read-flags', match: { methods: ['GET'], path: READ }, require: { scopes: ['flags:read'] } },
    { id: 'write-flags', match: { methods: ['POST'], path: READ }, require: { scopes: ['flags:write'] } },
    { id: 'write-members', match: { methods: ['DELETE'], path: READ }, require: { scopes: ['members:write'] } },
    {
      id: 'in-workspace',
      match: { path: '/api/v1/workflows' },
      require: { scopes: ['flags:read'], workspace: { from: 'query.ws', as: 'workspace', role: 'member' } },
    },
    {
      id: 'by-action',
      match: { methods: ['PUT'], path: READ },
      require: { scopes: ['ManageFeatureFlag'], workspace: { from: 'query.env', as: 'environment', role: 'member' } },
    },
    { id: 'manage-tokens', match: { methods: ['PATCH'], path: READ }, require: { scopes: ['tokens:manage'] } },
  ]);
});
afterAll(() => harness.stop());

/** olga owns, adam administers, dora develops, mike is a plain member. */
async function freshOrganization(): Promise<string> {
  org = `fb${count++}`;
  await harness.organization(org, 'team', { olga: 'owner', adam: 'administrator', dora: 'developer', mike: 'member' });
  return org;
}
const refusal = async (token: string, method = 'GET') => {
  const answer = await harness.request(token, READ, method);
  return { status: answer.status, body: (await answer.json()) as unknown };
};
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const read = (token: string) => harness.status(token, READ);
const write = (token: string) => harness.status(token, READ, 'POST');

describe('under policies/featbit.yaml', () => {
  it('FEATBIT-2 only the creator ever sees the value; administrators delete, but never view', async () => {
    await freshOrganization();
    const { id, token } = await harness.mint(org, 'dora', {});
    for (const viewer of ['olga', 'adam', 'dora']) {
      const shown = JSON.stringify([
        await harness.must(org, 'GET', `/tokens/${id}`, undefined, viewer),
        await harness.must(org, 'GET', '/tokens', undefined, viewer),
      ]);
      expect(shown).toContain(id);
      expect(shown).not.toContain(token.slice(9));
    }
    expect((await harness.call(org, 'POST', `/tokens/${id}/rotate`, {}, 'adam')).status).toBe(403);
    expect((await harness.call(org, 'GET', `/tokens/${id}`, undefined, 'mike')).status).toBe(404);
    expect((await harness.call(org, 'DELETE', `/tokens/${id}`, undefined, 'adam')).status).toBe(200);
    expect(await read(token)).toBe(401);
  });

  it('FEATBIT-3 a token can be limited to reading', async () => {
    await freshOrganization();
    const { token } = await harness.mint(org, 'dora', { scopes: ['flags:read'] });
    expect([await read(token), await write(token)]).toEqual([200, 403]);
  });

  it('FEATBIT-5 X-7 a personal token goes with its member, a service token does not depend on its creator', async () => {
    await freshOrganization();
    const personal = await harness.mint(org, 'dora', { kind: 'personal' });
    const service = await harness.mint(org, 'dora', { kind: 'service', scopes: ['flags:read'] });
    await harness.must(org, 'DELETE', '/members/dora');
    expect([await read(personal.token), await read(service.token)]).toEqual([403, 200]);
  });

  it('FEATBIT-6 a personal token may do what its creator may do, and never more', async () => {
    await freshOrganization();
    const { token } = await harness.mint(org, 'dora', {});
    expect([await read(token), await write(token), await harness.status(token, READ, 'DELETE')]).toEqual([
      200, 200, 403,
    ]);
    expect(await harness.ask(org, 'dora', { scopes: ['members:write'] })).toMatchObject({
      status: 422,
      body: { code: 'scope_exceeds_owner' },
    });
  });

  it("FEATBIT-7 X-1 when the creator's permissions shrink, the token's shrink with them, and the answer is Forbidden", async () => {
    await freshOrganization();
    const { token } = await harness.mint(org, 'dora', { scopes: ['flags:write'] });
    expect(await write(token)).toBe(200);
    await harness.must(org, 'PATCH', '/members/dora', { role: 'member' });
    expect(await refusal(token, 'POST')).toEqual({ status: 403, body: FORBIDDEN });
    await harness.must(org, 'PATCH', '/members/dora', { role: 'developer' });
    expect(await write(token)).toBe(200);
  });

  it('FEATBIT-8 a member who is removed loses their personal tokens, for good, as the preview said', async () => {
    await freshOrganization();
    const personal = await harness.mint(org, 'dora', {});
    const service = await harness.mint(org, 'dora', { kind: 'service', scopes: ['flags:read'] });
    const preview = await harness.must(org, 'DELETE', '/members/dora?dryRun=true');
    expect(preview).toMatchObject({
      dryRun: true,
      cascade: { deactivatedTokens: [personal.id], keptTokens: [service.id] },
    });
    expect(await read(personal.token)).toBe(200);
    expect((await harness.must(org, 'DELETE', '/members/dora')).cascade).toEqual(preview.cascade);
    expect(await refusal(personal.token)).toEqual({ status: 403, body: FORBIDDEN });
    await harness.must(org, 'PUT', '/members/dora', { name: 'Dora again', role: 'owner' });
    expect(await read(personal.token)).toBe(403);
    expect((await harness.call(org, 'POST', `/tokens/${personal.id}/activate`)).status).toBe(409);
  });

  it("FEATBIT-10 a service token cannot exceed its creator's own permissions", async () => {
    await freshOrganization();
    expect((await harness.ask(org, 'dora', { kind: 'service', scopes: ['members:write'] })).status).toBe(422);
    expect((await harness.ask(org, 'dora', { kind: 'service', scopes: ['flags:write'] })).status).toBe(201);
  });

  it("FEATBIT-10 one without workspaces has its creator's role of that moment in each workspace of that moment, and none in later ones", async () => {
    await freshOrganization();
    for (const id of ['ours', 'theirs']) await harness.workspace(org, id, id === 'ours' ? 'dora' : 'olga');
    const asked = { kind: 'service', scopes: ['flags:read'] };
    const tokens = [await harness.mint(org, 'olga', asked), await harness.mint(org, 'dora', asked)];
    const listed = await harness.mint(org, 'dora', { ...asked, workspaces: ['ours', 'theirs'] });
    const seen = async (workspace: string) =>
      Promise.all(
        [...tokens, listed].map(async ({ token }) => {
          const answer = await harness.request(token, `/api/v1/workflows?ws=${workspace}`);
          return answer.ok ? ((await answer.json()) as { caller: { role: string } }).caller.role : answer.status;
        }),
      );
    await harness.workspace(org, 'later', 'dora');
    for (const change of [
      null,
      ['PATCH', '/members/olga', { role: 'member' }],
      ['PUT', '/workspaces/theirs/assignments/members/dora', { role: 'admin' }],
      ['DELETE', '/members/dora', undefined],
    ] as const) {
      if (change !== null) await harness.must(org, change[0], change[1], change[2]);
      expect(await seen('ours')).toEqual(['admin', 'admin', 'admin']);
      expect(await seen('theirs')).toEqual(['admin', 'member', 'member']);
      expect(await seen('later')).toEqual([403, 403, 403]);
    }
  });

  it('FEATBIT-11 X-5 its permissions are fixed for ever: not edited, not touched by changes to its creator', async () => {
    await freshOrganization();
    const { id, token } = await harness.mint(org, 'dora', { kind: 'service', scopes: ['flags:write'] });
    expect((await harness.call(org, 'PATCH', `/tokens/${id}`, { scopes: ['flags:read'] }, 'dora')).status).toBe(422);
    await harness.must(org, 'PATCH', '/members/dora', { role: 'member' });
    expect(await write(token)).toBe(200);
  });

  it('FEATBIT-12 the kind is personal unless service is chosen', async () => {
    await freshOrganization();
    const { id } = await harness.mint(org, 'dora', {});
    expect(await harness.must(org, 'GET', `/tokens/${id}`)).toMatchObject({ kind: 'personal' });
  });

  it('FEATBIT-13 is shown once, right after creation', async () => {
    await freshOrganization();
    const { id, token } = await harness.mint(org, 'dora', {});
    expect(JSON.stringify(await harness.must(org, 'GET', `/tokens/${id}`, undefined, 'dora'))).not.toContain(
      token.slice(9),
    );
  });

  it('FEATBIT-14 permissions are required for service, optional for personal: left out, whatever the owner may do, live', async () => {
    await freshOrganization();
    expect(await harness.ask(org, 'dora', { kind: 'service' })).toMatchObject({
      status: 422,
      body: { field: 'scopes' },
    });
    for (const kind of ['personal', 'service'])
      expect(await harness.ask(org, 'dora', { kind, scopes: [] }), 'none at all').toMatchObject({
        status: 422,
        body: { code: 'scopes_required', field: 'scopes' },
      });
    expect(await harness.ask(org, 'olga', { kind: 'service', scopes: ['tokens:manage'] })).toMatchObject({
      status: 422,
      body: { field: 'scopes' },
    });
    const { token } = await harness.mint(org, 'mike-promoted', {}).catch(() => ({ token: '' }));
    expect(token).toBe('');
    const follows = await harness.mint(org, 'dora', {});
    await harness.must(org, 'PATCH', '/members/dora', { scopes: ['flags:read'] });
    expect([await read(follows.token), await write(follows.token)]).toEqual([200, 403]);
  });

  it('a token manages tokens only where it was given that by name: following its owner it does not, for upstream and sidecar alike', async () => {
    await freshOrganization();
    const follows = await harness.mint(org, 'olga', {});
    const manages = await harness.mint(org, 'olga', { scopes: ['flags:read', 'tokens:manage'] });
    const announced = async (token: string) => {
      const { caller } = (await (await harness.request(token, READ)).json()) as { caller: { scopes: string } };
      return caller.scopes.split(' ');
    };
    const managing = async (token: string) =>
      (await harness.gateway.admin('GET', `/v1/organizations/${org}/tokens`, undefined, bearer(token))).status;
    expect(await announced(follows.token)).toEqual(expect.arrayContaining(['flags:read', 'members:write']));
    expect(await announced(follows.token)).not.toContain('tokens:manage');
    expect([await harness.status(follows.token, READ, 'PATCH'), await managing(follows.token)]).toEqual([403, 401]);
    expect(await announced(manages.token)).toEqual(['flags:read', 'tokens:manage']);
    expect(await harness.status(manages.token, READ, 'PATCH')).not.toBe(403);
    expect(await managing(manages.token)).toBe(200);
  });

  it('FEATBIT-15 afterwards the name alone can be edited, and it can be activated, deactivated and deleted', async () => {
    await freshOrganization();
    const { id, token } = await harness.mint(org, 'dora', {});
    expect(await harness.must(org, 'PATCH', `/tokens/${id}`, { name: 'renamed' }, 'dora')).toMatchObject({
      name: 'renamed',
    });
    for (const patch of [
      { description: 'x' },
      { scopes: ['flags:read'] },
      { workspaces: 'all' },
      { expiresAt: null },
      { contacts: null },
    ]) {
      expect((await harness.call(org, 'PATCH', `/tokens/${id}`, patch, 'dora')).status, JSON.stringify(patch)).toBe(
        422,
      );
    }
    await harness.must(org, 'POST', `/tokens/${id}/deactivate`, undefined, 'dora');
    expect(await read(token)).toBe(403);
    await harness.must(org, 'POST', `/tokens/${id}/activate`, undefined, 'dora');
    expect(await read(token)).toBe(200);
    await harness.must(org, 'DELETE', `/tokens/${id}`, undefined, 'dora');
    expect(await read(token)).toBe(401);
  });

  it('FEATBIT-16 X-2 X-9 works only while active: otherwise the call is Forbidden, at once', async () => {
    await freshOrganization();
    const { id, token } = await harness.mint(org, 'dora', {});
    await harness.must(org, 'POST', `/tokens/${id}/deactivate`);
    expect(await refusal(token)).toEqual({ status: 403, body: FORBIDDEN });
  });

  it('FEATBIT-17 X-3 removal cannot be undone', async () => {
    await freshOrganization();
    const { id, token } = await harness.mint(org, 'dora', {});
    await harness.must(org, 'DELETE', `/tokens/${id}`);
    expect((await harness.call(org, 'POST', `/tokens/${id}/activate`)).status).toBe(404);
    expect(await read(token)).toBe(401);
  });

  it('FEATBIT-18 X-8 owners, administrators and developers may create tokens; plain members may not', async () => {
    await freshOrganization();
    for (const [member, status] of [
      ['olga', 201],
      ['adam', 201],
      ['dora', 201],
      ['mike', 403],
    ] as const) {
      expect((await harness.ask(org, member, {})).status, member).toBe(status);
      expect((await harness.ask(org, member, { kind: 'service', scopes: ['flags:read'] })).status, member).toBe(status);
    }
  });

  it('FEATBIT-19 knows three actions for it', async () => {
    await freshOrganization();
    const actions = ['ListAccessTokens', 'ManagePersonalAccessTokens', 'ManageServiceAccessTokens'];
    await harness.must(org, 'PATCH', '/members/mike', { actions });
    expect((await harness.ask(org, 'mike', {})).status).toBe(201);
    expect((await harness.call(org, 'PATCH', '/members/mike', { actions: ['ManageEverything'] })).status).toBe(422);
  });

  it('FEATBIT-7 FEATBIT-20 a policy that denies ManageFeatureFlag is in force with the next request, attached to a member or to a group', async () => {
    await freshOrganization();
    await harness.workspace(org, `p-${org}`, 'olga');
    await harness.must(org, 'PUT', `/workspaces/p-${org}/environments/prod-${org}`, { name: 'production' });
    const personal = await harness.mint(org, 'dora', {});
    const service = await harness.mint(org, 'dora', { kind: 'service', scopes: ['flags:write'] });
    const change = async (env: string, { token } = personal) => {
      const answer = await harness.request(token, `${READ}?env=${env}-${org}`, 'PUT');
      return answer.status === 403 ? ((await answer.json()) as unknown) : 'passed';
    };
    const live = `env_p`;
    expect([await change(live), await change('prod')]).toEqual(['passed', 'passed']);
    const statements = [{ effect: 'deny', actions: ['ManageFeatureFlag'], resources: ['project/*:env/prod-*'] }];
    await harness.must(org, 'PUT', '/iam-policies/no-prod', { name: 'Not in production', statements });
    await harness.must(org, 'PUT', '/teams/devs', { name: 'Developers', members: ['dora'] });
    for (const holder of ['members/dora', 'teams/devs']) {
      await harness.must(org, 'PUT', `/iam-policies/no-prod/attachments/${holder}`);
      expect([await change(live), await change('prod')], holder).toEqual(['passed', FORBIDDEN]);
      expect(await change('prod', service), 'what was fixed stays').toBe('passed');
      await harness.must(org, 'DELETE', `/iam-policies/no-prod/attachments/${holder}`);
      expect(await change('prod')).toBe('passed');
    }
    const question = { organization: org, tokenId: personal.id, method: 'PUT', url: `${READ}?env=prod-${org}` };
    await harness.must(org, 'PUT', '/iam-policies/no-prod/attachments/teams/devs');
    expect((await harness.gateway.admin('POST', '/v1/explain', question)).body).toMatchObject({
      reason: 'scope_missing',
      checks: expect.arrayContaining([
        expect.objectContaining({ name: 'scopes', values: expect.objectContaining({ policiesAllow: [] }) }),
      ]),
      fix: null,
    });
    expect((await harness.call(org, 'DELETE', '/iam-policies/no-prod')).body).toMatchObject({
      code: 'policy_attached',
    });
    const { items } = await harness.must(org, 'GET', '/audit-events');
    expect(items.map(({ action }: { action: string }) => action)).toContain('iam-policy.created');
  });

  it('FEATBIT-10 FEATBIT-18 a policy gives a member an action in one project: their own tokens have it there, a service token never', async () => {
    await freshOrganization();
    for (const project of ['web', 'app']) {
      await harness.workspace(org, `${project}-${org}`, 'olga');
    }
    const statements = [{ effect: 'allow', actions: ['ManageFeatureFlag'], resources: [`project/web-${org}`] }];
    await harness.must(org, 'PUT', '/iam-policies/web', { name: 'Web', statements });
    await harness.must(org, 'PUT', '/iam-policies/web/attachments/members/mike');
    await harness.must(org, 'PATCH', '/members/mike', {
      actions: ['ManagePersonalAccessTokens', 'ManageServiceAccessTokens'],
    });
    const { token } = await harness.mint(org, 'mike', { scopes: ['flags:write'] });
    const change = (project: string) => harness.status(token, `${READ}?env=env_${project}-${org}`, 'PUT');
    expect(await change('app')).toBe(403);
    expect(await change('web')).not.toBe(403);
    expect(await harness.ask(org, 'mike', { kind: 'service', scopes: ['flags:write'] })).toMatchObject({
      status: 422,
      body: { code: 'scope_exceeds_owner' },
    });
  });

  it('FEATBIT-19 FEATBIT-20 policies add and remove the actions on access tokens', async () => {
    await freshOrganization();
    const policy = (id: string, effect: string, action: string) =>
      harness.must(org, 'PUT', `/iam-policies/${id}`, {
        name: id,
        statements: [{ effect, actions: [action], resources: ['access-token/*'] }],
      });
    await policy('no-own', 'deny', 'ManagePersonalAccessTokens');
    await policy('own', 'allow', 'ManagePersonalAccessTokens');
    expect((await harness.ask(org, 'mike', {})).status).toBe(403);
    await harness.must(org, 'PUT', '/iam-policies/own/attachments/members/mike');
    expect((await harness.ask(org, 'mike', {})).status).toBe(201);
    expect((await harness.ask(org, 'dora', {})).status).toBe(201);
    await harness.must(org, 'PUT', '/iam-policies/no-own/attachments/members/dora');
    expect((await harness.ask(org, 'dora', {})).status).toBe(403);
  });

  it('FEATBIT-20 nobody gives by a policy what they do not have, nor changes what holds for themselves', async () => {
    await freshOrganization();
    const all = [{ effect: 'allow', actions: ['*'], resources: ['*'] }];
    await harness.must(org, 'PATCH', '/members/adam', { scopes: ['flags:read'] });
    const asAdam = (method: string, path: string, body?: unknown) => harness.call(org, method, path, body, 'adam');
    expect((await asAdam('PUT', '/iam-policies/all', { name: 'All', statements: all })).status).toBe(403);
    await harness.must(org, 'PUT', '/iam-policies/all', { name: 'All', statements: all }, 'olga');
    expect((await asAdam('PUT', '/iam-policies/all/attachments/members/mike')).status).toBe(403);
    expect(
      (await harness.call(org, 'PUT', '/iam-policies/all/attachments/members/olga', undefined, 'olga')).status,
    ).toBe(403);
    expect((await harness.call(org, 'GET', '/iam-policies', undefined, 'dora')).status).toBe(403);
    const odd = [{ effect: 'allow', actions: ['*'], resources: ['a//b'] }];
    expect(await harness.call(org, 'PUT', '/iam-policies/odd', { name: 'Odd', statements: odd })).toMatchObject({
      status: 422,
      body: { code: 'resource_invalid' },
    });
  });

  it('FEATBIT-20 adding and removing an action restricts who may create, manage and list, each by itself', async () => {
    await freshOrganization();
    const other = await harness.mint(org, 'olga', {});
    await harness.must(org, 'PATCH', '/members/dora', { actions: ['ManagePersonalAccessTokens'] });
    const mine = await harness.mint(org, 'dora', {});
    expect((await harness.ask(org, 'dora', { kind: 'service', scopes: ['flags:read'] })).status).toBe(403);
    expect(
      (await harness.must(org, 'GET', '/tokens', undefined, 'dora')).items.map((token: { id: string }) => token.id),
    ).toEqual([mine.id]);
    await harness.must(org, 'PATCH', '/members/dora', { actions: ['ListAccessTokens'] });
    expect(
      (await harness.must(org, 'GET', '/tokens', undefined, 'dora')).items
        .map((token: { id: string }) => token.id)
        .sort(),
    ).toEqual([mine.id, other.id].sort());
    expect((await harness.call(org, 'POST', `/tokens/${mine.id}/deactivate`, undefined, 'dora')).status).toBe(403);
    expect((await harness.call(org, 'DELETE', `/tokens/${mine.id}`, undefined, 'dora')).status).toBe(403);
    // Our own: no document speaks of revoking, and what leaked can be ended by whose it is.
    expect((await harness.call(org, 'POST', `/tokens/${other.id}/revoke`, undefined, 'dora')).status).toBe(403);
    expect((await harness.call(org, 'POST', `/tokens/${mine.id}/revoke`, undefined, 'dora')).status).toBe(200);
    expect((await harness.ask(org, 'dora', {})).status).toBe(403);
  });
});
