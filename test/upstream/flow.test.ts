import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { ask, cleanUp, get, listen, nextTurn, OK, Recorder, serve, upstreamTo } from './raw-server.ts';

afterEach(cleanUp);

/** Everything, the head included, in as few reads as possible. */
const LENGTH = `HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef`;
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\nT: v\r\n\r\n';

test.each([
  ['length', LENGTH, 1],
  ['chunked', CHUNKED, 2],
])('while paused nothing more is heard, and nothing is lost: %s', async (_, answer, pieces) => {
  const server = await serve((socket) => socket.write(answer));
  const upstream = upstreamTo(server.origin);
  const recorder = new Recorder();
  recorder.more = false;
  const exchange = upstream.send(get(), recorder);
  for (let caughtUp = 1; caughtUp <= pieces; caughtUp += 1) {
    await once(recorder.events, 'data');
    await nextTurn();
    expect(recorder.chunks).toHaveLength(caughtUp);
    expect(recorder.calls.at(-1)).toBe('data');
    exchange.resume();
    exchange.resume();
    expect(recorder.calls.at(-1)).toBe('data');
  }
  await recorder.over;
  expect(recorder.body).toBe('abcdef');
  expect(recorder.calls.at(-1)).toBe('end');
  await nextTurn();
  expect(upstream.stats).toMatchObject({ open: 1, idle: 1 });
  expect((await ask(upstream)).calls.includes('head')).toBe(true);
});

test('a paused answer is not read into memory', async () => {
  const piece = Buffer.alloc(1024 * 1024, 'x');
  const server = await serve((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${64 * piece.length}\r\n\r\n`);
    for (let i = 0; i < 64; i += 1) socket.write(piece);
  });
  const recorder = new Recorder();
  recorder.more = false;
  const exchange = upstreamTo(server.origin).send(get(), recorder);
  await once(recorder.events, 'data');
  for (let i = 0; i < 20; i += 1) await nextTurn();
  expect(recorder.chunks).toHaveLength(1);
  expect(server.sockets[0]!.writableLength).toBeGreaterThan(32 * piece.length);
  recorder.more = true;
  exchange.resume();
  await recorder.over;
  expect(recorder.chunks.reduce((sum, chunk) => sum + chunk.length, 0)).toBe(64 * piece.length);
});

test('pausing at every piece of a large chunked answer loses and reorders nothing', async () => {
  const pieces = Array.from({ length: 300 }, (_, i) =>
    String(i)
      .padStart(4, '0')
      .repeat(1 + (i % 700)),
  );
  const chunks = pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`);
  const answer = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks.join('')}0\r\n\r\n`;
  const server = await serve((socket) => socket.write(answer));
  const recorder = new Recorder();
  recorder.more = false;
  const exchange = upstreamTo(server.origin).send(get(), recorder);
  recorder.events.on('data', () => process.nextTick(() => exchange.resume()));
  await recorder.over;
  expect(recorder.body === pieces.join('')).toBe(true);
  expect(recorder.calls.at(-1)).toBe('end');
});

test('the end of the connection behind a paused body does not overtake it', async () => {
  const server = await serve((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nto the end'));
  const recorder = new Recorder();
  recorder.more = false;
  const exchange = upstreamTo(server.origin).send(get(), recorder);
  await once(recorder.events, 'data');
  await nextTurn();
  expect(recorder.calls).toEqual(['head', 'data']);
  exchange.resume();
  await recorder.over;
  expect(recorder.calls).toEqual(['head', 'data', 'end']);
});

test('one exchange resumed from within another one disturbs neither', async () => {
  const answers = [CHUNKED, CHUNKED.replace('abc', 'uvw').replace('def', 'xyz').replace('T: v', 'U: w')];
  const server = await serve((socket, text) => socket.write(answers[Number(text[5])]!));
  const upstream = upstreamTo(server.origin);
  const first = new Recorder();
  first.more = false;
  const held = upstream.send(get('/0'), first);
  await once(first.events, 'data');
  first.more = true;
  const second = new Recorder();
  second.events.on('data', () => held.resume());
  upstream.send(get('/1'), second);
  await Promise.all([first.over, second.over]);
  expect([first.body, second.body]).toEqual(['abcdef', 'uvwxyz']);
  expect([first.trailers, second.trailers]).toEqual([
    ['T', 'v'],
    ['U', 'w'],
  ]);
});

test('bytes behind a paused answer still cost the connection', async () => {
  const server = await serve((socket) => socket.write(`${OK}surplus`));
  const upstream = upstreamTo(server.origin);
  const recorder = new Recorder();
  recorder.more = false;
  const exchange = upstream.send(get(), recorder);
  await once(recorder.events, 'data');
  exchange.resume();
  await recorder.over;
  expect(recorder.calls.at(-1)).toBe('end');
  expect(upstream.stats.open).toBe(0);
});

test('both directions flow at once', async () => {
  const server = await listen((socket) => {
    let head = true;
    socket.on('data', (chunk) => {
      const body = head ? chunk.subarray(chunk.indexOf('\r\n\r\n') + 4) : chunk;
      if (head) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n');
      head = false;
      socket.write(body);
    });
  });
  const upstream = upstreamTo(server.origin);
  const recorder = new Recorder();
  const exchange = upstream.send(get('/', { method: 'POST', body: { kind: 'length', length: 8 } }), recorder);
  exchange.write(Buffer.from('ping'));
  await once(recorder.events, 'data');
  exchange.write(Buffer.from('pong'));
  exchange.end();
  await recorder.over;
  expect(recorder.body).toBe('pingpong');
  await nextTurn();
  expect(upstream.stats.idle).toBe(1);
});
