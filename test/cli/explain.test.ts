/** An explanation says what the gateway does, where each value stands, and what would let the request through: carried out, it does. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from './world.ts';

interface Explained {
  readonly outcome: string;
  readonly reason: string | null;
  readonly status: number | null;
  readonly checks: ReadonlyArray<{
    readonly name: string;
    readonly result: string;
    readonly values: Record<string, unknown>;
    readonly sources: ReadonlyArray<Record<string, unknown>>;
  }>;
  readonly fix: ReadonlyArray<{ readonly change: string; readonly command: string }> | null;
  readonly otherTokens: ReadonlyArray<{ readonly id: string }>;
}

let world: World;
const org = (path: string) => `/v1/organizations/acme${path}`;

beforeAll(async () => {
  world = await startWorld();
  await world.settle([
    ['/members/cat', { name: 'Cat', role: 'member' }],
    ['/members/dan', { name: 'Dan', role: 'member', actions: ['ManagePersonalTokens', 'ManageServiceTokens'] }],
    ['/members/eve', { name: 'Eve', role: 'member' }],
    ['/workspaces/legal', { name: 'Legal', owner: 'ann' }],
    ['/workspaces/sales/assignments/members/bob', { role: 'member' }],
    ['/workspaces/sales/assignments/members/dan', { role: 'member' }],
    ['/workspaces/sales/assignments/members/eve', { role: 'member' }],
    ['/workspaces/sales/resources/bot/b1', { owner: 'ann', collaborators: [] }],
  ]);
});
afterAll(() => world.stop());

const explain = async (method: string, url: string, id: string, more = '') => {
  const { code, stdout, stderr } = await world.shell(
    `scopegate explain ${method} ${url} --token-id ${id} --json ${more}`,
  );
  expect(stderr).toBe('');
  const explained = JSON.parse(stdout) as Explained;
  expect(code).toBe(explained.outcome === 'allowed' ? 0 : 2);
  return explained;
};

/** As the gateway answers it. Nobody listens behind it: what is allowed is 502. */
async function statusOf(method: string, url: string, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  return (await fetch(`${world.gateway.url}${url}`, { method, headers })).status;
}

/** One command, as a person would paste it. Returns a new token where it makes one. */
async function carryOut(command: string): Promise<string | null> {
  if (command.startsWith('scopegate ')) {
    const { code, stdout, stderr } = await world.shell(command.replaceAll("'", '"'));
    expect(code, `${command}: ${stderr}`).toBe(0);
    return command.includes(' create ') ? stdout.trim() : null;
  }
  const env = {
    ...process.env,
    SCOPEGATE_ADMIN_URL: world.gateway.adminUrl,
    SCOPEGATE_ADMIN_KEY: world.gateway.adminKey,
  };
  const { stdout } = await promisify(execFile)('bash', ['-c', command.replace('curl ', 'curl -sSf ')], { env });
  expect(stdout).toContain('revision');
  return null;
}

const READ = '/workspaces/sales/pages/1';
const revoke = (id: string) => world.gateway.admin('POST', org(`/tokens/${id}/revoke`));
const deactivate = (id: string) => world.gateway.admin('POST', org(`/tokens/${id}/deactivate`));

describe('what is offered, carried out, lets the request through', () => {
  it.each([
    ['a token that is off', 'GET', READ, {}, deactivate, ['active'], 1],
    ['a revoked one', 'GET', READ, {}, revoke, ['active'], 1],
    ['a scope that it lacks', 'PUT', READ, { owner: 'ann' }, null, ['scopes'], 1],
    ['a workspace that it lacks', 'GET', '/workspaces/legal/pages/1', { owner: 'ann' }, null, ['workspace'], 1],
    ['a role that its owner lacks', 'DELETE', READ, { scopes: ['content:write'] }, null, ['role'], 1],
    [
      'scope and role at once',
      'DELETE',
      READ,
      { owner: 'cat', workspaces: 'all-joined' },
      null,
      ['scopes', 'workspace', 'role'],
      2,
    ],
    [
      'a frozen token of a lower role',
      'DELETE',
      READ,
      { kind: 'service', owner: 'dan', scopes: ['content:write'] },
      null,
      ['role'],
      2,
    ],
    ['a resource that is another one’s', 'POST', '/workspaces/sales/bots/b1', {}, null, ['relation'], 1],
    ['a deactivated one that lacks a scope', 'PUT', READ, { owner: 'ann' }, deactivate, ['active', 'scopes'], 1],
  ] as const)('%s', async (_, method, url, input, before, failing, steps) => {
    // Each as the directory was: another one may have made bob an admin.
    await world.gateway.admin('PUT', org('/workspaces/sales/assignments/members/bob'), { role: 'member' });
    const { id, token } = await world.mint(input);
    await before?.(id);
    const explained = await explain(method, url, id);
    expect(explained.outcome).toBe('refused');
    expect(explained.checks.filter(({ result }) => /fail/i.test(result)).map(({ name }) => name)).toEqual(failing);
    expect(await statusOf(method, url, token)).toBe(explained.status);
    expect(explained.fix).toHaveLength(steps);
    let used = token;
    for (const { command } of explained.fix!) used = (await carryOut(command)) ?? used;
    expect(await statusOf(method, url, used)).toBe(502);
  });
});

