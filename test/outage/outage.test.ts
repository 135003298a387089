/** What requests meet while the store is lost: what is known goes on for as long as was agreed, and doubt is never a yes. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createMiddleware } from '../../src/middleware/middleware.ts';
import { mintToken } from '../../src/secret.ts';
import { type Settings, startTestGateway, type TestGatewayOptions } from '../support/gateway.ts';
import { ROOT } from '../support/process.ts';
import { ask, type RawResponse, rawRequest } from '../support/raw.ts';
import { Recorder, startHttpUpstream } from '../support/recorder.ts';
import { Harness, STALE_MS } from './harness.ts';

const OUTAGE_MS = 60_000;
/** Promised within 250 ms; the rest is for a busy machine. */
const AT_ONCE_MS = 250 + 1000;
const ROUTES = [
  { id: 'read', match: { path: '/files/**' }, require: { scopes: ['workflows:read'] } },
  { id: 'closed', match: { path: '/closed' }, require: { scopes: ['knowledge:write'] } },
  {
    id: 'by-query',
    match: { path: '/by-query' },
    require: {
      scopes: ['workflows:read'],
      workspace: { from: 'query.environmentId', as: 'environment', role: 'member' },
    },
  },
];

let upstream: Recorder;
beforeEach(async () => {
  upstream = await Recorder.start();
});
afterEach(() => upstream.stop());

const start = (cache: Settings = {}, more: Partial<TestGatewayOptions> = {}) =>
  Harness.start({ upstreamUrl: upstream.url, routes: ROUTES, ...more }, cache);

const degraded = (answer: RawResponse) => answer.header('x-scopegate-degraded');
const unavailable = (answer: RawResponse) => {
  expect([answer.status, JSON.parse(answer.body), answer.header('retry-after')]).toEqual([
    503,
    expect.objectContaining({ code: 5031 }),
    '1',
  ]);
  expect(degraded(answer)).toBeUndefined();
};
async function inTime<T>(work: Promise<T>): Promise<T> {
  const begunAtMs = performance.now();
  const result = await work;
  expect(performance.now() - begunAtMs).toBeLessThan(AT_ONCE_MS);
  return result;
}

