import { once } from 'node:events';
import type net from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { RetryBudget } from '../../src/upstream/retry-budget.ts';
import {
  ask,
  cleanUp,
  deadOrigin,
  get,
  listen,
  nextTurn,
  OK,
  post,
  Recorder,
  serve,
  upstreamTo,
} from './raw-server.ts';

afterEach(cleanUp);

const NO_BREAKER = { failures: 1_000_000, openMs: 1, maxOpenMs: 1 };
const RETRIES = { attempts: 1, budgetPercent: 20, minPerSecond: 1000 };

test('a connection that cannot be made is tried at the next target, for every method and with the body that waited', async () => {
  const received: string[] = [];
  const server = await serve((socket, text) => {
    received.push(text);
    socket.write(OK);
  });
  const upstream = upstreamTo([await deadOrigin(), server.origin], { breaker: NO_BREAKER });
  for (let i = 0; i < 4; i += 1) {
    const recorder = new Recorder();
    const exchange = upstream.send(post({ kind: 'length', length: 3 }), recorder);
    exchange.write(Buffer.from('abc'));
    exchange.end();
    expect((await recorder.over).body).toBe('ok');
  }
  expect(upstream.retries).toBe(2);
  expect(received.map((text) => text.split('\r\n\r\n')[1])).toEqual(['abc', 'abc', 'abc', 'abc']);
});

test('a target to which no connection comes about in time is passed over for the next one', async () => {
  const silent = await silentOrigin();
  const server = await serve((socket) => socket.write(OK));
  const upstream = upstreamTo([silent, server.origin], {
    breaker: NO_BREAKER,
    timeouts: { connectMs: 60, headersMs: 2000, idleMs: 2000 },
  });
  const answers = await Promise.all([ask(upstream), ask(upstream)]);
  expect(answers.map((answer) => answer.body)).toEqual(['ok', 'ok']);
  expect(upstream.retries).toBe(1);
});

test('each target is tried once, then the failure is the one of the last', async () => {
  const origins = [await deadOrigin(), await deadOrigin(), await deadOrigin()];
  const upstream = upstreamTo(origins, { breaker: NO_BREAKER });
  const { failure, calls } = await ask(upstream);
  expect(failure).toEqual({ kind: 'unreachable', detail: expect.stringContaining('ECONNREFUSED') });
  expect(calls).toEqual(['failed']);
  expect(upstream.retries).toBe(2);
  expect(upstream.targets.map((target) => target.failures)).toEqual([1, 1, 1]);
});

test('a client that has gone is not sent on to the next target', async () => {
  const silent = await silentOrigin();
  const server = await serve((socket) => socket.write(OK));
  const upstream = upstreamTo([silent, server.origin], { timeouts: { connectMs: 40, headersMs: 2000, idleMs: 2000 } });
  const recorder = new Recorder();
  upstream.send(get(), recorder).abort();
  await ask(upstream);
  await ask(upstream);
  expect(recorder.calls).toEqual([]);
  expect(server.sockets.length).toBeLessThanOrEqual(2);
});

test('without being told to, nothing that was sent is sent again', async () => {
  let requests = 0;
  const resets = await Promise.all(
    [1, 2].map(() =>
      serve((socket) => {
        requests += 1;
        socket.resetAndDestroy();
      }),
    ),
  );
  const upstream = upstreamTo(resets.map(({ origin }) => origin));
  expect((await ask(upstream)).failure?.kind).toBe('unreachable');
  expect(requests).toBe(1);
});

test.each(['GET', 'HEAD', 'OPTIONS'])(
  'told to, a %s that met a reset is answered by another target',
  async (method) => {
    const bad = await serve((socket) => socket.resetAndDestroy());
    const good = await serve((socket) => socket.write(OK));
    const upstream = upstreamTo([bad.origin, good.origin], { retries: RETRIES });
    const answers = [await ask(upstream, get('/', { method })), await ask(upstream, get('/', { method }))];
    expect(answers.map(({ calls }) => calls.at(-1))).toEqual(['end', 'end']);
    expect(bad.sockets).toHaveLength(1);
  },
);

test('told to, a lone target is asked again, as often as told', async () => {
  let requests = 0;
  const server = await serve((socket) => {
    requests += 1;
    if (requests % 3 === 0) socket.write(OK);
    else socket.resetAndDestroy();
  });
  const patient = upstreamTo(server.origin, { retries: { ...RETRIES, attempts: 2 } });
  expect((await ask(patient)).body).toBe('ok');
  expect(requests).toBe(3);
  const hasty = upstreamTo(server.origin, { retries: RETRIES });
  expect((await ask(hasty)).failure?.kind).toBe('unreachable');
  expect(requests).toBe(5);
});

