/** `scopegate apply` keeps its promises: idempotent, a dry run that tells the truth, transfers, pruning, going on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, startHarness } from './harness.ts';

let harness: Harness;
let account: string;

beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

const directory = (org: string, more: object = {}) => ({
  organizations: {
    [org]: {
      name: 'Acme & Söhne',
      edition: 'team',
      members: {
        alice: { name: 'Alice', role: 'admin', email: 'alice@example.com' },
        bob: { name: 'Bob', role: 'member', scopes: ['chat:read', 'logs:read'], actions: [] },
        cyd: { name: 'Cyd', role: 'member' },
      },
      teams: { crew: { name: 'Crew', members: ['alice', 'bob'] } },
      workspaces: {
        sales: {
          name: 'Sales',
          owner: 'alice',
          environments: { live: { name: 'Live' }, test: { name: 'Test' } },
          assignments: { members: { bob: 'member' }, teams: { crew: 'admin' } },
          resources: { bot: { bot_1: { owner: 'alice', collaborators: ['bob', 'cyd'] } } },
        },
        legal: { name: 'Legal', owner: 'cyd' },
      },
      ...more,
    },
  },
});
const token = (org: string, owner: string, workspaces: string[]) =>
  harness
    .ok('POST', `/v1/organizations/${org}/tokens`, {
      ...{ owner, name: 't', scopes: ['chat:read'], workspaces, expiresInDays: 1 },
    })
    .then(({ id }) => id as string);

describe('a new organization', () => {
  const path = () => harness.file('new.yaml', directory('new'));

  it('a dry run shows everything and makes nothing', async () => {
    const { code, lines, stderr } = await harness.apply(path(), '--dry-run');
    expect(lines).toEqual([
      '+ organization new (name "Acme & Söhne", edition team)',
      '+ member new/alice (name Alice, role admin, email alice@example.com)',
      '+ member new/bob (name Bob, role member, scopes [chat:read, logs:read], actions [])',
      '+ member new/cyd (name Cyd, role member)',
      '+ team new/crew (name Crew, members [alice, bob])',
      '+ workspace new/sales (name Sales, owner alice)',
      '+ workspace new/legal (name Legal, owner cyd)',
      '+ environment new/sales/live (name Live)',
      '+ environment new/sales/test (name Test)',
      '+ assignment new/sales/members/bob (role member)',
      '+ assignment new/sales/teams/crew (role admin)',
      '+ resource new/sales/bot/bot_1 (owner alice, collaborators [bob, cyd])',
      '12 created, 0 changed, 0 removed, 0 unchanged',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `asking ${harness.name}\ndry run: nothing was changed\n` });
    expect(await harness.get('/v1/organizations/new')).toBe(404);
  });

  it('apply prints the same and does it', async () => {
    const foretold = await harness.apply(path(), '--dry-run');
    const applied = await harness.apply(path());
    expect(applied).toMatchObject({ code: 0, stdout: foretold.stdout, stderr: `changing ${harness.name}\n` });
    expect(await harness.get('/v1/organizations/new/members/bob')).toMatchObject({
      ...{ name: 'Bob', role: 'member', email: null, scopes: ['chat:read', 'logs:read'], actions: [], teams: ['crew'] },
    });
    expect(await harness.get('/v1/organizations/new/workspaces/sales/resources/bot/bot_1')).toMatchObject({
      owner: 'alice',
      collaborators: ['bob', 'cyd'],
    });
  });

  it('a second run finds nothing to change, and changes nothing', async () => {
    const before = await harness.get('/v1/organizations/new/audit-events');
    for (const options of [[], ['--dry-run'], ['--prune']])
      expect((await harness.apply(path(), ...options)).stdout).toBe('nothing to change, 12 unchanged\n');
    expect(await harness.get('/v1/organizations/new/audit-events')).toEqual(before);
  });

  it('--json tells the same to a program', async () => {
    const { stdout } = await harness.apply(path(), '--json');
    expect(JSON.parse(stdout)).toEqual({ created: 0, changed: 0, removed: 0, unchanged: 12, changes: [] });
  });
});

describe('an enterprise', () => {
  const held = (enterprise: string | null, name = 'Umbrella') => ({
    enterprises: { umbrella: { name } },
    organizations: { part: { name: 'Part', edition: 'enterprise', enterprise } },
  });

  it('is made before the organizations that belong to it, changed with the file, and never removed by it', async () => {
    const first = await harness.apply(harness.file('held.yaml', held('umbrella')));
    expect(first.lines).toEqual([
      '+ enterprise umbrella (name Umbrella)',
      '+ organization part (name Part, edition enterprise, enterprise umbrella)',
      '2 created, 0 changed, 0 removed, 0 unchanged',
    ]);
    const left = await harness.apply(harness.file('left.yaml', held(null, 'Umbrella AG')));
    expect(left.lines).toEqual([
      '~ enterprise umbrella',
      '    name: Umbrella → "Umbrella AG"',
      '~ organization part',
      '    enterprise: umbrella → nothing',
      '0 created, 2 changed, 0 removed, 0 unchanged',
    ]);
    const unsaid = { organizations: { part: { name: 'Part', edition: 'enterprise' } } };
    expect((await harness.apply(harness.file('unsaid.yaml', unsaid), '--prune')).code).toBe(0);
    expect(await harness.get('/v1/enterprises/umbrella')).toEqual({ id: 'umbrella', name: 'Umbrella AG' });
  });

  it('that nobody knows is told where it stands', async () => {
    const unknown = { organizations: { part: { name: 'Part', edition: 'enterprise', enterprise: 'umbrela' } } };
    const { code, stderr } = await harness.apply(harness.file('unknown.yaml', unknown));
    expect(code).toBe(1);
    expect(stderr).toContain('unknown.yaml:5:17: there is no enterprise "umbrela"');
    expect(stderr).toContain('umbrella');
  });
});

describe('an organization that is there', () => {
  beforeAll(async () => {
    await harness.apply(harness.file('old.yaml', directory('old')));
  });

  it('shows every changed field, before and after; lists are sets; what is left out stays', async () => {
    const path = harness.file('changed.yaml', {
      organizations: {
        old: {
          name: 'Acme',
          edition: 'team',
          members: {
            alice: { name: 'Alice', role: 'admin' },
            bob: { name: 'Robert', role: 'admin', scopes: ['logs:read', 'chat:read'], actions: null },
          },
          teams: { crew: { name: 'Crew', members: ['cyd', 'alice'] } },
          workspaces: {
            sales: {
              name: 'Sales!',
              owner: 'alice',
              environments: { live: { name: 'Production' } },
              assignments: { members: { bob: 'admin' } },
              resources: { bot: { bot_1: { owner: 'bob' } } },
            },
          },
        },
      },
    });
    const foretold = await harness.apply(path, '--dry-run');
    const { code, stdout, lines } = await harness.apply(path);
    expect({ code, stdout }).toEqual({ code: 0, stdout: foretold.stdout });
    expect(lines).toEqual([
      '~ organization old',
      '    name: "Acme & Söhne" → Acme',
      '~ member old/bob',
      '    name: Bob → Robert',
      '    role: member → admin',
      '    actions: [] → nothing',
      '~ team old/crew',
      '    members: [alice, bob] → [cyd, alice]',
      '~ workspace old/sales',
      '    name: Sales → "Sales!"',
      '~ environment old/sales/live',
      '    name: Live → Production',
      '~ assignment old/sales/members/bob',
      '    role: member → admin',
      '~ resource old/sales/bot/bot_1',
      '    owner: alice → bob',
      '0 created, 7 changed, 0 removed, 1 unchanged',
    ]);
    expect(await harness.get('/v1/organizations/old/members/alice')).toMatchObject({ email: 'alice@example.com' });
    expect(await harness.get('/v1/organizations/old/workspaces/sales/resources/bot/bot_1')).toMatchObject({
      owner: 'bob',
      collaborators: ['bob', 'cyd'],
    });
    expect((await harness.apply(path)).lines).toEqual(['nothing to change, 8 unchanged']);
  });

  it('service accounts are assigned by client id', async () => {
    const input = { name: 'ci', scopes: ['chat:read'] };
    account = (await harness.ok('POST', '/v1/organizations/old/service-accounts', input)).clientId as string;
    const file = directory('old');
    Object.assign(file.organizations.old!.workspaces.sales.assignments, {
      'service-accounts': { [account]: 'member' },
    });
    expect((await harness.apply(harness.file('ci.yaml', file))).lines).toContain(
      `+ assignment old/sales/service-accounts/${account} (role member)`,
    );
    expect((await harness.apply(harness.file('ci.yaml', file))).lines).toEqual(['nothing to change, 13 unchanged']);
  });
});

describe('what goes with it', () => {
  it('a transfer shows the tokens that it ends, each once, and a new member may be the new owner', async () => {
    const harness = await startHarness('coze');
    try {
      const more = (owner: string, members: object = {}) => ({
        edition: 'personal',
        members: { alice: { name: 'A', role: 'admin' }, bob: { name: 'B', role: 'member' }, ...members },
        teams: {},
        workspaces: { one: { name: 'One', owner }, two: { name: 'Two', owner } },
      });
      await harness.apply(harness.file('before.yaml', directory('acme', more('bob'))));
      const token = (kind: string, workspaces: string[]) =>
        harness.ok('POST', '/tokens', {
          ...{ owner: 'bob', kind, name: 't', scopes: ['bot:read'], workspaces, expiresInDays: 1 },
        });
      const both = (await token('service', ['one', 'two'])).id as string;
      const second = (await token('personal', ['two'])).id as string;
      const path = harness.file('after.yaml', directory('acme', more('dee', { dee: { name: 'D', role: 'member' } })));
      const foretold = JSON.parse((await harness.apply(path, '--dry-run', '--json')).stdout) as object;
      expect(foretold).toMatchObject({
        ...{ created: 1, changed: 2, removed: 0, unchanged: 3 },
        changes: [
          {
            action: 'created',
            type: 'member',
            path: 'acme/members/dee',
            fields: { name: { before: null, after: 'D' } },
          },
          {
            ...{ action: 'changed', type: 'workspace', path: 'acme/workspaces/one' },
            fields: { owner: { before: 'bob', after: 'dee' } },
            cascade: { revokedTokens: [both], keptTokens: [] },
          },
          { path: 'acme/workspaces/two', cascade: { revokedTokens: [second], keptTokens: [] } },
        ],
      });
      expect((await harness.apply(path, '--dry-run')).lines).toContain(`    tokens that end for good: ${both}`);
      expect(await harness.get(`/tokens/${both}`)).toMatchObject({ state: 'active' });
      expect(JSON.parse((await harness.apply(path, '--json')).stdout)).toEqual(foretold);
      for (const id of [both, second])
        expect(await harness.get(`/tokens/${id}`)).toMatchObject({ stateReason: 'ownership_transferred' });
      expect(await harness.get('/workspaces/one')).toMatchObject({ owner: 'dee' });
      expect((await harness.apply(path)).lines).toEqual(['nothing to change, 6 unchanged']);
    } finally {
      await harness.stop();
    }
  });

  it('without --prune nothing is removed; with it, what the file does not name, and each removal says what goes with it', async () => {
    const file = directory('prune');
    await harness.apply(harness.file('prune-before.yaml', file));
    await harness.apply(harness.file('other.yaml', directory('other')));
    const other = await harness.snapshot('other');
    const owned = await token('prune', 'cyd', ['legal']);
    const org = file.organizations.prune!;
    const path = harness.file('prune.yaml', {
      organizations: {
        prune: {
          ...org,
          members: { alice: org.members.alice },
          teams: {},
          workspaces: {
            fresh: { name: 'Fresh', owner: 'alice', environments: { test: { name: 'Test' } } },
            legal: { name: 'Legal', owner: 'alice', resources: { bot: { bot_1: { owner: 'alice' } } } },
          },
        },
      },
    });
    const simple = harness.file(
      'simple.yaml',
      directory('prune', { members: { alice: org.members.alice }, teams: {}, workspaces: {} }),
    );
    expect((await harness.apply(simple)).lines).toEqual(['nothing to change, 2 unchanged']);

    const foretold = await harness.apply(path, '--prune', '--dry-run');
    const { code, stdout, lines } = await harness.apply(path, '--prune');
    expect({ code, stdout }).toEqual({ code: 0, stdout: foretold.stdout });
    expect(lines).toEqual([
      '+ workspace prune/fresh (name Fresh, owner alice)',
      '~ workspace prune/legal',
      '    owner: cyd → alice',
      `    tokens that go on: ${owned}`,
      '- workspace prune/sales',
      '    environments removed with it: live, test',
      '    assignments removed with it: members/bob, teams/crew',
      '    resources removed with it: bot/bot_1',
      '+ environment prune/fresh/test (name Test)',
      '+ resource prune/legal/bot/bot_1 (owner alice, collaborators [])',
      '- team prune/crew',
      '- member prune/bob',
      '    nothing goes with it',
      '- member prune/cyd',
      `    tokens that end for good: ${owned}`,
      '3 created, 1 changed, 4 removed, 2 unchanged',
    ]);
    expect(await harness.get(`/v1/organizations/prune/tokens/${owned}`)).toMatchObject({
      stateReason: 'owner_removed',
    });
    expect((await harness.apply(path, '--prune')).lines).toEqual(['nothing to change, 6 unchanged']);
    expect(await harness.snapshot('other')).toEqual(other);
  });

  it('IMPACT-5 a removal says which tokens it leaves without their primary contact, before and after', async () => {
    const file = directory('contacts');
    await harness.apply(harness.file('contacts-before.yaml', file));
    const wanted = { owner: 'alice', name: 't', scopes: ['chat:read'], workspaces: 'all', expiresInDays: 1 };
    const path = '/v1/organizations/contacts/tokens';
    const { id } = await harness.ok('POST', path, { ...wanted, contacts: { primary: 'cyd' } });
    const { alice } = file.organizations.contacts!.members;
    const more = { members: { alice }, teams: {}, workspaces: { legal: { name: 'Legal', owner: 'alice' } } };
    const after = harness.file('contacts.yaml', directory('contacts', more));
    const foretold = await harness.apply(after, '--prune', '--dry-run');
    expect(foretold.lines).toContain(`    tokens left without their primary contact: ${id}`);
    expect((await harness.apply(after, '--prune')).stdout).toBe(foretold.stdout);
  });

  it('--prune removes what a workspace in the file no longer holds', async () => {
    await harness.apply(harness.file('inner-before.yaml', directory('inner')));
    const file = directory('inner');
    Object.assign(file.organizations.inner!.workspaces, { sales: { name: 'Sales', owner: 'alice' } });
    const { lines } = await harness.apply(harness.file('inner.yaml', file), '--prune');
    expect(lines.toSorted()).toEqual([
      '- assignment inner/sales/members/bob',
      '- assignment inner/sales/teams/crew',
      '- environment inner/sales/live',
      '- environment inner/sales/test',
      '- resource inner/sales/bot/bot_1',
      '0 created, 0 changed, 5 removed, 7 unchanged',
    ]);
  });
});

describe('a call that fails', () => {
  it('stops, says which and why and what is done, and the next run goes on from there', async () => {
    const below = '/v1/organizations/half';
    await harness.ok('PUT', below, { name: 'Half', edition: 'team' });
    await harness.ok('PUT', `${below}/members/zoe`, { name: 'Zoe', role: 'admin' });
    await harness.ok('PUT', `${below}/workspaces/hidden`, { name: 'Hidden', owner: 'zoe' });
    // In a workspace that the file does not name, so that only the call itself can find it.
    await harness.ok('PUT', `${below}/workspaces/hidden/environments/test`, { name: 'Test' });
    const path = harness.file('half.yaml', directory('half'));
    const failed = await harness.apply(path);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(
      /^changing the gateway .*\nscopegate: environment half\/sales\/test could not be created: .*already belongs to another workspace.* \(409 id_taken\)\ndone so far: 7 created, 1 changed, 0 removed; 4 not done\./,
    );
    expect(failed.lines.at(-1)).toMatch(/^\+ resource/);
    const data = JSON.parse((await harness.apply(path, '--json')).stdout) as { failed: object; remaining: number };
    expect(data).toMatchObject({
      created: 0,
      unchanged: 8,
      changes: [],
      failed: { path: 'half/workspaces/sales/environments/test' },
      remaining: 4,
    });

    await harness.ok('DELETE', `${below}/workspaces/hidden/environments/test`);
    expect((await harness.apply(path)).lines.at(-1)).toBe('4 created, 0 changed, 0 removed, 8 unchanged');
    expect((await harness.apply(path)).lines).toEqual(['nothing to change, 12 unchanged']);
  });
});
