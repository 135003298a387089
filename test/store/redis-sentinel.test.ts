/** Sentinels are believed, also when the master that they have left knows nothing of it; and they may ask who we are. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SetupError } from '../../src/errors.ts';
import { OutcomeUnknown } from '../../src/store/store.ts';
import { Listener } from '../contract/store.contract.ts';
import { startPartition } from '../support/partition.ts';
import { freePort, startRedis } from '../support/redis.ts';
import { has, openRedis, write } from './redis-harness.ts';

/** One Sentinel that names `port` the master called main, and can be told to name another. */
async function startSentinel(port: number) {
  const folder = mkdtempSync(join(tmpdir(), 'scopegate-sentinel-'));
  const [file, own] = [join(folder, 'sentinel.conf'), await freePort()];
  const settings = `port ${own}\nbind 127.0.0.1\ndir ${folder}\nrequirepass whoareyou\n`;
  writeFileSync(file, `${settings}sentinel monitor main 127.0.0.1 ${port} 1\n`);
  const cliArgs = ['-a', 'whoareyou', '--no-auth-warning'];
  const server = await startRedis({ program: 'redis-sentinel', file, port: own, folder, cliArgs });
  return {
    place: { kind: 'sentinel' as const, name: 'main', nodes: [{ host: '127.0.0.1', port: own }], tls: false },
    name: async (next: number) => {
      await server.cli('sentinel', 'remove', 'main');
      await server.cli('sentinel', 'monitor', 'main', '127.0.0.1', String(next), '1');
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

it('a master that goes on alone after its Sentinel has named another is left within two seconds', async () => {
  await using old = await startRedis();
  await using next = await startRedis();
  await using sentinel = await startSentinel(old.port);
  const { place } = sentinel;
  await expect(openRedis({ place })).rejects.toThrow('it refuses the user or password');

  const store = await openRedis({ place: { ...place, password: 'whoareyou' } });
  await write(store, 'a');
  expect(await has(old, 'a')).toBe('1');
  await sentinel.name(next.port);
  // The two seconds, and what a busy test machine may take on top.
  await expect.poll(() => store.read('a'), { timeout: 5000, interval: 10 }).toEqual({ kind: 'absent' });
  await expect.poll(() => write(store, 'b').catch(() => null), { timeout: 5000 }).toMatchObject({ ok: true });
  expect(await has(next, 'b')).toBe('1');
  await expect.poll(() => store.rewoundCount).toBe(1);
  await store.close();
});

it('a user who may not ask whether the node that was named is the master ends the start, with what it lacks', async () => {
  await using master = await startRedis();
  await using sentinel = await startSentinel(master.port);
  await master.cli('acl', 'setuser', 'blind', 'on', '>secret', 'allkeys', '+@all', '-info');
  const place = { ...sentinel.place, password: 'whoareyou' };
  const opening = openRedis({ place, username: 'blind', password: 'secret' });
  await expect(opening).rejects.toBeInstanceOf(SetupError);
  await expect(opening).rejects.toThrow(/its user lacks a permission that the store needs \(NOPERM.*'info'/);
});

it('a replaced master is left by every connection, also while one of them finds nobody', async () => {
  await using old = await startRedis();
  await using next = await startRedis();
  await using network = await startPartition(next.port);
  await using sentinel = await startSentinel(old.port);
  const store = await openRedis({ place: { ...sentinel.place, password: 'whoareyou' } });
  await write(store, 'a');
  await store.read('a');
  const ours = async () => {
    const clients = (await old.cli('client', 'list')).split('\n');
    return clients.filter((line) => /cmd=(h?get|xread|xrange|evalsha?|config\|get|info|wait)\b/.test(line));
  };
  await expect.poll(async () => (await ours()).length).toBe(3);
  const lookups = (await ours()).find((line) => /cmd=h?get\b/.test(line))!;
  // The new master cannot be reached, so whoever has lost its connection gets none.
  network.cut();
  await sentinel.name(network.port);
  await old.cli('client', 'kill', 'id', /^id=(\d+)/.exec(lookups)![1]!);
  await expect.poll(ours, { timeout: 5000 }).toEqual([]);
  network.heal();
  await expect.poll(() => write(store, 'b').catch(() => null), { timeout: 5000 }).toMatchObject({ ok: true });
  expect(await has(next, 'b')).toBe('1');
  await store.close();
});

it('what a failover loses where nobody waited for replicas is an alarm, and no cache believes it; who waits is not told that it was done', async () => {
  await using master = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] });
  await using network = await startPartition(master.port);
  await using replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(network.port)] });
  await using sentinel = await startSentinel(master.port);
  const access = { place: { ...sentinel.place, password: 'whoareyou' } };
  const [hasty, patient] = [await openRedis(access, { waitReplicas: 0 }), await openRedis(access)];
  const caughtUp = new Listener();
  hasty.follow(caughtUp);
  await expect.poll(() => write(patient, 'kept').catch(() => null), { timeout: 15_000 }).toMatchObject({ ok: true });
  await expect.poll(() => has(replica, 'kept'), { timeout: 15_000 }).toBe('1');

  network.swallow();
  expect(await write(hasty, 'lost')).toMatchObject({ ok: true });
  await expect(write(patient, 'doubtful')).rejects.toBeInstanceOf(OutcomeUnknown);
  await master.kill();
  await replica.cli('replicaof', 'no', 'one');
  await sentinel.name(replica.port);

  await expect.poll(() => hasty.read('kept'), { timeout: 5000 }).toMatchObject({ kind: 'found' });
  await caughtUp.until(() => caughtUp.flushes >= 1);
  expect(hasty.rewoundCount).toBe(1);
  expect(await hasty.read('lost')).toEqual({ kind: 'absent' });
  await hasty.close();
  await patient.close();
});
