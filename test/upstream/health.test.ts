import { once } from 'node:events';
import type net from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { UpstreamOptions } from '../../src/upstream/upstream-options.ts';
import {
  ask,
  cleanUp,
  get,
  listen,
  nextTurn,
  OK,
  post,
  type RawServer,
  Recorder,
  serve,
  upstreamTo,
} from './raw-server.ts';

afterEach(cleanUp);

/** A target that can be made to fail; counts the requests that reached it. */
interface Flaky extends RawServer {
  works: boolean;
  requests: number;
}

async function flaky(works = true): Promise<Flaky> {
  const server = await serve((socket) => {
    target.requests += 1;
    if (target.works) socket.write(OK);
    else socket.resetAndDestroy();
  });
  const target: Flaky = Object.assign(server, { works, requests: 0 });
  return target;
}

const BREAKER = { failures: 3, openMs: 1000, maxOpenMs: 4000 };

/** Two targets or more under a clock of the test's own. */
async function harnessOf(targets: readonly Flaky[], options: Partial<UpstreamOptions> = {}) {
  const clock = { now: 0 };
  const changes: string[] = [];
  const upstream = upstreamTo(
    targets.map(({ origin }) => origin),
    {
      breaker: BREAKER,
      nowMs: () => clock.now,
      onChange: (origin, state) => changes.push(`${targets.findIndex((target) => target.origin === origin)} ${state}`),
      ...options,
    },
  );
  const askTimes = async (times: number) => {
    const kinds: string[] = [];
    for (let i = 0; i < times; i += 1) {
      const { failure, body } = await ask(upstream, post({ kind: 'none' }));
      kinds.push(failure?.kind ?? body);
      await nextTurn();
    }
    return kinds;
  };
  const states = () => upstream.targets.map(({ state }) => state);
  return { clock, changes, upstream, askTimes, states };
}

test('a target that fails time and again gets no more requests, and its failures are counted', async () => {
  const bad = await flaky(false);
  const good = await flaky();
  const { upstream, askTimes, states, changes } = await harnessOf([bad, good]);
  const answers = await askTimes(20);
  expect(answers.filter((answer) => answer !== 'ok')).toHaveLength(3);
  expect(bad.requests).toBe(3);
  expect(good.requests).toBe(17);
  expect(states()).toEqual(['ejected', 'up']);
  expect(upstream.targets[0]).toMatchObject({ failures: 3, ejections: 1 });
  expect(changes).toEqual(['0 ejected']);
});

test('one answer among failures keeps a target in', async () => {
  const target = await flaky();
  const { upstream, askTimes, states } = await harnessOf([target, await flaky()]);
  for (let i = 0; i < 5; i += 1) {
    target.works = false;
    await askTimes(4);
    target.works = true;
    await askTimes(2);
  }
  expect(upstream.targets[0]!.failures).toBe(10);
  expect(states()).toEqual(['up', 'up']);
});

test('after a while one request tries an ejected target: it is back, or out for twice as long, up to the most', async () => {
  const bad = await flaky(false);
  const { clock, askTimes, states, changes } = await harnessOf([bad, await flaky()]);
  await askTimes(6);
  expect(bad.requests).toBe(3);
  for (const openMs of [1000, 2000, 4000, 4000]) {
    const before = bad.requests;
    clock.now += openMs - 1;
    expect(await askTimes(4)).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(bad.requests).toBe(before);
    clock.now += 1;
    expect((await askTimes(4)).filter((answer) => answer !== 'ok')).toHaveLength(1);
    expect(bad.requests).toBe(before + 1);
    expect(states()).toEqual(['ejected', 'up']);
  }
  bad.works = true;
  clock.now += 4000;
  expect(await askTimes(4)).toEqual(['ok', 'ok', 'ok', 'ok']);
  expect(states()).toEqual(['up', 'up']);
  expect(changes).toEqual(['0 ejected', '0 up']);
});

