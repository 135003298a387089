import { once } from 'node:events';
import type net from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { timePasses } from '../support/time.ts';
import { ask, cleanUp, get, listen, OK, post, Recorder, serve, upstreamTo } from './raw-server.ts';

afterEach(cleanUp);

const LONG = 60_000;
const timeouts = (short: object) => ({ timeouts: { connectMs: LONG, headersMs: LONG, idleMs: LONG, ...short } });

/** No upper limit here: by any other of its limits it would take longer than a test may. */
async function timedOut(recorder: Recorder, since: number, atLeast: number): Promise<void> {
  await recorder.over;
  const took = performance.now() - since;
  expect(recorder.failure?.kind).toBe('timeout');
  expect(took).toBeGreaterThanOrEqual(atLeast - 2);
}

test('a connection that does not come about in time times out, TLS included', async () => {
  // Accepts TCP and never says a word of TLS.
  const server = await listen(() => {});
  const upstream = upstreamTo(server.origin.replace('http:', 'https:'), timeouts({ connectMs: 80 }));
  const recorder = new Recorder();
  const since = performance.now();
  upstream.send(get(), recorder);
  await timedOut(recorder, since, 80);
  expect(upstream.stats.open).toBe(0);
});

test('an upstream that never answers times out', async () => {
  const server = await listen(() => {});
  const recorder = new Recorder();
  const since = performance.now();
  upstreamTo(server.origin, timeouts({ headersMs: 80 })).send(get(), recorder);
  await timedOut(recorder, since, 80);
  expect(recorder.failure?.detail).toContain('no answer in time');
});

test("a request may bring times of its own: a shorter one is seen as soon, a longer one holds beside the upstream's", async () => {
  const server = await listen((socket) => socket.on('data', () => setTimeout(() => socket.write(OK), 250)));
  const patient = upstreamTo(server.origin, timeouts({}));
  const own = (headersMs: number) => ({ ...get(), timeouts: { connectMs: LONG, headersMs, idleMs: LONG } });
  // The upstream looks at its deadlines every 250 ms, until somebody comes who has less time.
  const [first, hasty] = [new Recorder(), new Recorder()];
  patient.send(get(), first);
  const since = performance.now();
  patient.send(own(60), hasty);
  await timedOut(hasty, since, 60);
  expect(first.calls).toEqual([]);
  expect((await first.over).calls.at(-1)).toBe('end');

  const short = upstreamTo(server.origin, timeouts({ headersMs: 60 }));
  const waiting = new Recorder();
  short.send(own(LONG), waiting);
  expect((await waiting.over).calls.at(-1)).toBe('end');
});

test('informational answers buy no time', async () => {
  const server = await serve((socket) => {
    const repeat = setInterval(() => socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 20);
    socket.on('close', () => clearInterval(repeat));
  });
  const recorder = new Recorder();
  const since = performance.now();
  upstreamTo(server.origin, timeouts({ headersMs: 120 })).send(get(), recorder);
  await timedOut(recorder, since, 120);
  expect(recorder.informationals.length).toBeGreaterThan(0);
});

test('the time for the head begins when the request is complete', async () => {
  const server = await listen((socket) => {
    socket.on('data', (chunk) => chunk.includes('0\r\n\r\n') && setTimeout(() => socket.write(OK), 60));
  });
  const recorder = new Recorder();
  const upstream = upstreamTo(server.origin, timeouts({ headersMs: 100 }));
  const exchange = upstream.send(post({ kind: 'chunked' }), recorder);
  exchange.write(Buffer.from('all but the end'));
  await timePasses(150, 'longer than a head may take');
  exchange.end();
  expect((await recorder.over).calls.at(-1)).toBe('end');
});

