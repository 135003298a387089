/** A process whose clock is not that of the store mints tokens that live too long elsewhere: it is known, and told. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/observe/clock.ts';
import { startTestGateway } from '../support/gateway.ts';
import { Recorder } from '../support/recorder.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { mint, Serves, settle } from '../support/serves.ts';
import { hasTool } from '../support/tools.ts';

const HOUR_MS = 3_600_000;

let redis: RedisServer;
let upstream: Recorder;
beforeAll(async () => {
  redis = await startRedis();
  upstream = await Recorder.start();
});
afterAll(async () => {
  await upstream.stop();
  await redis.stop();
});

interface Ready {
  readonly clock: { readonly skewMs: number; readonly right: boolean };
  readonly store: { readonly fresh: boolean };
}

const readiness = async (adminUrl: string) => {
  const answer = await fetch(`${adminUrl}/readyz`);
  return {
    status: answer.status,
    body: (await answer.json()) as Ready,
  };
};

describe('a gateway on a store of several machines', () => {
  const at = async (aheadMs: number) => {
    const clock: Clock = { nowMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() };
    const store = { driver: 'redis', url: redis.url, commandTimeoutMs: 2000 };
    const gateway = await startTestGateway({ upstreamUrl: upstream.url, seed: false, clock, settings: { store } });
    // Everything else is as it should be.
    await expect.poll(async () => (await readiness(gateway.adminUrl)).body.store.fresh, { timeout: 5000 }).toBe(true);
    const { status, body } = await readiness(gateway.adminUrl);
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    const lines = gateway.logLines.filter((line) => line.includes('"clock: '));
    await gateway.stop();
    return {
      ...{ status, ...body.clock, lines: lines.map((line) => JSON.parse(line) as { level: number; msg: string }) },
      metric: Number(/^scopegate_clock_skew_seconds (\S+)$/m.exec(metrics)![1]),
    };
  };

  it.each([
    [HOUR_MS, 'ahead of'],
    [-6000, 'behind'],
  ])('whose clock is off by %i ms is not ready, and says by how much', async (aheadMs, where) => {
    const seen = await at(aheadMs);
    expect(seen).toMatchObject({
      status: 503,
      right: false,
      lines: [{ level: 50, msg: expect.stringContaining(where) }],
    });
    expect(Math.abs(seen.skewMs - aheadMs)).toBeLessThan(500);
    expect(Math.abs(seen.metric * 1000 - aheadMs)).toBeLessThan(500);
  });

  it('whose clock is off by some seconds warns; one that agrees says nothing', async () => {
    expect(await at(3000)).toMatchObject({ status: 200, right: true, lines: [{ level: 40 }] });
    expect(await at(0)).toMatchObject({ status: 200, right: true, lines: [] });
  });
});

describe('one that is an hour ahead by the clock of its machine', () => {
  it.skipIf(!hasTool('faketime'))(
    'is told from the others by them all, and what it mints lives as long as everywhere else once that is mended',
    { timeout: 60_000 },
    async () => {
      using serves = new Serves(upstream.url, { store: `{ driver: redis, url: "${redis.url}", keyPrefix: "ahead:" }` });
      const right = await serves.start();
      await settle(right);
      const ahead = await serves.startUnready(undefined, [
        'env',
        'FAKETIME_DONT_FAKE_MONOTONIC=1',
        'faketime',
        '-f',
        '+3600s',
      ]);
      expect((await readiness(right.adminUrl)).status).toBe(200);
      const { status, body } = await readiness(ahead.adminUrl);
      expect([status, body.clock.right]).toEqual([503, false]);
      expect(Math.abs(body.clock.skewMs - HOUR_MS)).toBeLessThan(1000);
      expect(Math.abs((await ahead.metric('scopegate_clock_skew_seconds')) - 3600)).toBeLessThan(1);
      // What makes it matter: one day by that clock is 25 hours.
      const { id } = await mint(ahead);
      const { expiresAt } = (await right.call('GET', `/tokens/${id}`)).body as { expiresAt: string };
      expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(24.9 * HOUR_MS);
    },
  );
});
