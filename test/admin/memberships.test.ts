/** Where members belong and by what, and what goes when a workspace or a team does: said beforehand, by those who may know. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Json, type Sidecar, settle, startSidecar } from './sidecar.ts';

let sidecar: Sidecar;
let bobs: string;
beforeAll(async () => {
  sidecar = await startSidecar();
  await settle(sidecar);
  const { ok } = sidecar;
  await ok('PUT', '/teams/crew', { name: 'Crew', members: ['ann', 'bob'] });
  await ok('PUT', '/workspaces/w2/assignments/teams/crew', { role: 'member' });
  await ok('PUT', '/workspaces/w1/assignments/teams/crew', { role: 'admin' });
  await ok('PUT', '/workspaces/w1/environments/e1', { name: 'One' });
  const input = {
    name: 'mine',
    owner: 'bob',
    scopes: ['tokens:manage', 'bot:read'],
    workspaces: ['w2'],
    expiresInDays: 1,
  };
  bobs = (await ok('POST', '/tokens', input)).token as string;
});
afterAll(() => sidecar.stop());

const token = async (workspaces: readonly string[]): Promise<string> => {
  const input = { kind: 'service', name: 't', owner: 'ada', scopes: ['bot:read'], workspaces, expiresInDays: 1 };
  return (await sidecar.ok('POST', '/tokens', input)).id as string;
};

it('a member has each role with what gives it, the highest of them told', async () => {
  expect(await sidecar.ok('GET', '/members/ann/memberships')).toEqual({
    teams: [{ id: 'crew', name: 'Crew' }],
    everywhere: null,
    workspaces: [
      {
        ...{ id: 'w1', name: 'w1', role: 'admin' },
        sources: [
          { source: 'owner', team: null, role: 'admin' },
          { source: 'team', team: 'crew', role: 'admin' },
        ],
      },
      { id: 'w3', name: 'w3', role: 'admin', sources: [{ source: 'owner', team: null, role: 'admin' }] },
      {
        ...{ id: 'w2', name: 'w2', role: 'member' },
        sources: [
          { source: 'direct', team: null, role: 'member' },
          { source: 'team', team: 'crew', role: 'member' },
        ],
      },
    ],
    more: false,
  });
  expect(await sidecar.ok('GET', '/members/ada/memberships')).toMatchObject({ everywhere: 'member' });
});

it('a member finds their own by their token, and nobody else’s', async () => {
  const headers = { authorization: `Bearer ${bobs}` };
  const own = await sidecar.call('GET', '/members/bob/memberships', undefined, headers);
  expect([own.status, own.body]).toMatchObject([200, { teams: [{ id: 'crew' }] }]);
  for (const other of ['ann', 'ada', 'nobody']) {
    const { status, body } = await sidecar.call('GET', `/members/${other}/memberships`, undefined, headers);
    expect([status, body]).toMatchObject([403, { code: 'not_allowed' }]);
  }
});

it('the deletion of a workspace says beforehand which tokens lose it, and which reach none then', async () => {
  await sidecar.ok('PUT', '/workspaces/goes', { name: 'Goes', owner: 'ada' });
  await sidecar.ok('PUT', '/workspaces/goes/environments/live', { name: 'Live' });
  const [stranded, narrowed] = [await token(['goes']), await token(['goes', 'a1'])];
  expect((await sidecar.ok('GET', '/tokens?workspace=goes')).items).toMatchObject([{ id: stranded }, { id: narrowed }]);
  const cascade = { strandedTokens: [stranded], narrowedTokens: [narrowed], environments: ['live'] };
  const preview = await sidecar.ok('DELETE', '/workspaces/goes?dryRun=true&wait=1000');
  expect(preview).toEqual({ cascade, dryRun: true });
  expect(await sidecar.ok('GET', '/workspaces/goes')).toMatchObject({ name: 'Goes' });
  const asAnn = await sidecar.call('DELETE', '/workspaces/goes?dryRun=true', undefined, { 'scopegate-actor': 'ann' });
  expect(asAnn.status).toBe(403);
  expect(await sidecar.ok('DELETE', '/workspaces/goes')).toMatchObject({ cascade, dryRun: false });
  expect((await sidecar.call('GET', '/workspaces/goes')).status).toBe(404);
  expect((await sidecar.ok('GET', `/tokens/${narrowed}`)).workspaces).toEqual(['a1']);
});

it('the deletion of a team says beforehand who loses which roles', async () => {
  await sidecar.ok('PUT', '/teams/gone', { name: 'Gone', members: ['bob'] });
  await sidecar.ok('PUT', '/workspaces/w3/assignments/teams/gone', { role: 'member' });
  const cascade = { members: ['bob'], lostRoles: ['w3'] };
  expect(await sidecar.ok('DELETE', '/teams/gone?dryRun=true')).toEqual({ cascade, dryRun: true });
  expect(await sidecar.ok('GET', '/teams/gone')).toMatchObject({ members: ['bob'], policies: [] });
  expect((await sidecar.ok('DELETE', '/teams/gone')) as Json).toMatchObject({ cascade, dryRun: false });
});
