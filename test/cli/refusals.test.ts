/** What was refused can be asked about afterwards, by the id that its answer had: then and now, by whoever may see the token. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomFrom } from '../support/chance.ts';
import { startWorld, type World } from './world.ts';

interface Decided {
  readonly outcome: string;
  readonly reason: string | null;
  readonly decided: Readonly<Record<string, unknown>>;
  readonly changes: ReadonlyArray<{ readonly what: string; readonly before: unknown; readonly after: unknown }>;
  readonly checks: ReadonlyArray<{ readonly name: string; readonly values: Record<string, unknown> }>;
  readonly fix: ReadonlyArray<{ readonly command: string }> | null;
}

let world: World;
const org = (path: string) => `/v1/organizations/acme${path}`;

beforeAll(async () => {
  world = await startWorld();
  await world.settle([
    ['/members/cat', { name: 'Cat', role: 'member' }],
    ['/workspaces/legal', { name: 'Legal', owner: 'ann' }],
    ['/workspaces/sales/assignments/members/bob', { role: 'member' }],
    ['/workspaces/sales/assignments/members/cat', { role: 'member' }],
    ['/workspaces/sales/resources/bot/b1', { owner: 'ann', collaborators: ['cat'] }],
  ]);
});
afterAll(() => world.stop());

/** The id of the decision about a request that is sent now. */
async function sent(method: string, url: string, token: string | null, body?: string): Promise<string> {
  const answer = await fetch(world.gateway.url + url, {
    method,
    ...(body === undefined ? {} : { body }),
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
  });
  await answer.text();
  return answer.headers.get('x-scopegate-decision-id')!;
}

async function explain(id: string, more = ''): Promise<Decided> {
  const { code, stdout, stderr } = await world.shell(`scopegate explain ${id} --json ${more}`);
  expect(stderr).toBe('');
  const decided = JSON.parse(stdout) as Decided;
  expect(code).toBe(decided.outcome === 'allowed' ? 0 : 2);
  return decided;
}

const READ = '/workspaces/sales/pages/1';

describe('a refusal, by its id', () => {
  it('says what was decided then, the same now where nothing has changed, and what would let it through', async () => {
    const { id, token } = await world.mint({});
    const decision = await sent('PUT', `${READ}?canary=1`, token);
    const explained = await explain(decision);
    expect(explained).toMatchObject({ outcome: 'refused', reason: 'scope_missing', changes: [] });
    expect(explained.decided).toMatchObject({
      ...{
        id: decision,
        reason: 'scope_missing',
        status: 403,
        path: READ,
        token: id,
        owner: 'bob',
        workspace: 'sales',
      },
      ...{ scopes: 'content:read', workspaces: 'sales', state: 'active', address: '127.0.0.1' },
    });
    expect(explained.fix!.length).toBeGreaterThan(0);
    expect(JSON.stringify(explained)).not.toContain('canary');
    const { stdout } = await world.shell(`scopegate explain ${decision}`);
    expect(stdout).toMatch(/^REFUSED 403 scope_missing {2}20.+PUT .+pages\/1 {2}from 127\.0\.0\.1\n/);
    expect(stdout).toContain('Nothing has changed since.\nNow: REFUSED 403 scope_missing');
  });

  it('says what has changed since, and that it would be allowed now', async () => {
    const { id, token } = await world.mint({ owner: 'ann' });
    await world.gateway.admin('POST', org(`/tokens/${id}/deactivate`));
    const decision = await sent('GET', READ, token);
    await world.gateway.admin('POST', org(`/tokens/${id}/activate`));
    await world.gateway.admin('PATCH', org('/members/ann'), { name: 'Ann A.' });
    const explained = await explain(decision);
    expect(explained.outcome).toBe('allowed');
    expect(explained.changes.map(({ what }) => what)).toEqual(['token.state', 'member/acme/ann']);
    expect(explained.changes[0]).toMatchObject({ before: 'inactive', after: 'active' });
    const { stdout } = await world.shell(`scopegate explain ${decision}`);
    expect(stdout).toContain('Changed since:\n  token.state: inactive → active\n');
    expect(stdout).toContain('Now: ALLOWED');
  });

  it('of a token that is no more, of none and of an unknown one', async () => {
    const { id, token } = await world.mint({});
    const decision = await sent('PUT', READ, token);
    await world.gateway.admin('DELETE', org(`/tokens/${id}`));
    expect(await explain(decision)).toMatchObject({
      ...{ outcome: 'refused', reason: 'token_unknown', changes: [{ what: 'token', before: id, after: null }] },
    });
    const missing = await explain(await sent('GET', READ, null));
    expect(missing).toMatchObject({ outcome: 'refused', reason: 'token_missing', changes: [] });
    expect(await explain(await sent('GET', READ, 'junk'))).toMatchObject({ outcome: 'depends', reason: null });
    expect(await explain(await sent('GET', '/nowhere', null))).toMatchObject({ reason: 'route_not_found' });
    expect(await explain(await sent('GET', '/a%2Fb', null))).toMatchObject({
      outcome: 'refused',
      reason: 'bad_request',
    });
  });

  it('of a body that named the workspace, which is not kept', async () => {
    const { token } = await world.mint({});
    const named = await explain(await sent('POST', '/import', token, '{"space":"legal","secret":"canary"}'));
    expect(named).toMatchObject({
      outcome: 'refused',
      reason: 'workspace_not_granted',
      decided: { workspace: 'legal' },
    });
    expect(JSON.stringify(named)).not.toContain('canary');
    const unnamed = await explain(await sent('POST', '/import', token, '{}'));
    expect(unnamed).toMatchObject({ outcome: 'refused', reason: 'workspace_ambiguous' });
  });

  it('that nobody remembers is not found; what is no id is told what an id is', async () => {
    const { code, stderr } = await world.shell(`scopegate explain ${'0'.repeat(26)}`);
    expect([code, stderr]).toEqual([1, expect.stringContaining('no refusal')]);
    expect((await world.shell('scopegate explain junk')).stderr).toContain('is no id of a decision');
  });
});

