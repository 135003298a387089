/** Tokens that are limited to environments, from outside: what they reach, what the upstream is told, who may change it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Created, type Harness, startHarness } from './harness.ts';

const read = ['content:read'];
const place = { from: 'query.ws', as: 'workspace', role: 'member' };
const route = (name: string, require: object) => ({
  ...{ id: name, match: { path: `/${name}/v1/workspaces` }, rewrite: { strip: `/${name}` } },
  require: { scopes: read, ...require },
});
const ROUTES = [
  route('flags', { workspace: { from: 'query.env', as: 'environment', role: 'member' } }),
  route('beside', { workspace: place, environment: { from: 'query.env' } }),
  route('alone', { environment: { from: 'query.env' } }),
  route('any', { workspace: place, environment: 'all' }),
  route('unsaid', { workspace: place }),
];
const HEADERS = 'x-scopegate-environments';

let harness: Harness;
let count = 0;
let org: string;
let ws: string;

beforeAll(async () => {
  harness = await startHarness('default', ROUTES);
});
afterAll(() => harness.stop());
afterEach(() => harness.ahead(0));

/** ann owns a workspace with staging and production; another workspace has one of its own. */
async function freshOrganization(): Promise<void> {
  org = `env${count++}`;
  ws = `ws-${org}`;
  await harness.organization(org, 'team', { ann: 'member', bob: 'member' });
  await harness.workspace(org, ws, 'ann');
  await harness.workspace(org, `other-${org}`, 'bob');
  for (const name of ['staging', 'prod']) await harness.must(org, 'PUT', environment(name), { name });
}
const environment = (name: string) => `/workspaces/${ws}/environments/${name}-${org}`;
const id = (name: string) => `${name}-${org}`;
const grant = { scopes: read, expiresInDays: 1 };
const mint = (more: object) => harness.mint(org, 'ann', { ...grant, workspaces: [ws], ...more });
const asked = (route: string, name: string) => `/${route}/v1/workspaces?ws=${ws}&env=${id(name)}`;
const status = ({ token }: Created, path: string) => harness.status(token, path);
const callerOf = async ({ token }: Created, path: string) =>
  ((await (await harness.request(token, path)).json()) as { caller: Record<string, string> }).caller;

