/** Rules that are tried out beside those in force, by four workers of two gateways on one Redis. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../support/process.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { hasTool } from '../support/tools.ts';
import { type Client, Harness, ORGANIZATION, PATIENCE } from './harness.ts';

const TIMEOUT_MS = 90_000;
const EACH = 5;
const COUNTED = 'scopegate_shadow_decisions_total{route="read",change=';

describe.skipIf(!hasTool('redis-server'))('rules that are tried out, with workers and on Redis', () => {
  let redis: RedisServer;
  let gateways: readonly Harness[];
  let clients: readonly (readonly Client[])[];
  beforeAll(async () => {
    redis = await startRedis();
    const prepared = [];
    for (let nth = 0; nth < 2; nth++) {
      const harness = await Harness.prepare({});
      harness.configure({
        ...{ store: { driver: 'redis', url: `redis://127.0.0.1:${redis.port}` }, cache: { maxStalenessMs: 60_000 } },
        shadow: { rules: 'next.yaml', perSecond: 1_000_000 },
      });
      tries(harness, { scopes: ['workflows:write'] });
      await harness.serve();
      prepared.push(harness);
    }
    gateways = prepared;
    await gateways[0]!.people();
    clients = await Promise.all(gateways.map((gateway) => gateway.clients()));
  }, TIMEOUT_MS);
  afterAll(async () => {
    for (const client of clients.flat()) client.close();
    for (const gateway of gateways) await gateway[Symbol.asyncDispose]();
    await redis.stop();
  });

  /** What the other file asks of `/files`. */
  function tries(gateway: Harness, require: object): void {
    const route = { id: 'read', match: { path: '/files/**' }, require, upstream: 'platform' };
    const open = { id: 'open', match: { path: '/open/**' }, public: true, upstream: 'platform' };
    const upstreams = { platform: { targets: [gateway.upstream.url] } };
    const policy = join(ROOT, 'policies/coze.yaml');
    writeFileSync(join(gateway.folder, 'next.yaml'), JSON.stringify({ policy, upstreams, routes: [open, route] }));
  }
  const counts = (change: string) =>
    Promise.all(gateways.map(async (gateway) => (await gateway.metric(`${COUNTED}"${change}"}`)) || 0));
  /** The statuses that this path has with every worker, so many times each. */
  async function statuses(token: string, path = '/files/x'): Promise<Set<number>> {
    const seen = new Set<number>();
    for (const client of clients.flat())
      for (let nth = 0; nth < EACH; nth++) seen.add((await client.get(path, token)).status);
    return seen;
  }
  /** Every worker of every gateway has judged all that by the other rules, and so. */
  async function expectAll(token: string, status: number, change: string, path?: string): Promise<void> {
    const before = await counts(change);
    expect(await statuses(token, path)).toEqual(new Set([status]));
    await expect.poll(() => counts(change), PATIENCE).toEqual(before.map((count) => count + 2 * EACH));
  }

  it('are tried by every worker, on facts of the other gateway, and their lines are told', async () => {
    const { id, token } = await gateways[0]!.mint();
    await expectAll(token, 200, 'narrower');
    for (const gateway of gateways) {
      const lines = gateway.process.stdout().split('\n');
      const told = lines.filter((line) => line.includes('"msg":"shadow decision"') && line.includes('scope_missing'));
      expect(told.length).toBe(2 * EACH);
      expect(told.join()).not.toContain(token);
    }
    expect((await gateways[0]!.call('POST', `${ORGANIZATION}/tokens/${id}/revoke`)).status).toBe(200);
    await expect.poll(() => statuses(token), PATIENCE).toEqual(new Set([401]));
    await expectAll(token, 401, 'same');
  });

  it('follow a reload in every worker of that gateway, and in one that is replaced', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const { token } = await gateways[1]!.mint();
    const [first] = gateways;
    tries(first!, { scopes: ['workflows:read'] });
    expect((await first!.call('POST', 'reload')).status).toBe(200);
    const before = [await counts('same'), await counts('narrower')];
    expect(await statuses(token)).toEqual(new Set([200]));
    const more = async () =>
      [await counts('same'), await counts('narrower')].map((now, at) =>
        now.map((count, nth) => count - before[at]![nth]!),
      );
    await expect.poll(more, PATIENCE).toEqual([
      [2 * EACH, 0],
      [0, 2 * EACH],
    ]);
    // What lies in the file by now is not in force.
    writeFileSync(join(first!.folder, 'next.yaml'), 'routes: nonsense');
    const pid = await first!.pidOf('worker-1');
    process.kill(pid, 'SIGKILL');
    await first!.replaced('worker-1', pid);
    for (const client of clients[0]!) client.close();
    clients = [await first!.clients(), clients[1]!];
    const then = await counts('same');
    await statuses(token);
    await expect.poll(() => counts('same'), PATIENCE).toEqual([then[0]! + 2 * EACH, then[1]!]);
  });

  it('that ask for a fact which cannot be had are unclear, and no request waits for it', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const { token } = await gateways[0]!.mint();
    for (const gateway of gateways) {
      tries(gateway, { scopes: ['workflows:read'], workspace: { from: 'query.ws', as: 'workspace' } });
      expect((await gateway.call('POST', 'reload')).status).toBe(200);
    }
    await expectAll(token, 200, 'narrower', '/files/x');
    redis.pause();
    try {
      const before = await counts('unclear');
      const begunMs = performance.now();
      expect(await statuses(token, '/files/x?ws=ws_cold')).toEqual(new Set([200]));
      expect(performance.now() - begunMs).toBeLessThan(5000);
      await expect.poll(() => counts('unclear'), PATIENCE).toEqual(before.map((count) => count + 2 * EACH));
    } finally {
      redis.resume();
    }
    await expect
      .poll(async () => {
        const before = await counts('narrower');
        await statuses(token, '/files/x?ws=ws_cold');
        return (await counts('narrower')).every((count, nth) => count === before[nth]! + 2 * EACH);
      }, PATIENCE)
      .toBe(true);
  });
});
