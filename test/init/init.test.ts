/** `scopegate init`, as somebody with an empty folder meets it: what it lays runs, and nothing that is there is touched. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { policyNames } from '../../src/init/policies.ts';
import { lintGateway } from '../../src/lint/lint.ts';
import { run } from '../directory/harness.ts';
import { ENTRY, ROOT, started } from '../support/process.ts';
import { startHttpUpstream } from '../support/recorder.ts';
import { hasTool } from '../support/tools.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'scopegate-init-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const init = (...words: string[]) => run(['init', ...words], {});
const api = (text: string) => {
  writeFileSync(join(folder, 'api.yaml'), text);
  return join(folder, 'api.yaml');
};
const everything = (path: string) => readdirSync(path, { recursive: true, encoding: 'utf8' }).sort();

const API = `openapi: 3.1.0
servers: [{ url: https://api.example.com/v1 }]
security: [{ oauth: ["orders:read"] }]
paths:
  /orders:
    get: { operationId: listOrders }
    post: { operationId: addOrder, security: [{ oauth: [write_orders] }] }
  /health: { get: { operationId: health, security: [] } }
components: { securitySchemes: { oauth: { type: oauth2, flows: { clientCredentials: { scopes: { write_orders: "Write: all" } } } } } }
`;

const PLACED = `openapi: 3.1.0
security: [{ oauth: ["orders:read"] }]
paths:
  /shops/{shop}/orders:
    get: { operationId: listOrders, x-scopegate: { workspace: { from: path.shop, as: workspace } } }
    post: { operationId: addOrder, security: [{ oauth: ["orders:write", "orders:approve"] }], x-scopegate: { workspace: { from: path.shop, as: workspace, role: admin } } }
  /shops/{shop}/orders/{order}:
    put:
      operationId: editOrder
      security: [{ oauth: ["orders:write"] }, { oauth: ["orders:approve"] }]
      x-scopegate: { workspace: { from: path.shop, as: workspace }, resource: { type: order, from: path.order, relation: owner } }
  /orders/import:
    post: { operationId: importOrders, security: [{ oauth: ["orders:write"] }], x-scopegate: { workspace: { from: body.to.shop, as: workspace } } }
  /orders/{order}:
    post: { operationId: copyOrder, security: [{ oauth: ["orders:write"] }], x-scopegate: { workspace: { from: query.shop, as: workspace } } }
`;

describe('a new folder', () => {
  it.each(policyNames())('with the policy %s is one that check and lint find good', async (policy) => {
    const { code, stderr } = await init(join(folder, 'my'), '--yes', '--policy', policy);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(loadGateway(join(folder, 'my/gateway.yaml'), {}).policy.name).toBe(policy);
    expect(
      lintGateway(join(folder, 'my/gateway.yaml'), {}).findings.filter(({ severity }) => severity !== 'note'),
    ).toEqual([]);
    expect(readFileSync(join(folder, 'my/gateway.yaml'), 'utf8')).toMatch(
      /^# yaml-language-server: \$schema=\.\/schemas\/gateway\.schema\.json\n/,
    );
    expect(existsSync(join(folder, 'my/schemas/gateway.schema.json'))).toBe(true);
    expect(await run(['test', join(folder, 'my/gateway.test.yaml')], {})).toMatchObject({ code: 0 });
  });

  it('has the address of the API that was given, and says what to do next', async () => {
    const { stdout } = await init(join(folder, 'my'), '--yes', '--upstream', 'https://api.example.com:8443/');
    expect(loadGateway(join(folder, 'my/gateway.yaml'), {}).file.upstreams.api!.targets).toEqual([
      'https://api.example.com:8443',
    ]);
    expect(stdout).toMatch(/^\+ .*gateway\.yaml$/m);
    expect(stdout).toMatch(/^Start it: .*scopegate serve$/m);
    expect(stdout).toMatch(
      /^In another terminal: .*scopegate apply directory\.yaml && TOKEN=\$\(scopegate token create /m,
    );
  });

  it('is told as one document with --json', async () => {
    const { stdout } = await init(join(folder, 'my'), '--yes', '--json');
    const { files, leftOut } = JSON.parse(stdout) as { files: string[]; leftOut: unknown[] };
    expect(files.sort()).toEqual(everything(join(folder, 'my')).filter((name) => name.includes('.')));
    expect(leftOut).toEqual([]);
  });

  it.each([
    [['--upstream', 'api.example.com'], '"api.example.com" is no origin such as http://127.0.0.1:3000'],
    [['--upstream', 'http://a/path'], 'without a path'],
    [['--policy', 'defualt'], 'there is no policy "defualt"; did you mean "default"?'],
    [['--openapi', 'nowhere.yaml'], 'nowhere.yaml:1:1: cannot be read: no such file'],
    [['--merge'], '--merge and --check need --openapi FILE'],
  ])('is not begun with %j', async (words, said) => {
    const { code, stderr } = await init(join(folder, 'my'), '--yes', ...words);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(said) });
    expect(existsSync(join(folder, 'my'))).toBe(false);
  });

  it('is asked about on a terminal alone: elsewhere the error says what to add', async () => {
    const { code, stderr } = await init(join(folder, 'my'));
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('there is no terminal to ask on: add --yes'),
    });
  });
});

describe('tests of the routes of a document', () => {
  const DOCUMENTS = {
    small: API,
    large: readFileSync(join(ROOT, 'test/openapi/document.yaml'), 'utf8'),
    placed: PLACED,
  };

  it.each(policyNames().flatMap((policy) => Object.keys(DOCUMENTS).map((name) => [name, policy] as const)))(
    'hold, and notice every slip: %s, %s',
    async (name, policy) => {
      const document = api(DOCUMENTS[name as keyof typeof DOCUMENTS]);
      const at = join(folder, 'my');
      expect(await init(at, '--yes', '--policy', policy, '--openapi', document, '--public-ok')).toMatchObject({
        code: 0,
      });
      const { code, stdout, stderr } = await run(['test', join(at, 'gateway.test.yaml'), '--mutate'], {});
      expect(stdout + stderr).toMatch(/mutants: (\d+) of \1 noticed/);
      expect(stdout).toMatch(/routes: (\d+) of \1 with/);
      expect(code).toBe(0);
    },
  );

  it('say which slip they cannot notice by requiring no figure of it: there is one scope, and whoever has a token has it', async () => {
    const one = `openapi: 3.1.0
security: [{ oauth: ["orders:read"] }]
paths: { /orders: { get: { operationId: listOrders } } }
`;
    expect(await init(join(folder, 'my'), '--yes', '--openapi', api(one))).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, 'my/gateway.test.yaml'), 'utf8')).toMatch(/^require: \{ routes: 100 \}$/m);
    const { code, stdout } = await run(['test', join(folder, 'my/gateway.test.yaml'), '--mutate'], {});
    expect(stdout).toContain('no test notices when orders:read is not asked for');
    expect(code).toBe(0);
  });
});

describe('what is there already', () => {
  it.each(['gateway.yaml', 'directory.yaml', 'policies/default.yaml', '.gitignore'])(
    '%s stays as it is, and nothing is added beside it',
    async (name) => {
      mkdirSync(join(folder, 'policies'));
      writeFileSync(join(folder, name), 'mine');
      const before = everything(folder);
      const { code, stderr } = await init(folder, '--yes');
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringContaining(
          `nothing was written: ${join(folder, name)} is there already. Name another folder`,
        ),
      });
      expect(everything(folder)).toEqual(before);
      expect(readFileSync(join(folder, name), 'utf8')).toBe('mine');
    },
  );

  it.skipIf(process.geteuid?.() === 0)('may be a folder that nobody may write into: nothing is left', async () => {
    mkdirSync(join(folder, 'schemas'));
    chmodSync(join(folder, 'schemas'), 0o500);
    expect(await init(folder, '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nothing was written'),
    });
    expect(everything(folder)).toEqual(['schemas']);
  });

  it('may be a file where a folder is needed: nothing is left of what was written before', async () => {
    writeFileSync(join(folder, 'schemas'), '');
    expect(await init(folder, '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nothing was written'),
    });
    expect(everything(folder)).toEqual(['schemas']);
  });
});

describe('an OpenAPI document', () => {
  it('makes the routes, and the scopes of the policy', async () => {
    const { code, stderr } = await init(join(folder, 'my'), '--yes', '--openapi', api(API));
    expect(code).toBe(0);
    const { file, policy } = loadGateway(join(folder, 'my/gateway.yaml'), {});
    expect(file.routes.map(({ id, match, require }) => [id, match.path, require?.scopes])).toEqual([
      ['listOrders', '/v1/orders', ['orders:read']],
      ['addOrder', '/v1/orders', ['write_orders']],
    ]);
    expect([...policy.scopes.values()].map(({ name, description }) => [name, description])).toEqual([
      ['orders:read', 'orders:read'],
      ['write_orders', 'Write: all'],
    ]);
    expect(stderr).toContain(
      'api.yaml:8:14: GET /v1/health: the document asks for no token; --public-ok makes it public',
    );
    expect(stderr).toContain('roles that have no scopes yet: member;');
    expect(file.upstreams.api!.targets).toEqual(['https://api.example.com']);
    expect(lintGateway(join(folder, 'my/gateway.yaml'), {}).findings).toEqual([]);
  });

  it('that says what no route may say is refused with the place, and nothing is written', async () => {
    const text = API.replace('operationId: listOrders', 'operationId: listOrders, x-scopegate: { limits: [uploads] }');
    const { code, stderr } = await init(join(folder, 'my'), '--yes', '--openapi', api(text));
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/nothing was written: it would be wrong\n.*there is no limit "uploads"/),
    });
    expect(existsSync(join(folder, 'my'))).toBe(false);
  });

  it('may say the workspace and the resource of an operation', async () => {
    const workspace = 'x-scopegate: { workspace: { from: query.ws, as: workspace, role: admin } }';
    await init(
      join(folder, 'my'),
      '--yes',
      '--openapi',
      api(API.replace('operationId: listOrders', `operationId: listOrders, ${workspace}`)),
    );
    expect(loadGateway(join(folder, 'my/gateway.yaml'), {}).file.routes[0]!.require).toEqual({
      scopes: ['orders:read'],
      workspace: { from: 'query.ws', as: 'workspace', role: 'admin' },
    });
  });

  it('cannot put anything into the file but routes', async () => {
    const hostile = `a\\n  public: true # \${HOME} "quoted" \\u2028 - id: b`;
    const text = API.replace('operationId: listOrders', `operationId: "${hostile.replaceAll('"', '\\"')}"`).replace(
      '/health:',
      '"/x\\n- id: c":',
    );
    const { code } = await init(join(folder, 'my'), '--yes', '--public-ok', '--openapi', api(text));
    expect(code).toBe(0);
    const { routes } = loadGateway(join(folder, 'my/gateway.yaml'), {}).file;
    expect(routes.map(({ id }) => id)).toEqual(['get-v1-orders', 'addOrder']);
    const other = await init(
      join(folder, 'other'),
      '--yes',
      '--openapi',
      api(API.replace('listOrders', `"\${HOME} #1: {x}"`)),
    );
    expect(other.stderr).toMatch(/^one operation/);
    expect(loadGateway(join(folder, 'other/gateway.yaml'), {}).file.routes[0]!.id).toBe(`\${HOME} #1: {x}`);
  });
});

describe('a document that has gone on', () => {
  const more = API.replace(
    'components:',
    '  /orders/{id}: { delete: { operationId: dropOrder, security: [{ oauth: [drop_orders] }] } }\ncomponents:',
  );
  const lay = () => init(join(folder, 'my'), '--yes', '--openapi', api(API));
  const path = () => join(folder, 'my/gateway.yaml');

  it('is found behind by --check, with exit code 2, and level after --merge', async () => {
    await lay();
    expect(await init(join(folder, 'my'), '--openapi', api(API), '--check')).toMatchObject({
      code: 0,
      stdout: `${path()}: has a route for every operation\n`,
    });
    const behind = await init(join(folder, 'my'), '--openapi', api(more), '--check');
    expect(behind).toMatchObject({
      code: 2,
      stdout: expect.stringMatching(
        /api\.yaml:9:19: no route takes DELETE \/v1\/orders\/\{id\} \(dropOrder\), for drop_orders\n$/,
      ),
    });
    expect((await init(join(folder, 'my'), '--openapi', api(more), '--merge')).code).toBe(0);
    expect((await init(path(), '--openapi', api(more), '--check')).code).toBe(0);
    expect(loadGateway(path(), {}).policy.scopes.has('drop_orders')).toBe(true);
  });

  it('adds its routes behind those that are there, and leaves every other byte as it is', async () => {
    await lay();
    const mine =
      readFileSync(path(), 'utf8').replace('id: addOrder', 'id:   "mine" # a comment of mine') +
      '\n\n# the end\nlog: { level: warn } # mine, too\n';
    writeFileSync(path(), mine);
    const { code, stdout } = await init(join(folder, 'my'), '--openapi', api(more), '--merge');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: '+ DELETE /v1/orders/{id} (dropOrder), for drop_orders\n',
    });
    const merged = readFileSync(path(), 'utf8');
    const added = /\n {2}- id: dropOrder\n(?: {4}.*\n)+/.exec(merged)![0];
    expect(merged.replace(added, '')).toBe(mine);
    expect(await init(join(folder, 'my'), '--openapi', api(more), '--merge')).toMatchObject({
      code: 0,
      stdout: `${path()}: has a route for every operation\n`,
    });
    expect(readFileSync(path(), 'utf8')).toBe(merged);
  });

  it('changes no route that is there: what it asks for now is told', async () => {
    await lay();
    const before = readFileSync(path(), 'utf8');
    const changed = api(API.replace('[write_orders]', '["orders:read"]'));
    const check = await init(join(folder, 'my'), '--openapi', changed, '--check');
    expect(check).toMatchObject({
      code: 2,
      stdout: expect.stringContaining('the route "addOrder" asks for write_orders, the document for orders:read'),
    });
    expect(await init(join(folder, 'my'), '--openapi', changed, '--merge')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('left as it is: '),
    });
    expect(readFileSync(path(), 'utf8')).toBe(before);
  });

  it.each([
    ['a list in flow style', 'routes: [{ id: a, match: { path: /a }, public: true, upstream: api }] # mine\n'],
    ['routes in files alone', 'include: [more.yaml]\n'],
    [
      'a list as far left as its key, without a line end',
      'routes:\n- id: a\n  match: { path: /a }\n  public: true\n  upstream: api # mine',
    ],
    [
      'line ends of Windows',
      'routes:\r\n  - id: a\r\n    match: { path: /a }\r\n    public: true\r\n    upstream: api # mine\r\n',
    ],
  ])('is merged into %s', async (_what, routes) => {
    const head = 'policy: policy.yaml\nupstreams: { api: { targets: ["http://127.0.0.1:9"] } }\n';
    await lay();
    writeFileSync(join(folder, 'policy.yaml'), readFileSync(join(folder, 'my/policies/default.yaml')));
    writeFileSync(
      join(folder, 'more.yaml'),
      'routes: [{ id: addOrder, match: { path: /a }, public: true, upstream: api }]\n',
    );
    writeFileSync(join(folder, 'gateway.yaml'), head + routes);
    const { code, stderr } = await init(folder, '--openapi', api(API), '--merge');
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const { routes: merged } = loadGateway(join(folder, 'gateway.yaml'), {}).file;
    expect(merged.map(({ id }) => id).sort()).toEqual(
      [
        routes.startsWith('include') ? 'addOrder' : 'a',
        routes.startsWith('include') ? 'addOrder-2' : 'addOrder',
        'listOrders',
      ].sort(),
    );
    const text = readFileSync(join(folder, 'gateway.yaml'), 'utf8');
    if (routes.includes('# mine')) expect(text).toContain('# mine');
    if (routes.includes('\r\n')) expect(text.slice(head.length).replaceAll('\r\n', '')).not.toContain('\n');
  });

  it('is not merged where the routes could go to several upstreams, until one is named', async () => {
    await lay();
    writeFileSync(
      path(),
      readFileSync(path(), 'utf8').replace(
        'upstreams:\n',
        'upstreams:\n  other: { targets: ["http://127.0.0.1:9"] }\n',
      ),
    );
    const before = readFileSync(path(), 'utf8');
    expect(await init(join(folder, 'my'), '--openapi', api(more), '--merge')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--upstream other or --upstream api'),
    });
    expect(readFileSync(path(), 'utf8')).toBe(before);
    expect((await init(join(folder, 'my'), '--openapi', api(more), '--merge', '--upstream', 'api')).code).toBe(0);
  });
});

describe('the folder that was laid', () => {
  const shell = (line: string, env: Record<string, string>) =>
    started('bash', ['-euc', line], {
      cwd: folder,
      env: { PATH: `${join(ENTRY, '../../bin')}:${process.env.PATH}`, ...env },
    });

  it('runs with the two commands that are printed, and the third gets an answer of the API', async () => {
    const upstream = await startHttpUpstream((_request, response) => response.end('hello'));
    const { stdout } = await init(join(folder, 'my'), '--yes', '--upstream', upstream.url);
    const step = (name: string) =>
      new RegExp(`^${name}: *(.*)$`, 'm').exec(stdout)![1]!.replaceAll(/cd \S+ &&/g, 'cd my &&');
    const env = { SCOPEGATE_PORT: '0', SCOPEGATE_ADMIN_PORT: '0' };
    const serving = shell(`${step('Start it').replace('&& scopegate', '&& exec scopegate')}`, env);
    const ready = await serving.until('"msg":"ready');
    const line = ready.split('\n').find((each) => each.includes('"msg":"ready'))!;
    const { gateway, admin } = JSON.parse(line) as { gateway: string; admin: string };
    const commands = step('In another terminal').replace(
      /scopegate (apply \S+|token create)/g,
      (command) => `${command} --url ${admin} --key-file data/admin-key`,
    );
    const asking = shell(`${commands}\n${step('And a request with it').replace('http://127.0.0.1:8080', gateway)}`, {});
    expect(await asking.exit(), asking.stderr()).toBe(0);
    expect(asking.stdout()).toMatch(/\nHTTP\/1\.1 200 OK\r\n[\s\S]*hello$/);
    await serving.stop();
    await upstream.stop();
  }, 60_000);
});

describe.skipIf(!hasTool('script'))('on a terminal', () => {
  /** Types each text once the terminal shows what it is the answer to. */
  async function typed(answers: ReadonlyArray<readonly [question: string, answer: string]>) {
    const terminal = spawn('script', ['-qec', `"${process.execPath}" "${ENTRY}" init my`, '/dev/null'], {
      cwd: folder,
    });
    let shown = '';
    let from = 0;
    const left = [...answers];
    terminal.stdout.on('data', (piece: Buffer) => {
      shown += piece;
      const [next] = left;
      const at = next === undefined ? -1 : shown.indexOf(next[0], from);
      if (at === -1) return;
      from = at + next![0].length;
      left.shift();
      terminal.stdin.write(next![1]);
    });
    const [code] = (await once(terminal, 'close')) as [number | null];
    return { code, shown };
  }

  it('asks three questions, and again where an answer is of no use', async () => {
    writeFileSync(join(folder, 'api.yaml'), API);
    const { code, shown } = await typed([
      ['A file, or nothing', 'api.yml\r'],
      ['no such file', 'api.yaml\r'],
      ['Where is your API?', 'http://127.0.0.1:4000\r'],
      ['Which policy', '\r'],
    ]);
    expect(code, shown).toBe(0);
    const { file, policy } = loadGateway(join(folder, 'my/gateway.yaml'), {});
    expect([file.routes[0]!.id, file.upstreams.api!.targets, policy.name]).toEqual([
      'listOrders',
      ['http://127.0.0.1:4000'],
      'default',
    ]);
  });

  it('writes nothing where somebody thinks better of it', async () => {
    const { code, shown } = await typed([
      ['A file, or nothing', '\r'],
      ['Where is your API?', '\x03'],
    ]);
    expect({ code, shown }).toEqual({
      code: 1,
      shown: expect.stringContaining('nothing was written: the questions were not answered'),
    });
    expect(existsSync(join(folder, 'my'))).toBe(false);
  });
});
