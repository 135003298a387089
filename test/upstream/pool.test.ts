import { once } from 'node:events';
import type net from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { READ_BYTES } from '../../src/upstream/connection.ts';
import type { Upstream } from '../../src/upstream/upstream.ts';
import { ask, cleanUp, deadOrigin, get, nextTurn, OK, post, Recorder, serve, upstreamTo } from './raw-server.ts';

afterEach(cleanUp);

test('a connection is used again, and the one used last comes first', async () => {
  const server = await serve((socket) => socket.write(OK));
  const upstream = upstreamTo(server.origin);
  await Promise.all([ask(upstream), ask(upstream), ask(upstream)]);
  await nextTurn();
  expect(upstream.stats).toEqual({ open: 3, idle: 3, active: 0, queued: 0 });
  const ports = new Set<number>();
  for (const socket of server.sockets) socket.prependListener('data', () => ports.add(socket.remotePort!));
  for (let i = 0; i < 5; i += 1) {
    await ask(upstream);
    await nextTurn();
  }
  expect(server.sockets).toHaveLength(3);
  expect(ports.size).toBe(1);
});

test.each([
  ['bytes', `${OK}x`],
  ['an empty line', `${OK}\r\n`],
  ['a whole answer', OK + OK],
])('%s behind an answer: it is delivered whole, its connection never used again', async (_, answer) => {
  const server = await serve((socket) => socket.write(answer));
  const upstream = upstreamTo(server.origin);
  for (let i = 1; i <= 2; i += 1) {
    const recorder = await ask(upstream);
    expect(recorder.body).toBe('ok');
    expect(recorder.calls).toEqual(['head', 'data', 'end']);
    expect(upstream.stats.open).toBe(0);
    expect(server.sockets).toHaveLength(i);
  }
});

test('a second answer that fills the next read is never taken for the answer to the next request', async () => {
  // The first answer fills the read buffer to the last byte, so that what follows it is a read of its own.
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 65494\r\n\r\n';
  const poison = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison';
  expect(head.length + 65494).toBe(READ_BYTES);
  const server = await serve((socket) => socket.write(head + 'a'.repeat(65494) + poison));
  const upstream = upstreamTo(server.origin, { maxConnections: 1, maxQueued: 2 });
  const recorders = await Promise.all([ask(upstream), ask(upstream), ask(upstream)]);
  expect(recorders.map((recorder) => recorder.body.length)).toEqual([65494, 65494, 65494]);
});

/** A kept connection on which bytes come after `send`, and before what that has gathered leaves. */
async function poisoned(send: (upstream: Upstream, recorder: Recorder) => void) {
  const server = await serve((socket) => socket.write(OK));
  const upstream = upstreamTo(server.origin);
  await ask(upstream);
  await nextTurn();
  const recorder = new Recorder();
  // Timers run before sockets are read, and these before what was gathered leaves.
  setTimeout(() => {
    server.sockets[0]!.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison');
    send(upstream, recorder);
  });
  return { server, recorder };
}

test.each([
  ['a GET', get()],
  ['a POST', post({ kind: 'none' })],
])('%s is answered by nothing that came before it had left', async (_, request) => {
  const { server, recorder } = await poisoned((upstream, heard) => upstream.send(request, heard));
  expect((await recorder.over).body).toBe('ok');
  expect(server.sockets).toHaveLength(2);
});

test('a request with a body that meets such bytes fails, and is not answered by them', async () => {
  const { recorder } = await poisoned((upstream, heard) =>
    upstream.send(post({ kind: 'length', length: 4 }), heard).write(Buffer.from('ab')),
  );
  expect((await recorder.over).calls).toEqual(['failed']);
  expect(recorder.failure?.detail).toContain('bytes before the request');
});

test('nor is it sent again without its body, where all of that had come', async () => {
  const { server, recorder } = await poisoned((upstream, heard) => {
    const exchange = upstream.send(post({ kind: 'length', length: 4 }), heard);
    exchange.write(Buffer.from('abcd'));
    exchange.end();
  });
  expect((await recorder.over).calls).toEqual(['failed']);
  expect(server.sockets).toHaveLength(1);
});

