/** What the operator reads of the traffic and of the process itself, over real HTTP behind real requests. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { Recorder } from '../support/recorder.ts';

let upstream: Recorder;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await Recorder.start();
  gateway = await startTestGateway({
    upstreamUrl: upstream.url,
    settings: { limits: { 'per-token': { requests: 600, window: 'minute', per: 'token' } } },
  });
});
afterAll(async () => {
  await gateway.stop();
  await upstream[Symbol.asyncDispose]();
});

const ask = (token: string, path: string, method = 'GET') =>
  fetch(gateway.url + path, { method, headers: { authorization: `Bearer ${token}` } }).then(({ status }) => status);

interface Traffic {
  readonly from: string;
  readonly stepMs: number;
  readonly requestsPerSecond: ReadonlyArray<number | null>;
  readonly reasons: ReadonlyArray<{ readonly reason: string; readonly refused: number }>;
  readonly total: Readonly<Record<string, number | null>>;
}

it('counts requests and refusals by reason, with how long each decision took', async () => {
  const read = async () => (await gateway.admin('GET', '/v1/traffic')).body as Traffic;
  for (let nth = 0; nth < 5; nth++) expect(await ask(gateway.tokens.reader, '/nowhere')).toBe(404);
  expect(await ask('pat_nonsense', '/v1/workspaces')).toBe(401);
  expect(await ask(gateway.tokens.reader, '/v1/bots/bot_sales', 'PUT')).toBe(403);
  expect(await ask(gateway.tokens.owner, '/v1/workspaces')).toBe(200);
  // The counters are read every two seconds.
  await expect.poll(async () => (await read()).total.requests, { timeout: 6000 }).toBe(8);
  const traffic = await read();
  expect(traffic).toMatchObject({ stepMs: 2000, processes: 1, unanswered: [] });
  expect(traffic.reasons.map(({ reason, refused }) => [reason, refused])).toContainEqual(['route_not_found', 5]);
  expect(traffic.total).toMatchObject({ refused: 7, serverErrors: 0, inFlight: 0, revocationLagP99Ms: null });
  expect(traffic.total.authP50Ms).toBeGreaterThan(0);
  const sum = traffic.requestsPerSecond.reduce((all: number, each) => all + (each ?? 0), 0) * 2;
  expect(sum).toBeGreaterThan(6);
  expect(traffic.requestsPerSecond[0]).toBeNull();
}, 20_000);

it.each([
  ['1h', 10_000, 360],
  ['6h', 60_000, 360],
  ['24h', 300_000, 288],
])('%s comes in steps of %i ms', async (range, stepMs, points) => {
  const { body } = await gateway.admin('GET', `/v1/traffic?range=${range}`);
  const { requestsPerSecond, ...traffic } = body as Traffic;
  expect(traffic.stepMs).toBe(stepMs);
  expect(requestsPerSecond).toHaveLength(points);
  expect(Date.parse(traffic.from) + points * stepMs).toBeGreaterThan(Date.now());
});

it('is for the operator alone, and takes no other range', async () => {
  const of = { 'scopegate-actor': 'alice' };
  const refused = await gateway.admin('GET', '/v1/traffic', undefined, of);
  expect([refused.status, (refused.body as { code: string }).code]).toEqual([403, 'forbidden']);
  expect((await gateway.admin('GET', '/v1/traffic?range=7d')).status).toBe(400);
});

it('the status tells limits, certificates and every process with its lease, as that said it itself', async () => {
  const read = async () => (await gateway.admin('GET', '/v1/status')).body as Record<string, never>;
  const fleet = async () => ((await read()).fleet as unknown as { processes: unknown[] }).processes;
  await expect.poll(fleet, { timeout: 5000 }).toHaveLength(1);
  const status = await read();
  expect(status).toMatchObject({
    configuration: { digest: gateway.configuration.digest, lastReload: null },
    limits: [{ name: 'per-token', requests: 600, windowMs: 60_000, per: ['token'] }, { name: 'oauth-account' }],
    certificates: [],
    fleet: {
      processes: [
        {
          ...{ pid: process.pid, behind: 0, degraded: false, configuration: gateway.configuration.digest },
          ...{ version: expect.any(String), leaseAgeMs: expect.any(Number), heardMsAgo: 0 },
        },
      ],
    },
  });
});