describe('a token that lists environments', () => {
  it('FEATBIT-4 reaches those and no other, wherever the route reads the environment, and the answer says why', async () => {
    await freshOrganization();
    const token = await mint({ environments: [id('staging')] });
    for (const path of ['flags', 'beside', 'alone']) {
      expect(await status(token, asked(path, 'staging')), path).toBe(200);
      const refused = await harness.request(token.token, asked(path, 'prod'));
      expect({ status: refused.status, body: await refused.json() }, path).toMatchObject({
        status: 403,
        body: { code: 'environment_not_granted' },
      });
    }
    expect(await status(token, `/any/v1/workspaces?ws=${ws}`)).toBe(403);
    expect(await status(token, `/unsaid/v1/workspaces?ws=${ws}`)).toBe(200);
    const free = await mint({});
    for (const path of ['flags', 'beside', 'alone', 'any'])
      expect(await status(free, asked(path, 'prod')), path).toBe(200);
  });

  it('FEATBIT-4 is told to the upstream, which nobody else can tell so', async () => {
    await freshOrganization();
    const token = await mint({ environments: [id('staging'), id('prod')] });
    const both = `${id('staging')},${id('prod')}`;
    expect(await callerOf(token, `/unsaid/v1/workspaces?ws=${ws}`)).toMatchObject({ environments: both });
    expect(await callerOf(token, asked('beside', 'prod'))).toMatchObject({ environment: id('prod') });
    const free = await mint({});
    const forged = await fetch(`${harness.gateway.url}/unsaid/v1/workspaces?ws=${ws}`, {
      headers: { authorization: `Bearer ${free.token}`, [HEADERS]: 'forged' },
    });
    expect(((await forged.json()) as { caller: object }).caller).not.toHaveProperty('environments');
  });

  it('FEATBIT-4 an environment of another workspace is none, whatever the token lists', async () => {
    await freshOrganization();
    const free = await mint({});
    const elsewhere = `/beside/v1/workspaces?ws=${ws}&env=env_other-${org}`;
    expect(await status(free, elsewhere)).toBe(403);
    expect(await status(free, `/beside/v1/workspaces?ws=${ws}`)).toBe(400);
    expect(await status(free, `/beside/v1/workspaces?ws=${ws}&env=nowhere`)).toBe(403);
  });

  it('FEATBIT-4 a narrowed list is in force with the next request; more is for its owner to give', async () => {
    await freshOrganization();
    const token = await mint({ environments: [id('staging'), id('prod')] });
    expect(await status(token, asked('flags', 'prod'))).toBe(200);
    const narrowed = { environments: [id('staging')] };
    const shown = await harness.must(org, 'PATCH', `/tokens/${token.id}`, narrowed, 'ann');
    expect(shown).toMatchObject(narrowed);
    expect(await status(token, asked('flags', 'prod'))).toBe(403);
    await harness.must(org, 'PATCH', `/tokens/${token.id}`, { environments: null }, 'ann');
    expect(await status(token, asked('flags', 'prod'))).toBe(200);
    const { items } = await harness.must(org, 'GET', '/audit-events');
    expect(JSON.stringify(items)).toContain(`{"environments":["${id('staging')}"]}`);
  });

  it('FEATBIT-4 may list only what stands in the workspaces that it is granted', async () => {
    await freshOrganization();
    const ask = (environments: unknown, more: object = {}) =>
      harness.ask(org, 'ann', { ...grant, workspaces: [ws], environments, ...more });
    for (const unknown of [`env_other-${org}`, 'nowhere'])
      expect(await ask([unknown])).toMatchObject({
        status: 422,
        body: { code: 'environment_unknown', field: 'environments' },
      });
    expect((await ask([])).status).toBe(400);
    expect((await ask([id('prod')], { workspaces: 'all' })).status).toBe(201);
  });

  it('FEATBIT-4 an environment that is made again under its id is another one, and the upstream is not told of it', async () => {
    await freshOrganization();
    const token = await mint({ environments: [id('staging'), id('prod')] });
    await harness.must(org, 'DELETE', environment('prod'));
    expect(await status(token, asked('flags', 'prod'))).toBe(403);
    const shown = () => harness.must(org, 'GET', `/tokens/${token.id}`);
    expect(await shown()).toMatchObject({ environments: [id('staging')] });
    await harness.must(org, 'PUT', environment('prod'), { name: 'anew' });
    expect(await status(token, asked('flags', 'prod'))).toBe(403);
    expect(await callerOf(token, `/unsaid/v1/workspaces?ws=${ws}`)).toMatchObject({ environments: id('staging') });
    await harness.must(org, 'DELETE', environment('staging'));
    expect(await shown()).toMatchObject({ environments: [] });
    expect(await status(token, asked('flags', 'staging'))).toBe(403);
  });

  it('FEATBIT-4 explaining names the check and the list that would let it through; the command line makes such tokens', async () => {
    await freshOrganization();
    const token = await mint({ environments: [id('staging')] });
    const question = { organization: org, tokenId: token.id, method: 'GET', url: asked('beside', 'prod') };
    const { body } = await harness.gateway.admin('POST', '/v1/explain', question);
    expect(body).toMatchObject({
      outcome: 'refused',
      reason: 'environment_not_granted',
      checks: expect.arrayContaining([
        expect.objectContaining({
          name: 'environment',
          result: 'failed',
          values: { selected: id('prod'), grant: [id('staging')] },
        }),
      ]),
      fix: [{ command: expect.stringContaining(`--environment ${id('staging')} --environment ${id('prod')}`) }],
    });
  });
});

it('FEATBIT-4 a policy may know no environments: no token of the kind lists any', async () => {
  const coze = await startHarness('coze');
  try {
    await coze.organization('acme', 'team', { ann: 'member' });
    await coze.workspace('acme', 'w1', 'ann');
    const token = { scopes: ['bot:read'], workspaces: ['w1'], environments: ['env_w1'], expiresInDays: 1 };
    expect(await coze.ask('acme', 'ann', token)).toMatchObject({
      status: 422,
      body: { code: 'environments_not_selectable' },
    });
  } finally {
    await coze.stop();
  }
});
