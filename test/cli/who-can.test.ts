/** Who could, and who can, is what the gateway then does: for every token, and for the members that a token is made for. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorld, type World } from './world.ts';

interface Found {
  readonly items: ReadonlyArray<{ readonly id: string; readonly role: string | null }>;
  readonly examined: number;
  readonly isCut: boolean;
}

interface WhoCan {
  readonly route: string | null;
  readonly reason: string | null;
  readonly depends: boolean;
  readonly needs: Readonly<Record<string, unknown>> | null;
  readonly members: Found;
  readonly 'service-accounts': Found;
  readonly tokens: Found;
}

let world: World;
const org = (path: string) => `/v1/organizations/acme${path}`;
const made: Array<{ readonly id: string; readonly token: string }> = [];

beforeAll(async () => {
  world = await startWorld();
  await world.settle([
    ['/members/cat', { name: 'Cat', role: 'member' }],
    ['/workspaces/legal', { name: 'Legal', owner: 'ann' }],
    ['/workspaces/sales/assignments/members/bob', { role: 'member' }],
    ['/workspaces/sales/resources/bot/b1', { owner: 'ann', collaborators: ['bob'] }],
  ]);
  for (const [owner, scopes, workspaces] of [
    ['ann', ['content:read'], ['sales']],
    ['ann', ['content:write'], ['sales', 'legal']],
    ['bob', ['content:read'], ['sales']],
    ['bob', ['content:write'], ['sales']],
    ['cat', ['content:write'], 'all-joined'],
    ['bob', ['content:write'], ['sales']],
  ] as const) {
    made.push(await world.mint({ name: `${owner} ${scopes[0]}`, owner, scopes, workspaces }));
  }
  await world.gateway.admin('POST', org(`/tokens/${made[5]!.id}/deactivate`));
});
afterAll(() => world.stop());

async function whoCan(line: string): Promise<WhoCan & { readonly code: string | number | null }> {
  const { code, stdout } = await world.shell(`scopegate who-can ${line} --json`);
  return { ...(JSON.parse(stdout) as WhoCan), code };
}

const ids = ({ items }: Found) => items.map(({ id }) => id).toSorted();

it.each([
  ['GET', '/workspaces/sales/pages/1', ['ann', 'bob']],
  ['PUT', '/workspaces/sales/pages/1', ['ann', 'bob']],
  ['DELETE', '/workspaces/sales/pages/1', ['ann']],
  ['GET', '/workspaces/legal/pages/1', ['ann']],
  ['POST', '/workspaces/sales/bots/b1', ['ann', 'bob']],
  ['POST', '/workspaces/sales/bots/b2', []],
] as const)('%s %s: exactly those tokens can that the gateway lets through', async (method, url, members) => {
  const found = await whoCan(`${method} ${url}`);
  const passing: string[] = [];
  for (const { id, token } of made) {
    const answer = await fetch(world.gateway.url + url, { method, headers: { authorization: `Bearer ${token}` } });
    // Nobody listens behind it.
    if (answer.status === 502) passing.push(id);
  }
  expect(ids(found.tokens)).toEqual(passing.toSorted());
  expect(ids(found.members)).toEqual(members);
  expect(found.tokens.examined).toBe(made.length);
  expect(found.code).toBe(members.length === 0 ? 2 : 0);
});

it('says what the route asks for, and where that stands', async () => {
  const { needs, route } = await whoCan('POST /workspaces/sales/bots/b1');
  expect(route).toBe('run-bot');
  expect(needs).toMatchObject({
    ...{ scopes: ['content:read'], match: 'all', role: 'member' },
    ...{ workspace: 'sales (workspace)', relation: 'collaborator of bot b1' },
    sources: { scopes: { file: 'gateway.yaml', line: expect.any(Number) } },
  });
  const { stdout } = await world.shell('scopegate who-can DELETE /workspaces/sales/pages/1');
  expect(stdout).toMatch(/needs content:write \(gateway\.yaml:\d+\)\n {2}needs admin of sales \(workspace\)/);
});

it('a service account could, with what it may request and where it has a role', async () => {
  const account = await world.gateway.admin('POST', org('/service-accounts'), {
    name: 'robot',
    scopes: ['content:read'],
  });
  const { clientId } = account.body as { clientId: string };
  expect(ids((await whoCan('GET /workspaces/sales/pages/1'))['service-accounts'])).toEqual([]);
  await world.gateway.admin('PUT', org(`/workspaces/sales/assignments/service-accounts/${clientId}`), {
    role: 'member',
  });
  expect(ids((await whoCan('GET /workspaces/sales/pages/1'))['service-accounts'])).toEqual([clientId]);
  expect(ids((await whoCan('PUT /workspaces/sales/pages/1'))['service-accounts'])).toEqual([]);
});

it('stops where it was told to and says so; what no route takes nobody can; what a body decides is left open', async () => {
  const { tokens } = await whoCan('GET /workspaces/sales/pages/1 --limit 1');
  expect(tokens).toMatchObject({ items: { length: 1 }, isCut: true });
  const { stdout } = await world.shell('scopegate who-can GET /workspaces/sales/pages/1 --limit 1');
  expect(stdout).toContain('1 or more (--limit) of 1 tokens looked at can now');
  expect(await whoCan('GET /nowhere')).toMatchObject({ code: 2, reason: 'route_not_found', needs: null });
  const imported = await whoCan('POST /import');
  expect([imported.depends, imported.tokens.items.length, imported.code]).toEqual([true, 5, 0]);
});

it('is for administrators', async () => {
  const path = org('/who-can/tokens?method=GET&url=/import');
  expect((await world.gateway.admin('GET', path, undefined, { 'scopegate-actor': 'bob' })).status).toBe(403);
  expect((await world.gateway.admin('GET', path, undefined, { 'scopegate-actor': 'ann' })).status).toBe(200);
});
