/** What operators and probes ask, and the key that everything else needs. */
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isAdmin, loadAdminKeys } from '../../src/admin/admin-key.ts';
import { type AdminOptions, buildAdmin } from '../../src/admin/server.ts';
import { findAdminKey } from '../../src/cli/named-gateway.ts';
import { loadPolicy } from '../../src/config/load/load-policy.ts';
import { AuthFailureThrottle } from '../../src/edge/throttles/auth-failure-throttle.ts';
import { SetupError } from '../../src/errors.ts';
import { ProcessList } from '../../src/fleet/process-list.ts';
import { RefusedAttempts } from '../../src/manage/refused-attempts.ts';
import { Metrics } from '../../src/observe/metrics.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { MemoryRegistry } from '../support/memory-registry.ts';
import { type Json, type Sidecar, settle, startSidecar } from './sidecar.ts';

const OLD = 'the-old-key-0123456789';
const NEW = 'the-new-key-0123456789';

describe('a sidecar', () => {
  let sidecar: Sidecar;
  beforeAll(async () => {
    sidecar = await startSidecar({ SCOPEGATE_ADMIN_KEY: `${OLD}, test-admin-key-0123456789-0123456789-0123456789` });
    await settle(sidecar);
  });
  afterAll(() => sidecar.stop());

  it('takes either of two keys while one replaces the other', async () => {
    const status = async (key: string) =>
      (await sidecar.call('GET', '', undefined, { authorization: `Bearer ${key}` })).status;
    expect([await status(OLD), await status(sidecar.key), await status(NEW), await status(`${OLD},${NEW}`)]).toEqual([
      200, 200, 401, 401,
    ]);
    expect((await sidecar.call('GET', '', undefined, { authorization: `bearer   ${OLD}` })).status).toBe(200);
  });

  it.each(['/livez', '/readyz', '/metrics', '/openapi.json'])('%s needs no key', async (path) => {
    const answer = await fetch(sidecar.url + path);
    expect(answer.status).toBe(200);
    await answer.text();
  });

  it('says that it is alive and ready, and why', async () => {
    expect(await sidecar.ok('GET', '/v1/../livez')).toEqual({ live: true });
    expect((await sidecar.send('GET', '/readyz', {})).body).toMatchObject({
      ready: true,
      store: { driver: 'sqlite', staleMs: expect.any(Number) as number },
      configuration: { policy: 'coze' },
    });
  });

  it('offers its metrics as Prometheus reads them', async () => {
    const answer = await fetch(`${sidecar.url}/metrics`);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(await answer.text()).toMatch(/^# HELP scopegate_feed_stale_seconds /m);
  });

  it('tells the policy in force', async () => {
    const policy = await sidecar.ok('GET', '/v1/policy');
    expect(policy).toMatchObject({
      name: 'coze',
      dialect: 'coze',
      organizationRoles: ['super_admin', 'admin', 'member'],
      workspaceRoles: ['member', 'admin'],
      kinds: {
        personal: { expiry: { minMs: 86_400_000, maxMs: 2_592_000_000, never: false, editable: false } },
        service: { expiry: { maxMs: null, never: true, editable: true, presetsDays: [1, 30, 90, 180] } },
      },
    });
    expect((policy.actions as Json[]).length).toBeGreaterThan(0);
    for (const action of policy.actions as Json[])
      expect(action).toEqual({ name: expect.any(String), description: expect.any(String) });
    const scopes = policy.scopes as Json[];
    for (const resource of ['workflows', 'bot', 'chat', 'knowledge', 'workspace']) {
      for (const action of ['read', 'write'])
        expect(scopes).toContainEqual({
          name: `${resource}:${action}`,
          category: expect.any(String) as string,
          description: expect.any(String) as string,
        });
    }
  });

  it('describes itself in OpenAPI, every endpoint with what it takes and answers', async () => {
    const api = (await sidecar.send('GET', '/openapi.json', {})).body as unknown as {
      openapi: string;
      paths: Record<
        string,
        Record<string, { responses: Json; parameters?: Array<{ in: string; name: string }>; requestBody?: Json }>
      >;
      components: { securitySchemes: Json };
    };
    expect(api.openapi).toMatch(/^3\.1/);
    expect(api.components.securitySchemes).toHaveProperty('adminKey');
    expect(Object.keys(api.paths)).toEqual(
      expect.arrayContaining([
        '/v1/organizations/{org}',
        '/v1/organizations/{org}/members/{id}',
        '/v1/organizations/{org}/teams/{id}',
        '/v1/organizations/{org}/workspaces/{id}',
        '/v1/organizations/{org}/workspaces/{ws}/environments/{id}',
        '/v1/organizations/{org}/workspaces/{ws}/resources/{type}/{id}',
        '/v1/organizations/{org}/workspaces/{ws}/assignments/{kind}/{id}',
        '/v1/organizations/{org}/tokens',
        '/v1/organizations/{org}/tokens/{id}',
        '/v1/organizations/{org}/tokens/{id}/revoke',
        '/v1/policy',
        '/readyz',
      ]),
    );
    for (const [path, methods] of Object.entries(api.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        expect(Object.keys(operation.responses).length, `${method} ${path}`).toBeGreaterThan(0);
        for (const status of Object.keys(operation.responses)) expect(status).toMatch(/^([1-5]XX|[1-5]\d\d|default)$/);
        const named = (operation.parameters ?? [])
          .filter((parameter) => parameter.in === 'path')
          .map(({ name }) => name);
        expect(named.sort(), path).toEqual(Array.from(path.matchAll(/\{(\w+)\}/g), (match) => match[1]).sort());
        if (method === 'put' || method === 'patch') expect(operation.requestBody, `${method} ${path}`).toBeDefined();
      }
    }
  });
});

describe('when something is wrong behind it, the sidecar', () => {
  const policy = loadPolicy(new URL('../../policies/coze.yaml', import.meta.url).pathname, {}).policy!;
  const build = async (ready: boolean, store = new MemoryStore(), errors: unknown[] = []) => {
    const app = await buildAdmin({
      tls: null,
      explainer: {
        explain: async () => null,
        policy: () => policy,
        position: () => null,
        configuration: () => '',
        whoCan: () => {
          throw new Error('nobody asks');
        },
        reach: async () => ({ routes: [], publicCount: 0 }),
        gatewayUrl: () => null,
        refusals: async () => ({ found: [], unanswered: [] }),
        keeps: () => ({ keep: 0, forMinutes: 1 }),
      },
      routes: { routes: () => [], configuration: () => '', files: async () => null, traffic: async () => null },
      countRefusals: () => Promise.reject(new Error('nobody asks')),
      ...{ host: '127.0.0.1', port: 0, keys: [OLD], version: '0' },
      isTrustedProxy: () => false,
      guesses: new AuthFailureThrottle(
        () => ({ failuresMax: 0, windowMs: 1 }),
        () => 0,
      ),
      clock: { nowMs: () => 1, monotonicMs: () => 0 },
      manage: { store, policy: () => policy, nowMs: () => 1, actor: { kind: 'operator' } } as AdminOptions['manage'],
      patterns: () => [],
      leaks: () => null,
      onLeak: () => {},
      operations: {
        readiness: () => ({ ready, store: { staleMs: 9999 } }),
        status: () => ({}) as never,
        traffic: () => Promise.reject(new Error('nobody asks')),
        reload: () => ({ problems: [] }),
        metrics: async () => ({ contentType: 'text/plain', text: '' }),
      },
      onTokenUsed: () => {},
      refused: new RefusedAttempts(
        () => 60,
        () => performance.now(),
        new Metrics(),
      ),
      receipts: new ProcessList(new MemoryRegistry(), () => performance.now()),
      onError: (error) => errors.push(error),
    });
    return { app, store, errors };
  };
  const headers = { authorization: `Bearer ${OLD}` };

  it('is alive but not ready, and says so with its status', async () => {
    const { app } = await build(false);
    expect((await app.inject('/livez')).statusCode).toBe(200);
    const answer = await app.inject('/readyz');
    expect([answer.statusCode, answer.json()]).toEqual([503, { ready: false, store: { staleMs: 9999 } }]);
    await app.close();
  });

  it('answers 503 when the store cannot be asked, with the time to come back', async () => {
    const { app, store, errors } = await build(true);
    await store.close();
    const calls = [
      { method: 'GET', url: '/v1/organizations/acme' },
      { method: 'PUT', url: '/v1/organizations/acme', payload: { name: 'x', edition: 'team' } },
      { method: 'GET', url: '/v1/organizations/acme/tokens' },
      { method: 'DELETE', url: '/v1/organizations/acme/tokens/tok' },
    ] as const;
    for (const asked of calls) {
      const answer = await app.inject({ ...asked, headers });
      expect(answer.json(), asked.url).toMatchObject({ status: 503, code: 'store_unavailable' });
      expect(answer.headers['retry-after']).toBe('1');
    }
    expect(errors).toEqual([]);
    await app.close();
  });

  it('answers 500 for a fault of its own, tells its owner and nobody else', async () => {
    const store = new MemoryStore();
    store.get = () => Promise.reject(new Error('the secret is in the bushes'));
    const { app, errors } = await build(true, store);
    const answer = await app.inject({ url: '/v1/organizations/acme', headers });
    expect(answer.json()).toMatchObject({ status: 500, code: 'internal' });
    expect(answer.body).not.toContain('bushes');
    expect(errors).toHaveLength(1);
    await app.close();
  });
});

describe('the admin key', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'scopegate-key-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is made at the first start, for its owner alone, and kept', () => {
    const data = join(folder, 'data');
    const before = process.umask(0);
    const first = loadAdminKeys({}, data);
    process.umask(before);
    expect(first.source).toBe(join(data, 'admin-key'));
    expect(first.keys).toEqual([expect.stringMatching(/^[0-9A-Za-z]{43}$/)]);
    expect((statSync(first.source).mode & 0o777).toString(8)).toBe('600');
    expect((statSync(data).mode & 0o777).toString(8)).toBe('700');
    expect(loadAdminKeys({}, data)).toEqual(first);
    expect(loadAdminKeys({ SCOPEGATE_ADMIN_KEY: '' }, data)).toEqual(first);
  });

  it('from the environment touches no file', () => {
    expect(loadAdminKeys({ SCOPEGATE_ADMIN_KEY: OLD }, folder)).toEqual({ keys: [OLD], source: 'SCOPEGATE_ADMIN_KEY' });
    expect(loadAdminKeys({ SCOPEGATE_ADMIN_KEY: `${OLD} ,${NEW}` }, folder).keys).toEqual([OLD, NEW]);
    expect(existsSync(join(folder, 'admin-key'))).toBe(false);
  });

  it.each(['short', `${OLD},short`, `${OLD},`, `${OLD},${NEW},${OLD}`, ',', ' '])('%j is none', (given) => {
    expect(() => loadAdminKeys({ SCOPEGATE_ADMIN_KEY: given }, folder)).toThrow(SetupError);
  });

  it.each(['', '\n', 'short\n'])('a file that holds %j is refused rather than believed', (text) => {
    writeFileSync(join(folder, 'admin-key'), text, { mode: 0o600 });
    expect(() => loadAdminKeys({}, folder)).toThrow(SetupError);
  });

  it.each([
    ['\n', OLD],
    ['\r\n', OLD],
    ['', OLD],
  ])('loses a line break %j at its end, from a file and from the environment', (ending, key) => {
    expect(loadAdminKeys({ SCOPEGATE_ADMIN_KEY: key + ending }, folder).keys).toEqual([key]);
    const path = join(folder, 'admin-key');
    writeFileSync(path, key + ending, { mode: 0o600 });
    expect(loadAdminKeys({}, folder).keys).toEqual([key]);
    expect(findAdminKey({ SCOPEGATE_ADMIN_KEY: key + ending }, undefined).key).toBe(key);
    expect(findAdminKey({}, path).key).toBe(key);
  });

  it.each([`${OLD}\n\n`, `${OLD} `, ` ${OLD}`, `${OLD}é`])('%j could be sent by nobody, and is refused', (text) => {
    const path = join(folder, 'admin-key');
    writeFileSync(path, text, { mode: 0o600 });
    expect(() => loadAdminKeys({}, folder)).toThrow('one word of visible ASCII');
    expect(() => findAdminKey({}, path)).toThrow('one word of visible ASCII');
  });

  it.each([0o770, 0o777, 0o722, 0o1777])('in a folder that others can write to (%o) is refused', (mode) => {
    loadAdminKeys({}, folder);
    chmodSync(folder, mode);
    expect(() => loadAdminKeys({}, folder)).toThrow(`run: chmod 700 ${folder}`);
  });

  it.skipIf(process.getuid?.() !== 0)('of another user is refused, by root too', () => {
    const { source } = loadAdminKeys({}, folder);
    chownSync(source, 65534, 65534);
    expect(() => loadAdminKeys({}, folder)).toThrow(`${source} belongs to another user (65534`);
    expect(() => loadAdminKeys({}, folder)).toThrow(`run: chown 0 ${source}`);
    chownSync(source, 0, 0);
    chownSync(folder, 65534, 65534);
    expect(() => loadAdminKeys({}, folder)).toThrow(`run: chown 0 ${folder}`);
  });

  it('a file that others can open is refused, saying what to run', () => {
    const path = join(folder, 'admin-key');
    writeFileSync(path, `${OLD}\n`);
    chmodSync(path, 0o640);
    expect(() => loadAdminKeys({}, folder)).toThrow(`chmod 600 ${path}`);
    chmodSync(path, 0o600);
    expect(loadAdminKeys({}, folder).keys).toEqual([OLD]);
    expect(readFileSync(path, 'utf8')).toBe(`${OLD}\n`);
  });

  it('is compared as a whole', () => {
    expect(isAdmin([OLD, NEW], `Bearer ${NEW}`)).toBe(true);
    expect(isAdmin([OLD, NEW], `BEARER  ${OLD}`)).toBe(true);
    for (const wrong of [
      undefined,
      '',
      'Bearer',
      OLD,
      `Bearer ${OLD}x`,
      `Bearer ${OLD.slice(1)}`,
      `Bearer ${OLD} ${NEW}`,
      `Basic ${OLD}`,
    ])
      expect(isAdmin([OLD, NEW], wrong), wrong).toBe(false);
    expect(isAdmin([], `Bearer ${OLD}`)).toBe(false);
  });
});