describe.each(['fail', 'hang'] as const)('a store that is lost (%s)', (how) => {
  const lose = (harness: Harness) => harness.lose(how);

  test('leaves known tokens working until cached facts are too old, and is waited for by nobody', async () => {
    await using harness = await start();
    expect((await harness.get('/files/x')).status).toBe(200);
    lose(harness);
    const known = await inTime(harness.get('/files/x'));
    expect([known.status, degraded(known)]).toEqual([200, undefined]);
    unavailable(await inTime(harness.get('/files/x', harness.gateway.tokens.owner)));
    unavailable(await inTime(harness.get('/files/x', mintToken('pat_').reveal())));
    harness.pass(STALE_MS);
    unavailable(await inTime(harness.get('/files/x')));
    expect(upstream.requests).toHaveLength(2);
  });

  test('is asked again by itself: what it says counts from the first answer on', async () => {
    await using harness = await start();
    const { reader, leaked } = harness.gateway.tokens;
    expect((await harness.get('/files/x', leaked)).status).toBe(200);
    lose(harness);
    harness.pass(STALE_MS + 1);
    unavailable(await harness.get('/files/x', leaked));
    harness.store.recover();
    expect((await harness.gateway.admin('POST', `/tokens/${harness.gateway.seeded.leakedId}/revoke`)).status).toBe(200);
    expect((await harness.get('/files/x', leaked)).status).toBe(401);
    expect((await harness.get('/files/x', reader)).status).toBe(200);
    expect(upstream.requests).toHaveLength(2);
  });

  test('leaves known tokens working for longer where that was agreed, and every answer says so', async () => {
    await using harness = await start({ serveDuringOutageMs: OUTAGE_MS });
    for (const path of ['/files/x', '/closed', '/by-query?environmentId=env_live']) await harness.get(path);
    expect((await harness.get('/by-query?environmentId=env_none')).status).toBe(403);
    upstream.clear();
    lose(harness);
    harness.pass(STALE_MS + 10_000);
    const served = await inTime(harness.get('/files/x'));
    expect([served.status, degraded(served)]).toEqual([200, expect.stringMatching(/^store; age=1[23]$/)]);
    expect((await upstream.request()).header('x-scopegate-degraded')).toBe(degraded(served));
    const refused = await inTime(harness.get('/closed'));
    expect([refused.status, degraded(refused)]).toEqual([403, expect.stringMatching(/^store; age=1[234]$/)]);
    expect((await inTime(harness.get('/by-query?environmentId=env_live'))).status).toBe(200);
    expect([
      await harness.metric('scopegate_degraded'),
      await harness.metric('scopegate_degraded_decisions_total'),
    ]).toEqual([1, 3]);
    const ready = await ask(harness.gateway.adminUrl, rawRequest('GET /readyz'));
    expect([ready.status, JSON.parse(ready.body)]).toEqual([
      503,
      expect.objectContaining({ ready: false, store: expect.objectContaining({ fresh: false, degraded: true }) }),
    ]);
    harness.pass(OUTAGE_MS);
    unavailable(await inTime(harness.get('/files/x')));
    expect(upstream.requests).toHaveLength(2);
    await harness.gateway.logged('store: it cannot be asked');
    harness.store.recover();
    await harness.gateway.logged('store: its changes are heard again');
    const again = await harness.get('/files/x');
    expect([again.status, degraded(again)]).toEqual([200, undefined]);
    await harness.get('/files/x', harness.gateway.tokens.owner);
    expect(await harness.metric('scopegate_degraded')).toBe(0);
  });

  test('never makes a no of what was not known, nor of what was known not to exist', async () => {
    await using harness = await start({ serveDuringOutageMs: OUTAGE_MS, absentTtlMs: OUTAGE_MS });
    const none = mintToken('pat_').reveal();
    expect((await harness.get('/files/x', none)).status).toBe(401);
    await harness.get('/files/x');
    expect((await harness.get('/by-query?environmentId=env_none')).status).toBe(403);
    lose(harness);
    harness.pass(STALE_MS + 1);
    unavailable(await harness.get('/files/x', none));
    unavailable(await harness.get('/files/x', harness.gateway.tokens.owner));
    unavailable(await harness.get('/by-query?environmentId=env_none'));
  });

  test('does not stretch a token’s own time, whatever the wall clock does to that of the facts', async () => {
    await using harness = await start({ serveDuringOutageMs: OUTAGE_MS });
    const expiresAt = new Date(Date.now() + 30_000).toISOString();
    const short = await harness.gateway.mint({ kind: 'service', scopes: ['workflows:read'], expiresAt });
    for (const token of [short, harness.gateway.tokens.reader])
      expect((await harness.get('/files/x', token)).status).toBe(200);
    lose(harness);
    harness.pass(STALE_MS + 1);
    expect((await harness.get('/files/x', short)).status).toBe(200);
    harness.clock.wallAheadMs = 30_000;
    expect((await harness.get('/files/x', short)).status).toBe(401);
    // Back by a day: facts are no younger for it.
    harness.clock.wallAheadMs = -86_400_000;
    harness.pass(OUTAGE_MS);
    unavailable(await harness.get('/files/x'));
  });

  test('does not bring back what was seen to be revoked while only the feed was silent', async () => {
    await using harness = await start({ serveDuringOutageMs: OUTAGE_MS });
    const { leaked } = harness.gateway.tokens;
    expect((await harness.get('/files/x', leaked)).status).toBe(200);
    harness.store.silence();
    harness.pass(STALE_MS + 1);
    expect((await harness.gateway.admin('POST', `/tokens/${harness.gateway.seeded.leakedId}/revoke`)).status).toBe(200);
    const seen = await harness.get('/files/x', leaked);
    expect([seen.status, degraded(seen)]).toEqual([401, undefined]);
    lose(harness);
    const after = await harness.get('/files/x', leaked);
    expect([after.status, degraded(after)]).toEqual([401, expect.stringContaining('store')]);
    expect(upstream.requests).toHaveLength(1);
  });
});

const ANY_TOKEN = { id: 'any', match: { path: '/any' }, upstream: 'platform' };

