/** What is changed at the sidecar, or at one worker, holds for the very next request at every worker. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack } from '../conformance/attack.ts';
import { type Client, Harness, isAlive, ORGANIZATION } from './harness.ts';

const LONG = process.env.SCOPEGATE_LONG === '1';
const ROUNDS = LONG ? 2000 : 60;

let harness: Harness;
let clients: readonly Client[];
beforeAll(async () => {
  harness = await Harness.start();
  await harness.people();
  clients = await harness.clients();
});
afterAll(async () => {
  for (const client of clients) client.close();
  await harness[Symbol.asyncDispose]();
});

const everywhere = async (token: string) => {
  const answers = await Promise.all(clients.map((client) => client.get('/files/x', token)));
  expect(new Set(answers.map(({ worker }) => worker)).size).toBe(clients.length);
  return answers.map(({ status }) => status);
};

attack({
  name: 'a token revoked while every worker has it in memory is refused by each of them from the next request on',
  outcome: 'the revocation is acknowledged only when every worker has applied it',
  sources: [],
})(() => {
  it(`in ${ROUNDS} rounds`, { timeout: 600_000 }, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { id, token } = await harness.mint();
      expect(await everywhere(token)).toEqual([200, 200]);
      expect((await harness.call('POST', `${ORGANIZATION}/tokens/${id}/revoke`)).status).toBe(200);
      expect(await everywhere(token), `round ${round}`).toEqual([401, 401]);
    }
  });

  it('also when many are revoked at once', { timeout: 60_000 }, async () => {
    const minted = await Promise.all(Array.from({ length: 20 }, () => harness.mint()));
    for (const { token } of minted) expect(await everywhere(token)).toEqual([200, 200]);
    await Promise.all(
      minted.map(async ({ id, token }) => {
        expect((await harness.call('POST', `${ORGANIZATION}/tokens/${id}/revoke`)).status).toBe(200);
        expect(await everywhere(token)).toEqual([401, 401]);
      }),
    );
  });
});

describe('a worker that does not apply a change', () => {
  attack({
    name: 'a worker that stands still cannot hold on to a revoked token',
    outcome: 'the revocation is answered after a second, when that worker has been ended; another takes its place',
    sources: [],
  })(() => {
    it('is ended before the change is acknowledged, and replaced', { timeout: 60_000 }, async () => {
      const { id, token } = await harness.mint();
      expect(await everywhere(token)).toEqual([200, 200]);
      const stopped = await harness.pidOf('worker-1');
      process.kill(stopped, 'SIGSTOP');
      const began = performance.now();
      expect((await harness.call('POST', `${ORGANIZATION}/tokens/${id}/revoke`)).status).toBe(200);
      expect(performance.now() - began).toBeGreaterThanOrEqual(990);
      expect(isAlive(stopped)).toBe(false);
      await harness.replaced('worker-1', stopped);
      for (const client of clients) client.close();
      clients = await harness.clients();
      expect(await everywhere(token)).toEqual([401, 401]);
      expect(harness.process.stdout()).toContain('worker-1 has not applied revision');
    });
  });
});
