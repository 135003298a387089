/** Processes that stand still for a while: nobody who has answered meanwhile is blamed for it. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { processTimeout } from '../../src/workers/process-timeout.ts';
import { timePasses } from '../support/time.ts';
import { Harness, ORGANIZATION, PATIENCE } from './harness.ts';

const TIMEOUT_MS = 60_000;
/** Longer than a worker may take to apply a change, or the supervisor to say that all have. */
const STALL_MS = { supervisor: 1500, sidecar: 3500 };

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start({ log: { access: 'none', level: 'debug' } });
  await harness.people();
}, TIMEOUT_MS);
afterAll(() => harness[Symbol.asyncDispose]());

const pids = async () => (await harness.processes()).map(({ pid }) => pid);

/** Resolves with the answers to three revocations, which the worker gets but answers only while `pid` stands still. */
async function revokedWhileStalled(pid: number, stallMs: number): Promise<readonly unknown[]> {
  const minted = await Promise.all([harness.mint(), harness.mint(), harness.mint()]);
  const worker = await harness.pidOf('worker-1');
  const asked = () => harness.process.stdout().split('worker-1 is asked to apply').length;
  const before = asked();
  process.kill(worker, 'SIGSTOP');
  const answers = Promise.all(minted.map(({ id }) => harness.call('POST', `${ORGANIZATION}/tokens/${id}/revoke`)));
  // The sidecar makes the others when the first is acknowledged.
  await vi.waitUntil(() => asked() > before, PATIENCE);
  process.kill(pid, 'SIGSTOP');
  try {
    process.kill(worker, 'SIGCONT');
    await timePasses(stallMs, 'the stall itself');
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  const given = (await answers).map(({ status, body }) => [status, body.code]);
  for (const client of await harness.clients()) {
    for (const { token } of minted) expect((await client.get('/files/x', token)).status).toBe(401);
    client.close();
  }
  return given;
}

it('a stall of the supervisor ends no worker that has applied a change meanwhile, or has yet to be asked', {
  timeout: TIMEOUT_MS,
}, async () => {
  const before = await pids();
  const given = await revokedWhileStalled(harness.process.child.pid!, STALL_MS.supervisor);
  expect(given).toEqual(Array(3).fill([200, undefined]));
  expect(await pids()).toEqual(before);
  expect(harness.process.stdout()).not.toContain('has not applied');
});

it('a stall of the sidecar leaves no change in doubt that every worker has applied meanwhile', {
  timeout: TIMEOUT_MS,
}, async () => {
  const before = await pids();
  const given = await revokedWhileStalled(await harness.pidOf('sidecar'), STALL_MS.sidecar);
  expect(given).toEqual(Array(3).fill([200, undefined]));
  expect(await pids()).toEqual(before);
});

it('only time in which a process itself can hear is waited for', async () => {
  const givenUp = new Promise<void>((resolve) => {
    processTimeout(500, resolve);
  });
  const stalledUntil = performance.now() + 600;
  while (performance.now() < stalledUntil);
  await givenUp;
  // All but the part in which it stood still.
  expect(performance.now() - stalledUntil).toBeGreaterThanOrEqual(400);
});
