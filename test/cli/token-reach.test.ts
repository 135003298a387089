/** What a token would reach, said before it is made, is what it then reaches: held against the gateway, request by request. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorld, type World } from './world.ts';

interface Reach {
  readonly gateway: string | null;
  readonly routes: number;
  readonly reached: number;
  readonly public: number;
  readonly lost: ReadonlyArray<{ readonly reason: string; readonly routes: number }>;
  readonly items: ReadonlyArray<{
    readonly route: string;
    readonly reason: string | null;
    readonly missing: readonly string[];
    readonly ownerLacks: readonly string[];
    readonly workspace: string | null;
    readonly example: { readonly method: string; readonly path: string } | null;
  }>;
  readonly nextCursor: string | null;
}
interface Preview {
  readonly token: object;
  readonly reach: Reach;
}

let world: World;
const org = (path: string) => `/v1/organizations/acme${path}`;

beforeAll(async () => {
  world = await startWorld();
  await world.settle([
    ['/members/cat', { name: 'Cat', role: 'member' }],
    ['/members/dan', { name: 'Dan', role: 'member', scopes: ['content:read'] }],
    ['/teams/crew', { name: 'Crew', members: ['cat'] }],
    ['/workspaces/legal', { name: 'Legal', owner: 'ann' }],
    ['/workspaces/lab', { name: 'Lab', owner: 'cat' }],
    ['/workspaces/sales/assignments/members/bob', { role: 'member' }],
    ['/workspaces/legal/assignments/teams/crew', { role: 'member' }],
    ['/workspaces/sales/assignments/members/dan', { role: 'admin' }],
    ...['sales', 'legal', 'lab'].map(
      (ws) =>
        [`/workspaces/${ws}/resources/bot/of-${ws}`, { owner: 'ann', collaborators: ['bob', 'cat', 'dan'] }] as const,
    ),
  ]);
});
afterAll(() => world.stop());

/** Every request that could tell them apart; the last route is told its workspace by the body. */
const REQUESTS: ReadonlyArray<readonly [route: string, method: string, path: (ws: string) => string]> = [
  ['read-page', 'GET', (ws) => `/workspaces/${ws}/pages/1`],
  ['write-page', 'PUT', (ws) => `/workspaces/${ws}/pages/1`],
  ['delete-page', 'DELETE', (ws) => `/workspaces/${ws}/pages/1`],
  ['run-bot', 'POST', (ws) => `/workspaces/${ws}/bots/of-${ws}`],
  ['import', 'POST', () => '/import'],
];

async function letThrough(token: string): Promise<string[]> {
  const routes = new Set<string>();
  for (const [route, method, path] of REQUESTS) {
    for (const ws of ['sales', 'legal', 'lab']) {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const body = route === 'import' ? JSON.stringify({ space: ws }) : null;
      // Nobody listens behind it.
      if ((await fetch(world.gateway.url + path(ws), { method, headers, body })).status === 502) routes.add(route);
    }
  }
  return [...routes].toSorted();
}

const reachedBy = ({ items }: Reach) =>
  items
    .filter(({ reason }) => reason === null)
    .map(({ route }) => route)
    .toSorted();

it.each([
  ['bob', ['content:read'], ['sales'], undefined],
  ['bob', ['content:write'], ['sales'], undefined],
  ['ann', ['content:write'], ['sales', 'legal'], undefined],
  ['ann', ['content:read'], 'all', undefined],
  ['cat', ['content:write'], 'all-joined', undefined],
  ['cat', ['content:write'], ['legal'], undefined],
  ['dan', ['content:read'], ['sales'], undefined],
  ['bob', ['content:write'], ['sales'], ['127.0.0.0/8']],
] as const)('%s with %j in %j: exactly what is said is let through', async (owner, scopes, workspaces, allowed) => {
  const addresses = allowed === undefined ? {} : { allowedAddresses: allowed };
  const draft = { name: 'draft', owner, scopes, workspaces, expiresInDays: 7, ...addresses };
  const { status, body } = await world.gateway.admin('POST', org('/tokens/preview'), draft);
  expect(status, JSON.stringify(body)).toBe(200);
  const said = (body as Preview).reach;
  const { id, token } = await world.mint(draft);
  expect(reachedBy(said)).toEqual(await letThrough(token));
  expect(said).toMatchObject({ routes: 5, public: 0, reached: reachedBy(said).length });
  expect(said.lost.reduce((sum, { routes }) => sum + routes, 0)).toBe(5 - said.reached);
  expect((await world.gateway.admin('GET', org(`/tokens/${id}/reach`))).body).toEqual(said);
});