test.each([
  ['coze', 'pat_'],
  ['featbit', 'pat_'],
  ['impact', 'sat_'],
  ['scrydon', 'sgt_'],
  ['default', 'pat_'],
])('an outage is 503 with Retry-After in the words of %s', async (policy, prefix) => {
  await using harness = await start(
    {},
    { policy: join(ROOT, `policies/${policy}.yaml`), seed: false, routes: [ANY_TOKEN] },
  );
  harness.lose('fail');
  harness.pass(STALE_MS + 1);
  const answer = await harness.get('/any', mintToken(prefix).reveal());
  expect([answer.status, answer.header('retry-after')]).toEqual([503, '1']);
  expect(upstream.requests).toHaveLength(0);
});

describe('a feed that is silent while the store answers', () => {
  test('is no reason to believe what the cache says', async () => {
    await using harness = await start({ serveDuringOutageMs: OUTAGE_MS });
    const { leaked } = harness.gateway.tokens;
    expect((await harness.get('/files/x', leaked)).status).toBe(200);
    harness.store.silence();
    expect((await harness.gateway.admin('POST', `/tokens/${harness.gateway.seeded.leakedId}/revoke`)).status).toBe(200);
    harness.pass(STALE_MS + 1);
    expect((await harness.get('/files/x', leaked)).status).toBe(401);
    expect(await harness.metric('scopegate_degraded')).toBe(0);
  });
});

describe('whoever asks and sends on itself', () => {
  test('another proxy is told in the answer that lets the request through', async () => {
    await using harness = await start(
      { serveDuringOutageMs: OUTAGE_MS },
      { settings: { decision: { port: 0, for: 'caddy' } } },
    );
    const question = rawRequest('GET /', [
      ...['X-Forwarded-Method: GET', 'X-Forwarded-Uri: /files/x', 'X-Forwarded-Host: api.test'],
      `Authorization: Bearer ${harness.gateway.tokens.reader}`,
    ]);
    const answer = () => ask(harness.gateway.running.decisionUrl!, question);
    const before = await answer();
    expect([before.status, degraded(before)]).toEqual([200, undefined]);
    harness.lose('hang');
    harness.pass(STALE_MS + 1);
    const after = await answer();
    expect([after.status, degraded(after)]).toEqual([200, expect.stringMatching(/^store; age=/)]);
  });

  test('an application is told in the request, and its client in the answer', async () => {
    await using harness = await start({ serveDuringOutageMs: OUTAGE_MS });
    const guard = createMiddleware({
      pipeline: () => harness.gateway.running.pipeline,
      dialect: () => harness.gateway.configuration.policy.dialect,
      routing: () => harness.gateway.configuration.file.routing,
      nextRequestId: () => 'r',
      onBug: (error) => expect.unreachable(String(error)),
    });
    await using upstream = await startHttpUpstream((request, response) =>
      guard(request, response, () => response.end(String(request.scopegate!.degraded))),
    );
    const get = () =>
      ask(upstream.url, rawRequest('GET /files/x', [`Authorization: Bearer ${harness.gateway.tokens.reader}`]));
    const before = await get();
    expect([before.body, degraded(before)]).toEqual(['false', undefined]);
    harness.lose('hang');
    harness.pass(STALE_MS + 1);
    const after = await get();
    expect([after.body, degraded(after)]).toEqual(['true', expect.stringMatching(/^store; age=/)]);
  });
});

test('a database file whose tables are gone is an outage until they are back', async () => {
  await using gateway = await startTestGateway({
    upstreamUrl: upstream.url,
    routes: ROUTES,
    settings: { cache: { maxStalenessMs: 300 } },
  });
  const get = () => ask(gateway.url, rawRequest('GET /files/x', [`Authorization: Bearer ${gateway.tokens.reader}`]));
  const status = async () => (await get()).status;
  expect(await status()).toBe(200);
  const file = new DatabaseSync(join(gateway.folder, 'data/scopegate.db'));
  file.exec('ALTER TABLE records RENAME TO lost; ALTER TABLE changes RENAME TO lost_changes');
  await expect.poll(status).toBe(503);
  upstream.clear();
  unavailable(await get());
  file.exec('ALTER TABLE lost RENAME TO records; ALTER TABLE lost_changes RENAME TO changes');
  file.close();
  expect(upstream.requests).toHaveLength(0);
  expect(await status()).toBe(200);
});
