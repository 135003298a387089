/** A master that dies with replicas behind it: three real Sentinels, or a real Cluster, choose another. */
import { expect, it, vi } from 'vitest';
import { redisAccess } from '../../src/store/redis/access.ts';
import type { RedisAccess } from '../../src/store/redis/address.ts';
import type { RedisStore } from '../../src/store/redis/store.ts';
import { Listener } from '../contract/store.contract.ts';
import { openRedis, write } from '../store/redis-harness.ts';
import type { RedisServer } from '../support/redis.ts';
import { type SentinelGroup, startCluster, startSentinelGroup } from '../support/redis-groups.ts';

const LONG = process.env.SCOPEGATE_LONG === '1';
const ROUNDS = LONG ? 5 : 1;
/** Of a replica on the same machine. */
const LAST_MOMENT_MS = 500;
const FAILOVER = { timeout: 30_000, interval: 20 };
/** Of a write that was refused. */
const RETRY = { timeout: 60_000, interval: 5 };

/** As gateway.yaml would say it. */
function accessOf(
  nodes: readonly RedisServer[],
  kind: { cluster: boolean; sentinel?: { name: string; tls: boolean } },
) {
  const url = `redis://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  const rest = {
    ...{ keyPrefix: '', waitReplicas: 1, memoryReservePercent: 5, acceptEviction: false },
    ...{ commandTimeoutMs: 200, commitTimeoutMs: 1000 },
  };
  return redisAccess({ driver: 'redis', url, ...rest, ...kind }, (path) => path);
}

/** Writes without a pause until told to stop; `acknowledged` are the keys, each with when that was. */
function keepWriting(store: RedisStore, prefix = '') {
  const acknowledged = new Map<string, number>();
  let number = 0;
  let isStopped = false;
  const writer = async (name: string) => {
    while (!isStopped)
      await vi.waitUntil(async () => {
        const key = `${prefix}${name}${number++}`;
        const done = await write(store, key).catch(() => null);
        if (done?.ok) acknowledged.set(key, performance.now());
        return done?.ok === true || isStopped;
      }, RETRY);
  };
  const writers = Promise.all(['a', 'b', 'c', 'd'].map(writer));
  return {
    acknowledged,
    stop: async () => {
      isStopped = true;
      await writers;
    },
  };
}

async function masterOf(group: SentinelGroup): Promise<RedisServer> {
  const port = await group.masterPort();
  return group.servers.find((server) => server.port === port)!;
}

/** Kills `master` in the middle of writes, waits for another, and looks for everything that was acknowledged. */
async function failover(access: RedisAccess, master: RedisServer): Promise<void> {
  const [store, witness] = [await openRedis(access, { waitReplicas: 1 }), await openRedis(access)];
  const caughtUp = new Listener();
  witness.follow(caughtUp);
  const writing = keepWriting(store);
  await expect.poll(() => writing.acknowledged.size, FAILOVER).toBeGreaterThan(50);
  const before = writing.acknowledged.size;
  await master.kill();
  const begun = performance.now();
  // One replica is waited for, and there is none any more: so the dead one has to come back as the new one's.
  await expect.poll(() => witness.read('a0'), FAILOVER).toMatchObject({ kind: 'found' });
  const readMs = performance.now() - begun;
  await master.restart();
  await expect.poll(() => writing.acknowledged.size, FAILOVER).toBeGreaterThan(before + 50);
  await writing.stop();
  await expect.poll(() => caughtUp.heardRevision, FAILOVER).toBeGreaterThan(before);
  for (const key of writing.acknowledged.keys()) expect(await witness.get(key), key).not.toBeNull();
  process.stdout.write(
    `a master died: read again after ${Math.round(readMs)} ms, ${writing.acknowledged.size} acknowledged, 0 lost\n`,
  );
  await store.close();
  await witness.close();
}

/** A group of its own, whose master of the moment is killed in each round. */
async function inRounds(
  work: (group: SentinelGroup, access: RedisAccess, master: RedisServer, round: number) => Promise<void>,
): Promise<void> {
  await using group = await startSentinelGroup();
  const access = accessOf(group.sentinels, { cluster: false, sentinel: { name: group.name, tls: false } });
  for (let round = 0; round < ROUNDS; round++) await work(group, access, await masterOf(group), round);
}

it(
  'a failover by Sentinel loses no acknowledged change, and everybody finds the new master',
  {
    timeout: 120_000,
  },
  () =>
    inRounds(async (group, access, master) => {
      await failover(access, master);
      // The Sentinel that is asked may hear of it from the others, two seconds later.
      await expect.poll(() => group.masterPort(), FAILOVER).not.toBe(master.port);
    }),
);

it(
  'a failover without waiting for replicas loses only what was acknowledged in the last moment before it',
  {
    timeout: 120_000,
  },
  () =>
    inRounds(async (group, access, master, round) => {
      // One that has just come back has nothing yet.
      const following = async () => (await master.cli('info', 'replication')).match(/state=online/g)?.length;
      await expect.poll(following, FAILOVER).toBe(group.servers.length - 1);
      const [store, witness] = [await openRedis(access, { waitReplicas: 0 }), await openRedis(access)];
      const writing = keepWriting(store, String(round));
      const { acknowledged } = writing;
      await expect.poll(() => acknowledged.size, FAILOVER).toBeGreaterThan(500);
      await master.kill();
      const diedMs = performance.now();
      await writing.stop();
      await expect.poll(() => group.masterPort(), FAILOVER).not.toBe(master.port);
      await expect.poll(() => witness.read(`${round}a0`), FAILOVER).toMatchObject({ kind: 'found' });
      const lostMs: number[] = [];
      for (const [key, atMs] of acknowledged) if ((await witness.get(key)) === null) lostMs.push(diedMs - atMs);
      const window = lostMs.length === 0 ? 0 : Math.max(...lostMs);
      expect(window).toBeLessThan(LAST_MOMENT_MS);
      process.stdout.write(
        `a master died, nobody waited for its replicas: ${lostMs.length} of ${acknowledged.size} lost, of the last ${Math.ceil(window)} ms\n`,
      );
      await store.close();
      await witness.close();
      await master.restart();
    }),
);

it('the death of the master that holds everything in a Cluster loses no acknowledged change', {
  timeout: 120_000,
}, async () => {
  await using cluster = await startCluster();
  const access = accessOf(cluster.nodes, { cluster: true });
  for (let round = 0; round < ROUNDS; round++) {
    const slot = Number(await cluster.nodes[0]!.cli('cluster', 'keyslot', '{scopegate}'));
    const list = (await cluster.nodes[0]!.cli('cluster', 'nodes')).split('\n').map((line) => line.split(' '));
    const owner = list.find((fields) =>
      fields.slice(8).some((range) => {
        const [first, last = first] = range.split('-').map(Number);
        return first! <= slot && slot <= last!;
      }),
    )!;
    const port = Number(owner[1]!.split('@')[0]!.split(':')[1]);
    const master = cluster.nodes.find((node) => node.port === port)!;
    await failover(access, master);
  }
});
