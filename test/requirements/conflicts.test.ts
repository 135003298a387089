/** Where the sources disagree: the same situation under each of the policies concerned, each with its own outcome. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, startHarness } from './harness.ts';

const PATH = '/v1/workspaces';
const harnesses = {} as Record<'coze' | 'featbit' | 'scrydon' | 'default', Harness>;
/** Per policy: a scope of the catalogue to read and one to write with, and the highest role. */
const names = {
  coze: { read: 'workflows:read', write: 'workflows:write', top: 'super_admin', expiry: { expiresInDays: 30 } },
  featbit: { read: 'flags:read', write: 'flags:write', top: 'owner', expiry: {} },
  scrydon: { read: 'workflows:read', write: 'workflows:write', top: 'admin', expiry: { expiresInDays: 30 } },
  default: { read: 'workflows:read', write: 'workflows:write', top: 'owner', expiry: { expiresInDays: 30 } },
} as const;
type PolicyName = keyof typeof names;
const ALL = Object.keys(names) as PolicyName[];

beforeAll(async () => {
  for (const policy of ALL) {
    const { read, write, top } = names[policy];
    harnesses[policy] = await startHarness(policy, [
      {
        id: 'read',
        match: { methods: ['GET'], path: PATH },
        require: { scopes: [read] },
        credentials: ['bearer', 'raw'],
      },
      { id: 'write', match: { methods: ['POST'], path: PATH }, require: { scopes: [write] } },
      {
        id: 'in-workspace',
        match: { methods: ['GET'], path: '/api/v1/workflows' },
        require: { scopes: [read], workspace: { from: 'query.environmentId', as: 'environment', role: 'member' } },
      },
    ]);
    await harnesses[policy].organization('acme', 'team', { tom: top });
    await harnesses[policy].workspace('acme', 'ws', 'tom');
    await harnesses[policy].workspace('acme', 'ws2', 'tom');
  }
});
afterAll(() => Promise.all(ALL.map((policy) => harnesses[policy].stop())));

const mint = (policy: PolicyName, scopes: readonly string[], more: object = {}) =>
  harnesses[policy].mint('acme', 'tom', {
    kind: 'personal',
    scopes,
    workspaces: 'all',
    ...names[policy].expiry,
    ...more,
  });
