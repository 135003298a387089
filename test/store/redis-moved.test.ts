/**
 * An address that has moved while the old master goes on: two servers that differ, and connections that reach either.
 * Whatever is heard of is read where it was heard of, so nobody is served what a change has ended.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { workspaceKey } from '../../src/core/facts.ts';
import { FactCache } from '../../src/store/cache/fact-cache.ts';
import type { RedisStore } from '../../src/store/redis/store.ts';
import { Listener } from '../contract/store.contract.ts';
import { type Partition, startPartition } from '../support/partition.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { has, openRedis, write } from './redis-harness.ts';

const KEY = workspaceKey('acme', 'w1');
const RECOVERY = { timeout: 5000, interval: 5 };
/** What each connection asked last. */
const FEED = ['xread', 'xrange'];
const LOOKUPS = ['get', 'hget', 'hdel', 'info'];

let old: RedisServer;
let next: RedisServer;
let address: Partition;
let store: RedisStore;
/** On the new master alone. */
let other: RedisStore;
let facts: FactCache;
let caughtUp: Listener;

beforeEach(async () => {
  old = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] });
  next = await startRedis({ args: ['--replicaof', '127.0.0.1', String(old.port)] });
  await expect.poll(() => next.cli('info', 'replication'), { timeout: 10_000 }).toContain('master_link_status:up');
  address = await startPartition(old.port);
  store = await openRedis(address.port);
  facts = new FactCache(store, {
    maxEntries: 1000,
    absentTtlMs: 5000,
    maxStalenessMs: 60_000,
    monotonicMs: () => performance.now(),
  });
  store.follow(facts);
  caughtUp = new Listener();
  store.follow(caughtUp);
  await own(store, 'alice');
  await expect.poll(() => has(next, KEY), { timeout: 10_000 }).toBe('1');
  await store.read(KEY);
});
afterEach(async () => {
  await store.close();
  await other?.close();
  await address.stop();
  await old.stop();
  await next.stop();
});

const own = (by: RedisStore, ownerId: string) =>
  write(by, KEY, {
    organizationId: 'acme',
    id: 'w1',
    name: 'n',
    ownerId,
    generation: 1,
    ownerGeneration: 1,
    transferredIn: null,
    tokensFrom: [],
    deletedAtMs: null,
    createdAtMs: 1,
  });

/** Who owns the workspace, as a request would have it; undefined: that cannot be said now. */
async function owner(): Promise<string | undefined> {
  const known = facts.isFresh() ? facts.peek('workspace', KEY) : undefined;
  if (known != null) return known.ownerId;
  const loaded = await facts.load(KEY);
  return loaded.kind === 'known' ? (loaded.fact as { ownerId: string } | null)?.ownerId : undefined;
}

/** The old master goes on, cut off from the new one; so does every connection to it but those that asked one of `last`. */
async function moveAddress(last: readonly string[]): Promise<void> {
  await next.cli('replicaof', 'no', 'one');
  other = await openRedis(next.port);
  address.redirect(next.port);
  const clients = (await old.cli('client', 'list')).split('\n').filter((line) => !line.includes('cmd=client'));
  const ids = clients.filter((line) => last.some((name) => new RegExp(`cmd=${name}\\b`).test(line)));
  expect(ids).toHaveLength(1);
  await old.cli('client', 'kill', 'id', /^id=(\d+)/.exec(ids[0]!)![1]!);
}

describe('an old master that goes on', () => {
  it('is never read again once a change was heard of on the new one', async () => {
    expect(await owner()).toBe('alice');
    await moveAddress(FEED);
    await own(other, 'bob');
    await caughtUp.until(() => caughtUp.heardRevision >= 2);
    const seen = new Set<string | undefined>();
    const look = async () => {
      const who = await owner();
      seen.add(who);
      return who;
    };
    await expect.poll(look, RECOVERY).toBe('bob');
    for (let round = 0; round < 20; round++) await look();
    expect([...seen].filter((who) => who !== undefined)).toEqual(['bob']);
  });

  it('is not where changes are followed while the new one is read', async () => {
    await moveAddress(LOOKUPS);
    await expect.poll(async () => (await store.read(KEY)).kind, RECOVERY).toBe('found');
    await expect.poll(owner, RECOVERY).toBe('alice');
    await own(other, 'bob');
    await expect.poll(owner, RECOVERY).toBe('bob');
  });

  it('leaves nothing behind that was read from it alone', async () => {
    await next.cli('replicaof', 'no', 'one');
    // Acknowledged by the old master only, and heard of there.
    await own(store, 'mallory');
    expect(await owner()).toBe('mallory');
    await moveAddress(LOOKUPS);
    await expect.poll(owner, RECOVERY).toBe('alice');
  });

  it('keeps no lease of who hears of changes on the new one', async () => {
    const registry = store.registry();
    await registry.leave('a');
    await moveAddress(FEED);
    await own(other, 'bob');
    await caughtUp.until(() => caughtUp.heardRevision >= 2);
    const renew = () =>
      registry.renew({ id: 'a', host: 'h', pid: 1, startedAtMs: 1, revision: 2 }, 60_000).then(
        () => true,
        () => false,
      );
    await expect.poll(renew, RECOVERY).toBe(true);
    expect(await old.cli('hexists', 'test:{scopegate}:leases', 'a')).toBe('0');
    expect(await next.cli('hexists', 'test:{scopegate}:leases', 'a')).toBe('1');
  });

  it('takes no change that the new one would not know of', async () => {
    await moveAddress(FEED);
    await own(other, 'bob');
    await caughtUp.until(() => caughtUp.heardRevision >= 2);
    await expect.poll(() => write(store, 'b').catch(() => null), RECOVERY).toMatchObject({ ok: true });
    expect(await has(old, 'b')).toBe('0');
    expect(await has(next, 'b')).toBe('1');
  });
});

describe('what is cached', () => {
  it('stays when a connection is replaced by another to the same server', async () => {
    expect(await owner()).toBe('alice');
    const before = caughtUp.flushes;
    await old.cli('client', 'kill', 'type', 'normal');
    await expect.poll(async () => (await store.read(KEY)).kind, RECOVERY).toBe('found');
    const heardBefore = caughtUp.heardCount;
    await caughtUp.until(() => caughtUp.heardCount > heardBefore + 1);
    expect(caughtUp.flushes).toBe(before);
    expect(facts.peek('workspace', KEY)).toMatchObject({ ownerId: 'alice' });
  });

  it('is dropped once, and nobody is alarmed, when Redis starts again with all that it had', async () => {
    await using durable = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const kept = await openRedis(durable.port);
    const listener = new Listener();
    kept.follow(listener);
    await write(kept, 'a');
    const before = listener.flushes;
    await durable.restart();
    await expect.poll(() => write(kept, 'b').catch(() => null), RECOVERY).toMatchObject({ ok: true });
    await expect.poll(async () => (await kept.read('b')).kind, RECOVERY).toBe('found');
    expect(listener.flushes - before).toBe(1);
    expect(listener.keys).toEqual(['a', 'b']);
    expect(kept.rewoundCount).toBe(0);
    await kept.close();
  });
});