it('from a line of the log it says the same as from memory, whatever else the log holds', async () => {
  const { token } = await world.mint({});
  const decision = await sent('PUT', READ, token);
  const { decided } = await explain(decision);
  const { process: _, ...fields } = decided;
  const line = JSON.stringify({ level: 30, time: 1, pid: 1, msg: 'decision', ...fields });
  writeFileSync(
    join(world.gateway.folder, 'log.txt'),
    `noise ${decision}\n{"id":"${decision}","msg":"refused"}\n${line}\n`,
  );
  const fromLog = await explain(decision, '--log log.txt');
  expect(fromLog).toMatchObject({ outcome: 'refused', reason: 'scope_missing', changes: [] });
  expect(fromLog.decided).toEqual({ ...fields, process: null });
  const { stderr } = await world.shell(`scopegate explain ${'0'.repeat(26)} --log log.txt`);
  expect(stderr).toContain('has no decision line of');
});

it('explaining a refusal again says what deciding said, whatever was asked for with whatever token', async () => {
  const random = randomFrom(20301108);
  const one = <T>(...of: readonly T[]): T => of[random(of.length)]!;
  const tokens = [
    await world.mint({}),
    await world.mint({ owner: 'cat', workspaces: 'all-joined' }),
    await world.mint({ owner: 'ann', scopes: ['content:write'], workspaces: ['sales', 'legal'] }),
    await world.mint({ allowedAddresses: ['192.0.2.0/24'] }),
    await world.mint({}),
  ];
  await world.gateway.admin('POST', org(`/tokens/${tokens[4]!.id}/deactivate`));
  let refused = 0;
  for (let round = 0; round < 60; round++) {
    const workspace = one('sales', 'legal', 'gone', 'x'.repeat(300));
    const [method, url] = one(
      ['GET', `/workspaces/${workspace}/pages/1`],
      ['PUT', `/workspaces/${workspace}/pages/1`],
      ['DELETE', `/workspaces/${workspace}/pages/1`],
      ['POST', `/workspaces/${workspace}/bots/${one('b1', 'b2', '%20')}`],
      ['POST', '/import'],
      ['PATCH', '/import'],
      ['GET', '/nowhere'],
    );
    const body = url === '/import' ? one('{"space":"legal"}', '{"space":7}', '{}', '{"space":""}') : undefined;
    const decision = await sent(method, url, one(...tokens).token, body);
    const asked = await world.gateway.admin('POST', '/v1/explain', { id: decision });
    const { decided, outcome, reason } = asked.body as Decided;
    if (decided.reason === 'upstream_unreachable') expect(outcome).toBe('allowed');
    else expect([url, outcome, reason]).toEqual([url, 'refused', decided.reason]);
    refused += Number(decided.reason !== 'upstream_unreachable');
  }
  expect(refused).toBeGreaterThan(20);
});