test.each([
  ['a byte of an answer came', 'H'],
  ['the answer was cut short', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123'],
  ['the answer was nonsense', 'Nonsense\r\n\r\n'],
])('told to, a GET is still not sent again once %s', async (_, bytes) => {
  let requests = 0;
  const server = await serve((socket) => {
    requests += 1;
    socket.end(bytes);
  });
  const upstream = upstreamTo(server.origin, { retries: RETRIES });
  expect((await ask(upstream)).failure?.kind).toBe('unreachable');
  expect(requests).toBe(1);
});

test('told to, a GET that got no answer in time is not sent again: that would double the wait', async () => {
  let requests = 0;
  const server = await serve(() => {
    requests += 1;
  });
  const upstream = upstreamTo(server.origin, {
    retries: RETRIES,
    timeouts: { connectMs: 2000, headersMs: 40, idleMs: 2000 },
  });
  expect((await ask(upstream)).failure?.kind).toBe('timeout');
  expect(requests).toBe(1);
});

test('ten thousand upstream closes repeat no POST, PUT, PATCH or DELETE, whatever the settings', {
  timeout: 60_000,
}, async () => {
  const seen = new Map<string, number>();
  let nth = 0;
  // Closes in every way there is: at once, before the head is read, within the answer, and on connections used before.
  const closers = await Promise.all(
    [1, 2, 3].map(() =>
      listen((socket) => {
        socket.on('data', (bytes) => {
          for (const [, id] of bytes.toString('latin1').matchAll(/X-Id: (\d+)/g))
            seen.set(id!, (seen.get(id!) ?? 0) + 1);
          nth += 1;
          if (nth % 5 === 0) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
          else if (nth % 5 === 1) socket.end();
          else if (nth % 5 === 2) socket.resetAndDestroy();
          else if (nth % 5 === 3) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12');
          else
            socket.write('HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n', () => socket.end());
        });
      }),
    ),
  );
  const upstream = upstreamTo([...closers.map(({ origin }) => origin), await deadOrigin()], {
    retries: { attempts: 10, budgetPercent: 100, minPerSecond: 10_000 },
    breaker: NO_BREAKER,
    maxConnections: 50,
    maxQueued: 1000,
  });
  const methods = ['POST', 'PUT', 'PATCH', 'DELETE'];
  let failed = 0;
  for (let round = 0; round < 100; round += 1) {
    const answers = Array.from({ length: 100 }, (_, i) => {
      const headerLines = `X-Id: ${round * 100 + i}\r\n`;
      const body = i % 2 === 0 ? ({ kind: 'none' } as const) : ({ kind: 'length', length: 2 } as const);
      const recorder = new Recorder();
      const exchange = upstream.send(post(body, { method: methods[i % 4]!, headerLines }), recorder);
      if (i % 2 === 1) {
        exchange.write(Buffer.from('xy'));
        exchange.end();
      }
      return recorder.over;
    });
    for (const { failure } of await Promise.all(answers)) failed += failure === undefined ? 0 : 1;
  }
  expect([...seen].filter(([, times]) => times > 1)).toEqual([]);
  expect(seen.size).toBeGreaterThan(9000);
  expect(failed).toBeGreaterThan(3000);
});

test('an outage is not multiplied by retries', async () => {
  let requests = 0;
  const server = await serve((socket) => {
    requests += 1;
    socket.resetAndDestroy();
  });
  let now = 0;
  const retries = { attempts: 3, budgetPercent: 20, minPerSecond: 10 };
  const upstream = upstreamTo(server.origin, { retries, nowMs: () => now });
  for (let i = 0; i < 500; i += 1) {
    expect((await ask(upstream)).failure?.kind).toBe('unreachable');
    now += 1;
  }
  // Half a second: a fifth of 500, and 10 at once, and 5 for the time.
  expect(upstream.retries).toBeGreaterThan(90);
  expect(upstream.retries).toBeLessThanOrEqual(100 + 10 + 5);
  expect(requests).toBe(500 + upstream.retries);
});

test('the budget saves up little, and gives out nothing where it is told to give nothing', () => {
  const budget = new RetryBudget({ attempts: 1, budgetPercent: 50, minPerSecond: 2 }, 0);
  const withdrawn = (now: number) => {
    let count = 0;
    while (budget.withdraw(now)) count += 1;
    return count;
  };
  expect(withdrawn(0)).toBe(2);
  expect(withdrawn(499)).toBe(0);
  expect(withdrawn(500)).toBe(1);
  expect(withdrawn(1e9)).toBe(2);
  for (let i = 0; i < 7; i += 1) budget.deposit();
  expect(withdrawn(1e9)).toBe(3);
  for (let i = 0; i < 1e5; i += 1) budget.deposit();
  expect(withdrawn(1e9)).toBe(100);
  const none = new RetryBudget({ attempts: 1, budgetPercent: 0, minPerSecond: 0 }, 0);
  none.deposit();
  expect(none.withdraw(1e9)).toBe(false);
});

test('retries after a drain has begun are none', async () => {
  const bad = await listen((socket) => socket.once('data', () => bad.events.emit('request', socket)));
  const good = await serve((socket) => socket.write(OK));
  const upstream = upstreamTo([bad.origin, good.origin], { retries: RETRIES });
  const answer = ask(upstream);
  const [socket] = (await once(bad.events, 'request')) as [net.Socket];
  const closing = upstream.close();
  socket.resetAndDestroy();
  expect((await answer).failure?.kind).toBe('unreachable');
  await closing;
  await nextTurn();
  expect(good.sockets).toHaveLength(0);
  expect(upstream.stats.open).toBe(0);
});

/** Accepts TCP and never says a word of TLS. */
async function silentOrigin(): Promise<string> {
  return (await listen(() => {})).origin.replace('http:', 'https:');
}
