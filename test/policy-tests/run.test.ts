/** Policy tests, run as a user runs them: what holds, what does not and where it stands. */
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ROOT } from '../support/process.ts';
import { DIRECTORY, startFolder, testFile } from './folder.ts';

const folder = startFolder();
afterAll(() => folder.remove());

const run = (sections: object, ...options: string[]) => {
  folder.file('gateway.test.yaml', testFile(sections as never));
  return folder.test(...options);
};
const READS = { name: 'readers read', token: 'reader', allow: ['GET /sales/pages/1'] };

it('what holds is said, and the exit code is 0', async () => {
  const { code, stdout } = await run({ tests: [READS] });
  expect(code).toBe(0);
  expect(stdout).toContain('ok readers read');
  expect(stdout).toContain('1 passed, 0 failed');
});

it('what does not hold is shown with its line, what became of it, and by which route; the exit code is 2', async () => {
  const tests = [
    {
      name: 'wrong twice',
      token: 'reader',
      allow: ['PUT /sales/pages/1'],
      deny: { 'GET /sales/pages/1': 'scope_missing' },
    },
  ];
  const { code, stdout } = await run({ tests });
  expect(code).toBe(2);
  expect(stdout).toMatch(
    /gateway\.test\.yaml:\d+:\d+: PUT \/sales\/pages\/1 with reader is to be allowed, and was refused: scope_missing \(route write-page\)/,
  );
  expect(stdout).toMatch(
    /gateway\.test\.yaml:\d+:\d+: GET \/sales\/pages\/1 with reader is to be refused: scope_missing, and was allowed \(route read-page\)/,
  );
});

it('a refusal may be held to its status and its code as well', async () => {
  const deny = (more: object) => ({
    tests: [{ name: 'no', deny: { 'GET /sales/pages/1': { reason: 'token_missing', ...more } } }],
  });
  expect((await run(deny({ status: 401, code: 'token_missing' }))).code).toBe(0);
  expect((await run(deny({ status: 403 }))).stdout).toContain('with status 403, and was with 401');
  expect((await run(deny({ code: 7 }))).stdout).toContain('with code 7, and was with token_missing');
});

it('requests that are let through are refused to others and with other methods, each where that is so', async () => {
  const tokens = {
    reader: { owner: 'bob', scopes: ['content:read'], workspaces: ['sales'], expiresInDays: 30 },
    writer: { owner: 'ann', scopes: ['content:write'], workspaces: ['sales'], expiresInDays: 30 },
  };
  const test = (more: object) => ({
    tokens,
    tests: [{ name: 'one', token: 'reader', allow: ['GET /sales/pages/1', 'GET /sales/pages/2'], ...more }],
  });
  const good = test({
    refusedTo: { none: 'token_missing', unknown: 'token_unknown' },
    refusedAs: { PURGE: 'method_not_allowed', PUT: 'scope_missing' },
  });
  expect((await run(good)).stdout).toContain('10 passed, 0 failed');
  const bad = await run(test({ refusedTo: { writer: 'scope_missing' }, refusedAs: { PUT: 'role_insufficient' } }));
  expect(bad.code).toBe(2);
  for (const nth of [1, 2])
    for (const said of [
      `GET /sales/pages/${nth} with writer is to be refused: scope_missing, and was allowed (route read-page)`,
      `PUT /sales/pages/${nth} with reader is to be refused: role_insufficient, and was refused: scope_missing`,
    ])
      expect(bad.stdout).toContain(said);
  const wrong = await run(
    test({ allow: undefined, refusedTo: { writr: 'scope_missing' }, deny: { 'GET /': 'route_not_found' } }),
  );
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain('"refusedTo" is about the requests of "allow", which is missing');
  expect(wrong.stderr).toContain('there is no token "writr"; did you mean "writer"?');
});

it('requests that are refused for one reason can stand behind it', async () => {
  const deny = {
    scope_missing: ['PUT /sales/pages/1', 'PUT /sales/pages/2'],
    route_not_found: ['GET /sales/things'],
    workspace_not_granted: ['PUT /other/pages/1'],
  };
  const { code, stdout } = await run({ tests: [{ name: 'one', token: 'reader', deny }] });
  expect(code).toBe(2);
  expect(stdout).toContain('3 passed, 1 failed');
  expect(stdout).toMatch(
    /gateway\.test\.yaml:\d+:\d+: PUT \/other\/pages\/1 with reader is to be refused: workspace_not_granted, and was refused: scope_missing/,
  );
  const wrong = await run({ tests: [{ name: 'one', deny: { 'scope-missing': ['GET /'] } }] });
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('scope-missing')]);
});

