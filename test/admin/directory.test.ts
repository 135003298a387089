/** Organizations, members, teams, workspaces and what stands in them, over HTTP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PERSONAL, SERVICE, type Sidecar, settle, startSidecar } from './sidecar.ts';

let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await startSidecar();
  await settle(sidecar);
});
afterAll(() => sidecar.stop());

const call: Sidecar['call'] = (...args) => sidecar.call(...args);
const ok: Sidecar['ok'] = (...args) => sidecar.ok(...args);
const revision = expect.any(Number) as number;

describe.each([
  {
    what: 'an organization',
    path: '/v1/organizations/fresh',
    input: { name: 'Fresh', edition: 'enterprise' },
    shown: { id: 'fresh', name: 'Fresh', edition: 'enterprise', enterprise: null },
    next: { name: 'Renamed', edition: 'enterprise' },
    nextShown: { id: 'fresh', name: 'Renamed', edition: 'enterprise', enterprise: null },
  },
  {
    what: 'a member',
    path: '/v1/organizations/acme/members/cid',
    input: { name: 'Cid', role: 'member', email: 'cid@example.com', scopes: ['bot:read'], actions: ['ListTokens'] },
    shown: {
      ...{ id: 'cid', name: 'Cid', role: 'member', email: 'cid@example.com' },
      ...{ scopes: ['bot:read'], actions: ['ListTokens'], teams: [], policies: [] },
    },
    next: { name: 'Cid', role: 'admin' },
    nextShown: {
      id: 'cid',
      name: 'Cid',
      role: 'admin',
      email: null,
      scopes: null,
      actions: null,
      teams: [],
      policies: [],
    },
  },
  {
    what: 'a team',
    path: '/v1/organizations/acme/teams/t9',
    input: { name: 'Nine', members: ['ann', 'bob', 'ann'] },
    shown: { id: 't9', name: 'Nine', members: ['ann', 'bob'], policies: [] },
    next: { name: 'Nine', members: [] },
    nextShown: { id: 't9', name: 'Nine', members: [], policies: [] },
  },
  {
    what: 'a workspace',
    path: '/v1/organizations/acme/workspaces/w9',
    input: { name: 'Nine', owner: 'bob' },
    shown: { id: 'w9', name: 'Nine', owner: 'bob' },
    next: { name: 'Neuf', owner: 'bob' },
    nextShown: { id: 'w9', name: 'Neuf', owner: 'bob' },
  },
  {
    what: 'an environment',
    path: '/v1/organizations/acme/workspaces/w1/environments/e9',
    input: { name: 'Live' },
    shown: { id: 'e9', name: 'Live', workspace: 'w1' },
    next: { name: 'Test' },
    nextShown: { id: 'e9', name: 'Test', workspace: 'w1' },
  },
  {
    what: 'a resource',
    path: '/v1/organizations/acme/workspaces/w1/resources/bot/b9',
    input: { owner: 'ann', collaborators: ['bob', 'bob'] },
    shown: { type: 'bot', id: 'b9', owner: 'ann', collaborators: ['bob'] },
    next: { owner: 'bob', collaborators: [] },
    nextShown: { type: 'bot', id: 'b9', owner: 'bob', collaborators: [] },
  },
  {
    what: 'an assignment of a member',
    path: '/v1/organizations/acme/workspaces/w3/assignments/members/bob',
    input: { role: 'member' },
    shown: { role: 'member' },
    next: { role: 'admin' },
    nextShown: { role: 'admin' },
  },
])('$what', ({ path, input, shown, next, nextShown }) => {
  it('is made, read, replaced and deleted', async () => {
    expect(await call('GET', path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    const made = await call('PUT', path, input);
    expect([made.status, made.body]).toEqual([201, { ...shown, revision }]);
    const read = await call('GET', path);
    expect([read.status, read.body]).toEqual([200, shown]);
    const replaced = await call('PUT', path, next);
    expect([replaced.status, replaced.body]).toEqual([200, { ...nextShown, revision }]);
    expect(replaced.body.revision).toBeGreaterThan(made.body.revision as number);
    expect((await call('GET', path)).body).toEqual(nextShown);
    const deleted = await call('DELETE', path);
    expect(deleted).toMatchObject({ status: 200, body: { revision } });
    expect((await call('GET', path)).status).toBe(404);
    expect(await call('DELETE', path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect((await call('PUT', path, input)).status).toBe(201);
    await ok('DELETE', path);
  });
});

it('an assignment of a team is made, read, replaced and deleted', async () => {
  await ok('PUT', '/teams/crew', { name: 'Crew', members: ['ann'] });
  const path = '/workspaces/w4/assignments/teams/crew';
  expect((await call('GET', path)).status).toBe(404);
  expect(await call('PUT', path, { role: 'admin' })).toMatchObject({ status: 201, body: { role: 'admin' } });
  expect(await call('PUT', path, { role: 'member' })).toMatchObject({ status: 200, body: { role: 'member' } });
  expect((await call('GET', path)).body).toEqual({ role: 'member' });
  await ok('DELETE', path);
  expect((await call('GET', path)).status).toBe(404);
});

it('every answer to a change carries a revision that is greater than all before it', async () => {
  const revisions: number[] = [];
  for (const [method, path, body] of [
    ['PUT', '/members/rev', { name: 'Rev', role: 'member' }],
    ['PATCH', '/members/rev', { name: 'Rev 2' }],
    ['PUT', '/v1/organizations/other', { name: 'Other', edition: 'team' }],
    ['DELETE', '/v1/organizations/other', undefined],
    ['DELETE', '/members/rev', undefined],
  ] as const)
    revisions.push((await ok(method, path, body)).revision as number);
  expect(revisions).toEqual([...revisions].sort((left, right) => left - right));
  expect(new Set(revisions).size).toBe(revisions.length);
});

describe('PATCH is a merge-patch', () => {
  it('of a member', async () => {
    await ok('PUT', '/members/pat', { name: 'Pat', role: 'member', email: 'pat@team.example', scopes: ['bot:read'] });
    expect(await ok('PATCH', '/members/pat', { name: 'Patty' })).toMatchObject({
      ...{ name: 'Patty', role: 'member', email: 'pat@team.example', scopes: ['bot:read'] },
    });
    expect(await ok('PATCH', '/members/pat', { email: null, scopes: null })).toMatchObject({
      email: null,
      scopes: null,
    });
    expect((await ok('GET', '/members/pat')).name).toBe('Patty');
    expect((await call('PATCH', '/members/nobody', { name: 'x' })).status).toBe(404);
    expect((await call('PATCH', '/members/pat', { role: 'king' })).body).toMatchObject({
      code: 'role_unknown',
      field: 'role',
    });
  });

  it('of a workspace', async () => {
    await ok('PUT', '/workspaces/wp', { name: 'before', owner: 'ann' });
    expect(await ok('PATCH', '/workspaces/wp', {})).toMatchObject({ name: 'before', owner: 'ann' });
    expect(await ok('PATCH', '/workspaces/wp', { name: 'after' })).toMatchObject({ name: 'after', owner: 'ann' });
    expect((await call('PATCH', '/workspaces/nowhere', { name: 'x' })).status).toBe(404);
  });

  it('may be sent as one', async () => {
    const headers = { 'content-type': 'application/merge-patch+json' };
    const sent = await sidecar.send('PATCH', '/v1/organizations/acme/workspaces/w1', {
      body: '{"name":"One"}',
      headers,
    });
    expect(sent).toMatchObject({ status: 200, body: { name: 'One' } });
  });
});

describe('conflicts are told as such', () => {
  it('an edition never changes', async () => {
    expect(await call('PUT', '', { name: 'Acme', edition: 'enterprise' })).toMatchObject({
      status: 409,
      body: { code: 'edition_fixed', status: 409 },
    });
  });

  it('a workspace’s owner does not change in passing', async () => {
    expect(await call('PUT', '/workspaces/w1', { name: 'w1', owner: 'bob' })).toMatchObject({
      status: 409,
      body: { code: 'owner_fixed' },
    });
  });

  it('ids of environments and resources are unique in the organization', async () => {
    await ok('PUT', '/workspaces/w1/environments/once', { name: 'x' });
    await ok('PUT', '/workspaces/w1/resources/bot/once', { owner: 'ann', collaborators: [] });
    expect(await call('PUT', '/workspaces/w2/environments/once', { name: 'x' })).toMatchObject({
      status: 409,
      body: { code: 'id_taken' },
    });
    expect(await call('PUT', '/workspaces/w2/resources/bot/once', { owner: 'ann', collaborators: [] })).toMatchObject({
      status: 409,
      body: { code: 'id_taken' },
    });
    expect(
      (await call('PUT', '/workspaces/w2/resources/prompt/once', { owner: 'ann', collaborators: [] })).status,
    ).toBe(201);
    expect((await call('GET', '/workspaces/w2/environments/once')).status).toBe(404);
    expect((await call('DELETE', '/workspaces/w2/environments/once')).status).toBe(404);
    expect((await call('GET', '/workspaces/w2/resources/bot/once')).status).toBe(404);
    expect((await call('DELETE', '/workspaces/w2/resources/bot/once')).status).toBe(404);
  });
});

describe('what does not fit the policy or the directory', () => {
  it.each([
    ['PUT', '/members/x', { name: 'X', role: 'owner' }, 422, 'role_unknown', 'role'],
    ['PUT', '/members/x', { name: 'X', role: 'constructor' }, 422, 'role_unknown', 'role'],
    ['PUT', '/members/x', { name: 'X', role: 'member', scopes: ['bot:fly'] }, 422, 'scope_unknown', 'scopes'],
    ['PUT', '/teams/x', { name: 'X', members: ['ann', 'nobody'] }, 422, 'member_unknown', 'members'],
    ['PUT', '/workspaces/x', { name: 'X', owner: 'nobody' }, 422, 'owner_unknown', 'owner'],
  ])('%s %s %j answers %d %s', async (method, path, body, status, code, field) => {
    expect(await call(method, path, body)).toMatchObject({ status, body: { status, code, field } });
    expect((await call('GET', path)).status).toBe(404);
  });

  it.each([
    ['PUT', '/v1/organizations/nowhere/members/x', { name: 'X', role: 'member' }],
    ['GET', '/v1/organizations/nowhere', undefined],
    ['DELETE', '/v1/organizations/nowhere', undefined],
    ['GET', '/v1/organizations/nowhere/members/ann', undefined],
    ['PATCH', '/v1/organizations/nowhere/members/ann', {}],
    ['GET', '/v1/organizations/nowhere/teams/x', undefined],
    ['GET', '/v1/organizations/nowhere/workspaces/w1', undefined],
    ['GET', '/v1/organizations/nowhere/tokens', undefined],
    ['POST', '/v1/organizations/nowhere/tokens', PERSONAL],
    ['PUT', '/workspaces/nowhere/environments/x', { name: 'X' }],
    ['PUT', '/workspaces/nowhere/resources/bot/x', { owner: 'ann', collaborators: [] }],
    ['PUT', '/workspaces/nowhere/assignments/members/ann', { role: 'member' }],
    ['PUT', '/workspaces/w1/assignments/members/nobody', { role: 'member' }],
    ['PUT', '/workspaces/w1/assignments/teams/nobody', { role: 'member' }],
    ['GET', '/workspaces/w1/assignments/members/nobody', undefined],
    ['DELETE', '/workspaces/w1/assignments/members/bob', undefined],
    ['GET', '/members/constructor', undefined],
    ['GET', '/members/a%2Fb', undefined],
    ['GET', '/v1/organizations/acme%2Fmembers', undefined],
  ] as const)('%s %s names an id that is not there: 404', async (method, path, body) => {
    expect(await call(method, path, body)).toMatchObject({ status: 404, body: { code: 'not_found', status: 404 } });
  });
});

describe('a resource', () => {
  it.each([
    [{ owner: 'nobody', collaborators: [] }, 'owner_unknown', 'owner'],
    [{ owner: 'ann', collaborators: ['bob', 'nobody'] }, 'collaborator_unknown', 'collaborators'],
  ])('belongs to members and service accounts only: %j', async (input, code, field) => {
    const answer = await call('PUT', '/workspaces/w1/resources/bot/stray', input);
    expect(answer).toMatchObject({ status: 422, body: { code, field } });
    expect(answer.body.detail).toMatch(/must be members or service accounts .*"nobody"/);
    expect((await call('GET', '/workspaces/w1/resources/bot/stray')).status).toBe(404);
  });
});

describe('ids', () => {
  it.each(['a', '0', 'A.b_c@d|e-f', 'constructor', 'a'.repeat(128), 'user@example.com', 'toString', 'everything'])(
    '%s is one, and is found as it was written',
    async (id) => {
      const path = `/members/${encodeURIComponent(id)}`;
      expect((await call('PUT', path, { name: 'X', role: 'member' })).status).toBe(201);
      expect((await call('GET', path)).body.id).toBe(id);
      await ok('DELETE', path);
    },
  );

  it.each(['a'.repeat(129), '_a', '.a', '-a', 'a b', 'a/b', 'a%b', 'é', 'a\n', 'a,b', '*', '__proto__'])(
    '%j is none',
    async (id) => {
      const path = `/members/${encodeURIComponent(id)}`;
      expect(await call('PUT', path, { name: 'X', role: 'member' })).toMatchObject({
        status: 400,
        body: { code: 'invalid_id', field: 'id' },
      });
    },
  );

  it('differ by case', async () => {
    await ok('PUT', '/members/case', { name: 'lower', role: 'member' });
    await ok('PUT', '/members/CASE', { name: 'upper', role: 'member' });
    expect((await ok('GET', '/members/case')).name).toBe('lower');
  });

  it('of every kind are checked', async () => {
    const bad = '-x';
    for (const [path, body, field] of [
      [`/v1/organizations/${bad}`, { name: 'x', edition: 'team' }, 'org'],
      [`/teams/${bad}`, { name: 'x', members: [] }, 'id'],
      [`/workspaces/${bad}`, { name: 'x', owner: 'ann' }, 'id'],
      [`/workspaces/w1/environments/${bad}`, { name: 'x' }, 'id'],
      [`/workspaces/w1/resources/bot/${bad}`, { owner: 'ann', collaborators: [] }, 'id'],
      [`/workspaces/w1/resources/${bad}/x`, { owner: 'ann', collaborators: [] }, 'type'],
    ] as const)
      expect(await call('PUT', path, body), path).toMatchObject({ status: 400, body: { code: 'invalid_id', field } });
  });
});

describe('teams and members keep in step', () => {
  it('joining and leaving shows on both sides', async () => {
    await ok('PUT', '/members/dan', { name: 'Dan', role: 'member' });
    await ok('PUT', '/teams/blue', { name: 'Blue', members: ['dan', 'ann'] });
    expect((await ok('GET', '/members/dan')).teams).toEqual(['blue']);
    await ok('PUT', '/teams/blue', { name: 'Blue', members: ['ann'] });
    expect((await ok('GET', '/members/dan')).teams).toEqual([]);
    await ok('PUT', '/teams/blue', { name: 'Blue', members: ['dan'] });
    await ok('PUT', '/members/dan', { name: 'Dan', role: 'admin' });
    expect((await ok('GET', '/members/dan')).teams).toEqual(['blue']);
    await ok('DELETE', '/members/dan');
    expect((await ok('GET', '/teams/blue')).members).toEqual([]);
    await ok('PUT', '/members/dan', { name: 'Dan', role: 'member' });
    expect((await ok('GET', '/members/dan')).teams).toEqual([]);
  });

  it('deleting a team takes it from its members, and a new one of the same id starts empty', async () => {
    await ok('PUT', '/teams/red', { name: 'Red', members: ['ann'] });
    await ok('PUT', '/workspaces/w4/assignments/teams/red', { role: 'admin' });
    await ok('DELETE', '/teams/red');
    expect((await ok('GET', '/members/ann')).teams).not.toContain('red');
    await ok('PUT', '/teams/red', { name: 'Red', members: ['ann'] });
    expect((await call('GET', '/workspaces/w4/assignments/teams/red')).status).toBe(404);
  });

  it('a member who leaves loses every assignment, even when the id returns', async () => {
    await ok('PUT', '/members/eve', { name: 'Eve', role: 'member' });
    await ok('PUT', '/workspaces/w4/assignments/members/eve', { role: 'admin' });
    await ok('DELETE', '/members/eve');
    await ok('PUT', '/members/eve', { name: 'Eve', role: 'member' });
    expect((await call('GET', '/workspaces/w4/assignments/members/eve')).status).toBe(404);
  });
});

describe('deleting a workspace', () => {
  it('takes all that stood in it, and a new one of the same id is nobody’s but its owner’s', async () => {
    await ok('PUT', '/workspaces/gone', { name: 'Gone', owner: 'ada' });
    await ok('PUT', '/teams/green', { name: 'Green', members: ['bob'] });
    await ok('PUT', '/workspaces/gone/environments/env-gone', { name: 'x' });
    await ok('PUT', '/workspaces/gone/resources/bot/bot-gone', { owner: 'ann', collaborators: [] });
    await ok('PUT', '/workspaces/gone/assignments/members/bob', { role: 'admin' });
    await ok('PUT', '/workspaces/gone/assignments/teams/green', { role: 'admin' });
    const both = await ok('POST', '/tokens', { ...SERVICE, workspaces: ['a1', 'gone'] });
    const one = await ok('POST', '/tokens', { ...PERSONAL, owner: 'ada', workspaces: ['gone'] });
    await ok('DELETE', '/workspaces/gone');
    expect((await ok('GET', `/tokens/${both.id}`)).workspaces).toEqual(['a1']);
    expect((await ok('GET', `/tokens/${one.id}`)).workspaces).toEqual([]);
    await ok('PUT', '/workspaces/gone', { name: 'Gone again', owner: 'bob' });
    expect((await ok('GET', `/tokens/${both.id}`)).workspaces).toEqual(['a1']);
    for (const below of [
      'environments/env-gone',
      'resources/bot/bot-gone',
      'assignments/members/bob',
      'assignments/teams/green',
    ])
      expect((await call('GET', `/workspaces/gone/${below}`)).status, below).toBe(404);
    expect((await call('PUT', '/workspaces/w1/environments/env-gone', { name: 'free again' })).status).toBe(201);
  });
});

it('deleting an organization leaves nothing behind, and its neighbours alone', async () => {
  const org = '/v1/organizations/doomed';
  const build = async () => {
    await ok('PUT', org, { name: 'Doomed', edition: 'team' });
    await ok('PUT', `${org}/members/ann`, { name: 'Ann', role: 'member' });
    await ok('PUT', `${org}/workspaces/w1`, { name: 'w1', owner: 'ann' });
  };
  await build();
  await ok('PUT', `${org}/teams/t`, { name: 't', members: ['ann'] });
  await ok('PUT', `${org}/workspaces/w1/environments/e`, { name: 'e' });
  await ok('PUT', `${org}/workspaces/w1/resources/bot/b`, { owner: 'ann', collaborators: [] });
  const token = await ok('POST', `${org}/tokens`, PERSONAL);
  await ok('DELETE', org);
  await build();
  for (const below of [
    'teams/t',
    'workspaces/w1/environments/e',
    'workspaces/w1/resources/bot/b',
    `tokens/${token.id}`,
  ])
    expect((await call('GET', `${org}/${below}`)).status, below).toBe(404);
  expect((await ok('GET', `${org}/tokens`)).items).toEqual([]);
  expect((await call('PUT', org, { name: 'Doomed', edition: 'team' })).status).toBe(200);
  expect((await ok('GET', '/members/ann')).id).toBe('ann');
});

it('organizations do not see into each other', async () => {
  await ok('PUT', '/v1/organizations/rival', { name: 'Rival', edition: 'team' });
  await ok('PUT', '/v1/organizations/rival/members/ann', { name: 'Another Ann', role: 'member' });
  const token = await ok('POST', '/tokens', PERSONAL);
  for (const below of ['workspaces/w1', 'members/bob', `tokens/${token.id}`])
    expect((await call('GET', `/v1/organizations/rival/${below}`)).status, below).toBe(404);
  expect((await call('POST', `/v1/organizations/rival/tokens/${token.id}/revoke`)).status).toBe(404);
  expect((await ok('GET', '/v1/organizations/rival/tokens')).items).toEqual([]);
  const strange = await call('POST', '/v1/organizations/rival/tokens', PERSONAL);
  expect(strange).toMatchObject({ status: 422, body: { code: 'workspace_unknown', field: 'workspaces' } });
});
