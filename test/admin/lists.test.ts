/** What stands in an organization, page by page: complete, as single reads show it, and for administrators only. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';

type Json = Record<string, unknown>;

const ROUTES = [{ id: 'all', match: { path: '/**' }, public: true }];

let sidecar: TestGateway;
let account: string;

const ok = async (method: string, path: string, body?: unknown): Promise<Json> => {
  const answer = await sidecar.admin(method, path, body);
  expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  return answer.body as Json;
};
const items = async (path: string) => (await ok('GET', path)).items as Json[];

beforeAll(async () => {
  const policy = join(ROOT, 'policies/scrydon.yaml');
  sidecar = await startTestGateway({ upstreamUrl: 'http://127.0.0.1:9', seed: false, policy, routes: ROUTES });
  await ok('PUT', '', { name: 'Acme', edition: 'team' });
  for (const [id, role] of Object.entries({ bob: 'member', ada: 'admin', ann: 'member' }))
    await ok('PUT', `/members/${id}`, { name: id, role });
  for (const id of ['w2', 'w1']) await ok('PUT', `/workspaces/${id}`, { name: id, owner: 'ann' });
  await ok('PUT', '/teams/crew', { name: 'Crew', members: ['ann', 'bob'] });
  await ok('PUT', '/workspaces/w1/environments/e2', { name: 'Two' });
  await ok('PUT', '/workspaces/w1/environments/e1', { name: 'One' });
  await ok('PUT', '/workspaces/w2/environments/e3', { name: 'Elsewhere' });
  await ok('PUT', '/workspaces/w1/resources/bot/b1', { owner: 'ann', collaborators: ['bob'] });
  await ok('PUT', '/workspaces/w1/resources/app/b1', { owner: 'bob', collaborators: [] });
  const input = { name: 'ci', scopes: ['chat:read'] };
  account = (await ok('POST', '/service-accounts', input)).clientId as string;
  const deleted = (await ok('POST', '/service-accounts', input)).clientId as string;
  const assignments = '/workspaces/w1/assignments';
  await ok('PUT', `${assignments}/members/bob`, { role: 'member' });
  await ok('PUT', '/workspaces/w2/assignments/members/ada', { role: 'member' });
  await ok('PUT', `${assignments}/teams/crew`, { role: 'admin' });
  await ok('PUT', `${assignments}/service-accounts/${account}`, { role: 'member' });
  await ok('PUT', `${assignments}/service-accounts/${deleted}`, { role: 'admin' });
  await ok('DELETE', `/service-accounts/${deleted}`);
  const solo = '/v1/organizations/solo';
  await ok('PUT', solo, { name: 'Solo', edition: 'personal' });
  await ok('PUT', `${solo}/members/sam`, { name: 'Sam', role: 'admin' });
  await ok('PUT', `${solo}/workspaces/s1`, { name: 's1', owner: 'sam' });
});
afterAll(() => sidecar.stop());

const LISTS = [
  '/members',
  '/teams',
  '/workspaces',
  '/workspaces/w1/environments',
  '/workspaces/w1/resources',
  '/workspaces/w1/assignments',
];

it.each(['/members', '/teams', '/workspaces', '/service-accounts'])(
  '%s is searched by a part of the name or the id, in any case',
  async (path) => {
    const all = (await items(path)) as Array<{ id?: string; clientId?: string; name: string }>;
    const [wanted] = all;
    const id = wanted!.id ?? wanted!.clientId!;
    expect(await items(`${path}?name=${wanted!.name.slice(0, 2).toUpperCase()}`)).toContainEqual(wanted);
    expect(await items(`${path}?name=${id}`)).toEqual([wanted]);
    expect(await items(`${path}?name=nobody-is-called-so`)).toEqual([]);
  },
);

it('a resource may belong to a service account, as long as there is one', async () => {
  const { clientId } = await ok('POST', '/service-accounts', { name: 'bot keeper', scopes: ['chat:read'] });
  const path = '/workspaces/w2/resources/app/kept';
  await ok('PUT', path, { owner: clientId, collaborators: [clientId, 'ann'] });
  await ok('DELETE', path);
  await ok('DELETE', `/service-accounts/${clientId}`);
  const answer = await sidecar.admin('PUT', path, { owner: clientId, collaborators: [] });
  expect(answer).toMatchObject({ status: 422, body: { code: 'owner_unknown' } });
});

it.each([
  ['/members', 'id', ['ada', 'ann', 'bob']],
  ['/teams', 'id', ['crew']],
  ['/workspaces', 'id', ['w1', 'w2']],
  ['/workspaces/w1/environments', 'id', ['e1', 'e2']],
  ['/workspaces/w1/resources', 'type', ['app', 'bot']],
] as const)('%s lists everything, each as a single read shows it', async (path, field, expected) => {
  const found = await items(path);
  expect(found.map((item) => item[field])).toEqual(expected);
  for (const item of found) {
    const one = 'type' in item ? `${path}/${item.type as string}/${item.id as string}` : `${path}/${item.id as string}`;
    expect(item).toEqual(await ok('GET', one));
  }
});

it('assignments are those of members, teams and service accounts, without deleted ones', async () => {
  const found = await items('/workspaces/w1/assignments');
  expect(found).toHaveLength(3);
  expect(found).toEqual(
    expect.arrayContaining([
      { kind: 'members', id: 'bob', role: 'member' },
      { kind: 'teams', id: 'crew', role: 'admin' },
      { kind: 'service-accounts', id: account, role: 'member' },
    ]),
  );
  expect((await items('/workspaces/w2/assignments')).map(({ id }) => id)).toEqual(['ada']);
});

it('a list says nothing of other organizations', async () => {
  expect((await items('/v1/organizations/solo/members')).map(({ id }) => id)).toEqual(['sam']);
});

describe.each(LISTS)('%s', (path) => {
  it('comes page by page, without gap or repetition', async () => {
    const whole = await items(path);
    const paged: Json[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page: Json = await ok('GET', `${path}?limit=1${query}`);
      expect((page.items as Json[]).length).toBe(1);
      paged.push(...(page.items as Json[]));
      cursor = page.nextCursor as string | null;
    }
    expect(paged).toEqual(whole);
  });

  it('is for administrators; who has a role in a workspace, also for its admins', async () => {
    const as = async (actor: string) =>
      (await sidecar.admin('GET', path, undefined, { 'scopegate-actor': actor })).status;
    const owner = path.endsWith('/assignments') ? 200 : 403;
    expect([await as('ada'), await as('ann'), await as('sam')]).toEqual([200, owner, 403]);
  });

  it('refuses pages and parameters that it does not know', async () => {
    for (const query of ['?limit=0', '?limit=1001', '?cursor=nonsense', '?lmit=5'])
      expect((await sidecar.admin('GET', path + query)).status, query).toBe(400);
  });
});

it('an organization or workspace that is not there is 404', async () => {
  for (const path of ['/v1/organizations/none/members', '/workspaces/none/environments', '/workspaces/s1/assignments'])
    expect(await sidecar.admin('GET', path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
});

it('in edition personal nobody but the operator lists anything', async () => {
  const answer = await sidecar.admin('GET', '/v1/organizations/solo/members', undefined, { 'scopegate-actor': 'sam' });
  expect(answer.status).toBe(403);
});
