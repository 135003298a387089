/** The command line as an operator meets it: clear lines, right exit codes, nothing half started. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ENTRY, ROOT, scopegate, started } from '../support/process.ts';
import { hasTool } from '../support/tools.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'scopegate-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ADMIN_KEY = 'k'.repeat(32);

function configuration(name: string, more = ''): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    `gateway: { port: 0 }
admin: { port: 0 }
policy: ${join(ROOT, 'policies/coze.yaml')}
upstreams: { api: { targets: ["http://127.0.0.1:9"] } }
routes: [{ id: all, match: { path: "/**" }, public: true, upstream: api }]
${more}`,
  );
  return path;
}

const lastLine = (log: string) =>
  JSON.parse(log.trim().split('\n').at(-1)!) as { admin: string | null; gateway: string | null; adminKeyFrom: string };

async function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const started = scopegate(args, { env: { SCOPEGATE_ADMIN_KEY: ADMIN_KEY } });
  const code = await started.exit();
  return { code, stdout: started.stdout(), stderr: started.stderr() };
}

describe('scopegate check', () => {
  it('accepts the gateway.yaml of this repository', async () => {
    const { code, stdout } = await run('check', join(ROOT, 'gateway.yaml'));
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining('ok, 10 routes, 1 upstream, policy coze'),
    });
  });

  it('warns once of all routes that name no workspace', async () => {
    expect((await run('check', join(ROOT, 'gateway.yaml'))).stderr).toMatch(
      /^\S*gateway\.yaml:\d+:\d+: warning: 3 routes name no workspace: .*"chat", .*\n$/,
    );
  });

  it('reports every problem at once as file:line:column, and exits 1', async () => {
    const path = join(folder, 'broken.yaml');
    writeFileSync(
      path,
      `policy: ${join(ROOT, 'policies/coze.yaml')}
upstreams:
  api: { targets: ["http://127.0.0.1:9"] }
routes:
  - id: a
    match: { path: /a }
    require: { scopes: ["bot:reed"] }
    upstream: apy
  - id: a
    match: { path: /a }
    require: { scopes: ["bot:read"] }
    upstream: api
`,
    );
    const { code, stderr } = await run('check', path);
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringMatching(/broken\.yaml:7:\d+: the policy knows no scope "bot:reed"; did you mean "bot:read"\?/),
      expect.stringMatching(/broken\.yaml:8:\d+: there is no upstream "apy"; did you mean "api"\?/),
      expect.stringMatching(/broken\.yaml:9:\d+: the route id "a" already stands in line 5/),
      expect.stringMatching(/broken\.yaml:10:\d+: the route "a" already answers this path/),
    ]);
  });

  it('says the same as JSON, for scripts', async () => {
    const { code, stdout } = await run('check', '--json', join(folder, 'missing.yaml'));
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      problems: [{ line: 1, column: 1, message: 'cannot be read: no such file' }],
    });
  });
});

describe('scopegate serve', () => {
  it('says in its log what it is about to start, before anything else', async () => {
    const path = configuration('told.yaml', 'store: { driver: sqlite, path: told/scopegate.db }');
    const serving = scopegate(['serve', '-c', path]);
    const [first] = (await serving.until('ready: 1 route')).split('\n');
    expect(JSON.parse(first!)).toMatchObject({
      ...{ msg: `starting: ${path}`, gateway: '127.0.0.1:0', sidecar: '127.0.0.1:0', workers: 1, store: 'sqlite' },
    });
    expect(await serving.stop()).toBe(0);
  });

  it.skipIf(!hasTool('script'))('says it in a line for people where its output is a terminal', async () => {
    const path = configuration('shown.yaml', 'store: { driver: sqlite, path: shown/scopegate.db }');
    const terminal = started('script', ['-qec', `${process.execPath} ${ENTRY} serve -c ${path}`, '/dev/null']);
    const [shown] = (await terminal.until('ready: 1 route')).split('\r\n');
    expect(shown).toBe(
      `scopegate: starting ${path} (1 route, 1 upstream, policy coze): ` +
        'gateway on 127.0.0.1:0, sidecar on 127.0.0.1:0, sqlite store',
    );
    await terminal.stop();
  });

  it('is ready within seconds, keeps its admin key private, and drains on SIGTERM with exit code 0', async () => {
    const path = configuration('good.yaml', 'store: { driver: sqlite, path: good/scopegate.db }');
    const started = scopegate(['serve', '-c', path]);
    const log = await started.until('ready: 1 route');
    const ready = lastLine(log);
    expect((await fetch(`${ready.admin}/readyz`)).status).toBe(200);
    const key = readFileSync(ready.adminKeyFrom, 'utf8').trim();
    expect(log).not.toContain(key);
    expect(statSync(ready.adminKeyFrom).mode & 0o777).toBe(0o600);
    const policy = await fetch(`${ready.admin}/v1/policy`, { headers: { authorization: `Bearer ${key}` } });
    expect(policy.status).toBe(200);
    expect(await started.stop()).toBe(0);
  });

  it('keeps its young generation small, so that a flood leaves little behind; who sets it otherwise is obeyed', async () => {
    const path = configuration('young.yaml', 'store: { driver: sqlite, path: young/scopegate.db }');
    const commandLine = async (env: Record<string, string>, ...only: string[]) => {
      const started = scopegate(['serve', '-c', path, ...only], { env });
      await started.until('ready');
      const words = readFileSync(`/proc/${started.child.pid}/cmdline`, 'utf8').split('\0');
      expect(await started.stop()).toBe(0);
      return words;
    };
    if (process.platform !== 'linux') return;
    expect(await commandLine({})).toContain('--max-semi-space-size=2');
    expect(await commandLine({ NODE_OPTIONS: '--max-semi-space-size=16' })).not.toContain('--max-semi-space-size=2');
    expect(await commandLine({}, '--only', 'admin')).toContain('--max-semi-space-size=16');
  });

  it('lets its threads share their memory, so that less of it lies idle; who sets it otherwise is obeyed', async () => {
    const path = configuration('shared.yaml', 'store: { driver: sqlite, path: shared/scopegate.db }');
    const environment = async (env: Record<string, string>) => {
      const started = scopegate(['serve', '-c', path], { env });
      await started.until('ready: 1 route');
      const words = readFileSync(`/proc/${started.child.pid}/environ`, 'utf8').split('\0');
      expect(await started.stop()).toBe(0);
      return words.filter((word) => word.startsWith('MALLOC_ARENA_MAX='));
    };
    if (process.platform !== 'linux') return;
    expect(await environment({})).toEqual(['MALLOC_ARENA_MAX=1']);
    expect(await environment({ MALLOC_ARENA_MAX: '3' })).toEqual(['MALLOC_ARENA_MAX=3']);
  });

  it('lets V8 give nothing a long life beforehand because things lived long while it was young, nor let much of it pile up', async () => {
    const path = configuration('born-old.yaml', 'store: { driver: sqlite, path: born-old/scopegate.db }');
    const flags = ['--max-semi-space-size=1', '--trace-pretenuring-statistics', '--trace-gc', '--trace-gc-verbose'];
    const env = { SCOPEGATE_ADMIN_KEY: ADMIN_KEY };
    const serving = started(process.execPath, [...flags, ENTRY, 'serve', '-c', path], { env });
    await serving.until('"msg":"ready:');
    expect(await serving.stop()).toBe(0);
    expect(serving.stdout()).not.toContain('pretenuring:');
    const limits = serving.stdout().matchAll(/HeapController\] Limit: old size: (\d+) KB, new limit: (\d+) KB/g);
    const growth = Array.from(limits, ([, size, limit]) => Number(limit) / Number(size));
    expect(growth.length).toBeGreaterThan(0);
    // Half as much again, and what is young; V8 alone lets it grow to four times.
    expect(Math.max(...growth)).toBeLessThan(2.5);
  });

  it('--only splits it: a gateway process follows what the sidecar process writes', async () => {
    // Nothing but what it hears makes the gateway ask again.
    const sections = 'store: { driver: sqlite, path: split/scopegate.db }\ncache: { maxStalenessMs: 60000 }';
    const path = configuration('split.yaml', sections);
    writeFileSync(path, readFileSync(path, 'utf8').replace('public: true', 'require: { scopes: ["bot:read"] }'));
    const sidecar = scopegate(['serve', '-c', path, '--only', 'admin'], { env: { SCOPEGATE_ADMIN_KEY: ADMIN_KEY } });
    const { admin, gateway: none } = lastLine(await sidecar.until('ready:'));
    const proxy = scopegate(['serve', '-c', path, '--only', 'gateway']);
    const { gateway, admin: noAdmin } = lastLine(await proxy.until('ready:'));
    expect([none, noAdmin]).toEqual([null, null]);

    const call = async (method: string, at: string, body?: object) => {
      const answer = await fetch(`${admin}/v1/organizations/acme${at}`, {
        method,
        headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      expect(answer.ok, await answer.clone().text()).toBe(true);
      return (await answer.json()) as { id: string; token: string };
    };
    await call('PUT', '', { name: 'Acme', edition: 'team' });
    await call('PUT', '/members/ann', { name: 'Ann', role: 'admin' });
    const input = { owner: 'ann', name: 'n', scopes: ['bot:read'], workspaces: 'all', expiresInDays: 1 };
    const { id, token } = await call('POST', '/tokens', input);
    const status = async () => (await fetch(`${gateway}/x`, { headers: { authorization: `Bearer ${token}` } })).status;
    // Allowed: nobody listens upstream, so a forwarded request answers 502.
    expect(await status()).toBe(502);
    await call('POST', `/tokens/${id}/revoke`);
    await vi.waitUntil(async () => (await status()) === 401, { timeout: 5000, interval: 5 });
    expect(await Promise.all([sidecar.stop(), proxy.stop()])).toEqual([0, 0]);
  });

  it('says in one line which port is in use, and exits 1', async () => {
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, '127.0.0.1', () => resolve((taken.address() as { port: number }).port));
    });
    for (const [name, section] of [
      ['gateway', `gateway: { port: ${port} }\nadmin: { port: 0 }`],
      ['admin', `gateway: { port: 0 }\nadmin: { port: ${port} }`],
    ] as const) {
      const path = configuration(`busy-${name}.yaml`, `store: { driver: sqlite, path: busy-${name}/scopegate.db }`);
      writeFileSync(path, readFileSync(path, 'utf8').replace('gateway: { port: 0 }\nadmin: { port: 0 }', section));
      const { code, stderr } = await run('serve', '-c', path);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: `scopegate: ${name}: 127.0.0.1:${port} is already in use; stop the other program or set ${name}.port\n`,
      });
    }
    taken.close();
  });

  it('says in one line which data folder is not writable, and exits 1', async () => {
    writeFileSync(join(folder, 'plain-file'), '');
    const path = configuration('unwritable.yaml', 'store: { driver: sqlite, path: plain-file/data/scopegate.db }');
    const { code, stderr } = await run('serve', '-c', path);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^scopegate: store: the data folder .*plain-file\/data is not writable \(E[A-Z]+\); .*\n$/);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('refuses a database that others may open, and says how to mend it', async () => {
    mkdirSync(join(folder, 'loose'));
    writeFileSync(join(folder, 'loose/scopegate.db'), '');
    chmodSync(join(folder, 'loose/scopegate.db'), 0o644);
    const path = configuration('loose.yaml', 'store: { driver: sqlite, path: loose/scopegate.db }');
    const { code, stderr } = await run('serve', '-c', path);
    expect(code).toBe(1);
    expect(stderr).toContain('run: chmod 600');
  });

  it('starts nothing when the configuration is wrong', async () => {
    const path = configuration('unknown-key.yaml', 'stoer: { driver: sqlite }');
    const { code, stderr, stdout } = await run('serve', '-c', path);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/unknown-key\.yaml:6:1: unknown key "stoer" \(did you mean "store"\?\)/);
  });
});

describe('scopegate', () => {
  it('teaches its commands with --help, and each command itself', async () => {
    const { code, stdout } = await run('--help');
    expect(code).toBe(0);
    for (const command of ['serve', 'demo', 'check']) {
      expect(stdout).toContain(`scopegate ${command}`);
      expect((await run(command, '--help')).stdout).toContain(`scopegate ${command}`);
    }
  });

  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect((await run('--version')).stdout).toBe(`${version}\n`);
  });

  it('names an unknown command or option, and exits 1', async () => {
    expect(await run('serv')).toMatchObject({
      code: 1,
      stderr: 'there is no command "serv" (did you mean serve?); scopegate --help lists them\n',
    });
    expect(await run('check', '--jsn')).toMatchObject({
      code: 1,
      stderr: 'scopegate check: there is no option --jsn (did you mean --json?); see scopegate check --help\n',
    });
    expect(await run('check', '--strict')).toMatchObject({
      code: 1,
      stderr: 'scopegate check: there is no option --strict; see scopegate check --help\n',
    });
  });

  it('says in one line that this Node is too old, before it reads anything else', () => {
    const pretend = "Object.defineProperty(process.versions, 'node', { value: '20.20.2' })";
    const { status, stderr, stdout } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${pretend}`, ENTRY, 'serve'],
      {
        encoding: 'utf8',
      },
    );
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^scopegate needs Node 22\.19 or newer, this is 20\.20\.2\. .*\n$/);
  });
});