it('says what stands in the way, and whether the owner could give it', async () => {
  const preview = async (draft: object) => {
    const made = {
      name: 'd',
      owner: 'bob',
      scopes: ['content:read'],
      workspaces: ['sales'],
      expiresInDays: 7,
      ...draft,
    };
    const { body } = await world.gateway.admin('POST', org('/tokens/preview'), made);
    return Object.fromEntries((body as Preview).reach.items.map((item) => [item.route, item]));
  };
  const reader = await preview({});
  expect(reader['write-page']).toMatchObject({ reason: 'scope_missing', missing: ['content:write'], ownerLacks: [] });
  expect(reader['read-page']).toMatchObject({ reason: null, workspace: 'sales' });
  expect(reader['read-page']!.example).toEqual({ method: 'GET', path: '/workspaces/sales/pages/{page}', headers: [] });
  expect((await preview({ scopes: ['content:write'] }))['delete-page']).toMatchObject({ reason: 'role_insufficient' });
  expect((await preview({ owner: 'dan' }))['write-page']).toMatchObject({ ownerLacks: ['content:write'] });
});

it('one that ended is told what it would reach, and one whose owner has left reaches nothing', async () => {
  await world.settle([
    ['/members/eve', { name: 'Eve', role: 'member' }],
    ['/workspaces/sales/assignments/members/eve', { role: 'member' }],
  ]);
  const { id } = await world.mint({ owner: 'eve' });
  await world.gateway.admin('POST', org(`/tokens/${id}/revoke`));
  const reach = async () => (await world.gateway.admin('GET', org(`/tokens/${id}/reach`))).body as Reach;
  expect(await reach()).toMatchObject({ reached: 3 });
  await world.gateway.admin('DELETE', org('/members/eve'));
  expect(await reach()).toMatchObject({ reached: 0, lost: [{ reason: 'owner_removed', routes: 5 }] });
});

it('comes in pages, and without the routes at all', async () => {
  const { id } = await world.mint({});
  const page = async (query: string) =>
    (await world.gateway.admin('GET', org(`/tokens/${id}/reach?${query}`))).body as Reach;
  expect(await page('limit=0')).toMatchObject({ routes: 5, items: [], nextCursor: '0' });
  const first = await page('limit=3');
  const second = await page(`limit=3&cursor=${first.nextCursor}`);
  expect([...first.items, ...second.items].map(({ route }) => route)).toEqual(REQUESTS.map(([route]) => route));
  expect(second.nextCursor).toBeNull();
  expect((await world.gateway.admin('GET', org(`/tokens/${id}/reach?limit=1001`))).status).toBe(400);
});

it('token create --dry-run says how many of the routes, and makes nothing', async () => {
  const count = async () =>
    ((await world.gateway.admin('GET', org('/tokens?limit=1000'))).body as { items: [] }).items.length;
  const before = await count();
  const line =
    'scopegate token create --name d --owner bob --scope content:read --workspace sales --expires 7d --dry-run';
  const { code, stdout, stderr } = await world.shell(line);
  expect(code).toBe(0);
  expect(stdout).toContain('reaches 3 of 5 routes; refused at 2 by scope_missing');
  expect(stdout).toMatch(/PUT +\/workspaces\/\{ws\}\/pages\/\{page\} +write-page +no: scope_missing \(content:write\)/);
  expect(stderr).toContain('Nothing was made.');
  const { reach } = JSON.parse((await world.shell(`${line} --json`)).stdout) as Preview;
  expect(reach.reached).toBe(3);
  const refused = await world.shell(line.replace('content:read', 'content:nonsense'));
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('content:nonsense')]);
  expect(await count()).toBe(before);
});