it('a token that the policy would not make is an error where it stands', async () => {
  const tokens = {
    wide: { owner: 'bob', scopes: ['settings:write'], workspaces: ['sales'], expiresInDays: 30 },
    long: { owner: 'ann', scopes: ['content:read'], workspaces: ['sales'], expiresInDays: 4000 },
  };
  const { code, stderr } = await run({ tokens, tests: [{ ...READS, token: 'wide' }] });
  expect(code).toBe(1);
  expect(stderr).toMatch(/gateway\.test\.yaml:\d+:\d+: .*settings:write.*\(scope_exceeds_owner\)/);
  expect(stderr).toMatch(/gateway\.test\.yaml:\d+:\d+: .*expiry.*\(expiry_out_of_range\)/);
});

it('that a token is not made can be the test', async () => {
  const long = { owner: 'ann', scopes: ['content:read'], workspaces: ['sales'], expiresInDays: 4000 };
  const reader = { owner: 'bob', scopes: ['content:read'], workspaces: ['sales'], expiresInDays: 30 };
  const made = (refused: string, days: number) => ({
    tokens: { reader, long: { ...long, expiresInDays: days, refused } },
    tests: [READS],
  });
  expect((await run(made('expiry_out_of_range', 4000))).code).toBe(0);
  expect((await run(made('limit_reached', 4000))).stdout).toContain('and it was refused: expiry_out_of_range');
  expect((await run(made('expiry_out_of_range', 9))).stdout).toContain('and it was made');
});

it('the end of a token is exact, whatever time it is here', async () => {
  const at = (instant: string, more: object) => ({ name: `at ${instant}`, token: 'reader', at: instant, ...more });
  const tests = [
    at('2030-01-30T23:59:59.999Z', { allow: ['GET /sales/pages/1'] }),
    at('2030-01-31T00:00:00Z', { deny: { 'GET /sales/pages/1': 'token_expired' } }),
  ];
  expect((await run({ tests })).code).toBe(0);
});

it('a workspace may stand in a header or in the body, and a host decides which routes there are', async () => {
  const json = (request: string, body: object | string, more: object = {}) => ({ request, body, ...more });
  const tests = [
    {
      name: 'named anywhere',
      token: 'reader',
      allow: [
        json('POST /import', { space: 'sales' }),
        json('POST /import', 'space=sales'),
        { request: 'POST /import', headers: { 'X-Space': 'sales' } },
      ],
      deny: [
        { ...json('POST /import', { space: 'other' }), reason: 'workspace_not_granted' },
        {
          ...json('POST /import', { space: 'sales' }, { headers: { 'X-Space': 'other' } }),
          reason: 'workspace_ambiguous',
        },
        {
          ...json('POST /import', { space: 'sales' }, { headers: { 'Content-Type': 'text/plain' } }),
          reason: 'body_unreadable',
        },
      ],
    },
    {
      name: 'hosts',
      allow: ['GET https://status.example.com/health'],
      deny: { 'GET /health': 'route_not_found', 'GET http://status.example.com': 'route_not_found' },
    },
  ];
  const { code, stdout } = await run({ tests });
  expect(code, stdout).toBe(0);
});

it('a token that is off, one that is like another, one that nobody made and one of a service account are judged as such', async () => {
  const reader = { owner: 'bob', scopes: ['content:read'], workspaces: ['sales'], expiresInDays: 30 };
  const get = 'GET /sales/pages/1';
  const { code, stdout, stderr } = await run({
    accounts: { ci: { scopes: ['content:write'], roles: { sales: 'member' } } },
    tokens: {
      off: { like: 'reader', state: 'inactive' },
      reader,
      ci: { account: 'ci' },
      here: { like: 'reader', allowedAddresses: ['10.0.0.0/8'] },
    },
    tests: [
      { name: 'off', token: 'off', deny: { [get]: 'token_inactive' } },
      { name: 'unknown', token: 'unknown', deny: { [get]: { reason: 'token_unknown', status: 401 } } },
      { name: 'account', token: 'ci', allow: [get], deny: { 'PUT /sales/pages/1': 'role_insufficient' } },
      { name: 'there', token: 'here', address: '192.0.2.1', deny: { [get]: 'address_not_allowed' } },
      { name: 'here', token: 'here', address: '10.1.2.3', allow: [get] },
    ],
  });
  expect(code, stdout + stderr).toBe(0);
});

