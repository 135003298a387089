/** Ways in: TLS, certificates of both sides, and a user who may do no more than the documentation says. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rateLimit } from '../../src/core/rate-limit.ts';
import { SetupError } from '../../src/errors.ts';
import { mintToken } from '../../src/secret.ts';
import { parseRedisUrl } from '../../src/store/redis/url.ts';
import { StoreUnavailable } from '../../src/store/store.ts';
import { Listener } from '../contract/store.contract.ts';
import { first, second } from '../support/certificates.ts';
import { startTestGateway } from '../support/gateway.ts';
import { ROOT, scopegate } from '../support/process.ts';
import { startHttpUpstream } from '../support/recorder.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { at, openRedis, type Reported, write } from './redis-harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'scopegate-redis-tls-'));
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
/** As the documentation has it. */
function documentedRule(): string[] {
  const guide = readFileSync(new URL('../../docs/redis.md', import.meta.url), 'utf8');
  return /^ACL SETUSER (scopegate .*)$/m.exec(guide)![1]!.replace('PASSWORD', 'secret').split(' ');
}

let redis: RedisServer;
let tlsPort: number;

beforeAll(async () => {
  const [cert, key, clients] = [file('c.pem', first.cert), file('k.pem', first.key), file('ca.pem', second.cert)];
  const own = ['--tls', '--cacert', cert, '--cert', file('sc.pem', second.cert), '--key', file('sk.pem', second.key)];
  const args = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', clients, '--port', '0'];
  redis = await startRedis({ args, tls: true, cliArgs: own });
  tlsPort = redis.port;
});
afterAll(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true });
});

it('TLS with the certificates of both sides carries everything', async () => {
  const tls = { ca: first.cert, cert: second.cert, key: second.key };
  const store = await openRedis(at(tlsPort, { tls }));
  const caughtUp = new Listener();
  store.follow(caughtUp);
  await write(store, 'a', 'é');
  expect(await store.read('a')).toEqual({ kind: 'found', record: 'é' });
  expect(caughtUp.keys).toEqual(['a']);
  await store.close();
});

it.each([
  ['of an unknown authority', { cert: second.cert, key: second.key }],
  ['of another name', { ca: first.cert, cert: second.cert, key: second.key, servername: 'elsewhere.test' }],
])('a certificate %s ends the start', async (_name, tls) => {
  const opening = openRedis(at(tlsPort, { tls }));
  await expect(opening).rejects.toThrow(/its certificate is not accepted/);
  await expect(opening).rejects.toBeInstanceOf(SetupError);
});

it('the user that the documentation makes can do everything the store does, and nothing else', async () => {
  await using server = await startRedis({ args: ['--appendonly', 'no'] });
  await server.cli('acl', 'setuser', ...documentedRule());
  await server.cli('set', 'elsewhere', '1');
  const reports: Reported[] = [];
  const access = at(server.port, { username: 'scopegate', password: 'secret' });
  const store = await openRedis(access, { keyPrefix: 'scopegate:' }, reports);
  const caughtUp = new Listener();
  store.follow(caughtUp);
  await write(store, 'a');
  await write(store, 'a', null);
  await write(store, 'b');
  expect(caughtUp.keys).toEqual(['a', 'a', 'b']);
  expect(await store.scan('all', { limit: 10, after: { score: 0, key: 'x' } })).toHaveLength(1);
  expect(await store.count('all', 0)).toBe(1);
  expect(await store.changesSince(1, 10)).toHaveLength(2);
  const uses = [{ limit: rateLimit('door', 1, 1000, ['address']), subject: '192.0.2.1' }];
  expect([(await store.take(uses)).allowed, (await store.take(uses)).allowed]).toEqual([true, false]);
  const registry = store.registry();
  await registry.renew({ id: 'a', host: 'h', pid: 1, startedAtMs: 1, revision: 1 }, 60_000);
  expect(await registry.live()).toHaveLength(1);
  await registry.leave('a');
  expect(reports.map(({ level }) => level)).toEqual(['info', 'warn']);
  await store.close();
  const other = await openRedis(access, { keyPrefix: 'other:' });
  await expect(write(other, 'a')).rejects.toThrow(/NOPERM|permission/i);
  await other.close();
});