async function refusal(policy: PolicyName, token: string, method = 'GET') {
  const answer = await harnesses[policy].request(token, PATH, method);
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

describe('the same situation under each policy', () => {
  it('X-1 a token that lacks the permission: 4101, Forbidden, insufficient_scope or a problem, always 403', async () => {
    const answers = Object.fromEntries(
      await Promise.all(
        ALL.map(async (policy) => [
          policy,
          await refusal(policy, (await mint(policy, [names[policy].read])).token, 'POST'),
        ]),
      ),
    );
    expect(answers).toMatchObject({
      coze: { status: 403, body: { code: 4101 } },
      featbit: { status: 403, body: { success: false, errors: ['Forbidden'], data: null } },
      scrydon: { status: 403, body: { error: 'insufficient_scope' } },
      default: { status: 403, body: { code: 'scope_missing' } },
    });
  });

  it('X-2 X-9 a token that is switched off stops at once: 401 with 4100 under coze, 403 Forbidden under featbit', async () => {
    for (const [policy, status, body] of [
      ['coze', 401, { code: 4100 }],
      ['featbit', 403, { errors: ['Forbidden'] }],
    ] as const) {
      const { id, token } = await mint(policy, [names[policy].read]);
      await harnesses[policy].must('acme', 'POST', `/tokens/${id}/deactivate`);
      expect(await refusal(policy, token)).toMatchObject({ status, body });
    }
  });

  it('X-3 a deleted token never works again, while the tokens of a deleted service account drain', async () => {
    const { id, token } = await mint('featbit', ['flags:read']);
    await harnesses.featbit.must('acme', 'DELETE', `/tokens/${id}`);
    expect(await harnesses.featbit.status(token, PATH)).toBe(401);
    const harness = harnesses.scrydon;
    const { clientId, clientSecret } = await harness.must('acme', 'POST', '/service-accounts', {
      name: 'r',
      scopes: ['workflows:read'],
    });
    const answer = await fetch(`${harness.gateway.url}/api/auth/oauth2/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'grant_type=client_credentials',
    });
    const { access_token } = (await answer.json()) as { access_token: string };
    await harness.must('acme', 'DELETE', `/service-accounts/${clientId}`);
    expect(await harness.status(access_token, PATH)).toBe(200);
  });

  it('X-4 expiry: 30 days and no more under coze, none needed under featbit', async () => {
    expect(
      (
        await harnesses.coze.ask('acme', 'tom', {
          kind: 'personal',
          scopes: ['bot:read'],
          workspaces: 'all',
          neverExpires: true,
        })
      ).status,
    ).toBe(422);
    const { id } = await mint('featbit', ['flags:read']);
    expect(await harnesses.featbit.must('acme', 'GET', `/tokens/${id}`)).toMatchObject({ expiresAt: null });
  });

  it('X-5 edits: a description under coze, the name alone under featbit, scopes under neither', async () => {
    for (const [policy, description] of [
      ['coze', 200],
      ['featbit', 422],
    ] as const) {
      const { id } = await mint(policy, [names[policy].read]);
      const patch = async (body: object) =>
        (await harnesses[policy].call('acme', 'PATCH', `/tokens/${id}`, body)).status;
      expect([
        await patch({ name: 'n' }),
        await patch({ description: 'd' }),
        await patch({ scopes: [names[policy].read] }),
      ]).toEqual([200, description, 422]);
    }
  });

  it('X-7 a service token outlives its creator, unless the policy binds it to the ownership of its workspace', async () => {
    const service = { kind: 'service', scopes: ['flags:read'] };
    await harnesses.featbit.organization('gone', 'personal', { ann: 'owner', bea: 'owner' });
    const outlives = await harnesses.featbit.mint('gone', 'ann', service);
    await harnesses.featbit.must('gone', 'DELETE', '/members/ann');
    expect(await harnesses.featbit.status(outlives.token, PATH)).toBe(200);
    await harnesses.coze.organization('gone', 'personal', { ann: 'member', bea: 'member' });
    await harnesses.coze.workspace('gone', 'gone-ws', 'ann');
    const bound = await harnesses.coze.mint('gone', 'ann', {
      kind: 'service',
      scopes: ['workflows:read'],
      workspaces: ['gone-ws'],
      neverExpires: true,
    });
    await harnesses.coze.must('gone', 'POST', '/workspaces/gone-ws/transfer', { owner: 'bea' });
    expect(await harnesses.coze.status(bound.token, PATH)).toBe(401);
  });

  it('X-10 limits: 20 per user under coze, none under featbit', async () => {
    const ask = (policy: PolicyName) =>
      harnesses[policy].ask('limits', 'tom', {
        kind: 'personal',
        scopes: [names[policy].read],
        workspaces: 'all',
        ...names[policy].expiry,
      });
    for (const [policy, made] of [
      ['coze', 20],
      ['featbit', 25],
    ] as const) {
      await harnesses[policy].organization('limits', 'team', { tom: names[policy].top });
      const answers = await Promise.all(Array.from({ length: 25 }, () => ask(policy)));
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(made);
    }
  });

  it('X-11 a workspace is reached where both hold: the grant inside the token, and a role looked up on every request', async () => {
    for (const policy of ['coze', 'scrydon'] as const) {
      const harness = harnesses[policy];
      const { token } = await mint(policy, [names[policy].read], { workspaces: ['ws'] });
      expect(await harness.status(token, '/api/v1/workflows?environmentId=env_ws')).toBe(200);
      expect(await harness.status(token, '/api/v1/workflows?environmentId=env_ws2')).toBe(403);
      expect(await harness.status(token, '/api/v1/workflows')).toBe(400);
    }
  });

  it('X-14 write implies read on the same resource in every policy', async () => {
    for (const policy of ALL) {
      const { token } = await mint(policy, [names[policy].write]);
      expect(
        [await harnesses[policy].status(token, PATH), await harnesses[policy].status(token, PATH, 'POST')],
        policy,
      ).toEqual([200, 200]);
    }
  });

  it('X-16 the bare token in Authorization is taken where the route says so, and Bearer everywhere', async () => {
    for (const policy of ['coze', 'featbit'] as const) {
      const { token } = await mint(policy, [names[policy].write]);
      const raw = async (method: string) =>
        (await fetch(`${harnesses[policy].gateway.url}${PATH}`, { method, headers: { authorization: token } })).status;
      expect([await raw('GET'), await raw('POST')], policy).toEqual([200, 401]);
      expect(await harnesses[policy].status(token, PATH, 'POST')).toBe(200);
    }
  });

  it('X-17 description, contacts and categories are there under every policy', async () => {
    for (const policy of ALL) {
      const { id } = await mint(policy, [names[policy].read], {
        description: 'for the report',
        contacts: { emails: ['dev@example.com'] },
      });
      expect(await harnesses[policy].must('acme', 'GET', `/tokens/${id}`)).toMatchObject({
        description: 'for the report',
        contacts: { primary: null, emails: ['dev@example.com'] },
      });
    }
  });
});
