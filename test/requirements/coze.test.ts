/** Every rule of Coze's personal and service tokens, under policies/coze.yaml, from outside. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS, type Harness, startHarness, workflowsOf } from './harness.ts';

let harness: Harness;
let count = 0;

beforeAll(async () => {
  harness = await startHarness('coze');
});
afterAll(() => harness.stop());
afterEach(() => harness.ahead(0));

/** A fresh organization per test: sam and ada administer, ben and cat are members. */
async function freshOrganization(edition: 'personal' | 'team' | 'enterprise' = 'team'): Promise<string> {
  const org = `org${count++}`;
  await harness.organization(org, edition, { sam: 'super_admin', ada: 'admin', ben: 'member', cat: 'member' });
  for (const owner of ['sam', 'ada', 'ben', 'cat']) await harness.workspace(org, `${owner}1-${org}`, owner);
  return org;
}
const own = (org: string, owner: string) => `${owner}1-${org}`;
/** The role that the upstream is told, or the status of the refusal. */
const roleSeen = async (token: string, path: string): Promise<string | number> => {
  const answer = await harness.request(token, path);
  return answer.ok ? ((await answer.json()) as { caller: { role: string } }).caller.role : answer.status;
};
const personal = { kind: 'personal', scopes: ['workflows:read'], expiresInDays: 30 };
const service = { kind: 'service', scopes: ['workflows:read'], neverExpires: true };