it('a command that is forbidden is an error in the log, once, and not for each request that meets it', async () => {
  await using server = await startRedis({ args: ['--appendonly', 'no'] });
  await server.cli('acl', 'setuser', ...documentedRule(), '-hget');
  const reports: Reported[] = [];
  const access = at(server.port, { username: 'scopegate', password: 'secret' });
  const store = await openRedis(access, { keyPrefix: 'scopegate:' }, reports);
  for (const _ of [1, 2, 3]) {
    expect(await store.read('a')).toMatchObject({ kind: 'unavailable' });
    await expect(write(store, 'a')).rejects.toThrow(StoreUnavailable);
  }
  const errors = reports.filter(
    ({ level, message }) => level === 'error' && message.includes('refuses what the store'),
  );
  expect(errors.map(({ message }) => message)).toEqual([
    expect.stringMatching(/NOPERM.*'hget'/),
    expect.stringMatching(/can't run this command/),
  ]);
  await store.close();
});

it('a user that disappears while we run is an error in the log, once, and all is well when it is back', async () => {
  await using server = await startRedis({ args: ['--appendonly', 'no'] });
  await server.cli('acl', 'setuser', ...documentedRule());
  const reports: Reported[] = [];
  const access = at(server.port, { username: 'scopegate', password: 'secret' });
  const store = await openRedis(access, { keyPrefix: 'scopegate:' }, reports);
  const errors = () => reports.filter(({ level }) => level === 'error').map(({ message }) => message);
  await server.cli('acl', 'deluser', 'scopegate');
  await expect
    .poll(errors)
    .toEqual([expect.stringMatching(/it refuses the user or password \(WRONGPASS.*trying again/)]);
  await server.cli('acl', 'setuser', ...documentedRule());
  await expect.poll(async () => (await store.read('a')).kind).toBe('absent');
  expect(errors()).toHaveLength(1);
  expect(reports.at(-1)).toMatchObject({ level: 'info', message: expect.stringContaining('connected') });
  await store.close();
});

it('the documented user may run every command that the sources name', () => {
  const folder = new URL('../../src/store/redis/', import.meta.url);
  const text = readdirSync(folder)
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .join('\n');
  const named = Array.from(
    text.matchAll(/(?:redis\.p?|[^.\w])call\('([A-Z]+)'|(?:client|asked)\.([a-z]+)(?:Buffer)?\(/g),
    ([, inScript, direct]) => (inScript ?? direct!).toLowerCase(),
  );
  const notCommands = new Set(['on', 'once', 'connect', 'disconnect', 'cluster', 'call', 'config']);
  const missing = [...new Set(named)].filter(
    (name) => !notCommands.has(name) && !documentedRule().includes(`+${name}`),
  );
  expect(missing).toEqual([]);
});

it('a whole gateway runs as gateway.yaml says: TLS, the documented user, limits, leases', async () => {
  await using upstream = await startHttpUpstream((_, answer) => answer.end('ok'));
  await redis.cli('acl', 'setuser', ...documentedRule());
  await using gateway = await startTestGateway({
    upstreamUrl: upstream.url,
    routes: [{ id: 'all', match: { path: '/**' }, require: { scopes: ['workflows:read'] } }],
    settings: {
      store: {
        driver: 'redis',
        url: `rediss://scopegate:\${REDIS_PASSWORD}@localhost:${tlsPort}`,
        tls: { ca: join(folder, 'c.pem'), cert: join(folder, 'sc.pem'), key: join(folder, 'sk.pem') },
      },
      limits: { burst: { requests: 1000, window: 'minute', per: 'token', everywhere: true } },
    },
    env: { REDIS_PASSWORD: 'secret' },
  });
  const answer = await fetch(`${gateway.url}/x`, { headers: { authorization: `Bearer ${gateway.tokens.reader}` } });
  expect(answer.status).toBe(200);
  const admin = await fetch(`${gateway.adminUrl}/readyz`);
  expect(admin.status).toBe(200);
  const log = gateway.logLines.join('');
  expect(log).not.toMatch(/NOPERM|can't run|permission/);
  expect(log + JSON.stringify(await admin.json())).not.toContain('secret');
  expect(gateway.errorLines).toEqual([]);
});

it('a gateway that is started while Redis is away is not ready, judges nobody, and is ready when Redis is', async () => {
  await using server = await startRedis();
  await server.kill();
  await using gateway = await startTestGateway({
    upstreamUrl: 'http://127.0.0.1:9',
    seed: false,
    settings: { store: { driver: 'redis', url: server.url } },
  });
  const ready = async () => (await fetch(`${gateway.adminUrl}/readyz`)).status;
  expect(await ready()).toBe(503);
  expect(await gateway.admin('PUT', '/v1/organizations/acme', { name: 'Acme', edition: 'team' })).toMatchObject({
    status: 503,
    body: { code: 'store_unavailable', detail: 'The store could not be asked; nothing was changed.' },
  });
  expect((await gateway.admin('GET', '/v1/organizations/acme')).body).toMatchObject({
    code: 'store_unavailable',
    detail: 'The store could not be asked.',
  });
  const headers = { authorization: `Bearer ${mintToken('pat_').reveal()}` };
  expect((await fetch(`${gateway.url}/v1/workspaces`, { headers })).status).toBe(503);
  await server.restart();
  await expect.poll(ready, { timeout: 5000 }).toBe(200);
});

it('a serve that is started while Redis is away says that it listens, and that it is ready only when it is', async () => {
  await using server = await startRedis();
  await server.kill();
  const path = file(
    'away.yaml',
    `gateway: { port: 0 }
admin: { port: 0 }
policy: ${join(ROOT, 'policies/coze.yaml')}
store: { driver: redis, url: "${server.url}" }
routes: [{ id: a, match: { path: /a }, public: true, upstream: api }]
upstreams: { api: { targets: ["http://127.0.0.1:9"] } }
`,
  );
  const serve = scopegate(['serve', '-c', path]);
  const early = await serve.until('listening, not ready: waiting for the store');
  expect(early).not.toContain('"ready: ');
  const { admin } = JSON.parse(early.split('\n').find((line) => line.includes('listening, not ready'))!);
  expect((await fetch(`${admin}/readyz`)).status).toBe(503);
  await server.restart();
  await serve.until('"ready: 1 route');
  expect((await fetch(`${admin}/readyz`)).status).toBe(200);
  expect(await serve.stop()).toBe(0);
});

it.each([
  ['redis://127.0.0.1', { tls: false, nodes: [{ host: '127.0.0.1', port: 1 }] }],
  ['rediss://u:p@h:2/3', { tls: true, username: 'u', password: 'p', nodes: [{ host: 'h', port: 2 }], database: 3 }],
  ['redis://:p%40@h/', { tls: false, password: 'p@', nodes: [{ host: 'h', port: 1 }] }],
  ['redis://u:a/b@c#d?:%@h', { tls: false, username: 'u', password: 'a/b@c#d?:%', nodes: [{ host: 'h', port: 1 }] }],
  [
    'redis://a:1,[::1]:2,c',
    {
      tls: false,
      nodes: [
        { host: 'a', port: 1 },
        { host: '::1', port: 2 },
        { host: 'c', port: 1 },
      ],
    },
  ],
  ['redis://', null],
  ['redis://h:0', null],
  ['redis://h:99999', null],
  ['redis://h,,i', null],
  ['redis://h/x', null],
  ['http://h', null],
])('reads the URL %s', (text, expected) => {
  expect(parseRedisUrl(text, 1)).toEqual(expected);
});