describe('who sees what', () => {
  const as = async (member: string, method: string, path: string, body?: unknown) =>
    world.gateway.admin(method, path, body, { 'scopegate-actor': member });

  it('members see the refusals of their own tokens; administrators those of their organization', async () => {
    const [own, other] = [await world.mint({}), await world.mint({ owner: 'cat' })];
    const [mine, theirs] = [await sent('PUT', READ, own.token), await sent('PUT', READ, other.token)];
    const nobodys = await sent('GET', READ, null);
    const ids = async (member: string) => {
      const { body } = await as(member, 'GET', '/v1/refusals?organization=acme&limit=1000');
      return (body as { items: ReadonlyArray<{ id: string }> }).items.map(({ id }) => id);
    };
    expect(await ids('bob')).toContain(mine);
    expect(await ids('bob')).not.toContain(theirs);
    expect(await ids('ann')).toEqual(expect.arrayContaining([mine, theirs]));
    expect(await ids('ann')).not.toContain(nobodys);
    expect((await as('bob', 'GET', '/v1/refusals')).status).toBe(400);
    expect((await as('zoe', 'GET', '/v1/refusals?organization=acme')).status).toBe(403);
    for (const [id, status] of [
      [mine, 200],
      [theirs, 404],
      [nobodys, 404],
    ] as const)
      expect((await as('bob', 'POST', '/v1/explain', { id })).status, id).toBe(status);
    const { body } = await as('bob', 'POST', '/v1/explain', { decision: { id: 'x', method: 'GET', path: '/' } });
    expect(body).toMatchObject({ code: 'forbidden' });
  });

  it('a member is not told who else has what; an administrator is', async () => {
    const { token } = await world.mint({});
    const id = await sent('POST', '/workspaces/sales/bots/b1', token);
    const relation = (body: unknown) => (body as Decided).checks.find(({ name }) => name === 'relation')!.values;
    const seen = await as('bob', 'POST', '/v1/explain', { id });
    expect(relation(seen.body)).toMatchObject({ owner: null, collaborators: null, subject: 'bob' });
    expect(JSON.stringify(seen.body)).not.toMatch(/\b(?:ann|cat)\b/);
    expect(relation((await as('ann', 'POST', '/v1/explain', { id })).body)).toMatchObject({ collaborators: ['cat'] });
  });
});

it('refusals lists them newest first, page by page, by whatever is asked for', async () => {
  const { id, token } = await world.mint({});
  const decisions: string[] = [];
  for (const method of ['PUT', 'DELETE', 'PUT']) decisions.unshift(await sent(method, READ, token));
  const listed = await world.shell(`scopegate refusals --token ${id} --json`);
  const { items } = JSON.parse(listed.stdout) as { items: ReadonlyArray<{ id: string }> };
  expect(items.map((each) => each.id)).toEqual(decisions);
  const page = await world.gateway.admin('GET', `/v1/refusals?token=${id}&limit=2`);
  const { nextCursor } = page.body as { nextCursor: string };
  const rest = await world.gateway.admin('GET', `/v1/refusals?token=${id}&limit=2&cursor=${nextCursor}`);
  expect(rest.body).toMatchObject({ items: [{ id: decisions[2] }], nextCursor: null, unanswered: [] });
  const { stdout } = await world.shell(`scopegate refusals --token ${id} --route delete-page --since 5m`);
  expect(stdout.trim().split('\n')).toHaveLength(2);
  expect((await world.shell('scopegate refusals --since 1x')).code).toBe(1);
});