test('bytes or an end on an idle connection destroy it', async () => {
  const server = await serve((socket) => socket.write(OK));
  const upstream = upstreamTo(server.origin);
  await Promise.all([ask(upstream), ask(upstream)]);
  await nextTurn();
  expect(upstream.stats.idle).toBe(2);
  server.sockets[0]!.write('?');
  await once(server.events, 'closed');
  server.sockets[1]!.end();
  await once(server.events, 'closed');
  expect(upstream.stats.open).toBe(0);
});

test.each([
  ['Connection: close', 'HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n', false],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', false],
  ['HTTP/1.0 with keep-alive', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n', true],
  [
    'HTTP/1.0 chunked',
    'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    false,
  ],
  ['a 204 that announces a body', 'HTTP/1.1 204 OK\r\nContent-Length: 5\r\n\r\n', false],
  ['Keep-Alive of one second', 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n', false],
  ['Keep-Alive of two seconds', 'HTTP/1.1 200 OK\r\nKeep-Alive: max=9, timeout=2\r\nContent-Length: 0\r\n\r\n', true],
])('whether an answer leaves its connection for the next one: %s', async (_, answer, reused) => {
  const server = await serve((socket) => socket.write(answer));
  const upstream = upstreamTo(server.origin);
  expect((await ask(upstream)).calls.at(-1)).toBe('end');
  await nextTurn();
  expect(upstream.stats.open).toBe(reused ? 1 : 0);
});

test('an idle connection is closed in time, sooner when the answer says so', async () => {
  let now = 0;
  const server = await serve((socket, text) => {
    socket.write(text.includes('/hint') ? OK.replace('\r\n', '\r\nKeep-Alive: timeout=2\r\n') : OK);
  });
  const upstream = upstreamTo(server.origin, {
    nowMs: () => now,
    timeouts: { connectMs: 40, headersMs: 40, idleMs: 40 },
  });
  await Promise.all([ask(upstream), ask(upstream, get('/hint'))]);
  await nextTurn();
  now = 999;
  await nextTurn();
  expect(upstream.stats.idle).toBe(2);
  now = 1000;
  await once(server.events, 'closed');
  now = 3999;
  await nextTurn();
  expect(upstream.stats.idle).toBe(1);
  now = 4000;
  await once(server.events, 'closed');
  expect(upstream.stats.open).toBe(0);
});

test('an answer that comes before the request is complete is delivered, its connection is not used again', async () => {
  const server = await serve((socket) => socket.write(OK));
  const upstream = upstreamTo(server.origin);
  const recorder = new Recorder();
  const exchange = upstream.send(post({ kind: 'length', length: 100 }), recorder);
  await recorder.over;
  expect(recorder.calls).toEqual(['head', 'data', 'end']);
  expect(upstream.stats.open).toBe(0);
  expect(exchange.write(Buffer.alloc(1000))).toBe(true);
  exchange.end();
  exchange.resume();
  exchange.abort();
  await nextTurn();
  expect(recorder.calls).toEqual(['head', 'data', 'end']);
});

/** Answers the first request of each connection, and drops the connection at the second. */
function serveOnce(last = '') {
  return serve((socket, _, nth) => {
    if (nth === 1) socket.write(OK);
    else if (last === '') socket.resetAndDestroy();
    else socket.end(last);
  });
}

test.each(['GET', 'HEAD', 'OPTIONS'])(
  'a %s that meets a dying idle connection is sent again on a fresh one',
  async (method) => {
    const server = await serveOnce();
    const upstream = upstreamTo(server.origin);
    // Two idle connections that will both die: the second try must not fall for the other one.
    await Promise.all([ask(upstream), ask(upstream)]);
    await nextTurn();
    const recorder = await ask(upstream, get('/', { method }));
    expect(recorder.calls.at(-1)).toBe('end');
    expect(recorder.calls.filter((call) => call === 'head')).toHaveLength(1);
    expect(server.sockets).toHaveLength(3);
  },
);

test.each([
  ['a POST', post({ kind: 'length', length: 0 })],
  ['a DELETE', get('/', { method: 'DELETE' })],
  ['a GET with a body', get('/', { body: { kind: 'length', length: 0 } })],
])('%s that meets a dying idle connection fails, and is sent once', async (_, request) => {
  const server = await serveOnce();
  const upstream = upstreamTo(server.origin);
  await ask(upstream);
  await nextTurn();
  expect((await ask(upstream, request)).failure?.kind).toBe('unreachable');
  expect(server.sockets).toHaveLength(1);
});

test('a GET is not sent again once any byte of an answer came, nor on a connection that was fresh, nor twice', async () => {
  const answered = await serveOnce('H');
  const upstream = upstreamTo(answered.origin);
  await ask(upstream);
  await nextTurn();
  expect((await ask(upstream)).failure?.kind).toBe('unreachable');
  expect(answered.sockets).toHaveLength(1);

  let requests = 0;
  const dying = await serve((socket) => {
    requests += 1;
    if (requests === 1) socket.write(OK);
    else socket.resetAndDestroy();
  });
  const other = upstreamTo(dying.origin);
  await ask(other);
  await nextTurn();
  expect((await ask(other)).failure?.kind).toBe('unreachable');
  expect(requests).toBe(3);
  expect((await ask(other)).failure?.kind).toBe('unreachable');
  expect(requests).toBe(4);
});

test('requests beyond the connections wait in line, and beyond the line are turned away', async () => {
  const order: string[] = [];
  const waiting: net.Socket[] = [];
  const server = await serve((socket, text) => {
    order.push(text.split(' ')[1]!);
    waiting.push(socket);
    server.events.emit('request');
  });
  const upstream = upstreamTo(server.origin, { maxConnections: 1, maxQueued: 3 });
  const answers = ['/1', '/2', '/3'].map((target) => ask(upstream, get(target)));
  const leaver = new Recorder();
  const leaving = upstream.send(get('/leaver'), leaver);
  const refused = new Recorder();
  upstream.send(get('/refused'), refused);
  expect(refused.calls).toEqual([]);
  expect(upstream.stats).toEqual({ open: 1, idle: 0, active: 1, queued: 3 });
  expect(upstream.pendingCount).toBe(4);
  expect((await refused.over).failure?.kind).toBe('overloaded');
  leaving.abort();
  expect(upstream.stats.queued).toBe(2);
  for (let i = 0; i < 3; i += 1) {
    if (order.length === i) await once(server.events, 'request');
    waiting.shift()!.write(OK);
    expect((await answers[i]!).body).toBe('ok');
  }
  expect(order).toEqual(['/1', '/2', '/3']);
  expect(leaver.calls).toEqual([]);
  expect(server.sockets).toHaveLength(1);
});

test('a connection that breaks makes room for those who wait', async () => {
  const server = await serve((socket, text) => {
    if (text.includes('/bad')) socket.resetAndDestroy();
    else socket.write(OK);
  });
  const upstream = upstreamTo(server.origin, { maxConnections: 1 });
  const [bad, good] = await Promise.all([ask(upstream, get('/bad')), ask(upstream)]);
  expect(bad.failure?.kind).toBe('unreachable');
  expect(good.body).toBe('ok');
});

test('the target with the fewest requests is chosen, and equals take turns', async () => {
  const held: net.Socket[] = [];
  const counts = [0, 0, 0];
  const servers = await Promise.all(
    counts.map((_, i) =>
      serve((socket, text) => {
        counts[i]! += 1;
        if (text.includes('/hold')) held.push(socket);
        else socket.write(OK);
      }),
    ),
  );
  const upstream = upstreamTo(servers.map((server) => server.origin));
  for (let i = 0; i < 6; i += 1) {
    await ask(upstream);
    await nextTurn();
  }
  expect(counts).toEqual([2, 2, 2]);
  const holding = [ask(upstream, get('/hold')), ask(upstream, get('/hold'))];
  for (let i = 0; i < 6; i += 1) {
    await ask(upstream);
    await nextTurn();
  }
  expect([...counts].sort()).toEqual([3, 3, 8]);
  for (const socket of held) socket.write(OK);
  await Promise.all(holding);
});

test('a target given by name is found on whichever of its addresses answers', async () => {
  const server = await serve((socket) => socket.write(OK));
  const upstream = upstreamTo(server.origin.replace('127.0.0.1', 'localhost'));
  expect((await ask(upstream)).body).toBe('ok');
});

test('a target nobody listens on is unreachable, and says so only after send', async () => {
  const origin = await deadOrigin();
  const upstream = upstreamTo(origin);
  const recorder = new Recorder();
  upstream.send(get(), recorder);
  expect(recorder.calls).toEqual([]);
  await recorder.over;
  expect(recorder.failure).toEqual({ kind: 'unreachable', detail: `${origin}: ECONNREFUSED` });
  expect(upstream.pendingCount).toBe(0);
});
