/**
 * A store that the last scopegate of format 1 made, with one of everything, under today's: every token is answered as it
 * was there, at every moment, people see what they saw, and what is ended from then on ends. How the recorded stores were
 * made: make-everything.ts.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CURRENT_FORMAT } from '../../src/format/upgrades.ts';
import { FORMAT_KEY } from '../../src/store/format.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { migrate } from '../../src/store/migration.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type HttpUpstream, startHttpUpstream } from '../support/recorder.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { askAll, type Everything, options, StillClock, VIEWS } from './everything.ts';
import { type Engine, putFile, putRedis, recorded } from './recorded.ts';

const HOUR_MS = 3_600_000;

let upstream: HttpUpstream;
beforeAll(async () => {
  upstream = await startHttpUpstream((_request, response) => response.end('here'));
});
afterAll(() => upstream[Symbol.asyncDispose]());

describe.each<Engine>(['sqlite', 'redis'])('a store of format 1 (%s)', (engine) => {
  let folder: string;
  let redis: RedisServer | null = null;
  let expected: Everything;
  let clock: StillClock;
  let gateway: TestGateway;
  let settings: { store: Record<string, unknown> };
  const start = () => startTestGateway(options(upstream.url, clock, settings));
  const statusOf = async (name: string, target: string) => {
    const headers = { authorization: `Bearer ${expected.tokens[name]}` };
    const { statusCode, body } = await request(`${gateway.url}${target}`, { headers });
    await body.dump();
    return statusCode;
  };
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'scopegate-format-'));
    expected = recorded(engine);
    clock = new StillClock(expected.nowMs);
    if (engine === 'redis') {
      redis = await startRedis();
      await putRedis(redis.url);
      settings = { store: { driver: 'redis', url: redis.url, commandTimeoutMs: 5000 } };
    } else settings = { store: { driver: 'sqlite', path: putFile(folder) } };
    gateway = await start();
  });
  afterAll(async () => {
    await gateway.stop();
    await redis?.stop();
    rmSync(folder, { recursive: true });
  });

  it('is rewritten before anything is served, and the log says so', () => {
    const lines = gateway.logLines.map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(lines.filter((line) => line.includes('format'))).toEqual([
      `store: upgrading its records to format 2 (generations in place of lists); nothing is served until then`,
      expect.stringMatching(/^store: its records are of format 2 now \(\d{2,} rewritten in [\d.]+ s\)$/),
      `store: upgrading its records to format 3 (lists of principals, contacts and transfers); nothing is served until then`,
      expect.stringMatching(/^store: its records are of format 3 now \(\d{2,} rewritten in [\d.]+ s\)$/),
      `store: upgrading its records to format 4 (enterprises, and tokens that are limited to environments); nothing is served until then`,
      expect.stringMatching(/^store: its records are of format 4 now \(0 rewritten in [\d.]+ s\)$/),
      `store: upgrading its records to format 5 (lists of tokens by state, name and last use); nothing is served until then`,
      expect.stringMatching(/^store: its records are of format 5 now \(85 rewritten in [\d.]+ s\)$/),
    ]);
    // Time stands still, and the clock of a Redis does not.
    expect(gateway.errorLines.filter((line) => !line.includes('clock:'))).toEqual([]);
  });

  it('shows people what it showed', async () => {
    for (const path of VIEWS)
      expect((await gateway.admin('GET', path)).body, path).toMatchObject(expected.views[path]!);
  });

  it('answers every token as it was answered, at every moment', async () => {
    expect(await askAll(gateway.url, expected.tokens, clock)).toEqual(expected.answers);
  });

  it("keeps each organization's trail, and shows an organization nothing of one that had its id", async () => {
    const trail = async (org: string, query = '') => {
      const { body } = await gateway.admin('GET', `/v1/organizations/${org}/audit-events?limit=1000${query}`);
      return (body as { items: Array<{ action: string; after: { name?: string } | null }> }).items;
    };
    const created = (events: Awaited<ReturnType<typeof trail>>) =>
      events.filter(({ action }) => action === 'token.created').map(({ after }) => after?.name);
    expect(created(await trail('again'))).toEqual(['zoe second']);
    expect(created(await trail('again', '&ended=true'))).toEqual(['zoe first']);
    expect((await trail('acme')).length).toBeGreaterThan(90);
  });

  it('imports no value again that had ended', async () => {
    for (const name of ['foreign deleted', 'foreign revoked', 'foreign replaced', 'foreign in grace']) {
      const sha256 = createHash('sha256').update(expected.tokens[name]!).digest('hex');
      const item = { sha256, name, owner: 'bob', scopes: ['content:write'], workspaces: 'all', expiresInDays: 30 };
      await gateway.admin('POST', '/v1/organizations/acme/tokens/import', { tokens: [item] });
      expect(await statusOf(name, '/write'), name).not.toBe(200);
    }
  });

  it('needs no second upgrade', async () => {
    await gateway.stop();
    gateway = await start();
    expect(gateway.logLines.filter((line) => line.includes('format'))).toEqual([]);
  });

  it('ends what is ended from now on, though the clock is behind all that is there', async () => {
    clock.moveTo(expected.nowMs - 365 * 24 * HOUR_MS);
    const call = async (method: string, path: string, body?: object) => {
      const answer = await gateway.admin(method, `/v1/organizations/${path}`, body);
      expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
      return answer.body as Record<string, unknown>;
    };
    expect(await statusOf('owned', '/admin?ws=p1')).toBe(200);
    await call('POST', 'solo/workspaces/p1/transfer', { owner: 'quin' });
    expect(await statusOf('younger than the transfer', '/admin?ws=p1'), 'older than this one').toBe(403);
    expect(await statusOf('owned', '/admin?ws=p1')).toBe(403);
    const { items } = (await call('GET', 'acme/service-accounts?limit=1000')) as {
      items: Array<{ clientId: string; name: string }>;
    };
    const live = items.find(({ name }) => name === 'live')!;
    expect(await statusOf('client', '/member?ws=w1')).toBe(200);
    await call('POST', `acme/service-accounts/${live.clientId}/revoke-tokens`);
    expect(await statusOf('client', '/member?ws=w1')).toBe(401);
    await call('DELETE', 'acme/members/bob');
    expect(await statusOf('joined', '/read')).toBe(401);
    await call('DELETE', 'acme/workspaces/w1');
    expect(await statusOf('frozen cat', '/member?ws=w1')).toBe(403);
    await call('PUT', 'acme/workspaces/w1', { name: 'anew', owner: 'cat' });
    expect(await statusOf('frozen cat', '/member?ws=w1')).toBe(403);
    await call('DELETE', 'acme');
    expect(await statusOf('everywhere', '/read')).toBe(401);
    await call('PUT', 'acme', { name: 'anew', edition: 'team' });
    expect(await statusOf('everywhere', '/read')).toBe(401);
  });
});

it('a Redis that cannot be asked at the start is upgraded as soon as it can be, and serves nothing before', async () => {
  await using redis = await startRedis();
  await putRedis(redis.url);
  const expected = recorded('redis');
  const clock = new StillClock(expected.nowMs);
  redis.pause();
  const store = { driver: 'redis', url: redis.url, commandTimeoutMs: 5000 };
  await using gateway = await startTestGateway(options(upstream.url, clock, { store }));
  const status = async () => {
    const headers = { authorization: `Bearer ${expected.tokens.everywhere}` };
    const { statusCode, body } = await request(`${gateway.url}/read`, { headers });
    await body.dump();
    return statusCode;
  };
  expect(await status()).toBe(503);
  redis.resume();
  await gateway.logged('of format 2 now');
  await expect.poll(status, { timeout: 10_000 }).toBe(200);
  expect(await askAll(gateway.url, expected.tokens, clock)).toEqual(expected.answers);
}, 30_000);

it('a Redis that cannot be asked at the start and turns out to be of a newer format is never served from', async () => {
  await using redis = await startRedis();
  await putRedis(redis.url);
  const expected = recorded('redis');
  await redis.cli('set', `scopegate:{scopegate}:r:${FORMAT_KEY}`, `9999\n[]\n{"number":99}`);
  const before = await redis.cli('get', 'scopegate:{scopegate}:revision');
  redis.pause();
  const store = { driver: 'redis', url: redis.url, commandTimeoutMs: 5000 };
  const clock = new StillClock(expected.nowMs);
  await using gateway = await startTestGateway(options(upstream.url, clock, { store }));
  redis.resume();
  await gateway.logged('was written by a newer scopegate: its records are of format 99');
  const headers = { authorization: `Bearer ${expected.tokens.everywhere}` };
  const { statusCode, body } = await request(`${gateway.url}/read`, { headers });
  await body.dump();
  expect(statusCode).toBe(503);
  expect((await gateway.admin('PUT', '/v1/organizations/new', { name: 'new', edition: 'team' })).status).toBe(503);
  expect(await gateway.running.isReady()).toBe(false);
  expect(await redis.cli('get', 'scopegate:{scopegate}:revision')).toBe(before);
}, 30_000);

it('a store that was carried over into another as it was is upgraded there, and the source stays what it was', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'scopegate-format-'));
  const from = new SqliteStore(putFile(folder));
  const to = new SqliteStore(join(folder, 'new.db'));
  // Somebody has started a gateway on it before there was anything in it.
  await to.commit({ expects: [], writes: [{ key: FORMAT_KEY, record: { number: CURRENT_FORMAT } }] });
  const before = await from.export(null, 100_000);
  await migrate({ from, to, source: 'the old one' });
  expect(await from.export(null, 100_000)).toEqual(before);
  await Promise.all([from.close(), to.close()]);
  const expected = recorded('sqlite');
  const clock = new StillClock(expected.nowMs);
  const store = { driver: 'sqlite', path: join(folder, 'new.db') };
  const gateway = await startTestGateway(options(upstream.url, clock, { store }));
  expect(await askAll(gateway.url, expected.tokens, clock)).toEqual(expected.answers);
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

it('into a store that holds nothing but its format nothing is left behind by a source that has none', async () => {
  const [from, to] = [new MemoryStore(), new MemoryStore()];
  await from.commit({ expects: [], writes: [{ key: 'token/acme/one', record: {} }] });
  await to.commit({ expects: [], writes: [{ key: FORMAT_KEY, record: { number: CURRENT_FORMAT } }] });
  await migrate({ from, to, source: 'the old one' });
  expect((await to.export(null, 10)).records.map(({ key }) => key)).toEqual(['token/acme/one']);
});
