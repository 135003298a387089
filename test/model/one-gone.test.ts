/**
 * Whatever single part of a store is lost (a key, a field, a row), a gateway that knows nothing yet refuses every token
 * that was refused before. By default as many of the parts as there is time for; with SCOPEGATE_LONG=1 each of them.
 */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import { attack } from '../conformance/attack.ts';
import { seeds } from '../support/chance.ts';
import { scopegate } from '../support/process.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { hasTool } from '../support/tools.ts';
import { buildEndedTokens, type EndedTokens, type Tried } from './ended-tokens.ts';
import { copyWithout, LONG, type LosingGateway, losingGateways, RedisParts, rowsOf, STRIDE } from './with-one-gone.ts';

const SHORT_MS = 5000;
const EVICTED_AT_ONCE_BYTES = 20_000;
const EVICTIONS_MAX = 100;
const PATIENCE_MS = LONG ? 900_000 : 60_000;

const { policy, start } = losingGateways();

interface Stage extends LosingGateway {
  readonly ended: EndedTokens;
  status(tried: Tried): Promise<number>;
}

async function setStage(store: object): Promise<Stage> {
  let aheadMs = 0;
  const losing = await start(store, { nowMs: () => Date.now() + aheadMs });
  const { gateway, gate } = losing;
  const ended = await buildEndedTokens({
    call: (method, below, body) => gateway.admin(method, `/v1/${below}`, body),
    tokenFor: async (client) => (await gate.tokenFor(client)).body.access_token as string,
    pass: (ms) => {
      aheadMs += ms;
    },
  });
  return { ...losing, ended, status: ({ token, workspace }) => gate.statusOf(token, workspace) };
}

/** What is allowed and must not be. */
async function opened({ ended, status }: Stage): Promise<string[]> {
  const statuses = await Promise.all(ended.refused.map(status));
  return ended.refused.flatMap(({ what, workspace }, nth) =>
    statuses[nth] === 200 ? [`${what}${workspace === undefined ? '' : ` in ${workspace}`}`] : [],
  );
}

async function expectAsBefore(stage: Stage): Promise<void> {
  await expect.poll(() => stage.status(stage.ended.allowed[0]!), { timeout: 10_000, interval: 5 }).toBe(200);
}

/** All of them, in an order of chance; in the short form as many as there is time for. */
async function each<T>(parts: readonly T[], work: (part: T) => Promise<void>): Promise<number> {
  let tried = 0;
  // The long form takes all of them: once, and so from one seed.
  for (const seed of LONG ? seeds().slice(-1) : seeds()) {
    const untilMs = performance.now() + (LONG ? Number.POSITIVE_INFINITY : SHORT_MS / seeds().length);
    for (let nth = 0; nth < parts.length && performance.now() < untilMs; nth++, tried++)
      await work(parts[(seed + nth * STRIDE) % parts.length]!);
  }
  return tried;
}

async function isComplete(stage: Stage): Promise<void> {
  stage.exchanged.forget();
  expect.soft(await opened(stage), 'with nothing lost').toEqual([]);
  for (const tried of stage.ended.allowed) expect([tried.what, await stage.status(tried)]).toEqual([tried.what, 200]);
}