describe('an explanation', () => {
  it('of what is allowed says so with every value, and asks for nothing', async () => {
    const { id, token } = await world.mint({});
    const explained = await explain('GET', READ, id);
    expect(explained).toMatchObject({ outcome: 'allowed', reason: null, status: null, fix: [] });
    expect(explained.checks.map(({ name, result }) => `${name} ${result}`)).toEqual([
      ...['readable passed', 'route passed', 'known passed', 'active passed', 'unexpired passed', 'address notAsked'],
      ...[
        'scopes passed',
        'version notAsked',
        'workspace passed',
        'environment notAsked',
        'role passed',
        'relation notAsked',
      ],
    ]);
    expect(await statusOf('GET', READ, token)).toBe(502);
  });

  it('names other tokens of the same owner that are let through as they are, and no others', async () => {
    const owner = 'eve';
    const narrow = await world.mint({ owner });
    const wide = await world.mint({ owner, scopes: ['content:write'] });
    const off = await world.mint({ owner, scopes: ['content:write'] });
    await deactivate(off.id);
    await world.mint({ owner: 'dan', scopes: ['content:write'] });
    expect((await explain('PUT', READ, narrow.id)).otherTokens.map(({ id }) => id)).toEqual([wide.id]);
    expect(await statusOf('PUT', READ, wide.token)).toBe(502);
    const shown = await world.shell(`scopegate explain PUT ${READ} --token-id ${narrow.id}`);
    expect(shown.stdout).toContain(`Allowed as it is with token ${wide.id} `);
    // Its owner may delete nothing there, whatever the token; what is allowed needs no other.
    expect((await explain('DELETE', READ, narrow.id)).otherTokens).toEqual([]);
    expect((await explain('GET', READ, narrow.id)).otherTokens).toEqual([]);
  });

  it('names the line of gateway.yaml and the field of the record that each value stands in', async () => {
    const { id } = await world.mint({});
    const { checks } = await explain('PUT', READ, id);
    const scopes = checks.find(({ name }) => name === 'scopes')!;
    expect(scopes.values).toMatchObject({ needs: ['content:write'], has: ['content:read'] });
    expect(scopes.sources).toContainEqual({
      file: 'gateway.yaml',
      line: expect.any(Number),
      column: expect.any(Number),
    });
    expect(scopes.sources).toContainEqual({ record: `token/acme/${id}`, field: 'scopes' });
    const role = checks.find(({ name }) => name === 'role')!;
    expect(role.values).toMatchObject({ needs: 'member', has: 'member', through: 'assigned' });
  });

  it('says of what is refused before any token what was refused, and offers nothing', async () => {
    const { id } = await world.mint({});
    expect(await explain('GET', '/nowhere', id)).toMatchObject({ reason: 'route_not_found', status: 404, fix: null });
    expect(await explain('PATCH', READ, id)).toMatchObject({ reason: 'method_not_allowed', status: 405, fix: null });
    expect(await explain('GET', '/a/%2e%2e/b', id)).toMatchObject({ reason: 'bad_request', status: 400, fix: null });
    expect(await explain('GET', '/workspaces/nobodys/pages/1', id)).toMatchObject({
      reason: 'workspace_not_granted',
      fix: null,
    });
  });

  it('says where a yes depends on a body that nobody gave it, but says a no that comes before', async () => {
    const { id } = await world.mint({});
    const explained = await explain('POST', '/import', id);
    expect(explained).toMatchObject({ outcome: 'depends', reason: null, fix: null });
    expect(explained.checks.filter(({ result }) => result === 'open').map(({ name }) => name)).toEqual([
      'workspace',
      'role',
    ]);
    await deactivate(id);
    expect(await explain('POST', '/import', id)).toMatchObject({ outcome: 'refused', reason: 'token_inactive' });
  });

  it('knows an address where it is told one, and lets the token be used from there', async () => {
    const { id } = await world.mint({ allowedAddresses: ['10.0.0.0/8'] });
    expect(await explain('GET', READ, id, '--address 10.1.2.3')).toMatchObject({ outcome: 'allowed' });
    expect(await explain('GET', READ, id)).toMatchObject({ reason: 'address_not_allowed', fix: null });
    const { fix } = await explain('GET', READ, id, '--address 192.0.2.7');
    for (const { command } of fix!) await carryOut(command);
    expect(await explain('GET', READ, id, '--address 192.0.2.7')).toMatchObject({ outcome: 'allowed' });
  });

  it("is given to members of their own tokens alone; another's is answered as one that does not exist", async () => {
    const { id } = await world.mint({});
    const of = (member: string) => world.shell(`scopegate explain GET ${READ} --token-id ${id} --as ${member} -o acme`);
    expect((await of('bob')).stdout).toMatch(/^ALLOWED {2}GET/);
    expect(await of('cat')).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('(404 not_found)') });
  });

  it('is for people a table and the commands behind it', async () => {
    const { id } = await world.mint({ owner: 'ann' });
    const { code, stdout } = await world.shell(`scopegate explain PUT ${READ} --token-id ${id}`);
    expect(code).toBe(2);
    expect(stdout).toMatch(/^REFUSED 403 scope_missing {2}PUT \/workspaces\/sales\/pages\/1 {2}token tok_/);
    expect(stdout).toMatch(
      /^ 7 scopes +REFUSED +needs content:write, match all, has content:read.* gateway\.yaml:\d+; token\.scopes/m,
    );
    expect(stdout).toMatch(
      /^To allow it:\n {2}make a new token like this one, with the scopes content:read content:write, and use that\n {4}scopegate token create --like tok_/m,
    );
  });

  it('shows neither a token nor a hash', async () => {
    const { id, token } = await world.mint({});
    const { stdout } = await world.shell(`scopegate explain PUT ${READ}?key=secret-in-query --token-id ${id} --json`);
    expect(stdout).not.toContain(token);
    expect(stdout).not.toContain('secret-in-query');
    expect(stdout).not.toMatch(/[A-Za-z0-9_-]{43}/);
  });
});