test('one that comes and goes stays out for longer each time; one that held on starts anew', async () => {
  const shaky = await flaky(false);
  const { clock, askTimes, states } = await harnessOf([shaky, await flaky()]);
  const outFor = async () => {
    shaky.works = false;
    while (states()[0] !== 'ejected') await askTimes(1);
    shaky.works = true;
    const since = clock.now;
    while (states()[0] !== 'up') {
      clock.now += 500;
      await askTimes(2);
    }
    return clock.now - since;
  };
  expect([await outFor(), await outFor(), await outFor(), await outFor()]).toEqual([1000, 2000, 4000, 4000]);
  clock.now += BREAKER.maxOpenMs;
  expect(await outFor()).toBe(1000);
});

test('a try that its client gives up is followed by another one', async () => {
  const bad = await flaky(false);
  const { clock, upstream, askTimes, states } = await harnessOf([bad, await flaky()]);
  await askTimes(6);
  bad.works = true;
  clock.now += 1000;
  // Equals take turns, and the ejected one is the least loaded or equal: two requests reach it for sure.
  for (const exchange of [upstream.send(get(), new Recorder()), upstream.send(get(), new Recorder())]) exchange.abort();
  expect(states()[0]).toBe('probing');
  await askTimes(4);
  expect(bad.requests).toBe(3);
  clock.now += 1000;
  await askTimes(2);
  expect(states()).toEqual(['up', 'up']);
});

test('when all targets fail all are tried, and the first answer brings the others back into play', async () => {
  const targets = [await flaky(false), await flaky(false), await flaky(false)];
  const { askTimes, states } = await harnessOf(targets);
  await askTimes(9);
  expect(states()).toEqual(['ejected', 'ejected', 'ejected']);
  await askTimes(6);
  expect(targets.map(({ requests }) => requests)).toEqual([5, 5, 5]);
  for (const target of targets) target.works = true;
  // No time has passed: nothing but the answers says that they are back.
  expect(await askTimes(6)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'ok']);
  expect(states()).toEqual(['up', 'up', 'up']);
});

test('a target that is alone is never ejected: the next request finds it well again', async () => {
  const lone = await flaky(false);
  const { upstream, askTimes, states, changes } = await harnessOf([lone]);
  await askTimes(20);
  expect(lone.requests).toBe(20);
  expect(states()).toEqual(['up']);
  expect(upstream.targets[0]).toMatchObject({ failures: 20, ejections: 0 });
  lone.works = true;
  expect(await askTimes(1)).toEqual(['ok']);
  expect(changes).toEqual([]);
});

test('no client can have a target ejected: not by stalled uploads, nor by leaving, nor by errors of the application', async () => {
  const server = await serve((socket, text) => {
    if (text.includes('/error')) socket.write('HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n');
  });
  const upstream = upstreamTo([server.origin, (await listen(() => {})).origin], {
    breaker: { ...BREAKER, failures: 1 },
    timeouts: { connectMs: 2000, headersMs: 2000, idleMs: 40 },
  });
  const stalled = [new Recorder(), new Recorder()];
  for (const recorder of stalled)
    upstream.send(post({ kind: 'length', length: 10 }), recorder).write(Buffer.from('abc'));
  for (const recorder of stalled) expect((await recorder.over).failure?.kind).toBe('timeout');
  const errors = [ask(upstream, get('/error')), ask(upstream, get('/error'))];
  expect((await Promise.race(errors)).answer?.status).toBe(500);
  const left = upstream.send(get(), new Recorder());
  await nextTurn();
  left.abort();
  expect(upstream.targets.map(({ state }) => state)).toEqual(['up', 'up']);
});

const HEALTH = { path: '/healthz', intervalMs: 10, timeoutMs: 1000, failures: 2 };

/** Answers checks as told and everything else with 200. */
async function checked() {
  const target = { status: '200 OK', checks: 0, requests: 0 };
  const server = await serve((socket, text) => {
    if (!text.startsWith('GET /healthz HTTP/1.1\r\n')) {
      target.requests += 1;
      socket.write(OK);
      return;
    }
    target.checks += 1;
    if (target.status === 'silence') return;
    if (target.status === 'reset') socket.resetAndDestroy();
    else socket.write(`HTTP/1.1 ${target.status}\r\nContent-Length: 0\r\n\r\n`);
    server.events.emit('check');
  });
  return Object.assign(server, { target });
}

