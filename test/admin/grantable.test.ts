/** What a token may be granted is what it is then granted: each that is listed is taken, and each that is not is refused. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PERSONAL, SERVICE, type Sidecar, settle, startSidecar } from './sidecar.ts';

let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await startSidecar();
  await settle(sidecar);
});
afterAll(() => sidecar.stop());

interface Grantable {
  readonly scopes: string[];
  readonly workspaces: { listed: string; all: string | null; items: Array<{ id: string }>; isCut: boolean };
}
const ask = async (query: string, headers = {}) => sidecar.call('GET', `/grantable?${query}`, undefined, headers);
const grantable = async (query: string) => (await sidecar.ok('GET', `/grantable?${query}`)) as unknown as Grantable;

it.each([
  ['ann', 'personal', PERSONAL],
  ['ada', 'personal', PERSONAL],
  ['ada', 'service', SERVICE],
] as const)('%s, %s: exactly the listed workspaces and scopes are taken', async (owner, kind, draft) => {
  const { scopes, workspaces } = await grantable(`owner=${owner}&kind=${kind}`);
  const taken: string[] = [];
  for (const id of ['w1', 'w2', 'w3', 'w4', 'a1', 'a2']) {
    const body = { ...draft, kind, owner, workspaces: [id] };
    if ((await sidecar.call('POST', '/tokens/preview', body)).status === 200) taken.push(id);
  }
  expect(workspaces.items.map(({ id }) => id).toSorted()).toEqual(taken.toSorted());
  const policy = (await sidecar.ok('GET', '/v1/policy')) as { scopes: Array<{ name: string }> };
  const own = workspaces.items[0]!.id;
  for (const scope of [...policy.scopes.map(({ name }) => name), 'tokens:manage']) {
    const body = { ...draft, kind, owner, workspaces: [own], scopes: [scope] };
    const { status } = await sidecar.call('POST', '/tokens/preview', body);
    expect([scope, status === 200]).toEqual([scope, scopes.includes(scope)]);
  }
});

it('finds workspaces by a part of their names, in any case', async () => {
  await sidecar.ok('PUT', '/workspaces/h1', { name: 'Handbook', owner: 'ann' });
  const found = await grantable('owner=ann&workspace=HAND');
  expect(found.workspaces).toMatchObject({ items: [{ id: 'h1', name: 'Handbook' }], isCut: false });
});

it('a member is told of themselves alone, and what they may not make is refused as its making is', async () => {
  const { body: made } = await sidecar.call('POST', '/tokens', { ...PERSONAL, scopes: ['tokens:manage', 'bot:read'] });
  const own = { authorization: `Bearer ${made.token}` };
  expect((await ask('', own)).body).toMatchObject({ owner: 'ann', kind: 'personal' });
  expect((await ask('owner=bob', own)).status).toBe(403);
  expect((await ask('owner=nobody')).body).toMatchObject({ code: 'owner_unknown' });
  expect((await ask('')).body).toMatchObject({ code: 'owner_required' });
  expect((await ask('owner=ann&kind=none')).body).toMatchObject({ code: 'kind_unknown' });
  expect((await ask('owner=ann&kind=service')).body).toMatchObject({ code: 'kind_not_held' });
});

it('a preview that is refused is refused as its making is, and leaves no line in the trail', async () => {
  const trail = async () => (await sidecar.ok('GET', '/audit-events?limit=1000')).items as unknown[];
  const before = (await trail()).length;
  for (const [draft, code] of [
    [{ scopes: ['nonsense:read'] }, 'scope_unknown'],
    [{ workspaces: ['w4'] }, 'workspace_not_selectable'],
    [{ expiresInDays: 0.0001 }, 'expiry_out_of_range'],
    [{ owner: 'nobody' }, 'owner_unknown'],
  ] as const) {
    const [preview, made] = [
      await sidecar.call('POST', '/tokens/preview', { ...PERSONAL, ...draft }),
      await sidecar.call('POST', '/tokens', { ...PERSONAL, ...draft }),
    ];
    expect([preview.status, preview.body.code, preview.body.detail]).toEqual([422, code, made.body.detail]);
  }
  expect(await sidecar.ok('POST', '/tokens/preview', PERSONAL)).not.toHaveProperty('token.token');
  // Those of the attempts to make one.
  expect((await trail()).length).toBe(before + 4);
});