test('an upload that stalls times out', async () => {
  const server = await listen(() => {});
  const recorder = new Recorder();
  const since = performance.now();
  const exchange = upstreamTo(server.origin, timeouts({ idleMs: 80 })).send(
    post({ kind: 'length', length: 4 }),
    recorder,
  );
  exchange.write(Buffer.from('12'));
  await timedOut(recorder, since, 80);
  expect(recorder.failure?.detail).toContain('stalled');
});

test('an upload an upstream does not read times out', async () => {
  const server = await listen((socket) => socket.pause());
  const recorder = new Recorder();
  const exchange = upstreamTo(server.origin, timeouts({ idleMs: 80 })).send(post({ kind: 'chunked' }), recorder);
  exchange.write(Buffer.alloc(32 * 1024 * 1024));
  exchange.end();
  await recorder.over;
  expect(recorder.failure).toMatchObject({ kind: 'timeout', detail: expect.stringContaining('stalled') });
});

test('an answer that stalls times out, one that trickles does not', async () => {
  const server = await serve((socket, text) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0');
    if (text.includes('/stall')) return;
    let sent = 1;
    const trickle = setInterval(() => {
      socket.write(String(sent));
      sent += 1;
      if (sent === 10) clearInterval(trickle);
    }, 25);
    socket.on('close', () => clearInterval(trickle));
  });
  const upstream = upstreamTo(server.origin, timeouts({ idleMs: 100 }));
  const stalled = new Recorder();
  const trickled = ask(upstream);
  upstream.send(get('/stall'), stalled);
  await once(stalled.events, 'data');
  await timedOut(stalled, performance.now(), 100);
  expect(stalled.calls).toEqual(['head', 'data', 'failed']);
  expect((await trickled).body).toBe('0123456789');
});

test('a listener that pauses gets the same time, and again from each resume', async () => {
  const server = await serve((socket) =>
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n'),
  );
  const recorder = new Recorder();
  recorder.more = false;
  const exchange = upstreamTo(server.origin, timeouts({ idleMs: 100 })).send(get(), recorder);
  await once(recorder.events, 'data');
  const since = performance.now();
  for (let i = 0; i < 2; i += 1) {
    setTimeout(() => exchange.resume(), 70);
    await once(recorder.events, 'data');
  }
  expect(performance.now() - since).toBeGreaterThan(110);
  // A resume that brings nothing counts just the same.
  await timePasses(70, 'less than a listener may take, and with what came before more');
  exchange.resume();
  await timedOut(recorder, performance.now(), 100);
});

test('a request that waits too long for a connection is turned away', async () => {
  const server = await listen(() => {});
  const upstream = upstreamTo(server.origin, { ...timeouts({ connectMs: 60 }), maxConnections: 1 });
  const first = new Recorder();
  upstream.send(get(), first);
  expect((await ask(upstream)).failure?.kind).toBe('overloaded');
  expect(first.calls).toEqual([]);
});

test('an answer that lies ready after a stall of this process still counts', async () => {
  let held: net.Socket | undefined;
  const server = await serve((socket, text) => {
    if (text.includes('/held')) {
      held = socket;
      return;
    }
    // In an I/O callback: timers come next, and only then the answer written here is read.
    held!.write(OK);
    const until = performance.now() + 200;
    while (performance.now() < until);
    socket.write(OK);
  });
  const upstream = upstreamTo(server.origin, timeouts({ headersMs: 120 }));
  const answer = ask(upstream, get('/held'));
  await expect.poll(() => held, { interval: 1 }).toBeDefined();
  await ask(upstream);
  expect((await answer).calls.at(-1)).toBe('end');
});

test('no socket is left once all is over', async () => {
  const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  // Another file's last sockets may be closing still: this one adds none to them.
  const before = sockets();
  const server = await serve((socket) => socket.end(OK));
  const upstream = upstreamTo(server.origin, timeouts({ headersMs: 40 }));
  await ask(upstream);
  await expect.poll(() => upstream.stats).toEqual({ open: 0, idle: 0, active: 0, queued: 0 });
  await expect.poll(sockets).toBeLessThanOrEqual(before);
});
