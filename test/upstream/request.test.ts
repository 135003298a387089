import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { ask, cleanUp, get, listen, nextTurn, OK, post, Recorder, serve, upstreamTo } from './raw-server.ts';

afterEach(cleanUp);

async function wireOf(request = get()): Promise<string> {
  let wire = '';
  const server = await serve((socket, text) => {
    wire = text;
    socket.write(OK);
  });
  await ask(upstreamTo(server.origin), request);
  return wire.replace(server.origin.slice('http://'.length), 'TARGET');
}

/** A server that keeps what it gets and answers once it has seen `until`. */
async function sink(until: string) {
  const seen = { text: '' };
  const server = await listen((socket) => {
    socket.setEncoding('latin1').on('data', (chunk) => {
      seen.text += chunk;
      server.events.emit('bytes');
      if (seen.text.endsWith(until)) socket.write(OK);
    });
  });
  return { seen, server };
}

test('a request goes out as given, with the target as host and no framing for no body', async () => {
  expect(await wireOf(get('/a?b=\xe9', { headerLines: 'X-One: \xfc\r\nx-two: 2\r\n' }))).toBe(
    'GET /a?b=\xe9 HTTP/1.1\r\nHost: TARGET\r\nX-One: \xfc\r\nx-two: 2\r\n\r\n',
  );
});

test('a given host is sent instead of the target', async () => {
  expect(await wireOf(get('/', { host: 'api.example' }))).toContain('\r\nHost: api.example\r\n');
});

test('an empty body announces its emptiness', async () => {
  expect(await wireOf(post({ kind: 'length', length: 0 }))).toBe(
    'POST / HTTP/1.1\r\nHost: TARGET\r\nContent-Length: 0\r\n\r\n',
  );
});

test.each([
  ['a line break in the target', get('/a\r\nX: y')],
  ['a space in the target', get('/a HTTP/1.1')],
  ['a line break in the host', get('/', { host: 'a\r\nb' })],
  ['a header char that latin1 would turn into a line feed', get('/', { headerLines: 'X: a\u010ab: c\r\n' })],
  ['CONNECT', get('example:443', { method: 'CONNECT' })],
])('%s never reaches an upstream', async (_, request) => {
  const server = await serve((socket) => socket.write(OK));
  const recorder = await ask(upstreamTo(server.origin), request);
  expect(recorder.calls).toEqual(['failed']);
  expect(server.sockets).toHaveLength(0);
});

test('a body of known length goes out untouched behind its length', async () => {
  const { seen, server } = await sink('hello');
  const recorder = new Recorder();
  const exchange = upstreamTo(server.origin).send(post({ kind: 'length', length: 5 }), recorder);
  exchange.write(Buffer.from('he'));
  exchange.write(Buffer.from('llo'));
  exchange.end();
  await recorder.over;
  expect(recorder.calls.at(-1)).toBe('end');
  expect(seen.text).toMatch(/\r\nContent-Length: 5\r\n\r\nhello$/);
});

test('a small body that is there leaves with its head, whatever its bytes, and what comes later behind it', async () => {
  const { seen, server } = await sink('later');
  const recorder = new Recorder();
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const exchange = upstreamTo(server.origin).send(post({ kind: 'length', length: 261 }), recorder);
  exchange.write(bytes);
  await once(server.events, 'bytes');
  expect(seen.text.endsWith(`\r\nContent-Length: 261\r\n\r\n${bytes.toString('latin1')}`)).toBe(true);
  exchange.write(Buffer.from('later'));
  exchange.end();
  await recorder.over;
  expect(seen.text.endsWith(`${bytes.toString('latin1')}later`)).toBe(true);
});

test('a body of unknown length goes out in chunks, with its trailers, and an empty piece does not end it', async () => {
  const { seen, server } = await sink('X-Sum: 7\r\n\r\n');
  const upstream = upstreamTo(server.origin);
  await Promise.all(
    [1, 2].map(async () => {
      const recorder = new Recorder();
      const exchange = upstream.send(post({ kind: 'chunked' }), recorder);
      exchange.write(Buffer.from('hello'));
      exchange.write(Buffer.alloc(0));
      exchange.write(Buffer.from('0123456789abcdef'));
      exchange.end('X-Sum: 7\r\n');
      await recorder.over;
    }),
  );
  const wire = '\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nX-Sum: 7\r\n\r\n';
  expect(seen.text.split(wire)).toHaveLength(3);
});

test('a piece of body written on a connection that is there leaves without waiting for the rest', async () => {
  const { seen, server } = await sink('never');
  const recorder = new Recorder();
  const exchange = upstreamTo(server.origin).send(post({ kind: 'length', length: 10 }), recorder);
  await once(server.events, 'bytes');
  exchange.write(Buffer.from('half'));
  await once(server.events, 'bytes');
  expect(seen.text).toMatch(/half$/);
});

test('a body longer than announced fails loudly and its surplus is never sent', async () => {
  const { seen, server } = await sink('never');
  const recorder = new Recorder();
  const exchange = upstreamTo(server.origin).send(post({ kind: 'length', length: 4 }), recorder);
  await once(server.events, 'bytes');
  exchange.write(Buffer.from('1234'));
  await once(server.events, 'bytes');
  exchange.write(Buffer.from('SURPLUS'));
  expect(recorder.calls).toEqual([]);
  await Promise.all([recorder.over, once(server.events, 'closed')]);
  expect(recorder.failure).toMatchObject({ kind: 'unreachable', detail: expect.stringContaining('longer') });
  expect(seen.text).toMatch(/\r\n\r\n1234$/);
});

test('a body shorter than announced fails loudly', async () => {
  const { server } = await sink('never');
  const recorder = new Recorder();
  const exchange = upstreamTo(server.origin).send(post({ kind: 'length', length: 4 }), recorder);
  await once(server.events, 'bytes');
  exchange.write(Buffer.from('12'));
  exchange.end();
  await Promise.all([recorder.over, once(server.events, 'closed')]);
  expect(recorder.failure).toMatchObject({ kind: 'unreachable', detail: expect.stringContaining('shorter') });
});

test('write says stop when the upstream does not read, and drained says go on', async () => {
  const server = await listen((socket) => socket.pause());
  const recorder = new Recorder();
  const exchange = upstreamTo(server.origin).send(post({ kind: 'chunked' }), recorder);
  expect(exchange.write(Buffer.from('before the connection is there'))).toBe(false);
  await once(recorder.events, 'drained');
  // What the kernel takes drains within a few turns; once it takes no more, nobody says go on.
  const piece = Buffer.alloc(64 * 1024);
  let quiet = 0;
  for (let written = 0; quiet < 20; written += 1) {
    const caughtUp = recorder.calls.length;
    const open = exchange.write(piece);
    for (quiet = 0; !open && quiet < 20 && recorder.calls.length === caughtUp; quiet += 1) await nextTurn();
    expect(written).toBeLessThan(1000);
  }
  server.sockets[0]!.resume();
  await once(recorder.events, 'drained');
});