attack({
  name: 'any single part of the store is lost: a key, a member of a list, a field, a row',
  outcome: 'a gateway that knows nothing yet refuses every token that was refused before',
  sources: [],
})(() => {
  it.skipIf(!hasTool('redis-server'))('on Redis', { timeout: PATIENCE_MS }, async () => {
    await using redis = await startRedis();
    await using stage = await setStage({ driver: 'redis', url: redis.url, commandTimeoutMs: 5000 });
    await isComplete(stage);
    using parts = new RedisParts(redis.url);
    const all = await parts.all();
    const faults: string[] = [];
    const tried = await each(all, async (part) => {
      const putBack = await parts.take(part);
      stage.exchanged.forget();
      for (const what of await opened(stage)) faults.push(`without ${part.name}: ${what}`);
      await putBack();
      stage.exchanged.forget();
      await expectAsBefore(stage);
    });
    process.stdout.write(
      `Redis: ${tried} of ${all.length} parts taken out (seeds ${seeds().join(', ')}), ${stage.ended.refused.length} requests each\n`,
    );
    expect(faults).toEqual([]);
  });

  it('on SQLite', { timeout: PATIENCE_MS }, async () => {
    await using stage = await setStage({ driver: 'sqlite', path: 'data/scopegate.db' });
    await isComplete(stage);
    const { folder } = stage.gateway;
    const [live, whole, copy] = ['data/scopegate.db', 'whole.db', 'copy.db'].map((name) => join(folder, name));
    // Closing writes everything into the one file.
    const beside = new SqliteStore(join(folder, 'beside.db'));
    await stage.exchanged.exchange(beside);
    copyFileSync(live!, whole!);
    const all = rowsOf(whole!);
    const faults: string[] = [];
    const tried = await each(all, async (row) => {
      copyWithout(whole!, copy!, row);
      await stage.exchanged.exchange(new SqliteStore(copy!));
      for (const what of await opened(stage)) faults.push(`without ${row.name}: ${what}`);
      await stage.exchanged.exchange(new SqliteStore(whole!));
      await expectAsBefore(stage);
    });
    process.stdout.write(
      `SQLite: ${tried} of ${all.length} rows taken out (seeds ${seeds().join(', ')}), ${stage.ended.refused.length} requests each\n`,
    );
    expect(faults).toEqual([]);
  });
});

describe.skipIf(!hasTool('redis-server'))('a Redis that may evict', () => {
  /** How it went: `ready`, or the exit code. */
  async function serve(redis: RedisServer, store: object) {
    const args = ['serve', '-c', policy.gatewayFile(redis.url, store)];
    const started = scopegate(args, { env: { SCOPEGATE_ADMIN_KEY: 'k'.repeat(32) } });
    const outcome = await started.until('"ready:').then(
      () => 'ready',
      () => started.exit(),
    );
    await started.stop('SIGKILL');
    return { outcome, said: started.stdout() + started.stderr() };
  }

  it('is refused at the start, by the name of its setting, unless it is accepted', { timeout: 60_000 }, async () => {
    await using redis = await startRedis();
    for (const name of ['allkeys-lru', 'volatile-ttl']) {
      await redis.cli('config', 'set', 'maxmemory-policy', name);
      const { outcome, said } = await serve(redis, {});
      expect(outcome).toBe(1);
      expect(said).toContain(name);
      expect(said).toContain('store.acceptEviction');
    }
    const { outcome, said } = await serve(redis, { acceptEviction: true });
    expect(outcome).toBe('ready');
    expect(said).toContain('maxmemory-policy is volatile-ttl');
    await redis.cli('config', 'set', 'maxmemory-policy', 'noeviction');
    expect((await serve(redis, {})).outcome).toBe('ready');
  });

  it('and does: what was refused before is refused, however much is gone', { timeout: PATIENCE_MS }, async () => {
    await using redis = await startRedis({ args: ['--maxmemory-policy', 'allkeys-random'] });
    const store = { driver: 'redis', url: redis.url, commandTimeoutMs: 5000, acceptEviction: true };
    await using stage = await setStage(store);
    await isComplete(stage);
    const size = async () => Number((await redis.cli('dbsize')).split(' ').at(-1));
    const whole = await size();
    let left = whole;
    for (let share = 1; left > whole / 10 && share <= EVICTIONS_MAX; share++) {
      const used = Number(/used_memory:(\d+)/.exec(await redis.cli('info', 'memory'))![1]);
      await redis.cli('config', 'set', 'maxmemory', String(used - EVICTED_AT_ONCE_BYTES));
      await expect.poll(size, { timeout: 5000, interval: 5 }).toBeLessThan(left);
      await redis.cli('config', 'set', 'maxmemory', '0');
      left = await size();
      stage.exchanged.forget();
      expect(await opened(stage), `${left} of ${whole} keys left`).toEqual([]);
    }
    process.stdout.write(`Redis evicted ${whole - left} of ${whole} keys; nothing opened\n`);
    expect(left).toBeLessThan(whole / 2);
  });
});
