/** Starting, reloading and stopping several processes as if they were one: not one request fails. */

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { afterEach, expect, it, vi } from 'vitest';
import { attack } from '../conformance/attack.ts';
import { Load, streamForHalfASecond } from '../support/load.ts';
import { scopegate } from '../support/process.ts';
import { Harness, isAlive, PATIENCE } from './harness.ts';

const LONG = process.env.SCOPEGATE_LONG === '1';
const REQUESTS = LONG ? 100_000 : 2000;
const RELOADS = LONG ? 50 : 6;
const ROLLS = LONG ? 10 : 2;
const TIMEOUT_MS = LONG ? 900_000 : 120_000;

let harness: Harness;
afterEach(() => harness[Symbol.asyncDispose]());

const route = (version: string) => ({
  routes: [
    { id: 'open', match: { path: '/open/**' }, public: true, upstream: 'platform' },
    { id: version, match: { path: `/${version}` }, public: true, upstream: 'platform' },
  ],
});
const ok = () => ({
  path: '/open/',
  check: ({ status, body }: { status: number; body: string }) => (status === 200 ? undefined : `${status} ${body}`),
});

const stream = () => ({
  path: '/open/stream',
  check: ({ status, body }: { status: number; body: string }) =>
    status === 200 && body.endsWith('data: end\n\n') ? undefined : `${status} ${body}`,
});
function answer(asked: IncomingMessage, response: ServerResponse): void {
  if (asked.url !== '/open/stream') return void response.end(asked.headers['x-request-id']);
  streamForHalfASecond(response);
}

attack({
  name: 'a reload with several workers fails no request, and a file with mistakes changes none of them',
  outcome: 'checked once, taken up by one after the other; the request after it sees the new one at every worker',
  sources: [],
})(() => {
  it(`${RELOADS} reloads under load`, { timeout: TIMEOUT_MS }, async () => {
    harness = await Harness.start(route('v0'));
    const clients = await harness.clients();
    const load = new Load(() => harness.gateway);
    load.add(16, ok);
    for (let reload = 1; reload <= RELOADS; reload++) {
      await load.until((REQUESTS / RELOADS) * reload);
      harness.configure(route(`v${reload}`));
      if (reload % 2 === 0) expect((await harness.call('POST', 'reload')).status).toBe(200);
      else {
        if (reload % 4 === 1) harness.process.child.kill('SIGHUP');
        await vi.waitUntil(async () => {
          const { body } = await harness.call('GET', 'status');
          return (body.configuration as { generation: number }).generation > reload;
        }, PATIENCE);
      }
      for (const client of clients) {
        expect((await client.get(`/v${reload - 1}`)).status).toBe(404);
        expect((await client.get(`/v${reload}`)).status).toBe(200);
      }
    }
    writeFileSync(harness.path, readFileSync(harness.path, 'utf8').replace('"public":true', '"pubic":true'));
    expect(await harness.call('POST', 'reload')).toMatchObject({ status: 422, body: { problems: [{ line: 1 }] } });
    for (const client of clients) {
      expect((await client.get(`/v${RELOADS}`)).status).toBe(200);
      client.close();
    }
    const generations = (await harness.processes()).map(({ generation }) => generation);
    expect(generations).toEqual([RELOADS + 1, RELOADS + 1, RELOADS + 1]);
    expect(await harness.metric('scopegate_config_reloads_total{result="applied"}')).toBe(RELOADS);
    expect(await harness.metric('scopegate_config_reloads_total{result="refused"}')).toBe(1);
    await load.until(REQUESTS);
    await load.stop();
    expect(load.failures).toEqual([]);
    if (LONG) process.stdout.write(`${load.requests} requests, ${RELOADS} reloads, 0 failed\n`);
  });
});

attack({
  name: 'a restart of several workers under load fails no request',
  outcome: 'each finishes the requests and streams that it has, the sidecar says so from the first moment; exit 0',
  sources: [],
})(() => {
  it(`${ROLLS} rolling restarts`, { timeout: TIMEOUT_MS }, async () => {
    harness = await Harness.start();
    harness.answer = answer;
    const load = new Load(() => harness.gateway);
    load.add(32, ok);
    load.add(8, stream);
    for (let roll = 1; roll <= ROLLS; roll++) {
      await load.until((REQUESTS / ROLLS) * roll);
      const old = harness.process;
      const pids = (await harness.processes()).map(({ pid }) => pid!);
      await harness.serve();
      expect(await old.stop(), old.stderr()).toBe(0);
      expect(pids.some(isAlive)).toBe(false);
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    if (LONG) process.stdout.write(`${load.requests} requests, ${ROLLS} restarts, 0 failed\n`);
  });
});

it('a second signal ends all of them at once', { timeout: TIMEOUT_MS }, async () => {
  harness = await Harness.start();
  const held = Promise.withResolvers<void>();
  harness.answer = () => held.resolve();
  const pids = (await harness.processes()).map(({ pid }) => pid!);
  const asked = fetch(`${harness.gateway}/open/held`).catch((error: Error) => error.message);
  await held.promise;
  harness.process.child.kill('SIGTERM');
  await vi.waitUntil(() => harness.process.stdout().includes('draining'), PATIENCE);
  await vi.waitUntil(async () => (await fetch(`${harness.admin}/readyz`)).status === 503, PATIENCE);
  expect(await harness.process.stop('SIGTERM')).toBe(143);
  await vi.waitUntil(() => !pids.some(isAlive), PATIENCE);
  expect(await asked).toBe('fetch failed');
});

it('--only gateway runs the workers without a sidecar', { timeout: TIMEOUT_MS }, async () => {
  harness = await Harness.start({}, ['--only', 'gateway']);
  const ready = harness.process
    .stdout()
    .split('\n')
    .find((line) => line.includes('"msg":"ready:'))!;
  expect(JSON.parse(ready)).toMatchObject({ gateway: harness.gateway, admin: null, decision: null });
  const clients = await harness.clients();
  for (const client of clients) expect((await client.get('/files/x')).status).toBe(401);
  for (const client of clients) client.close();
});

it('what keeps a worker from starting is told once, and leaves nothing behind', { timeout: TIMEOUT_MS }, async () => {
  harness = await Harness.prepare({});
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  harness.configure({ gateway: { port } });
  const refused = harness.run();
  expect(await refused.exit()).toBe(1);
  expect(refused.stderr()).toMatch(new RegExp(`^scopegate: gateway: 127.0.0.1:${port} is already in use; .*\\n$`));
  expect(refused.stdout()).not.toContain('ready:');
  taken.close();
  harness.configure({ upstreams: {} });
  const mistaken = harness.run();
  expect(await mistaken.exit()).toBe(1);
  expect(mistaken.stderr()).toMatch(/gateway\.yaml:1:\d+: /);
  const byHand = scopegate(['child', 'worker-1']);
  expect(await byHand.exit()).toBe(1);
  expect(byHand.stderr()).toMatch(/^scopegate: this command is for `scopegate serve`.*\n$/);
});

it('workers: auto is one for each processor, or a single process where there is but one', {
  timeout: TIMEOUT_MS,
}, async () => {
  harness = await Harness.start({ gateway: { workers: 'auto' } });
  const processors = availableParallelism();
  const { processes } = (await harness.call('GET', 'status')).body;
  const names = Array.from({ length: processors }, (_, index) => `worker-${index + 1}`);
  if (processors === 1) expect(processes).toBeUndefined();
  else expect((processes as { name: string }[]).map(({ name }) => name).sort()).toEqual(['sidecar', ...names].sort());
});
