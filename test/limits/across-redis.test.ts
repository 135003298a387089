/** Limits that several gateways share through a real redis-server: exact together, and never in the way when it is gone. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { rateLimit, type Use } from '../../src/core/rate-limit.ts';
import { InsuredCounters } from '../../src/limits/insured-counters.ts';
import type { RedisStore } from '../../src/store/redis/store.ts';
import { openRedis } from '../store/redis-harness.ts';
import { type Settings, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, rawRequest } from '../support/raw.ts';
import { Recorder } from '../support/recorder.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';

const KEY = 'test:{scopegate}:limit:';
let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

describe('the script', () => {
  let aloneCount = 0;
  beforeEach(async () => {
    aloneCount = 0;
    await redis.cli('flushall');
  });
  let store: RedisStore;
  beforeAll(async () => {
    store = await openRedis(redis.port, { commandTimeoutMs: 1000, commitTimeoutMs: 2000 });
  });
  afterAll(() => store.close());

  const burst = rateLimit('burst', 2, 60_000, ['token']);
  const quota = rateLimit('quota', 5, 366 * 86_400_000, ['organization']);
  const both: Use[] = [
    { limit: burst, subject: 'tok_1' },
    { limit: quota, subject: 'acme' },
  ];

  it('adds a request to every count, or to none; a window of a year holds', async () => {
    const taken = [];
    for (let index = 0; index < 4; index++) taken.push(await store.take(both));
    expect(taken.map(({ allowed, standings }) => [allowed, ...standings.map(({ remaining }) => remaining)])).toEqual([
      [true, 1, 4],
      [true, 0, 3],
      [false, 0, 3],
      [false, 0, 3],
    ]);
    const [short, long] = taken[3]!.standings;
    expect(short!.resetMs).toBeGreaterThan(50_000);
    expect(short!.resetMs).toBeLessThanOrEqual(60_000);
    expect(long!.resetMs).toBeGreaterThan(365 * 86_400_000);
    expect(await redis.cli('get', `${KEY}quota:31622400:organization:acme`)).toBe('2');
  });

  it('keeps nothing for longer than its window, even what somebody made to stay', async () => {
    await store.take(both);
    const key = `${KEY}burst:60:token:tok_1`;
    expect(Number(await redis.cli('pttl', key))).toBeGreaterThan(50_000);
    await redis.cli('persist', key);
    await store.take(both);
    expect(Number(await redis.cli('pttl', key))).toBeGreaterThan(50_000);
    await redis.cli('pexpire', key, '1');
    while ((await redis.cli('exists', key)) === '1');
    expect((await store.take(both)).standings[0]!.remaining, 'a new window').toBe(1);
  });

  it('a count that was damaged refuses nobody: this process counts alone', async () => {
    await redis.cli('set', `${KEY}burst:60:token:tok_1`, 'spoilt');
    await expect(store.take(both)).rejects.toThrow();
    const counters = new InsuredCounters(
      store,
      () => performance.now(),
      () => aloneCount++,
    );
    expect([(await counters.take(both)).allowed, aloneCount]).toEqual([true, 1]);
  });

  it('a flood of addresses is counted by each process alone, in bounded memory; those who came before it are not', async () => {
    const door = rateLimit('door', 3, 60_000, ['address']);
    const [known, stranger] = ['192.0.2.1', '192.0.2.2'].map((subject) => [{ limit: door, subject }]) as [Use[], Use[]];
    await store.take(known);
    const made = 'test:{scopegate}:limited:door:60:address';
    expect(await redis.cli('get', made)).toBe('1');
    expect(Number(await redis.cli('pttl', made))).toBeGreaterThan(50_000);
    await redis.cli('set', made, '50000', 'keepttl');
    expect((await store.take(known)).standings[0]!.remaining).toBe(1);
    const counters = new InsuredCounters(
      store,
      () => performance.now(),
      () => aloneCount++,
    );
    const answers = [];
    for (let index = 0; index < 4; index++) answers.push((await counters.take(stranger)).allowed);
    expect([answers, aloneCount]).toEqual([[true, true, true, false], 4]);
    expect(await redis.cli('keys', `${KEY}door:*`)).toBe(`${KEY}door:60:address:192.0.2.1`);
  });

  it('of a thousand at once exactly as many pass as both limits allow', async () => {
    const limit = rateLimit('crowd', 100, 60_000, ['token']);
    const wide = rateLimit('wide', 1000, 60_000, ['route']);
    const uses = [
      { limit, subject: 'tok_1' },
      { limit: wide, subject: 'a' },
    ];
    const taken = await Promise.all(Array.from({ length: 1000 }, () => store.take(uses)));
    expect(taken.filter(({ allowed }) => allowed)).toHaveLength(100);
    expect(taken.at(-1)!.standings[1]!.remaining).toBe(900);
  });
});

describe('two gateways', () => {
  const LIMITS: Settings = {
    burst: { requests: 30, window: 'hour', per: 'token' },
    door: { requests: 4, window: 'hour', per: 'address' },
    porch: { requests: 9, window: 'hour', per: 'address' },
  };
  const ROUTES: readonly Settings[] = [
    { id: 'files', match: { path: '/files' }, require: { scopes: ['workflows:read'] }, limits: ['burst'] },
    { id: 'door', match: { path: '/door' }, public: true, limits: ['door'] },
    { id: 'porch', match: { path: '/porch' }, public: true, limits: ['porch'] },
  ];
  let upstream: Recorder;
  const gateways: TestGateway[] = [];
  const start = (commandTimeoutMs: number, seed: boolean) => {
    const store = { driver: 'redis', url: redis.url, commandTimeoutMs };
    return startTestGateway({
      upstreamUrl: upstream.url,
      routes: ROUTES,
      settings: { store, limits: LIMITS },
      seed,
    });
  };
  beforeAll(async () => {
    upstream = await Recorder.start();
    for (const seed of [true, false]) gateways.push(await start(5000, seed));
  });
  afterAll(async () => {
    for (const gateway of gateways) await gateway.stop();
    await upstream[Symbol.asyncDispose]();
  });
  const door = (which: number) => ask(gateways[which]!.url, rawRequest('GET /door'));
  const alone = async (which: number) => {
    const text = await (await fetch(`${gateways[which]!.adminUrl}/metrics`)).text();
    return Number(/^scopegate_limits_counted_alone_total (\d+)$/m.exec(text)![1]);
  };

  it('let through together what one would alone, to the request', async () => {
    const asked = rawRequest('GET /files', [`Authorization: Bearer ${gateways[0]!.tokens.reader}`]);
    const answers = await Promise.all(Array.from({ length: 80 }, (_, index) => ask(gateways[index % 2]!.url, asked)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(30);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(50);
    expect(upstream.requests).toHaveLength(30);
    const left = answers.filter(({ status }) => status === 200).map((answer) => answer.header('ratelimit')!);
    expect(new Set(left).size, 'each was told another number').toBe(30);
  });

  it('a Redis that hangs holds the first request for commandTimeoutMs and nobody else, and refuses nobody', async () => {
    await using gateway = await start(900, false);
    const get = () => ask(gateway.url, rawRequest('GET /porch'));
    await get();
    redis.pause();
    try {
      const startMs = performance.now();
      expect((await get()).status).toBe(200);
      expect(performance.now() - startMs).toBeGreaterThan(890);
      const laterMs = performance.now();
      expect([(await get()).status, (await get()).status]).toEqual([200, 200]);
      expect(performance.now() - laterMs, 'both together').toBeLessThan(900);
    } finally {
      redis.resume();
    }
  });

  it('when Redis is gone each goes on alone from where the counts were; what was full stays full', async () => {
    expect([(await door(0)).status, (await door(1)).status, (await door(0)).status]).toEqual([200, 200, 200]);
    await redis.kill();
    const [first, second] = [await door(0), await door(0)];
    expect([first.status, first.header('ratelimit')]).toEqual([200, expect.stringMatching(/^"door";r=0;t=3\d\d\d$/)]);
    expect(second.status).toBe(429);
    expect((await door(1)).header('ratelimit'), 'it had heard of two').toMatch(/^"door";r=1;/);
    expect([await alone(0), await alone(1)]).toEqual([2, 1]);
    await gateways[0]!.logged('limits: requests are counted by this process alone');
    await redis.restart();
    await expect.poll(async () => (await door(0)).header('ratelimit'), { timeout: 10_000 }).toMatch(/;r=3;/);
  });

  it('what the decision refuses stays refused while nobody can count', async () => {
    const wrong = rawRequest('GET /files', [`Authorization: Bearer ${gateways[0]!.tokens.reader.slice(0, -1)}x`]);
    const before = upstream.requests.length;
    await redis.kill();
    expect([401, 503]).toContain((await ask(gateways[0]!.url, wrong)).status);
    expect((await ask(gateways[0]!.url, rawRequest('GET /files'))).status).toBe(401);
    expect(upstream.requests).toHaveLength(before);
    await redis.restart();
  });
});