it('every route needs an allowed and a refused request where that is required; those that lack one are named', async () => {
  const { code, stdout } = await run({ tests: [READS], require: { routes: 50 } });
  expect(code).toBe(2);
  expect(stdout).toContain('routes: 0 of 4 with an allowed and a refused request, 50 % are required');
  expect(stdout).toContain('read-page: nothing that is refused');
  expect(stdout).toContain('health: nothing that is allowed\n');
  expect(stdout).toContain('import: nothing that is allowed and refused');
});

it('only tests whose names fit are run, and then nothing is required of them', async () => {
  const tests = [READS, { ...READS, name: 'wrong', allow: ['GET /other/pages/1'] }];
  const { code, stdout } = await run({ tests, require: { routes: 100 } }, '--filter', 'readers*');
  expect([code, stdout]).toEqual([0, expect.stringContaining('1 passed, 0 failed')]);
  const none = await run({ tests }, '--filter', 'nobody*');
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('no test has a name that fits "nobody*"')]);
});

it('a test may be left out for a reason, which is shown', async () => {
  const { code, stdout } = await run({ tests: [READS, { ...READS, name: 'later', token: 'none', skip: 'not yet' }] });
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/skipped later: not yet[\s\S]*1 passed, 0 failed, 1 skipped/),
  ]);
});

it('what a file of tests has wrong is told at once, each where it stands', async () => {
  const { code, stderr } = await run({
    now: 'yesterday',
    tokens: { a: { like: 'b', owner: 'bob' }, b: { like: 'a' }, c: { like: 'reeder' }, none: { owner: 'bob' } },
    tests: [{ name: 'x', token: 'nobody', allow: ['GET /a'] }, { name: 'empty' }],
  });
  expect(code).toBe(1);
  for (const said of [
    'now must be an RFC 3339 instant',
    '"a" is like "b" itself',
    'there is no token "reeder"',
    '"none" has a meaning of its own',
    'there is no token "nobody"',
    'missing key "allow" or "deny"',
  ])
    expect(stderr).toContain(said);
});

it('a request that can be none, and a reason that is none, are errors with the line', async () => {
  const { code, stderr } = await run({
    tests: [{ name: 'x', allow: ['/a'], deny: { 'GET /b': 'scope_mising' } }],
  });
  expect(code).toBe(1);
  expect(stderr).toContain('must be a method and a URL');
  expect(stderr).toContain('scope_missing');
});

it('what is wrong with the directory or the gateway is told with their lines', async () => {
  const broken = structuredClone(DIRECTORY);
  broken.organizations.acme.members.bob.role = 'membr';
  const { code, stderr } = await run({ directory: broken, tests: [READS] });
  expect([code, stderr]).toEqual([1, expect.stringMatching(/gateway\.test\.yaml:\d+:\d+: role must be one of/)]);
  folder.file('directory.yaml', DIRECTORY);
  expect((await run({ directory: 'directory.yaml', tests: [READS] })).code).toBe(0);
  const gone = await run({ gateway: 'none.yaml', tests: [READS] });
  expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining('none.yaml:1:1: cannot be read')]);
});

it('programs get JSON, JUnit or notes for GitHub', async () => {
  const tests = [READS, { name: 'a "b" <c>', token: 'reader', allow: ['PUT /sales/pages/1'] }];
  const json = await run({ tests }, '--json');
  const [suite] = (JSON.parse(json.stdout) as { suites: [{ tests: object[] }] }).suites;
  expect(suite.tests).toHaveLength(2);
  expect(suite.tests[1]).toMatchObject({ state: 'failed', request: 'PUT /sales/pages/1 with reader' });
  const junit = await run({ tests }, '--format', 'junit');
  expect(junit.stdout).toContain('tests="2" failures="1" skipped="0"');
  expect(junit.stdout).toContain('classname="a &#34;b&#34; &#60;c&#62;"');
  const github = await run({ tests }, '--format', 'github');
  expect(github.stdout).toMatch(/^::error file=.*gateway\.test\.yaml,line=\d+,col=\d+,title=scopegate test::PUT /m);
  expect([json.code, junit.code, github.code]).toEqual([2, 2, 2]);
});

it('a policy is tested by itself, with routes beside it', async () => {
  folder.file('more.routes.yaml', { routes: [{ id: 'only', match: { path: '/only' }, require: {}, upstream: 'api' }] });
  const { code, stdout, stderr } = await run({
    gateway: undefined,
    policy: join(ROOT, 'policies/default.yaml'),
    routes: ['more.routes.yaml'],
    tests: [{ name: 'any token', token: 'reader', allow: ['GET /only'], deny: { 'GET /else': 'route_not_found' } }],
  });
  expect(code, stdout + stderr).toBe(0);
});
