/** Who may do what at the sidecar: the operator, members by the actor header, members by their own managing token. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS, type Harness, startHarness, workflowsOf } from '../requirements/harness.ts';

let harness: Harness;

beforeAll(async () => {
  harness = await startHarness('coze');
  await harness.organization('acme', 'team', { sam: 'super_admin', ada: 'admin', ben: 'member', cat: 'member' });
  await harness.organization('other', 'team', { eve: 'super_admin' });
  await harness.workspace('acme', 'ws', 'ben');
  await harness.workspace('acme', 'ws2', 'ben');
});
afterAll(() => harness.stop());

const status = async (actor: string | undefined, method: string, path: string, body?: unknown, org = 'acme') =>
  (await harness.call(org, method, path, body, actor)).status;
const token = (more: object = {}) => ({
  name: 't',
  scopes: ['workflows:read'],
  workspaces: 'all',
  expiresInDays: 5,
  ...more,
});

describe('a member by the actor header', () => {
  it.each([
    ['a stranger reads nothing, not even whether the organization exists', 'eve', 'GET', '/tokens', undefined, 403],
    ['nobody creates organizations', 'sam', 'PUT', '', { name: 'x', edition: 'team' }, 403],
    ['a member does not manage members', 'ben', 'PUT', '/members/new', { name: 'n', role: 'member' }, 403],
    ['an administrator does', 'ada', 'PUT', '/members/new', { name: 'n', role: 'member' }, 201],
    ['but gives no role above their own', 'ada', 'PUT', '/members/new2', { name: 'n', role: 'super_admin' }, 403],
    ['nor touches somebody above them', 'ada', 'PATCH', '/members/sam', { name: 'n' }, 403],
    ['nor removes them', 'ada', 'DELETE', '/members/sam', undefined, 403],
    ['nobody changes their own rights', 'sam', 'PATCH', '/members/sam', { actions: ['ListTokens'] }, 403],
    ['everybody reads themselves', 'ben', 'GET', '/members/ben', undefined, 200],
    ['and not the others', 'ben', 'GET', '/members/cat', undefined, 403],
    ['a member makes a workspace of their own', 'cat', 'PUT', '/workspaces/cats', { name: 'c', owner: 'cat' }, 201],
    ["and not somebody else's", 'cat', 'PUT', '/workspaces/bens', { name: 'c', owner: 'ben' }, 403],
    ['a workspace is changed by its admins', 'ben', 'PATCH', '/workspaces/ws', { name: 'renamed' }, 200],
    ['not by the others', 'cat', 'PATCH', '/workspaces/ws', { name: 'mine' }, 403],
    ['nor given away by them', 'cat', 'POST', '/workspaces/ws/transfer', { owner: 'cat' }, 403],
    ['the audit trail: of others only what they did themselves', 'ben', 'GET', '/audit-events', undefined, 200],
    ['who may read it', 'ada', 'GET', '/audit-events', undefined, 200],
  ] as const)('%s', async (_name, actor, method, path, body, expected) => {
    expect(await status(actor, method, path, body)).toBe(expected);
  });

  it('nobody gives what they do not have: rights are compared, not the names of roles', async () => {
    const scopes = ['workflows:read'];
    const actions = ['ManagePersonalTokens'];
    await harness.organization('giving', 'team', { boss: 'super_admin', peer: 'admin', owen: 'member', pat: 'member' });
    await harness.must('giving', 'PUT', '/members/nia', { name: 'N', role: 'admin', scopes, actions });
    await harness.workspace('giving', 'ws', 'owen');
    await harness.must('giving', 'PUT', '/teams/crew', { name: 'C', members: [] });
    await harness.must('giving', 'PUT', '/workspaces/ws/assignments/teams/crew', { role: 'admin' });
    await harness.must('giving', 'PUT', '/workspaces/ws/resources/bot/b1', { owner: 'owen', collaborators: [] });
    const nia = async (method: string, path: string, body?: unknown) => {
      const answer = await harness.call('giving', method, path, body, 'nia');
      return answer.status < 300 ? 'done' : answer.body.code;
    };
    const more = { name: 'x', role: 'admin' };
    const refused: ReadonlyArray<readonly [string, string, unknown?]> = [
      ['PUT', '/members/second', more],
      ['PUT', '/members/second', { ...more, scopes, actions: ['ListTokens'] }],
      ['PUT', '/members/second', { ...more, scopes: ['workflows:write'], actions }],
      ['PATCH', '/members/pat', { role: 'admin' }],
      ['PATCH', '/members/pat', { actions: ['ManageServiceTokens'] }],
      ['PUT', '/workspaces/ws/assignments/members/nia', { role: 'admin' }],
      ['PUT', '/teams/crew', { name: 'C', members: ['nia'] }],
      ['POST', '/workspaces/ws/transfer', { owner: 'nia' }],
      ['DELETE', '/workspaces/ws'],
      ['PUT', '/workspaces/ws/resources/bot/b1', { owner: 'nia', collaborators: [] }],
      ['PUT', '/workspaces/ws/resources/bot/b1', { owner: 'owen', collaborators: ['nia'] }],
      ['DELETE', '/workspaces/ws/resources/bot/b1'],
      ['DELETE', '/workspaces/ws/environments/env_ws'],
    ];
    for (const [method, path, body] of refused)
      expect(await nia(method, path, body), `${method} ${path} ${JSON.stringify(body)}`).toBe('not_allowed');
    const allowed: ReadonlyArray<readonly [string, string, unknown?]> = [
      ['PUT', '/members/second', { ...more, scopes, actions }],
      ['PATCH', '/members/peer', { scopes: ['workflows:read', 'chat:read'] }],
      ['PUT', '/workspaces/ws/assignments/members/nia', { role: 'member' }],
      ['DELETE', '/workspaces/ws/assignments/teams/crew'],
      ['PUT', '/teams/crew', { name: 'C', members: ['nia'] }],
      ['PATCH', '/workspaces/ws', { name: 'renamed' }],
    ];
    for (const [method, path, body] of allowed)
      expect(await nia(method, path, body), `${method} ${path} ${JSON.stringify(body)}`).toBe('done');
  });

  it('creates tokens for nobody but themselves', async () => {
    expect(await status('ben', 'POST', '/tokens', token({ owner: 'cat' }))).toBe(403);
    expect(await status('ada', 'POST', '/tokens', token({ owner: 'ben' }))).toBe(403);
    const made = await harness.must('acme', 'POST', '/tokens', token(), 'ben');
    expect(made).toMatchObject({ ownerId: 'ben', createdBy: 'ben' });
  });

  it('sees their own tokens; administrators see and end all, and rotate and edit none', async () => {
    const mine = await harness.mint('acme', 'cat', token());
    const visible = async (actor: string) =>
      (await harness.must('acme', 'GET', '/tokens', undefined, actor)).items.map((item: { id: string }) => item.id);
    expect(await visible('ben')).not.toContain(mine.id);
    expect(await visible('ada')).toContain(mine.id);
    expect(await status('ben', 'GET', `/tokens/${mine.id}`)).toBe(404);
    expect(await status('ben', 'POST', `/tokens/${mine.id}/revoke`)).toBe(404);
    expect(await status('ada', 'PATCH', `/tokens/${mine.id}`, { name: 'x' })).toBe(403);
    expect(await status('ada', 'POST', `/tokens/${mine.id}/rotate`)).toBe(403);
    expect(await status('ada', 'POST', `/tokens/${mine.id}/revoke`)).toBe(200);
  });

  it('an actor header that means nothing is refused, and one without the admin key is nobody', async () => {
    expect((await harness.call('acme', 'GET', '/tokens', undefined, 'no/one')).status).toBe(400);
    const answer = await harness.gateway.admin('GET', '/v1/organizations/acme/tokens', undefined, {
      'Scopegate-Actor': 'sam',
      authorization: 'Bearer nonsense',
    });
    expect(answer.status).toBe(401);
  });
});

describe('a member by their own managing token', () => {
  const as = (text: string, method: string, path: string, body?: unknown) =>
    harness.gateway.admin(method, path.startsWith('/v1') ? path : `/v1/organizations/acme${path}`, body, {
      authorization: `Bearer ${text}`,
    });

  it('manages tokens within its own scopes, workspaces and expiry, and nothing else', async () => {
    const manager = await harness.mint(
      'acme',
      'ben',
      token({ scopes: ['tokens:manage', 'workflows:read'], workspaces: ['ws'] }),
    );
    const make = async (more: object) =>
      (await as(manager.token, 'POST', '/tokens', token({ workspaces: ['ws'], expiresInDays: 2, ...more }))).status;
    expect(await make({})).toBe(201);
    expect(await make({ scopes: ['workflows:write'] })).toBe(403);
    expect(await make({ workspaces: ['ws2'] })).toBe(403);
    expect(await make({ workspaces: 'all' })).toBe(403);
    expect(await make({ expiresInDays: 20 })).toBe(403);
    const wide = await harness.mint('acme', 'ben', token({ scopes: ['workflows:write'], workspaces: 'all' }));
    expect((await as(manager.token, 'POST', `/tokens/${wide.id}/rotate`)).status).toBe(403);
    expect((await as(manager.token, 'GET', '/v1/policy')).status).toBe(200);
    expect((await as(manager.token, 'GET', '/tokens')).status).toBe(200);
    expect((await as(manager.token, 'PUT', '/workspaces/mine', { name: 'm', owner: 'ben' })).status).toBe(403);
    expect((await as(manager.token, 'GET', '/v1/organizations/other/tokens')).status).toBe(403);
  });

  it('is nobody without the scope by name, once revoked, once expired, and once its owner has gone', async () => {
    const plain = await harness.mint('acme', 'ben', token());
    expect((await as(plain.token, 'GET', '/tokens')).status).toBe(401);
    const revoked = await harness.mint('acme', 'ben', token({ scopes: ['tokens:manage'] }));
    await harness.must('acme', 'POST', `/tokens/${revoked.id}/revoke`);
    expect((await as(revoked.token, 'GET', '/tokens')).status).toBe(401);
    const expired = await harness.mint('acme', 'ben', token({ scopes: ['tokens:manage'], expiresInDays: 1 }));
    harness.ahead(DAY_MS + 1000);
    expect((await as(expired.token, 'GET', '/tokens')).status).toBe(401);
    harness.ahead(0);
    await harness.must('acme', 'PUT', '/members/tmp', { name: 't', role: 'member' });
    const orphan = await harness.mint('acme', 'tmp', token({ scopes: ['tokens:manage'] }));
    await harness.must('acme', 'DELETE', '/members/tmp');
    await harness.must('acme', 'PUT', '/members/tmp', { name: 't', role: 'admin' });
    expect((await as(orphan.token, 'GET', '/tokens')).status).toBe(401);
  });

  it('goes with the actions of its owner, not with their scopes: without any it is nobody, and may not be made', async () => {
    const member = { name: 't', role: 'member', scopes: ['workflows:read'], actions: ['ManagePersonalTokens'] };
    await harness.must('acme', 'PUT', '/members/act', member);
    const manager = await harness.mint('acme', 'act', token({ scopes: ['tokens:manage'], workspaces: 'all' }));
    expect((await as(manager.token, 'GET', '/tokens')).status).toBe(200);
    await harness.must('acme', 'PATCH', '/members/act', { actions: [] });
    expect((await as(manager.token, 'GET', '/tokens')).status).toBe(401);
    expect(await status(undefined, 'POST', '/tokens', token({ owner: 'act', scopes: ['tokens:manage'] }))).toBe(422);
  });
});

describe('whoever makes it', () => {
  it('no token is made for an owner who may not hold its kind (contract 6, COZE-SAT-7)', async () => {
    const service = token({ kind: 'service', owner: 'ben', workspaces: ['ws'] });
    const answer = await harness.call('acme', 'POST', '/tokens', service);
    expect([answer.status, answer.body.code, answer.body.field]).toEqual([422, 'kind_not_held', 'owner']);
    expect(answer.body.detail).toContain('ManageServiceTokens');
    expect(await status(undefined, 'POST', '/tokens', { ...service, owner: 'ada', workspaces: 'all' })).toBe(201);
  });

  it('a workspace is deleted by its owner and by administrators, not by those who were made its admins', async () => {
    await harness.workspace('acme', 'shared', 'ben');
    await harness.must('acme', 'PUT', '/workspaces/shared/assignments/members/cat', { role: 'admin' });
    expect(await status('cat', 'PATCH', '/workspaces/shared', { name: 'ours' })).toBe(200);
    expect(await status('cat', 'DELETE', '/workspaces/shared')).toBe(403);
    expect(await status('ben', 'DELETE', '/workspaces/shared')).toBe(200);
  });
});

describe('the audit trail', () => {
  it('tells of every change and every refused attempt: who, what, before and after, and never a secret', async () => {
    const made = await harness.mint('acme', 'cat', token());
    await harness.must('acme', 'PATCH', `/tokens/${made.id}`, { name: 'renamed' }, 'cat');
    await harness.must('acme', 'POST', `/tokens/${made.id}/rotate`, {}, 'cat');
    expect(await status('ben', 'PUT', '/members/x', { name: 'x', role: 'admin' })).toBe(403);
    await harness.must('acme', 'POST', `/tokens/${made.id}/revoke`, undefined, 'ada');
    const { items } = await harness.must('acme', 'GET', '/audit-events?limit=1000');
    const about = items.filter((event: { target: { id: string } | null }) => event.target?.id === made.id);
    expect(about.map((event: { action: string }) => event.action)).toEqual([
      'token.created',
      'token.updated',
      'token.rotated',
      'token.revoked',
    ]);
    expect(about[1]).toMatchObject({
      actor: { kind: 'member', id: 'cat' },
      before: { name: 't' },
      after: { name: 'renamed' },
      outcome: 'done',
    });
    expect(items).toContainEqual(
      expect.objectContaining({
        outcome: 'refused',
        code: 'not_allowed',
        actor: { kind: 'member', id: 'ben', tokenId: null },
        action: 'PUT /v1/organizations/:org/members/:id',
      }),
    );
    expect(JSON.stringify(items)).not.toMatch(/hash|secret|pat_[0-9A-Za-z]{10}/i);
  });

  it('names what a refused attempt was about, even where the caller was told that there is no such thing', async () => {
    const made = await harness.mint('acme', 'ada', token());
    const find = { 'Scopegate-Actor': 'ben' };
    expect(await status('ben', 'DELETE', `/tokens/${made.id}`)).toBe(404);
    expect(await status('ben', 'POST', `/tokens/${made.id}/revoke`)).toBe(404);
    expect((await harness.gateway.admin('POST', '/v1/tokens/find', { token: made.token }, find)).status).toBe(403);
    expect(await status('ben', 'DELETE', '/workspaces/nowhere/resources/bot/b')).toBe(404);
    const { items } = await harness.must('acme', 'GET', '/audit-events?limit=1000');
    const refused = items.filter((event: { outcome: string }) => event.outcome === 'refused').slice(-4);
    expect(refused.map((event: { action: string; target: object }) => [event.action, event.target])).toEqual([
      ['DELETE /v1/organizations/:org/tokens/:id', { type: 'token', id: made.id }],
      ['POST /v1/organizations/:org/tokens/:id/revoke', { type: 'token', id: made.id }],
      ['POST /v1/tokens/find', { type: 'token', id: made.id }],
      ['DELETE /v1/organizations/:org/workspaces/:ws/resources/:type/:id', { type: 'resource', id: 'b' }],
    ]);
  });

  it('keeps no token that somebody pasted where an id belongs, and nothing at length', async () => {
    const pasted = (await harness.mint('acme', 'ben', token())).token;
    const answers = [
      await harness.call('acme', 'POST', '/tokens/x/revoke', undefined, pasted),
      await harness.call('acme', 'POST', '/tokens', token({ owner: pasted })),
      await harness.call('acme', 'PUT', `/members/${pasted}`, { name: 'n', role: 'member' }),
      await harness.call('acme', 'DELETE', `/tokens/${pasted}`, undefined, 'ben'),
      await harness.call('acme', 'POST', '/tokens', token({ owner: 'ben', scopes: ['x'.repeat(100_000)] })),
      await harness.call('acme', 'POST', '/tokens', token({ owner: 'ben', scopes: ['x'.repeat(128)] })),
    ];
    expect(answers.map((answer) => answer.status)).toEqual([400, 422, 400, 404, 400, 422]);
    const { items } = await harness.must('acme', 'GET', '/audit-events?limit=1000');
    expect(JSON.stringify([answers, items])).not.toContain(pasted.slice(4));
    for (const event of items) expect(JSON.stringify(event).length).toBeLessThan(2000);
  });

  it('tells of the cascade, too: each token that a transfer ended has a line', async () => {
    await harness.workspace('acme', 'gone', 'cat');
    const listed = await harness.mint('acme', 'cat', token({ workspaces: ['gone'] }));
    await harness.must('acme', 'POST', '/workspaces/gone/transfer', { owner: 'ben' }, 'cat');
    const { items } = await harness.must('acme', 'GET', '/audit-events?limit=1000');
    expect(items).toContainEqual(
      expect.objectContaining({
        action: 'token.revoked',
        target: { type: 'token', id: listed.id },
        after: { state: 'revoked', stateReason: 'ownership_transferred' },
      }),
    );
  });

  it('outlives the organization that it tells of', async () => {
    await harness.organization('short', 'team', { max: 'admin' });
    await harness.must('short', 'DELETE', '');
    await harness.organization('short', 'team', {});
    const { items } = await harness.must('short', 'GET', '/audit-events?ended=true');
    expect(items.map((event: { action: string }) => event.action)).toContain('organization.deleted');
  });
});

describe('finding a leaked token', () => {
  it('by its value tells whose it is; the look-up is audited and the value kept nowhere', async () => {
    const made = await harness.mint('acme', 'ben', token());
    const find = (text: string) => harness.gateway.admin('POST', '/v1/tokens/find', { token: text });
    expect(await find(made.token)).toMatchObject({
      status: 200,
      body: { id: made.id, ownerId: 'ben', state: 'active', organizationId: 'acme' },
    });
    expect((await find(`pat_${'0'.repeat(49)}`)).status).toBe(404);
    const { items } = await harness.must('acme', 'GET', '/audit-events?limit=1000');
    expect(items).toContainEqual(
      expect.objectContaining({ action: 'token.found', target: { type: 'token', id: made.id } }),
    );
    expect(JSON.stringify(items)).not.toContain(made.token.slice(9));
    expect(await harness.status(made.token, workflowsOf('ws'))).toBe(200);
  });
});