describe('service tokens', () => {
  it('COZE-SAT-2 may be permanent', async () => {
    const org = await freshOrganization();
    const { token } = await harness.mint(org, 'ada', { ...service, workspaces: 'all' });
    harness.ahead(20 * 365 * DAY_MS);
    expect(await harness.status(token, workflowsOf(own(org, 'ada')))).toBe(200);
  });

  it('COZE-SAT-3 carry only the workspaces and operations they were given', async () => {
    const org = await freshOrganization();
    await harness.workspace(org, `ada2-${org}`, 'ada');
    const { token } = await harness.mint(org, 'ada', { ...service, workspaces: [own(org, 'ada')] });
    expect(await harness.status(token, workflowsOf(own(org, 'ada')))).toBe(200);
    expect(await harness.status(token, workflowsOf(`ada2-${org}`))).toBe(403);
    expect(await harness.status(token, '/v1/workspaces')).toBe(403);
  });

  it('COZE-SAT-6 X-6 in edition personal a transfer of ownership ends those that list the workspace; elsewhere not', async () => {
    for (const [edition, after] of [
      ['personal', 401],
      ['team', 200],
    ] as const) {
      const org = await freshOrganization(edition);
      const ws = own(org, 'ada');
      const listed = await harness.mint(org, 'ada', { ...service, workspaces: [ws] });
      const { cascade } = await harness.must(org, 'POST', `/workspaces/${ws}/transfer`, { owner: 'ben' }, 'ada');
      expect(cascade.revokedTokens).toEqual(edition === 'personal' ? [listed.id] : []);
      expect(await harness.status(listed.token, workflowsOf(ws))).toBe(after);
    }
  });

  it('COZE-SAT-7 X-8 in a team only the super administrator and administrators create them', async () => {
    const org = await freshOrganization();
    expect((await harness.ask(org, 'sam', { ...service, workspaces: 'all' })).status).toBe(201);
    expect((await harness.ask(org, 'ada', { ...service, workspaces: 'all' })).status).toBe(201);
    const refused = await harness.ask(org, 'ben', { ...service, workspaces: 'all' });
    expect(refused).toMatchObject({
      status: 403,
      body: { code: 'not_allowed', detail: expect.stringContaining('ManageServiceTokens') },
    });
  });

  it('COZE-SAT-7 whatever actions a member was given: the role decides, for the operator, too', async () => {
    const org = await freshOrganization();
    await harness.must(org, 'PATCH', '/members/ben', { actions: ['ManagePersonalTokens', 'ManageServiceTokens'] });
    const asked = { ...service, workspaces: 'all' };
    expect(await harness.ask(org, 'ben', asked)).toMatchObject({
      status: 403,
      body: { code: 'not_allowed', detail: expect.stringContaining('super_admin') },
    });
    expect(await harness.call(org, 'POST', '/tokens', { ...asked, name: 't', owner: 'ben' })).toMatchObject({
      status: 422,
      body: { code: 'kind_not_held', field: 'owner' },
    });
    // In edition personal everybody stands for themselves.
    const alone = await freshOrganization('personal');
    expect((await harness.ask(alone, 'ben', asked)).status).toBe(201);
  });

  it('COZE-SAT-16 COZE-PAT-22 permissions of the whole enterprise are for administrators alone', async () => {
    const org = await freshOrganization();
    const enterprise = { scopes: ['Enterprise.batchAddPeople'], workspaces: 'all' };
    expect((await harness.ask(org, 'ada', { ...service, ...enterprise })).status).toBe(201);
    expect((await harness.ask(org, 'ada', { ...personal, ...enterprise })).status).toBe(201);
    expect(await harness.ask(org, 'ben', { ...personal, ...enterprise })).toMatchObject({
      status: 422,
      body: { field: 'scopes', detail: expect.stringContaining('Enterprise.batchAddPeople') },
    });
    expect((await harness.ask(org, 'ben', { ...personal, scopes: ['Bot.edit'], workspaces: 'all' })).status).toBe(201);
  });

  it('COZE-SAT-15 belong to the organization: every administrator edits expiry, contacts and state, also when their maker has left', async () => {
    const org = await freshOrganization();
    const { id, token } = await harness.mint(org, 'ada', { ...service, workspaces: [own(org, 'ada')] });
    const works = () => harness.status(token, workflowsOf(own(org, 'ada')));
    for (const gone of [false, true]) {
      if (gone) await harness.must(org, 'DELETE', '/members/ada');
      const expiresAt = new Date(Date.now() + (gone ? 2 : 1) * DAY_MS).toISOString();
      const contacts = { primary: 'sam', emails: [`${gone}@team.example`] };
      expect(await harness.must(org, 'PATCH', `/tokens/${id}`, { expiresAt, contacts }, 'sam')).toMatchObject({
        expiresAt,
        contacts,
      });
      await harness.must(org, 'POST', `/tokens/${id}/deactivate`, undefined, 'sam');
      expect(await works()).toBe(401);
      await harness.must(org, 'POST', `/tokens/${id}/activate`, undefined, 'sam');
      expect(await works()).toBe(200);
      expect((await harness.call(org, 'PATCH', `/tokens/${id}`, { name: 'x' }, 'ben')).status).toBe(404);
      expect((await harness.call(org, 'POST', `/tokens/${id}/rotate`, {}, 'sam')).status, 'its value is ada’s').toBe(
        403,
      );
    }
    const mine = await harness.mint(org, 'ben', { ...personal, workspaces: 'all' });
    expect((await harness.call(org, 'PATCH', `/tokens/${mine.id}`, { name: 'x' }, 'sam')).status).toBe(403);
  });

  it('COZE-SAT-8 X-10 at most 100 per team, exactly, even when they are asked for all at once', async () => {
    const org = await freshOrganization();
    const asked = Array.from({ length: 110 }, (_, index) =>
      harness.ask(org, index % 2 === 0 ? 'ada' : 'sam', { ...service, workspaces: 'all' }),
    );
    const answers = await Promise.all(asked);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(100);
    const refused = answers.filter(({ status }) => status !== 201);
    expect(refused).toHaveLength(10);
    for (const answer of refused)
      expect(answer).toMatchObject({
        status: 409,
        body: { code: 'limit_reached', detail: expect.stringContaining('100') },
      });
  });

  it('COZE-SAT-8 COZE-PAT-9 X-10 organizations of one enterprise share its 100, exactly, even when all ask at once', async () => {
    const enterprise = `umbrella${count++}`;
    const admin = (method: string, path: string, body?: unknown) => harness.gateway.admin(method, path, body);
    expect(await admin('PUT', `/v1/enterprises/${enterprise}`, { name: 'Umbrella' })).toMatchObject({ status: 201 });
    const orgs = await Promise.all(Array.from({ length: 4 }, () => freshOrganization('enterprise')));
    const belongs = (org: string) => ({ name: org, edition: 'enterprise', enterprise });
    for (const org of orgs) await harness.must(org, 'PUT', '', belongs(org));
    const ask = (org: string) => harness.ask(org, 'ada', { ...service, workspaces: 'all' });
    for (let made = 0; made < 92; made += 4)
      for (const { status } of await Promise.all(orgs.map(ask))) expect(status).toBe(201);
    // 16 at a time for the last 8.
    const answers = await Promise.all(Array.from({ length: 16 }, (_, index) => ask(orgs[index % 4]!)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(8);
    for (const answer of answers.filter(({ status }) => status !== 201))
      expect(answer).toMatchObject({
        status: 409,
        body: { code: 'limit_reached', detail: expect.stringContaining('per enterprise') },
      });
    // An organization outside has its own hundred, and comes in only where its tokens have room.
    const outside = await freshOrganization('enterprise');
    expect((await ask(outside)).status).toBe(201);
    expect(await harness.call(outside, 'PUT', '', belongs(outside))).toMatchObject({
      status: 409,
      body: { code: 'limit_reached' },
    });
    // One that leaves takes its tokens along.
    await harness.must(orgs[0]!, 'PUT', '', { name: 'left', edition: 'enterprise' });
    await harness.must(outside, 'PUT', '', belongs(outside));
    expect((await ask(orgs[1]!)).status).toBe(201);
  });

  it('COZE-SAT-9 in edition personal at most 10 per user', async () => {
    const org = await freshOrganization('personal');
    for (let index = 0; index < 10; index++) await harness.mint(org, 'ben', { ...service, workspaces: 'all' });
    expect(await harness.ask(org, 'ben', { ...service, workspaces: 'all' })).toMatchObject({
      status: 409,
      body: { code: 'limit_reached' },
    });
    expect((await harness.ask(org, 'cat', { ...service, workspaces: 'all' })).status).toBe(201);
  });

  it('COZE-SAT-12 are made of name, expiry, permissions and workspaces, each of them required', async () => {
    const org = await freshOrganization();
    const whole = {
      name: 'n',
      kind: 'service',
      owner: 'ada',
      scopes: ['bot:read'],
      workspaces: 'all',
      neverExpires: true,
    };
    for (const [field, status] of [
      ['name', 400],
      ['scopes', 422],
      ['workspaces', 422],
      ['neverExpires', 422],
    ] as const) {
      const { [field]: _, ...partial } = whole;
      expect((await harness.call(org, 'POST', '/tokens', partial)).status, field).toBe(status);
    }
    const made = await harness.must(org, 'POST', '/tokens', whole);
    expect(made).toMatchObject({
      name: 'n',
      scopes: ['bot:read'],
      workspaces: 'all-organization',
      expiresAt: null,
      state: 'active',
    });
  });

  it('COZE-SAT-13 X-4 live 1, 30, 90 or 180 days, for ever, or until any instant to come', async () => {
    const org = await freshOrganization();
    const { kinds } = (await harness.gateway.admin('GET', '/v1/policy')).body as {
      kinds: Record<string, { expiry: { presetsDays: number[] } }>;
    };
    expect(kinds.service!.expiry.presetsDays).toEqual([1, 30, 90, 180]);
    for (const expiry of [
      ...[1, 30, 90, 180, 1000].map((expiresInDays) => ({ expiresInDays })),
      { neverExpires: true },
    ]) {
      const { neverExpires: _, ...rest } = service;
      expect(
        (await harness.ask(org, 'ada', { ...rest, ...expiry, workspaces: 'all' })).status,
        JSON.stringify(expiry),
      ).toBe(201);
    }
  });

  it('COZE-SAT-14 stop at their expiry', async () => {
    const org = await freshOrganization();
    const expiresAt = new Date(harness.now() + 60_000).toISOString();
    const { token } = await harness.mint(org, 'ada', {
      kind: 'service',
      scopes: ['workflows:read'],
      workspaces: 'all',
      expiresAt,
    });
    expect(await harness.status(token, workflowsOf(own(org, 'ada')))).toBe(200);
    harness.ahead(61_000);
    expect(await harness.status(token, workflowsOf(own(org, 'ada')))).toBe(401);
  });

  it('COZE-SAT-15 X-5 may have their expiry edited afterwards, even once it has passed', async () => {
    const org = await freshOrganization();
    const { id, token } = await harness.mint(org, 'ada', {
      kind: 'service',
      scopes: ['workflows:read'],
      workspaces: 'all',
      expiresInDays: 1,
    });
    harness.ahead(2 * DAY_MS);
    expect(await harness.status(token, workflowsOf(own(org, 'ada')))).toBe(401);
    await harness.must(
      org,
      'PATCH',
      `/tokens/${id}`,
      { expiresAt: new Date(harness.now() + DAY_MS).toISOString() },
      'ada',
    );
    expect(await harness.status(token, workflowsOf(own(org, 'ada')))).toBe(200);
    expect(await harness.must(org, 'PATCH', `/tokens/${id}`, { expiresAt: null }, 'ada')).toMatchObject({
      expiresAt: null,
    });
  });

  it('COZE-SAT-18 in edition personal reach workspaces one owns, or all of those now and to come; never joined ones', async () => {
    const org = await freshOrganization('personal');
    await harness.join(org, own(org, 'ada'), 'ben', 'admin');
    expect(await harness.ask(org, 'ben', { ...service, workspaces: [own(org, 'ada')] })).toMatchObject({
      status: 422,
      body: { code: 'workspace_not_selectable' },
    });
    expect((await harness.ask(org, 'ben', { ...service, workspaces: [own(org, 'ben')] })).status).toBe(201);
    const all = await harness.mint(org, 'ben', { ...service, workspaces: 'all' });
    await harness.workspace(org, `ben2-${org}`, 'ben');
    expect(await harness.status(all.token, workflowsOf(`ben2-${org}`))).toBe(200);
    expect(await harness.status(all.token, workflowsOf(own(org, 'ada')))).toBe(403);
  });

  it('COZE-SAT-19 X-12 in a team reach specified workspaces created or joined, or all of the organization, also those to come', async () => {
    const org = await freshOrganization();
    await harness.join(org, own(org, 'ben'), 'ada');
    expect((await harness.ask(org, 'ada', { ...service, workspaces: [own(org, 'ada'), own(org, 'ben')] })).status).toBe(
      201,
    );
    expect((await harness.ask(org, 'ada', { ...service, workspaces: [own(org, 'cat')] })).status).toBe(422);
    const all = await harness.mint(org, 'ada', { ...service, workspaces: 'all' });
    const mine = await harness.mint(org, 'ada', { ...service, workspaces: 'all-owned' });
    for (const owner of ['ada', 'cat']) await harness.workspace(org, `${owner}2-${org}`, owner);
    const seen = async (token: string) =>
      Promise.all(
        [own(org, 'ada'), `ada2-${org}`, own(org, 'cat'), `cat2-${org}`].map((ws) => roleSeen(token, workflowsOf(ws))),
      );
    expect(await seen(all.token)).toEqual(['admin', 'member', 'member', 'member']);
    expect(await seen(mine.token)).toEqual(['admin', 'admin', 403, 403]);
  });

  it('COZE-SAT-20 are shown once, and no read path returns them', async () => {
    const org = await freshOrganization();
    const { id, token } = await harness.mint(org, 'ada', { ...service, workspaces: 'all' });
    for (const path of [`/tokens/${id}`, '/tokens?limit=1000', '/audit-events?limit=1000']) {
      const text = JSON.stringify((await harness.must(org, 'GET', path)) as object);
      expect(text).not.toContain(token);
      expect(text).not.toContain(token.slice(9));
    }
  });

  it("COZE-SAT-24 COZE-SAT-4 in edition personal may edit other people's bots in a workspace one owns", async () => {
    const org = await freshOrganization('personal');
    const bot = `bot-${org}`;
    await harness.must(org, 'PUT', `/workspaces/${own(org, 'ada')}/resources/bot/${bot}`, {
      owner: 'ben',
      collaborators: [],
    });
    const { token } = await harness.mint(org, 'ada', { ...service, scopes: ['bot:write'], workspaces: 'all' });
    expect(await harness.status(token, `/v1/bots/${bot}`, 'PUT')).toBe(200);
  });

  it('COZE-SAT-24 in edition personal a token for all owned workspaces has the role of their owner in them, also in those to come', async () => {
    const org = await freshOrganization('personal');
    const all = await harness.mint(org, 'ada', { ...service, workspaces: 'all' });
    await harness.workspace(org, `ada2-${org}`, 'ada');
    expect(await roleSeen(all.token, workflowsOf(own(org, 'ada')))).toBe('admin');
    expect(await roleSeen(all.token, workflowsOf(`ada2-${org}`))).toBe('admin');
    expect(await roleSeen(all.token, workflowsOf(own(org, 'ben')))).toBe(403);
  });

  it("COZE-SAT-25 in edition personal reach nothing in another's workspace; after a transfer a new token does, the old one does not", async () => {
    const org = await freshOrganization('personal');
    const ws = own(org, 'ada');
    const old = await harness.mint(org, 'ben', { ...service, workspaces: 'all' });
    expect(await harness.status(old.token, workflowsOf(ws))).toBe(403);
    await harness.must(org, 'POST', `/workspaces/${ws}/transfer`, { owner: 'ben' }, 'ada');
    expect(await harness.status(old.token, workflowsOf(ws))).toBe(403);
    harness.ahead(1000);
    const fresh = await harness.mint(org, 'ben', { ...service, workspaces: 'all' });
    expect(await harness.status(fresh.token, workflowsOf(ws))).toBe(200);
  });

  it("COZE-SAT-26 X-15 in a team read all bots of a joined workspace, and edit only one's own and shared ones", async () => {
    const org = await freshOrganization();
    const ws = own(org, 'ben');
    await harness.join(org, ws, 'ada');
    const put = (bot: string, owner: string, collaborators: string[]) =>
      harness.must(org, 'PUT', `/workspaces/${ws}/resources/bot/${bot}-${org}`, { owner, collaborators });
    await put('theirs', 'ben', []);
    await put('shared', 'ben', ['ada']);
    await put('mine', 'ada', []);
    const { token } = await harness.mint(org, 'ada', { ...service, scopes: ['bot:write'], workspaces: [ws] });
    for (const [bot, edit] of [
      ['theirs', 403],
      ['shared', 200],
      ['mine', 200],
    ] as const) {
      expect(await harness.status(token, `/v1/bots/${bot}-${org}`)).toBe(200);
      expect(await harness.status(token, `/v1/bots/${bot}-${org}`, 'PUT')).toBe(edit);
    }
  });

  it('COZE-SAT-27 in edition personal only the owner of a workspace creates one for it', async () => {
    const org = await freshOrganization('personal');
    await harness.join(org, own(org, 'ada'), 'cat');
    expect((await harness.ask(org, 'cat', { ...service, workspaces: [own(org, 'ada')] })).status).toBe(422);
    expect((await harness.ask(org, 'ada', { ...service, workspaces: [own(org, 'ada')] })).status).toBe(201);
  });
});

describe('personal tokens', () => {
  it('COZE-PAT-2 carry only the workspaces and operations they were given', async () => {
    const org = await freshOrganization();
    const { token } = await harness.mint(org, 'ben', { ...personal, workspaces: [own(org, 'ben')] });
    expect(await harness.status(token, workflowsOf(own(org, 'ben')))).toBe(200);
    expect(await harness.status(token, workflowsOf(own(org, 'cat')))).toBe(403);
    expect(await harness.status(token, '/v1/workspaces')).toBe(403);
  });

  it('COZE-PAT-5 COZE-PAT-20 live 1 to 30 days, inclusive and never longer', async () => {
    const org = await freshOrganization();
    const { expiresInDays: _, ...rest } = personal;
    const status = async (expiry: object) =>
      (await harness.ask(org, 'ben', { ...rest, workspaces: 'all', ...expiry })).status;
    for (const days of [1, 7, 30]) expect(await status({ expiresInDays: days })).toBe(201);
    for (const days of [0, 0.99, 30.01, 31, 365]) expect(await status({ expiresInDays: days })).toBe(422);
    expect(await status({ neverExpires: true })).toBe(422);
    expect(await status({ expiresAt: new Date(harness.now() + 31 * DAY_MS).toISOString() })).toBe(422);
    expect(await status({})).toBe(422);
  });

  it('COZE-PAT-6 X-4 keep their expiry; after it one applies for a new token', async () => {
    const org = await freshOrganization();
    const { id, token } = await harness.mint(org, 'ben', { ...personal, workspaces: 'all' });
    const patch = { expiresAt: new Date(harness.now() + DAY_MS).toISOString() };
    expect(await harness.call(org, 'PATCH', `/tokens/${id}`, patch, 'ben')).toMatchObject({
      status: 422,
      body: { code: 'field_fixed', field: 'expiresAt' },
    });
    harness.ahead(31 * DAY_MS);
    expect((await harness.call(org, 'PATCH', `/tokens/${id}`, patch, 'ben')).status).toBe(422);
    expect((await harness.call(org, 'POST', `/tokens/${id}/rotate`, {}, 'ben')).status).toBe(409);
    expect(await harness.status(token, workflowsOf(own(org, 'ben')))).toBe(401);
  });

  it('COZE-PAT-7 X-6 a transfer of ownership ends those that list the workspace, in every edition, as previewed', async () => {
    for (const edition of ['personal', 'team', 'enterprise'] as const) {
      const org = await freshOrganization(edition);
      const ws = own(org, 'ben');
      const listed = await harness.mint(org, 'ben', { ...personal, workspaces: [ws] });
      const all = await harness.mint(org, 'ben', { ...personal, workspaces: 'all' });
      const preview = await harness.must(
        org,
        'POST',
        `/workspaces/${ws}/transfer?dryRun=true`,
        { owner: 'cat' },
        'ben',
      );
      expect(preview).toMatchObject({ dryRun: true, cascade: { revokedTokens: [listed.id] } });
      expect(await harness.status(listed.token, workflowsOf(ws))).toBe(200);
      const done = await harness.must(org, 'POST', `/workspaces/${ws}/transfer`, { owner: 'cat' }, 'ben');
      expect(done.cascade).toEqual(preview.cascade);
      expect(await harness.status(listed.token, workflowsOf(ws))).toBe(401);
      expect(await harness.must(org, 'GET', `/tokens/${listed.id}`)).toMatchObject({
        state: 'revoked',
        stateReason: 'ownership_transferred',
      });
      // An all-grant only loses that workspace.
      expect(await harness.status(all.token, workflowsOf(ws))).toBe(403);
      expect(await harness.must(org, 'GET', `/tokens/${all.id}`)).toMatchObject({ state: 'active' });
    }
  });

  it('COZE-PAT-7 in a team no all-grant from before a transfer opens the workspace, whoever owns it, until it is made anew', async () => {
    const org = await freshOrganization();
    const ws = own(org, 'ben');
    await harness.join(org, ws, 'cat');
    const owners = ['ada', 'ben', 'cat'];
    const minted = () =>
      Promise.all(owners.map((owner) => harness.mint(org, owner, { ...personal, workspaces: 'all' })));
    const opened = (tokens: ReadonlyArray<{ token: string }>) =>
      Promise.all(tokens.map(({ token }) => harness.status(token, workflowsOf(ws))));
    const old = await minted();
    const ofService = await harness.mint(org, 'ada', { ...service, workspaces: 'all' });
    expect(await opened(old)).toEqual([200, 200, 200]);
    await harness.must(org, 'POST', `/workspaces/${ws}/transfer`, { owner: 'cat' }, 'ben');
    await harness.join(org, ws, 'ben');
    expect(await opened(old)).toEqual([403, 403, 403]);
    const rotated = await harness.must(org, 'POST', `/tokens/${old[2]!.id}/rotate`, {}, 'cat');
    expect(await opened([rotated]), 'a new value is no new token').toEqual([403]);
    await harness.must(org, 'POST', `/workspaces/${ws}/transfer`, { owner: 'ben' }, 'cat');
    await harness.join(org, ws, 'cat');
    expect(await opened([old[0]!, old[1]!, rotated]), 'nor when it comes back').toEqual([403, 403, 403]);
    expect(await opened(await minted())).toEqual([200, 200, 200]);
    expect(await opened([ofService]), 'service tokens in edition personal only').toEqual([200]);
    // Every other workspace stays theirs.
    expect(await harness.status(old[0]!.token, workflowsOf(own(org, 'ada')))).toBe(200);
  });

  it('COZE-PAT-7 a managing token from before a transfer makes none that opens the workspace', async () => {
    const org = await freshOrganization();
    const ws = own(org, 'ben');
    const scopes = [...personal.scopes, 'tokens:manage'];
    const manager = await harness.mint(org, 'ada', { ...personal, scopes, workspaces: 'all' });
    const make = async (workspaces: unknown) => {
      const body = { ...personal, name: 't', workspaces, expiresInDays: 29 };
      const headers = { authorization: `Bearer ${manager.token}` };
      return (await harness.gateway.admin('POST', `/v1/organizations/${org}/tokens`, body, headers)).status;
    };
    expect(await make('all')).toBe(201);
    await harness.must(org, 'POST', `/workspaces/${ws}/transfer`, { owner: 'cat' }, 'ben');
    expect([await make('all'), await make([ws]), await make([own(org, 'ada')])]).toEqual([403, 403, 201]);
  });

  it('COZE-PAT-8 in edition personal at most 10 per user', async () => {
    const org = await freshOrganization('personal');
    for (let index = 0; index < 10; index++) await harness.mint(org, 'ben', { ...personal, workspaces: 'all' });
    expect((await harness.ask(org, 'ben', { ...personal, workspaces: 'all' })).status).toBe(409);
  });

  it('COZE-PAT-9 in a team at most 20 per user; ended ones make room, inactive ones do not', async () => {
    const org = await freshOrganization('enterprise');
    const made = [];
    for (let index = 0; index < 20; index++)
      made.push(await harness.mint(org, 'ben', { ...personal, workspaces: 'all' }));
    const another = () => harness.ask(org, 'ben', { ...personal, workspaces: 'all' });
    expect((await another()).status).toBe(409);
    await harness.must(org, 'POST', `/tokens/${made[0]!.id}/deactivate`, undefined, 'ben');
    expect((await another()).status).toBe(409);
    await harness.must(org, 'POST', `/tokens/${made[1]!.id}/revoke`, undefined, 'ben');
    expect((await another()).status).toBe(201);
    await harness.must(org, 'DELETE', `/tokens/${made[2]!.id}`, undefined, 'ben');
    expect((await another()).status).toBe(201);
    expect((await another()).status).toBe(409);
    // Expired ones do not count either; an activation counts again.
    harness.ahead(31 * DAY_MS);
    expect((await another()).status).toBe(201);
  });

  it('COZE-PAT-9 what ended with the removal of its owner counts against nobody, from the very next call on', async () => {
    const org = await freshOrganization();
    for (let index = 0; index < 20; index++) await harness.mint(org, 'ben', { ...personal, workspaces: 'all' });
    await harness.must(org, 'DELETE', '/members/ben');
    await harness.must(org, 'PUT', '/members/ben', { name: 'ben again', role: 'member' });
    for (let index = 0; index < 20; index++) await harness.mint(org, 'ben', { ...personal, workspaces: 'all' });
    expect((await harness.ask(org, 'ben', { ...personal, workspaces: 'all' })).status).toBe(409);
  });

  it('COZE-PAT-9 in a team at most 1000 per organization', async () => {
    const org = await freshOrganization();
    const members = Array.from({ length: 51 }, (_, index) => `m${index}`);
    for (const id of members) await harness.must(org, 'PUT', `/members/${id}`, { name: id, role: 'member' });
    for (const id of members.slice(0, 50)) {
      const made = await Promise.all(
        Array.from({ length: 20 }, () => harness.ask(org, id, { ...personal, workspaces: 'all' })),
      );
      expect(made.every(({ status }) => status === 201)).toBe(true);
    }
    expect(await harness.ask(org, 'm50', { ...personal, workspaces: 'all' })).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('1000') },
    });
  }, 60_000);

  it('COZE-PAT-10 are made of name, expiry, permissions and workspaces, each of them required', async () => {
    const org = await freshOrganization();
    const whole = {
      name: 'n',
      kind: 'personal',
      owner: 'ben',
      scopes: ['bot:read'],
      workspaces: 'all',
      expiresInDays: 1,
    };
    for (const [field, status] of [
      ['name', 400],
      ['scopes', 422],
      ['workspaces', 422],
      ['expiresInDays', 422],
    ] as const) {
      const { [field]: _, ...partial } = whole;
      expect((await harness.call(org, 'POST', '/tokens', partial)).status, field).toBe(status);
    }
    expect((await harness.call(org, 'POST', '/tokens', whole)).status).toBe(201);
  });

  it('COZE-PAT-11 stop at their expiry', async () => {
    const org = await freshOrganization();
    const { token } = await harness.mint(org, 'ben', { ...personal, expiresInDays: 1, workspaces: 'all' });
    expect(await harness.status(token, workflowsOf(own(org, 'ben')))).toBe(200);
    harness.ahead(DAY_MS + 5000);
    expect(await harness.status(token, workflowsOf(own(org, 'ben')))).toBe(401);
  });

  it('COZE-PAT-13 X-12 members select one workspace that they created or joined, or all of those, now and to come', async () => {
    const org = await freshOrganization();
    await harness.join(org, own(org, 'cat'), 'ben');
    const status = async (workspaces: unknown) => (await harness.ask(org, 'ben', { ...personal, workspaces })).status;
    expect(await status([own(org, 'ben')])).toBe(201);
    expect(await status([own(org, 'cat')])).toBe(201);
    expect(await status([own(org, 'ben'), own(org, 'cat')])).toBe(422);
    expect(await status([own(org, 'ada')])).toBe(422);
    expect(await status('all-organization')).toBe(422);
    const all = await harness.mint(org, 'ben', { ...personal, workspaces: 'all' });
    await harness.join(org, own(org, 'ada'), 'ben');
    expect(await harness.status(all.token, workflowsOf(own(org, 'ada')))).toBe(200);
    await harness.must(org, 'DELETE', `/workspaces/${own(org, 'ada')}/assignments/members/ben`);
    expect(await harness.status(all.token, workflowsOf(own(org, 'ada')))).toBe(403);
  });

  it('COZE-PAT-14 administrators select any workspace of the organization, or all of them', async () => {
    const org = await freshOrganization();
    for (const admin of ['sam', 'ada']) {
      const listed = await harness.mint(org, admin, { ...personal, workspaces: [own(org, 'ben'), own(org, 'cat')] });
      expect(await harness.status(listed.token, workflowsOf(own(org, 'cat')))).toBe(200);
      const all = await harness.mint(org, admin, { ...personal, workspaces: 'all' });
      expect(await harness.must(org, 'GET', `/tokens/${all.id}`)).toMatchObject({ workspaces: 'all-organization' });
      expect(await harness.status(all.token, workflowsOf(own(org, 'ben')))).toBe(200);
    }
  });

  it('COZE-PAT-15 COZE-PAT-19 in edition personal only owned workspaces, or all of those; joined ones not', async () => {
    const org = await freshOrganization('personal');
    await harness.join(org, own(org, 'ada'), 'ben', 'admin');
    expect((await harness.ask(org, 'ben', { ...personal, workspaces: [own(org, 'ada')] })).status).toBe(422);
    expect((await harness.ask(org, 'ben', { ...personal, workspaces: [own(org, 'ben')] })).status).toBe(201);
    // Not even an administrator: in edition personal organization roles grant nothing.
    expect((await harness.ask(org, 'sam', { ...personal, workspaces: [own(org, 'ben')] })).status).toBe(422);
  });

  it('COZE-PAT-16 are shown once, and no read path returns them', async () => {
    const org = await freshOrganization();
    const { id, token } = await harness.mint(org, 'ben', { ...personal, workspaces: 'all' });
    expect(token).toMatch(/^pat_[0-9A-Za-z]{49}$/);
    const reads = [
      await harness.must(org, 'GET', `/tokens/${id}`, undefined, 'ben'),
      await harness.must(org, 'GET', '/tokens'),
    ];
    expect(JSON.stringify(reads)).not.toContain(token.slice(9));
  });

  it("COZE-PAT-17 in a team a joined workspace's bots can be read, and edited only by owner and collaborators", async () => {
    const org = await freshOrganization();
    const ws = own(org, 'ada');
    await harness.join(org, ws, 'ben');
    await harness.must(org, 'PUT', `/workspaces/${ws}/resources/bot/bot-${org}`, {
      owner: 'ada',
      collaborators: ['cat'],
    });
    const { token } = await harness.mint(org, 'ben', { ...personal, scopes: ['bot:write'], workspaces: [ws] });
    expect(await harness.status(token, `/v1/bots/bot-${org}`)).toBe(200);
    expect(await harness.status(token, `/v1/bots/bot-${org}`, 'PUT')).toBe(403);
  });

  it("COZE-PAT-18 in edition personal everything in a workspace one owns, nothing in another's until it is transferred and re-applied for", async () => {
    const org = await freshOrganization('personal');
    const ws = own(org, 'ada');
    await harness.must(org, 'PUT', `/workspaces/${ws}/resources/bot/bot-${org}`, { owner: 'cat', collaborators: [] });
    const owner = await harness.mint(org, 'ada', { ...personal, scopes: ['bot:write'], workspaces: 'all' });
    const other = await harness.mint(org, 'ben', { ...personal, scopes: ['bot:write'], workspaces: 'all' });
    expect(await harness.status(owner.token, `/v1/bots/bot-${org}`, 'PUT')).toBe(200);
    expect(await harness.status(other.token, `/v1/bots/bot-${org}`, 'PUT')).toBe(403);
    await harness.must(org, 'POST', `/workspaces/${ws}/transfer`, { owner: 'ben' });
    expect(await harness.status(other.token, `/v1/bots/bot-${org}`, 'PUT')).toBe(403);
    harness.ahead(1000);
    const fresh = await harness.mint(org, 'ben', { ...personal, scopes: ['bot:write'], workspaces: 'all' });
    expect(await harness.status(fresh.token, `/v1/bots/bot-${org}`, 'PUT')).toBe(200);
  });

  it('COZE-PAT-21 any member may create one', async () => {
    const org = await freshOrganization();
    for (const owner of ['sam', 'ada', 'ben', 'cat'])
      expect((await harness.ask(org, owner, { ...personal, workspaces: 'all' })).status).toBe(201);
  });

  it('X-13 a rotation says until when which value works, and a second one within the grace ends the first value', async () => {
    const org = await freshOrganization();
    const path = workflowsOf(own(org, 'ben'));
    const first = await harness.mint(org, 'ben', { ...personal, expiresInDays: 1, workspaces: 'all' });
    const rotate = async (graceSeconds: number) => {
      const startedMs = harness.now();
      const answer = await harness.must(org, 'POST', `/tokens/${first.id}/rotate`, { graceSeconds }, 'ben');
      const inMs = (text: string) => Math.round((Date.parse(text) - startedMs) / 10_000) * 10_000;
      const until = answer.values.map((one: Record<string, string>) => [
        one.value,
        one.worksUntil === answer.expiresAt ? 'expiry' : inMs(one.worksUntil!),
      ]);
      return { token: answer.token as string, until };
    };
    const works = (...tokens: string[]) => Promise.all(tokens.map((token) => harness.status(token, path)));
    const second = await rotate(3600);
    expect(second.until).toEqual([
      ['current', 'expiry'],
      ['replaced', 3_600_000],
    ]);
    expect(await works(first.token, second.token)).toEqual([200, 200]);
    const third = await rotate(60);
    expect(third.until).toEqual([
      ['current', 'expiry'],
      ['replaced', 60_000],
      ['earlier', 0],
    ]);
    expect(await works(first.token, second.token, third.token)).toEqual([401, 200, 200]);
    const fourth = await rotate(0);
    expect(fourth.until).toEqual([
      ['current', 'expiry'],
      ['replaced', 0],
      ['earlier', 0],
    ]);
    expect(await works(second.token, third.token, fourth.token)).toEqual([401, 401, 200]);
  });

  it('X-13 a rotation ends the old value at once, or after the grace asked for, never past the expiry', async () => {
    const org = await freshOrganization();
    const path = workflowsOf(own(org, 'ben'));
    const first = await harness.mint(org, 'ben', { ...personal, expiresInDays: 1, workspaces: 'all' });
    const second = (await harness.must(org, 'POST', `/tokens/${first.id}/rotate`, {}, 'ben')) as { token: string };
    expect([await harness.status(first.token, path), await harness.status(second.token, path)]).toEqual([401, 200]);
    const third = (await harness.must(org, 'POST', `/tokens/${first.id}/rotate`, { graceSeconds: 60 }, 'ben')) as {
      token: string;
    };
    expect([await harness.status(second.token, path), await harness.status(third.token, path)]).toEqual([200, 200]);
    harness.ahead(61_000);
    expect([await harness.status(second.token, path), await harness.status(third.token, path)]).toEqual([401, 200]);
    harness.ahead(DAY_MS - 10_000);
    const fourth = (await harness.must(org, 'POST', `/tokens/${first.id}/rotate`, { graceSeconds: 3600 }, 'ben')) as {
      token: string;
    };
    harness.ahead(DAY_MS + 10_000);
    expect([await harness.status(third.token, path), await harness.status(fourth.token, path)]).toEqual([401, 401]);
    expect(
      (await harness.call(org, 'POST', `/tokens/${first.id}/rotate`, { graceSeconds: 86_401 }, 'ben')).status,
    ).toBe(422);
  });
});

describe('organizations', () => {
  it('COZE-SAT-23 an edition never changes', async () => {
    const org = await freshOrganization('personal');
    expect(await harness.call(org, 'PUT', '', { name: org, edition: 'team' })).toMatchObject({
      status: 409,
      body: { code: 'edition_fixed' },
    });
  });
});