async function stateOf(
  upstream: { targets: readonly { state: string }[] },
  nth: number,
  state: string,
  server: RawServer,
) {
  while (upstream.targets[nth]!.state !== state) await once(server.events, 'closed');
}

test.each(['503 No', '404 No', 'reset', 'silence'])(
  'a target whose health check says %s gets no requests until it says otherwise',
  async (status) => {
    const sick = await checked();
    const well = await checked();
    sick.target.status = status;
    const changes: string[] = [];
    const upstream = upstreamTo([sick.origin, well.origin], {
      health: { ...HEALTH, timeoutMs: 200 },
      onChange: (origin, state, detail) => changes.push(`${origin} ${state}: ${detail}`),
    });
    await stateOf(upstream, 0, 'unhealthy', sick);
    expect(sick.target.checks).toBeGreaterThanOrEqual(2);
    for (let i = 0; i < 6; i += 1) expect((await ask(upstream)).body).toBe('ok');
    expect([sick.target.requests, well.target.requests]).toEqual([0, 6]);
    sick.target.status = '302 Elsewhere';
    await stateOf(upstream, 0, 'up', sick);
    await Promise.all([ask(upstream), ask(upstream)]);
    expect(sick.target.requests).toBe(1);
    expect(changes).toEqual([
      expect.stringMatching(/ unhealthy: health check: /),
      `${sick.origin} up: health check: answered 302`,
    ]);
  },
);

test('when every health check fails, all targets are used all the same', async () => {
  const lone = await checked();
  lone.target.status = '503 No';
  const upstream = upstreamTo(lone.origin, { health: HEALTH });
  await stateOf(upstream, 0, 'unhealthy', lone);
  expect((await ask(upstream)).body).toBe('ok');
});

test('a health check takes no connection from the pool, and counts as no request', async () => {
  const server = await checked();
  const upstream = upstreamTo(server.origin, { health: HEALTH, maxConnections: 1, maxQueued: 0 });
  let seen: net.Socket | undefined;
  server.events.on('connection', (socket: net.Socket) => (seen = socket));
  const answers = [];
  for (let i = 0; i < 5; i += 1) {
    await once(server.events, 'check');
    answers.push((await ask(upstream)).body);
    await nextTurn();
  }
  expect(answers).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
  expect(seen).toBeDefined();
  expect(upstream.stats).toEqual({ open: 1, idle: 1, active: 0, queued: 0 });
});

test('a stall of this process is not taken for one of the target', async () => {
  let held: net.Socket | undefined;
  const server = await serve((socket, text) => {
    if (text.includes('/healthz')) {
      held = socket;
      server.events.emit('check');
      return;
    }
    // In an I/O callback: timers come next, and only then the answer written here is read.
    held!.write(OK);
    const until = performance.now() + 300;
    while (performance.now() < until);
    socket.write(OK);
  });
  const changes: string[] = [];
  const health = { ...HEALTH, intervalMs: 60_000, timeoutMs: 200, failures: 1 };
  const upstream = upstreamTo(server.origin, { health, onChange: (_, state) => changes.push(state) });
  await once(server.events, 'check');
  const [, answer] = await Promise.all([once(server.events, 'closed'), ask(upstream)]);
  expect(answer.body).toBe('ok');
  expect(changes).toEqual([]);
});

test.each(['close', 'destroy'] as const)('no health check outlives %s', async (way) => {
  const server = await checked();
  const upstream = upstreamTo(server.origin, { health: HEALTH });
  await once(server.events, 'check');
  await upstream[way]();
  const { checks } = server.target;
  const others = upstreamTo(server.origin, { health: { ...HEALTH, path: '/other' } });
  // Ten intervals of another one, by the server's count, and none of ours among them.
  while (server.target.requests < 10) await once(server.events, 'closed');
  others.destroy();
  expect(server.target.checks).toBe(checks);
});
