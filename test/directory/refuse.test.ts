/** A directory file with anything wrong in it changes nothing, and says everything that is wrong, where it stands. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mintToken } from '../../src/secret.ts';
import { type Harness, run, runIn, startHarness } from './harness.ts';

let harness: Harness;
let before: unknown;

beforeAll(async () => {
  harness = await startHarness();
  await harness.ok('PUT', '', { name: 'Acme', edition: 'team' });
  await harness.ok('PUT', '/members/alice', { name: 'Alice', role: 'admin' });
  await harness.ok('PUT', '/workspaces/sales', { name: 'Sales', owner: 'alice' });
  await harness.ok('PUT', '/workspaces/sales/environments/live', { name: 'Live' });
  before = await harness.snapshot('acme');
});
afterAll(async () => {
  expect(await harness.snapshot('acme'), 'nothing was ever changed').toEqual(before);
  await harness.stop();
});

const problems = async (text: string, ...options: string[]) => {
  const { code, stdout, stderr } = await harness.apply(harness.file('broken.yaml', text), ...options);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  return stderr
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^.*broken\.yaml:/, ''));
};

it('mistakes of form and names that stand for nothing, all at once', async () => {
  expect(
    await problems(`organizations:
  acme:
    name: Acme
    edition: enterprise
    members:
      bob: { name: Bob, role: mebmer, scopes: ["chat:reed"], emial: x, actions: [ListToken] }
    teams: { crew: { name: Crew, members: [bob, alise] } }
    workspaces:
      sales:
        name: 7
        owner: nobody
        assignments:
          members: { alice: admin, carl: member }
          teams: { crew: owner, crow: member }
          service-accounts: { sa_none: member }
        resources: { bot: { b1: { owner: bob, collaborators: [dan] } } }
      other:
        name: Other
        owner: alice
        environments: { live: { name: Live }, fresh: { name: Fresh } }
      third:
        name: Third
        owner: alice
        environments: { fresh: { name: Fresh } }
`),
  ).toEqual([
    '4:14: the edition never changes, and acme is team; make a new organization',
    '6:31: role must be one of: admin, member; did you mean "member"?',
    '6:48: the policy knows no scope "chat:reed"; did you mean "chat:read"?',
    '6:62: unknown key "emial" (did you mean "email"?)',
    '6:82: the policy knows no action "ListToken"; did you mean "ListTokens"?',
    '7:49: there is no member "alise", neither in this file nor in the directory; did you mean "alice"?',
    '10:15: expected string, found 7 (quote it)',
    '11:16: there is no member "nobody", neither in this file nor in the directory',
    '13:36: there is no member "carl", neither in this file nor in the directory',
    '14:26: must be one of: member, admin, found "owner"',
    '14:33: there is no team "crow", neither in this file nor in the directory; did you mean "crew"?',
    '15:31: there is no service account "sa_none", neither in this file nor in the directory',
    '16:63: there is no member or service account "dan", neither in this file nor in the directory',
    '20:25: the environment id "live" stands in the workspace sales; --prune removes it there first (ids stand once in an organization)',
    '24:25: the environment id "fresh" already stands in line 20 (ids stand once in an organization)',
  ]);
});

it('what --prune would remove cannot be referred to', async () => {
  const text = `organizations:
  acme: { name: Acme, edition: team, members: {}, workspaces: { sales: { name: Sales, owner: alice } } }
`;
  expect(await problems(text, '--prune')).toEqual([
    expect.stringMatching(/^2:\d+: the member "alice" is not in this file, so --prune would remove it$/),
  ]);
});

it('ids that could never be, an empty file, no organization, a missing key, broken YAML', async () => {
  expect(await problems('organizations: { "../admin": { name: A, edition: team } }\n')).toEqual([
    expect.stringMatching(/^1:\d+: key "\.\.\/admin" must match /),
  ]);
  expect(await problems('')).toEqual(['1:1: the file is empty']);
  expect(await problems('organizations: {}')).toEqual(['1:16: must not be empty']);
  expect(await problems('organizations: { acme: { name: A } }')).toEqual(['1:24: missing key "edition"']);
  expect(await problems('organizations: [')).toHaveLength(1);
});

it('a token that was pasted where a name, an address or an id belongs, and does not repeat it', async () => {
  const pasted = mintToken('pat_').reveal();
  const found = await problems(`organizations:
  acme:
    name: Acme
    edition: team
    members:
      bob: { name: "for ${pasted}", role: member, email: ${pasted}@x.test }
      ${pasted}: { name: Carl, role: member }
`);
  const wrong = 'holds a token, which is a secret and is not kept as text; leave it out';
  expect(found).toEqual([`6:20: ${wrong}`, expect.stringMatching(/^6:\d+: holds a token/), `7:7: ${wrong}`]);
});

it('IMPACT-2 IMPACT-6 texts that nobody could read, all of them, where they stand', async () => {
  const found = await problems(`organizations:
  acme:
    name: "  "
    edition: team
    members:
      bob: { name: "Bob\\0", role: member, email: bob@team..example }
    teams:
      t1: { name: ${'x'.repeat(129)}, members: [] }
    workspaces:
      sales:
        name: Sales
        owner: alice
        environments: { live: { name: "" } }
`);
  expect(found).toEqual([
    '3:11: name must have a character that can be seen',
    '6:20: name must not hold control characters, ends of lines or halves of a character',
    '6:50: email must be an e-mail address such as ann@team.example',
    '8:19: name must have at most 128 characters',
    '13:39: name must have a character that can be seen',
  ]);
});

it('--json tells the problems as data', async () => {
  const { code, stdout } = await harness.apply(harness.file('broken.yaml', 'organisations: {}\n'), '--json');
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ created: 0, changes: [], problems: [{ line: 1, column: 1 }] });
});

const FINE = 'organizations: { acme: { name: Acme, edition: team } }\n';

it('an unreachable sidecar, a stranger, a wrong key or none: one line each, and what is wrong with the file first', async () => {
  const fine = harness.file('fine.yaml', FINE);
  const key = { SCOPEGATE_ADMIN_KEY: harness.gateway.adminKey };
  const at = (url: string, env: Record<string, string> = key, path = fine) => run(['apply', path, '--url', url], env);
  expect((await at('http://127.0.0.1:9')).stderr).toMatch(
    /^scopegate: the sidecar at http:\/\/127\.0\.0\.1:9 cannot be asked \(ECONNREFUSED\).*\n$/,
  );
  expect((await at(harness.gateway.url)).stderr).toMatch(/is no scopegate sidecar/);
  expect((await at(harness.gateway.adminUrl, { SCOPEGATE_ADMIN_KEY: 'wrong' })).stderr).toMatch(
    /does not accept the admin key from SCOPEGATE_ADMIN_KEY/,
  );
  expect((await at('localhost:8081')).stderr).toMatch(/--url takes the sidecar's address/);
  const none = await runIn(harness.folder, ['apply', fine, '--url', harness.gateway.adminUrl], {
    SCOPEGATE_ADMIN_KEY: '',
  });
  expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no admin key') });
  const broken = harness.file('broken.yaml', 'organizations: { acme: { name: A } }');
  expect((await at('http://127.0.0.1:9', key, broken)).stderr).toMatch(
    /^.*broken\.yaml:1:24: missing key "edition"\n$/,
  );
});

it('the key comes from --key-file, or from the data folder here', async () => {
  const fine = harness.file('fine.yaml', FINE);
  mkdirSync(join(harness.folder, 'data'));
  const keyFile = join(harness.folder, 'data/admin-key');
  writeFileSync(keyFile, `${harness.gateway.adminKey}\n`);
  chmodSync(keyFile, 0o600);
  const args = ['apply', fine, '--url', harness.gateway.adminUrl];
  const nothing = { code: 0, stdout: 'nothing to change, 1 unchanged\n' };
  expect(await runIn(harness.folder, args, { SCOPEGATE_ADMIN_KEY: '' })).toMatchObject(nothing);
  expect(await run([...args, '--key-file', keyFile], { SCOPEGATE_ADMIN_KEY: 'wrong' })).toMatchObject(nothing);
  const two = { SCOPEGATE_ADMIN_KEY: `${harness.gateway.adminKey},another-key-for-rotation` };
  expect(await run(args, two)).toMatchObject(nothing);
});

it('takes one file', async () => {
  expect(await run(['apply'])).toMatchObject({ code: 1, stderr: expect.stringContaining('apply takes one FILE') });
});
