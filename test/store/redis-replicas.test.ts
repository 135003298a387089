/** What is acknowledged is where it is said to be: replicas are waited for, and what is not known is not claimed. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OutcomeUnknown, StoreUnavailable } from '../../src/store/store.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { has, openRedis, type Reported, write } from './redis-harness.ts';

let master: RedisServer;
let replica: RedisServer;

beforeAll(async () => {
  master = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] });
  replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(master.port)] });
});
afterAll(async () => {
  await replica.stop();
  await master.stop();
});
beforeEach(async () => {
  await expect.poll(() => master.cli('info', 'replication'), { timeout: 10_000 }).toContain('state=online');
  await master.cli('flushall');
});

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => new Error('it was acknowledged'),
    (error: unknown) => error as Error,
  );

it('an acknowledged change is at every replica that is connected', async () => {
  const store = await openRedis(master.port);
  for (let round = 0; round < 50; round++) {
    await write(store, `k${round}`);
    expect(await has(replica, `k${round}`)).toBe('1');
  }
  await store.close();
});

it('many changes at once share the waiting', async () => {
  const store = await openRedis(master.port);
  const done = await Promise.all(Array.from({ length: 200 }, (_, index) => write(store, `k${index}`)));
  expect(done.every(({ ok }) => ok)).toBe(true);
  await store.close();
});

describe.each([
  ['all that are connected', null],
  ['one', 1],
])('with waitReplicas for %s', (_name, waitReplicas) => {
  it('a replica that hangs makes the outcome unknown, and says how many have the change', async () => {
    const store = await openRedis(master.port, { waitReplicas, commitTimeoutMs: 300 });
    replica.pause();
    const refused = await refusal(write(store, 'a'));
    replica.resume();
    expect(refused).toBeInstanceOf(OutcomeUnknown);
    expect(refused.message).toContain('only 0 of 1 replicas have the change');
    expect(await store.get('a')).toMatchObject({ version: 1 });
    await expect.poll(() => write(store, 'b').catch(() => null), { timeout: 5000 }).toMatchObject({ ok: true });
    await store.close();
  });
});

it('with more waited for than are connected nothing is changed, and that is known', async () => {
  const store = await openRedis(master.port, { waitReplicas: 2 });
  const refused = await refusal(write(store, 'a'));
  expect(refused).toBeInstanceOf(StoreUnavailable);
  expect(refused).not.toBeInstanceOf(OutcomeUnknown);
  expect(refused.message).toContain('only 1 of 2 replicas are connected; nothing was changed');
  expect(await store.get('a')).toBeNull();
  await store.close();
});

it('with none waited for a replica that hangs keeps nobody waiting', async () => {
  const store = await openRedis(master.port, { waitReplicas: 0 });
  replica.pause();
  expect(await write(store, 'a')).toMatchObject({ ok: true });
  replica.resume();
  await store.close();
});

it('a replica takes no changes, and says so at the start', async () => {
  const reports: Reported[] = [];
  const store = await openRedis(replica.port, {}, reports);
  const refused = await refusal(write(store, 'a'));
  expect(refused).toBeInstanceOf(StoreUnavailable);
  expect(refused).not.toBeInstanceOf(OutcomeUnknown);
  expect(reports.map(({ message }) => message).join()).toContain('it is a replica, which takes no changes');
  await store.close();
});
