/** A new configuration while the gateway runs: in force as a whole and at once, or not at all. */
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { loadGateway } from '../../src/config/load/load-gateway.ts';
import { pack } from '../../src/config/load/pack.ts';
import { attack } from '../conformance/attack.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { type Settings, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';
import { RawClient, rawRequest } from '../support/raw.ts';
import { Recorder } from '../support/recorder.ts';
import { open, reloaded } from './reloaded.ts';

const ours = reloaded();
const { file, settings: written, write, reload, status } = ours;
const readiness = async () => {
  const answer = await fetch(`${ours.gateway.adminUrl}/readyz`);
  return { status: answer.status, body: (await answer.json()) as { configuration: Settings } };
};
const metric = async (line: string) => {
  const text = await (await fetch(`${ours.gateway.adminUrl}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((candidate) => candidate.startsWith(`${line} `))
      ?.split(' ')[1],
  );
};

describe('included files', () => {
  it('are read again with the rest; a file that comes into their folder is taken up by itself', {
    timeout: 60_000,
  }, async () => {
    const { gateway } = ours;
    mkdirSync(join(gateway.folder, 'routes'));
    const included = (path: string) => JSON.stringify({ routes: [open(path)] });
    writeFileSync(join(gateway.folder, 'routes/a.yaml'), included('/a'));
    write({ include: ['routes/*.yaml'], routes: [open('/own')] });
    expect(await reload()).toMatchObject({ body: { result: 'applied' } });
    expect([await status('/own'), await status('/a'), await status('/b')]).toEqual([200, 200, 404]);

    writeFileSync(join(gateway.folder, 'routes/b.yaml'), included('/b'));
    await vi.waitFor(async () => expect(await status('/b')).toBe(200), { timeout: 20_000 });
    writeFileSync(join(gateway.folder, 'routes/a.yaml'), included('/changed'));
    await vi.waitFor(async () => expect(await status('/changed')).toBe(200), { timeout: 20_000 });
    rmSync(join(gateway.folder, 'routes/b.yaml'));
    await vi.waitFor(async () => expect(await status('/b')).toBe(404), { timeout: 20_000 });
  });
});

describe('POST /v1/reload', () => {
  it('puts the file in force for the very next request, and says what is in force', async () => {
    write({ routes: [open('/new')] });
    expect([await status('/old'), await status('/new')]).toEqual([200, 404]);
    expect(await reload()).toMatchObject({
      status: 200,
      body: { result: 'applied', cause: 'request', configuration: { generation: 2, routes: 1, policy: 'coze' } },
    });
    expect([await status('/old'), await status('/new')]).toEqual([404, 200]);
    expect(await readiness()).toMatchObject({
      status: 200,
      body: { configuration: { generation: 2, lastReload: { result: 'applied', problems: 0 } } },
    });
    expect(await metric('scopegate_config_reloads_total{result="applied"}')).toBe(1);
    expect(await metric('scopegate_config_last_reload_successful')).toBe(1);
  });

  attack({
    name: 'a configuration with mistakes is not taken up while the gateway runs',
    outcome: 'the last good one stays in force, whole; the mistakes are told, and counted',
    sources: [],
  })(() => {
    it('refuses a bad file with everything that is wrong in it, and changes nothing', async () => {
      const before = await metric('scopegate_config_last_reload_success_timestamp_seconds');
      const route = { ...open('/new', 'plattform'), public: undefined, require: { scopes: ['bot:reed'] } };
      writeFileSync(
        file(),
        `${JSON.stringify({ ...written(), routes: undefined }).slice(0, -1)},
"routes": [
${JSON.stringify(route)}
]}`,
      );
      const answer = await reload();
      expect(answer).toMatchObject({
        status: 422,
        headers: { 'content-type': expect.stringMatching('^application/problem\\+json') as string },
        body: {
          code: 'configuration_invalid',
          result: 'refused',
          problems: [
            { file: file(), line: 3, message: expect.stringContaining('did you mean "platform"') as string },
            { file: file(), line: 3, message: expect.stringContaining('did you mean "bot:read"') as string },
          ],
        },
      });
      expect((answer.body as { detail: string }).detail).toMatch(/gateway\.yaml:3:\d+: .*\n.*gateway\.yaml:3:\d+: /);
      expect([await status('/old'), await status('/new')]).toEqual([200, 404]);
      expect(await readiness()).toMatchObject({
        status: 200,
        body: { ready: true, configuration: { generation: 1, lastReload: { result: 'refused', problems: 2 } } },
      });
      expect(ours.gateway.errorLines).toEqual([expect.stringContaining('reload refused')]);
      expect(ours.gateway.errorLines[0]).toContain('gateway.yaml:3:');
      expect(await metric('scopegate_config_reloads_total{result="refused"}')).toBe(1);
      expect(await metric('scopegate_config_last_reload_successful')).toBe(0);
      expect(await metric('scopegate_config_last_reload_success_timestamp_seconds')).toBe(before);
    });
  });

  it('makes room for more or fewer refusals, and keeps the newest', async () => {
    const remembered = async () => {
      const { body } = await ours.gateway.admin('GET', '/v1/refusals');
      return (body as { items: ReadonlyArray<{ path: string }> }).items.map(({ path }) => path);
    };
    const refuse = async (...paths: string[]) => {
      for (const path of paths) expect(await status(path)).toBe(404);
    };
    await refuse('/1', '/2', '/3');
    write({ explain: { keep: 2 } });
    expect(await reload()).toMatchObject({ body: { result: 'applied' } });
    expect(await remembered()).toEqual(['/3', '/2']);
    await refuse('/4');
    expect(await remembered()).toEqual(['/4', '/3']);
    write({ explain: { keep: 3 } });
    expect(await reload()).toMatchObject({ body: { result: 'applied' } });
    await refuse('/5');
    expect(await remembered()).toEqual(['/5', '/4', '/3']);
    write({ explain: { keep: 0 } });
    expect(await reload()).toMatchObject({ body: { result: 'applied' } });
    expect(await remembered()).toEqual([]);
  });

  it.each([
    [{ gateway: { host: '127.0.0.1', port: 1 } }, ['gateway.port']],
    [{ gateway: { host: '127.0.0.2', port: 0 }, admin: { port: 1 } }, ['gateway.host', 'admin.port']],
    [{ store: { driver: 'sqlite', path: 'elsewhere.db' } }, ['store.path']],
    [{ cache: { maxEntries: 7 } }, ['cache.maxEntries']],
  ])('refuses %j, which needs a restart, by name', async (change, keys) => {
    write({ routes: [open('/new')], ...change });
    const { status: code, body } = await reload();
    const { problems } = body as { problems: { message: string }[] };
    expect(code).toBe(422);
    expect(problems.map(({ message }) => message)).toEqual(
      keys.map((key) => `${key} is not what this process was started with; to change it, restart`),
    );
    expect([await status('/old'), await status('/new')]).toEqual([200, 404]);
  });

  it("refuses an upstream's files that are no certificate and key, at their place", async () => {
    for (const name of ['cert.pem', 'key.pem']) writeFileSync(join(ours.gateway.folder, name), 'not a PEM');
    const tls = { cert: 'cert.pem', key: 'key.pem' };
    write({ upstreams: { platform: { targets: ['https://127.0.0.1:9'], tls } } });
    const { status: code, body } = await reload();
    expect([code, (body as { detail: string }).detail]).toEqual([
      422,
      expect.stringMatching(/gateway\.yaml:1:\d+: its files cannot be used: /),
    ]);
    expect(await status('/old')).toBe(200);
  });

  it('takes those settings in any order', async () => {
    const timeouts = { headersMs: 9000, idleMs: 8000 };
    const settings = { gateway: { timeouts } };
    await using ordered = await startTestGateway({ upstreamUrl: ours.upstream.url, seed: false, settings });
    const path = join(ordered.folder, 'gateway.yaml');
    const { gateway: section, ...rest } = JSON.parse(readFileSync(path, 'utf8')) as { gateway: Settings };
    const turned = Object.fromEntries(Object.entries(timeouts).reverse());
    writeFileSync(path, JSON.stringify({ ...rest, gateway: { ...section, timeouts: turned } }));
    expect(await ordered.admin('POST', '/v1/reload')).toMatchObject({ status: 200, body: { result: 'applied' } });
    writeFileSync(path, JSON.stringify({ ...rest, gateway: { ...section, timeouts: { ...turned, idleMs: 8001 } } }));
    expect(await ordered.admin('POST', '/v1/reload')).toMatchObject({ status: 422 });
  });

  it('takes what else stands beside those settings', async () => {
    write({
      gateway: { host: '127.0.0.1', port: 0, trustedProxies: ['127.0.0.1'], publicUrl: 'https://api.example.com' },
      log: { level: 'warn', access: 'none' },
    });
    expect((await reload()).status).toBe(200);
    await (await fetch(`${ours.gateway.url}/old`, { headers: { 'X-Forwarded-For': '192.0.2.7' } })).text();
    expect(ours.upstream.requests[0]!.header('x-forwarded-for')).toBe('192.0.2.7, 127.0.0.1');
    const lines = ours.gateway.logLines.length;
    expect(await status('/refused')).toBe(404);
    expect(ours.gateway.logLines).toHaveLength(lines);
  });

  it('carries a new policy to the sidecar as to the gateway', async () => {
    write({ policy: join(ROOT, 'policies/featbit.yaml') });
    expect((await reload()).status).toBe(200);
    expect((await ours.gateway.admin('GET', '/v1/policy')).body).toMatchObject({ name: 'featbit' });
    expect(await (await fetch(`${ours.gateway.url}/nowhere`)).json()).toMatchObject({ success: false });
  });

  it('is for the admin key alone, and so is /v1/status', async () => {
    for (const [method, path] of [
      ['POST', '/v1/reload'],
      ['GET', '/v1/status'],
    ] as const) {
      expect((await fetch(ours.gateway.adminUrl + path, { method })).status).toBe(401);
      const acting = await ours.gateway.admin(method, path, undefined, { 'Scopegate-Actor': 'alice' });
      expect(acting).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    expect((await readiness()).body.configuration.generation).toBe(1);
  });
});

it('GET /v1/status tells the version, what is listened on, what is in force and how the last reload ended', async () => {
  write({ routes: 'none' });
  await reload();
  expect((await ours.gateway.admin('GET', '/v1/status')).body).toMatchObject({
    version: expect.any(String) as string,
    phase: 'serving',
    uptimeMs: expect.any(Number) as number,
    listeners: { gateway: ours.gateway.url, admin: ours.gateway.adminUrl },
    configuration: {
      path: file(),
      policyPath: join(ROOT, 'policies/coze.yaml'),
      generation: 1,
      lastReload: { result: 'refused', problems: [{ file: file(), line: 1 }] },
    },
    store: { driver: 'sqlite', fresh: true },
    cache: { present: expect.any(Number) as number },
    upstreams: { platform: { open: 0 } },
  });
});

describe('the connections of an upstream', () => {
  const targets = (url: string) => ({ targets: [url] });

  it('are kept over a reload that does not change it', async () => {
    await status('/old');
    write({ routes: [open('/new')] });
    await reload();
    await status('/new');
    expect(ours.upstream.lines).toEqual(['GET /old', 'GET /new']);
    expect(ours.upstream.connections).toHaveLength(1);
  });

  it('are closed after the last exchange once it is gone, and that exchange completes', async () => {
    await using other = await Recorder.start();
    ours.upstream.reply = ({ connection }) => {
      connection.write('HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nfirst ');
      return undefined;
    };
    using client = await RawClient.connect(ours.gateway.url);
    client.send(rawRequest('GET /old'));
    await client.untilText('first ');
    write({ upstreams: { other: targets(other.url) }, routes: [open('/old', 'other')] });
    await reload();
    expect(await status('/old')).toBe(200);
    expect(other.lines).toEqual(['GET /old']);
    expect(ours.upstream.connections[0]!.isEnded).toBe(false);
    ours.upstream.connections[0]!.write('later');
    expect(await client.response()).toMatchObject({ status: 200, body: 'first later', complete: true });
    await ours.upstream.connections[0]!.ended;
  });

  it('that lie idle are closed at once when its settings change', async () => {
    await status('/old');
    write({ upstreams: { platform: { ...targets(ours.upstream.url), maxConnections: 3 } } });
    await reload();
    await ours.upstream.connections[0]!.ended;
    expect(await status('/old')).toBe(200);
    expect(ours.upstream.connections).toHaveLength(2);
  });
});

describe('a changed file', () => {
  const applied = () => vi.waitUntil(async () => (await status('/new')) === 200, { timeout: 20_000, interval: 20 });
  const attempts = () => ours.gateway.logLines.filter((line) => line.includes('"cause":"file"')).length;
  const text = (route: string) => JSON.stringify({ ...written(), routes: [open(route)] });

  it('is in force soon, without being asked', async () => {
    expect(await status('/new')).toBe(404);
    writeFileSync(file(), text('/new'));
    await applied();
    expect(attempts()).toBeGreaterThan(0);
  });

  it('is seen where an editor writes a new file and renames it over the old one', async () => {
    writeFileSync(join(ours.gateway.folder, 'next'), text('/new'));
    renameSync(join(ours.gateway.folder, 'next'), file());
    await applied();
    expect(attempts()).toBeGreaterThan(0);
  });

  it('is seen behind links that move together, as Kubernetes swaps a mounted volume, and is read once', async () => {
    const at = (...names: string[]) => join(ours.gateway.folder, ...names);
    const policy = readFileSync(join(ROOT, 'policies/coze.yaml'), 'utf8');
    for (const [name, route] of [
      ['v1', '/old'],
      ['v2', '/new'],
    ] as const) {
      mkdirSync(at(name));
      writeFileSync(at(name, 'gateway.yaml'), text(route).replace(join(ROOT, 'policies/coze.yaml'), 'policy.yaml'));
      writeFileSync(at(name, 'policy.yaml'), policy.replace('name: coze', `name: ${name}`));
    }
    symlinkSync('v1', at('..data'));
    rmSync(file());
    symlinkSync('..data/gateway.yaml', file());
    symlinkSync('..data/policy.yaml', at('policy.yaml'));
    await reload();
    expect((await ours.gateway.admin('GET', '/v1/policy')).body).toMatchObject({ name: 'v1' });

    symlinkSync('v2', at('..tmp'));
    renameSync(at('..tmp'), at('..data'));
    await applied();
    expect((await ours.gateway.admin('GET', '/v1/policy')).body).toMatchObject({ name: 'v2' });
    expect(attempts()).toBe(1);
  });

  it('that cannot be used is mended by the next change, wherever the fault was', async () => {
    const missing = join(ours.gateway.folder, 'policy.yaml');
    writeFileSync(file(), text('/new').replace(join(ROOT, 'policies/coze.yaml'), missing));
    await vi.waitUntil(() => attempts() === 1, { timeout: 20_000, interval: 20 });
    expect(await readiness()).toMatchObject({ status: 200, body: { configuration: { lastReload: { problems: 1 } } } });
    copyFileSync(join(ROOT, 'policies/coze.yaml'), missing);
    await applied();
    expect(attempts()).toBe(2);
  });
});

describe('what rules of before have let in', () => {
  const need = (scope: string): Settings => ({ id: 'files', match: { path: '/files' }, require: { scopes: [scope] } });
  const askFor = (own: TestGateway, token: string) =>
    fetch(`${own.url}/files`, { headers: { authorization: `Bearer ${token}` } }).then(({ status }) => status);

  it('a request that waited for a fact while the rules were replaced is judged by the new ones', async () => {
    let line!: FaultyStore;
    await using own = await startTestGateway({
      upstreamUrl: ours.upstream.url,
      routes: [need('workflows:read')],
      aroundStore: (opened) => {
        line = new FaultyStore(opened);
        return line;
      },
    });
    ours.upstream.clear();
    const path = join(own.folder, 'gateway.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace('workflows:read', 'knowledge:write'));
    // Judged before: the store hangs for no longer than what is asked of it may take.
    const next = pack(loadGateway(path, {}));
    const standing = { generation: 2, loadedAtMs: Date.now(), last: null, counts: { applied: 1, refused: 0 } };
    line.hang();
    const before = line.reads.length;
    const asked = askFor(own, own.tokens.reader);
    await vi.waitUntil(() => line.reads.length > before, { timeout: 20_000, interval: 1 });
    await own.running.adopt(standing, next);
    line.recover();
    expect(await asked).toBe(403);
    expect(ours.upstream.lines).toEqual([]);
  });

  it('a token whose prefix is no longer one is refused, though it is known', async () => {
    const policy = join(ours.gateway.folder, 'policy.yaml');
    const text = readFileSync(join(ROOT, 'policies/coze.yaml'), 'utf8');
    writeFileSync(policy, text);
    await using own = await startTestGateway({
      upstreamUrl: ours.upstream.url,
      policy,
      routes: [need('workflows:read')],
    });
    expect(await askFor(own, own.tokens.reader)).toBe(200);
    writeFileSync(policy, text.replace('prefix: pat', 'prefix: tap'));
    expect((await own.admin('POST', '/v1/reload')).status).toBe(200);
    expect(await askFor(own, own.tokens.reader)).toBe(401);
  });
});
