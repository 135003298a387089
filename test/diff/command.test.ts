/** `scopegate diff`, run as a user runs it: before a running gateway, in a repository, over a log. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../directory/harness.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-diff-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Asks {
  readonly scopes?: readonly string[];
  readonly role?: string;
  readonly more?: object;
}

const route = (id: string, path: string, { scopes = ['bot:read'], role, more = {} }: Asks = {}) => ({
  id,
  match: { methods: ['GET'], path },
  require: {
    scopes,
    ...(role === undefined ? {} : { workspace: { from: 'query.ws', as: 'workspace', role } }),
  },
  upstream: 'api',
  ...more,
});

function file(name: string, routes: readonly object[], more: object = {}): string {
  const upstreams = { api: { targets: ['http://127.0.0.1:9'] } };
  const path = join(folder, name);
  const lines = routes.map((each) => `  - ${JSON.stringify(each)}`).join('\n');
  const rest = { policy: join(ROOT, 'policies/coze.yaml'), upstreams, ...more };
  const sections = Object.entries(rest).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  writeFileSync(path, `${sections.join('\n')}\nroutes:\n${lines}\n`);
  return path;
}

async function diff(before: string, after: string, ...options: string[]) {
  const { code, stdout, stderr } = await run(['diff', before, after, ...options]);
  return { code, stderr, lines: stdout.replaceAll(`${folder}/`, '').trimEnd().split('\n') };
}

const OLD = file('old.yaml', [
  route('run', '/run'),
  route('all', '/all/**'),
  route('list', '/list', { role: 'admin' }),
]);

describe('routes', () => {
  it('the same rules are the same, whatever order and ids they have', async () => {
    const other = file('other.yaml', [
      route('roll', '/list', { role: 'admin' }),
      route('all', '/all/**'),
      route('run', '/run'),
    ]);
    expect(await diff(OLD, other)).toMatchObject({ code: 0, lines: ['both decide the same'] });
  });

  it('say who may do more and who less, and where; what another template hides is seen', async () => {
    const next = file('new.yaml', [
      route('run', '/run', { scopes: ['bot:write'] }),
      route('all', '/all/**'),
      route('secret', '/all/secret', { scopes: ['bot:write'] }),
      route('list', '/list', { role: 'member' }),
      { ...route('open', '/open'), require: undefined, public: true },
    ]);
    const { code, lines } = await diff(OLD, next);
    expect(code).toBe(2);
    expect(lines.toSorted()).toEqual([
      '+ open  GET /open  public  WIDER  new.yaml:8',
      '~ list  GET /list  admin of the workspace by workspace query.ws → member of the workspace by workspace query.ws  WIDER  new.yaml:7',
      '~ run  GET /run  bot:read → bot:write  narrower  new.yaml:4',
      '~ secret  GET /all/secret  was matched by all (bot:read), now by secret (bot:write)  narrower  new.yaml:6',
    ]);
  });

  it('fail in CI for what is wider alone, where that is asked for', async () => {
    const narrow = file('narrow.yaml', [route('run', '/run', { scopes: ['bot:write'] })]);
    expect((await diff(OLD, narrow, '--fail-on', 'wider')).code).toBe(0);
    expect((await diff(narrow, OLD, '--fail-on', 'wider')).code).toBe(2);
    const { lines } = await diff(narrow, OLD, '--format', 'github');
    expect(lines.join('\n')).toMatch(/^::warning file=.*old\.yaml,line=5,col=\d+,title=scopegate diff::\+ all /m);
  });

  it('by address, body, version of the API and places of the token are compared, too', async () => {
    const before = file('parts-1.yaml', [route('run', '/run', { more: { allowFrom: ['10.0.0.0/8'] } })]);
    const after = file('parts-2.yaml', [
      route('run', '/run', { more: { allowFrom: ['10.1.0.0/16'], credentials: ['bearer', 'query.key'] } }),
    ]);
    const { lines } = await diff(before, after);
    expect(lines.join()).toContain('from 10.0.0.0/8 → from 10.1.0.0/16');
    expect(lines.join()).toContain('WIDER and narrower');
  });

  it('what a policy gives to a role is compared', async () => {
    const text = (scopes: string) => `
name: p
dialect: problem
scopes: [{ name: "bot:read", category: B, description: B }, { name: "bot:write", category: B, description: B }]
organizationRoles: { boss: { scopes: all, administrator: true, actions: all, workspaceRole: admin }, member: { scopes: ${scopes} } }
actions: {}
defaultKind: personal
kinds: { personal: { description: d, prefix: pat, authority: live, selectable: [{ listed: joined }], expiry: { required: false }, mutable: [name], rotation: { allowed: false } } }
`;
    writeFileSync(join(folder, 'p1.yaml'), text('["bot:read"]'));
    writeFileSync(join(folder, 'p2.yaml'), text('["bot:write"]'));
    const [one, two] = ['p1.yaml', 'p2.yaml'].map((policy) => file(`by-${policy}`, [route('run', '/run')], { policy }));
    const { code, lines } = await diff(one!, two!);
    expect([code, lines.join()]).toEqual([
      2,
      expect.stringMatching(/~ role member {2}scopes bot:read → scopes bot:write/),
    ]);
  });
});

it('either may be what stood in a revision of git, with what it includes', async () => {
  const git = (...words: string[]) => execFileSync('git', ['-C', folder, ...words], { stdio: 'pipe' });
  git('init', '-q');
  const path = file('tracked.yaml', [route('run', '/run')], { include: ['more-*.yaml'] });
  const more = (scope: string) =>
    writeFileSync(
      join(folder, 'more-1.yaml'),
      JSON.stringify({ routes: [route('more', '/more', { scopes: [scope] })] }),
    );
  more('bot:read');
  git('add', 'tracked.yaml', 'more-1.yaml');
  git('-c', 'user.name=a', '-c', 'user.email=a@example.com', 'commit', '-qm', 'one');
  expect(await diff(`git:HEAD:${path}`, path)).toMatchObject({ code: 0 });
  more('bot:write');
  expect((await diff(`git:HEAD:${path}`, path)).lines[0]).toContain(
    '~ more  GET /more  bot:read → bot:write  narrower',
  );
  expect(await diff(`git:nowhere:${path}`, path)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('git rev-parse failed'),
  });
});

describe('before a running gateway', () => {
  let gateway: TestGateway;
  let reader: { readonly id: string };
  let options: string[];
  beforeAll(async () => {
    gateway = await startTestGateway({ upstreamUrl: 'http://127.0.0.1:9' });
    const made = async (scope: string) => {
      const wanted = { owner: 'alice', name: scope, scopes: [scope], workspaces: ['ws_sales'], expiresInDays: 30 };
      return (await gateway.admin('POST', '/tokens', wanted)).body as { readonly id: string };
    };
    reader = await made('bot:read');
    await made('bot:write');
    writeFileSync(join(folder, 'key'), gateway.adminKey);
    options = ['--url', gateway.adminUrl, '--key-file', join(folder, 'key')];
  });
  afterAll(() => gateway.stop());

  it('its tokens that flip are named, each with the route', async () => {
    const next = file('flip.yaml', [
      route('run', '/run', { scopes: ['bot:write'] }),
      route('all', '/all/**'),
      route('list', '/list', { role: 'admin' }),
    ]);
    const { lines } = await diff(OLD, next, '--tokens', ...options);
    expect(lines.join('\n')).toMatch(/tokens \(\d+ active\): allowed → refused \d+; refused → allowed 0/);
    expect(lines.join('\n')).toMatch(new RegExp(`${reader.id} ".*" on run: allowed → refused`));
  });

  it('logged decisions are judged by the new rules; what their lines do not say is unclear', async () => {
    const line = (path: string, more: object) =>
      JSON.stringify({
        ...{
          msg: 'decision',
          method: 'GET',
          host: 'localhost',
          path,
          token: reader.id,
          role: null,
          address: '127.0.0.1',
        },
        ...{ outcome: 'allowed', reason: null, ...more },
      });
    const log = join(folder, 'decisions.log');
    writeFileSync(
      log,
      [
        line('/run', {}),
        line('/all/x', {}),
        line('/list', { role: 'member' }),
        line('/run', { outcome: 'refused', reason: 'token_expired' }),
        '{"msg":"ready"}',
      ].join('\n'),
    );
    const before = file('log-1.yaml', [
      route('run', '/run'),
      route('all', '/all/**'),
      route('list', '/list', { role: 'member' }),
    ]);
    const after = file('log-2.yaml', [
      route('run', '/run', { scopes: ['bot:write'] }),
      route('all', '/all/**'),
      route('list', '/list', { role: 'admin' }),
    ]);
    const blind = await diff(before, after, '--replay', log);
    expect(blind.lines.join('\n')).toContain('replay (4 decisions): 2 same, 2 not');
    expect(blind.lines.join('\n')).toContain('on run: unclear: the scopes of the token are not known');
    expect(blind.lines.join('\n')).toContain(`1 × ${reader.id} on list: allowed → refused (role_insufficient)`);
    const seeing = await diff(before, after, '--replay', log, '--tokens', ...options);
    expect(seeing.lines.join('\n')).toContain(`1 × ${reader.id} on run: allowed → refused (scope_missing)`);
  });
});
