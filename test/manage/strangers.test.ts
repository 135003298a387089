/** Edition personal, a crowd of strangers: what others have is answered as what does not exist. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Harness, startHarness } from '../requirements/harness.ts';

let harness: Harness;

/** sam owns s1; tom owns s2, where kim is assigned and the team crew (kim, lou) too; lou is in nothing else. */
beforeAll(async () => {
  harness = await startHarness('coze');
  await harness.organization('solo', 'personal', { sam: 'super_admin', tom: 'member', kim: 'member', lou: 'member' });
  await harness.workspace('solo', 's1', 'sam');
  await harness.workspace('solo', 's2', 'tom');
  const put = (path: string, body: unknown) => harness.must('solo', 'PUT', path, body);
  await put('/teams/crew', { name: 'Crew', members: ['kim', 'lou'] });
  await put('/workspaces/s2/assignments/members/kim', { role: 'admin' });
  await put('/workspaces/s2/assignments/teams/crew', { role: 'member' });
  await put('/workspaces/s2/environments/e2', { name: 'E' });
  await put('/workspaces/s2/resources/bot/b2', { owner: 'tom', collaborators: [] });
});
afterAll(() => harness.stop());

const INSIDE = ['', '/environments/e2', '/resources/bot/b2', '/assignments/members/kim', '/assignments/teams/crew'];

it.each(INSIDE)("a stranger is told that another's workspace does not exist: GET s2%s", async (below) => {
  const path = `/workspaces/s2${below}`;
  const { status, body } = await harness.call('solo', 'GET', path, undefined, 'sam');
  const missing = await harness.call('solo', 'GET', path.replace('s2', 'nowhere'), undefined, 'sam');
  expect(status).toBe(404);
  expect(body).toEqual(JSON.parse(JSON.stringify(missing.body).replace('nowhere', 's2')));
});

it.each(INSIDE)('whoever owns or joined it, by a team too, sees it and what is in it: GET s2%s', async (below) => {
  for (const id of ['tom', 'kim', 'lou'])
    expect((await harness.call('solo', 'GET', `/workspaces/s2${below}`, undefined, id)).status, id).toBe(200);
});

it.each([
  ['PATCH', '/workspaces/s2', { name: 'mine' }],
  ['DELETE', '/workspaces/s2', undefined],
  ['POST', '/workspaces/s2/transfer', { owner: 'sam' }],
  ['PUT', '/workspaces/s2/environments/e9', { name: 'x' }],
  ['DELETE', '/workspaces/s2/resources/bot/b2', undefined],
  ['PUT', '/workspaces/s2/assignments/members/sam', { role: 'admin' }],
] as const)('nor may a stranger find out by changing it: %s %s', async (method, path, body) => {
  expect((await harness.call('solo', method, path, body, 'sam')).status).toBe(404);
  // Who joined knows that it is there, and is told the rule.
  if (path !== '/workspaces/s2/transfer')
    expect((await harness.call('solo', method, path, body, 'lou')).status).toBe(403);
});

it('nor by asking for a token for it', async () => {
  const ask = async (workspace: string) => {
    const asked = { name: 't', scopes: ['bot:read'], workspaces: [workspace], expiresInDays: 1 };
    const { status, body } = await harness.call('solo', 'POST', '/tokens', asked, 'sam');
    return [status, JSON.stringify(body).replace(workspace, 'X')];
  };
  const [status, text] = await ask('s2');
  expect(status).toBe(422);
  expect(text).toMatch(/workspaces that they own;/);
  expect(await ask('nowhere')).toEqual([status, text]);
});

it('a team is seen by those who are in it', async () => {
  const seen = async (id: string) => (await harness.call('solo', 'GET', '/teams/crew', undefined, id)).status;
  expect(await seen('kim')).toBe(200);
  expect(await seen('sam')).toBe(404);
});

it('the operator sees everything', async () => {
  for (const path of ['/teams/crew', ...INSIDE.map((below) => `/workspaces/s2${below}`)])
    expect((await harness.call('solo', 'GET', path)).status, path).toBe(200);
});
