import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { ask, cleanUp, get, later, listen, nextTurn, OK, Recorder, serve, upstreamTo } from './raw-server.ts';

afterEach(cleanUp);

test('an aborted request destroys its connection and its listener hears nothing more', async () => {
  const server = await serve((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123'));
  const upstream = upstreamTo(server.origin);
  const recorder = new Recorder();
  const exchange = upstream.send(get(), recorder);
  await once(recorder.events, 'data');
  const caughtUp = recorder.calls.length;
  exchange.abort();
  expect(upstream.stats.open).toBe(0);
  await once(server.events, 'closed');
  await nextTurn();
  expect(recorder.calls).toHaveLength(caughtUp);
});

test.each(['informational', 'head', 'data'] as const)(
  'an abort from within %s is the last thing heard',
  async (event) => {
    const server = await serve((socket) => {
      socket.write(
        'HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n',
      );
    });
    const upstream = upstreamTo(server.origin);
    const recorder = new Recorder();
    recorder.events.on(event, () => exchange.abort());
    const exchange = upstream.send(get(), recorder);
    await once(server.events, 'closed');
    expect(recorder.calls.at(-1)).toBe(event);
    expect(recorder.calls.filter((call) => call === event)).toHaveLength(1);
  },
);

test('a request aborted before its connection is there never reaches the upstream', async () => {
  const server = await listen(() => {});
  const upstream = upstreamTo(server.origin);
  const recorder = new Recorder();
  upstream.send(get(), recorder).abort();
  expect(upstream.stats).toEqual({ open: 0, idle: 0, active: 0, queued: 0 });
  await nextTurn();
  expect(recorder.calls).toEqual([]);
});

function uncaught(): Promise<unknown> {
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  later(() => {
    process.removeAllListeners('uncaughtException');
    for (const other of others) process.on('uncaughtException', other);
  });
  return new Promise((resolve) => process.once('uncaughtException', resolve));
}

test.each(['informational', 'head', 'data', 'end', 'failed'] as const)(
  'a listener that throws in %s shows as uncaught and harms no other exchange',
  async (event) => {
    const server = await serve((socket, text) => {
      if (text.includes('/fail')) socket.destroy();
      else
        socket.write(
          `HTTP/1.1 103 Hint\r\n\r\n${OK.replace('Content-Length: 2', 'Transfer-Encoding: chunked').slice(0, -2)}2\r\nok\r\n0\r\n\r\n`,
        );
    });
    const upstream = upstreamTo(server.origin);
    const caught = uncaught();
    const recorder = new Recorder();
    recorder.events.on(event, () => {
      throw new Error('a bug');
    });
    upstream.send(get(event === 'failed' ? '/fail' : '/'), recorder);
    const others = await Promise.all([ask(upstream), ask(upstream), ask(upstream)]);
    expect(await caught).toMatchObject({ message: 'a bug' });
    expect(recorder.calls.at(-1)).toBe(event);
    expect(others.map((other) => other.body)).toEqual(['ok', 'ok', 'ok']);
    await nextTurn();
    expect(upstream.pendingCount).toBe(0);
    expect((await ask(upstream)).body).toBe('ok');
  },
);

test('close lets go of idle connections at once and lets everything begun finish', async () => {
  const server = await serve((socket, text) => {
    if (text.includes('/slow')) server.events.emit('slow', socket);
    else socket.write(OK);
  });
  const upstream = upstreamTo(server.origin, { maxConnections: 2 });
  await Promise.all([ask(upstream), ask(upstream)]);
  await nextTurn();
  const slow = ask(upstream, get('/slow'));
  const [socket] = await once(server.events, 'slow');
  let closed = false;
  const closing = upstream.close().then(() => {
    closed = true;
  });
  expect(upstream.stats).toEqual({ open: 1, idle: 0, active: 1, queued: 0 });
  expect((await ask(upstream)).failure?.kind).toBe('unreachable');
  expect(closed).toBe(false);
  socket.write(OK);
  expect((await slow).body).toBe('ok');
  await closing;
  expect(upstream.stats).toEqual({ open: 0, idle: 0, active: 0, queued: 0 });
});

test('close also lets those finish who wait for a connection', async () => {
  const server = await serve((socket) => socket.write(OK));
  const upstream = upstreamTo(server.origin, { maxConnections: 1, maxQueued: 2 });
  const answers = [ask(upstream), ask(upstream), ask(upstream)];
  await upstream.close();
  expect((await Promise.all(answers)).map((answer) => answer.body)).toEqual(['ok', 'ok', 'ok']);
});

test('a retired upstream serves who comes late, keeps no connection, and says when none is left', async () => {
  const server = await serve((socket) => socket.write(OK));
  const upstream = upstreamTo(server.origin);
  await ask(upstream);
  await nextTurn();
  expect(upstream.stats.idle).toBe(1);
  await upstream.retire();
  expect(upstream.stats.open).toBe(0);
  expect((await ask(upstream)).body).toBe('ok');
  await nextTurn();
  expect(upstream.stats.open).toBe(0);
});

test('destroy fails everything begun, once', async () => {
  const server = await listen(() => {});
  const upstream = upstreamTo(server.origin, { maxConnections: 1 });
  const recorders = [new Recorder(), new Recorder()];
  for (const recorder of recorders) upstream.send(get(), recorder);
  upstream.destroy();
  expect(recorders.flatMap((recorder) => recorder.calls)).toEqual([]);
  await Promise.all(recorders.map((recorder) => recorder.over));
  await upstream.close();
  expect(recorders.map((recorder) => recorder.calls)).toEqual([['failed'], ['failed']]);
  expect(upstream.stats).toEqual({ open: 0, idle: 0, active: 0, queued: 0 });
});

test('thousands of exchanges on one connection leave no listeners and no warnings behind', async () => {
  const warnings: Error[] = [];
  const warn = (warning: Error) => warnings.push(warning);
  process.on('warning', warn);
  later(() => process.off('warning', warn));
  const server = await serve((socket) => socket.write(OK));
  const upstream = upstreamTo(server.origin, { maxConnections: 1 });
  for (let i = 0; i < 2000; i += 1) expect((await ask(upstream)).failure).toBeUndefined();
  expect(server.sockets).toHaveLength(1);
  expect(warnings).toEqual([]);
});

test('hundreds of connections come and go without a parser mixing them up', async () => {
  const server = await serve((socket, text) => {
    const name = text.split(' ')[1]!;
    const answer = `HTTP/1.1 200 OK\r\nX-Name: ${name}\r\nContent-Length: ${name.length}\r\n\r\n${name}`;
    socket.write(answer.slice(0, 25));
    setImmediate(() => socket.write(answer.slice(25)));
  });
  for (let round = 0; round < 3; round += 1) {
    const upstream = upstreamTo(server.origin, { maxConnections: 400 });
    const names = Array.from({ length: 400 }, (_, i) => `/${round}/${i}`);
    const answers = await Promise.all(names.map((name) => ask(upstream, get(name))));
    expect(answers.map((answer) => answer.body)).toEqual(names);
    expect(answers.map((answer) => answer.answer?.headers[1])).toEqual(names);
    upstream.destroy();
  }
});

test('a process with nothing but idle upstream connections exits', async () => {
  const server = await serve((socket) => socket.write(OK));
  const module = fileURLToPath(new URL('../../src/upstream/upstream.ts', import.meta.url));
  const script = `
    import { Upstream } from ${JSON.stringify(module)};
    const timeouts = { connectMs: 9000, headersMs: 9000, idleMs: 9000 };
    const upstream = new Upstream({ targets: ['${server.origin}'], timeouts, maxConnections: 1, keepAliveMs: 9000 });
    const request = { method: 'GET', target: '/', headerLines: '', body: { kind: 'none' } };
    const alive = setInterval(() => {}, 9000);
    const end = () => { clearInterval(alive); console.log('end'); };
    upstream.send(request, { head() {}, data: () => true, end, failed: console.error });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const since = performance.now();
  const [[output], [code]] = await Promise.all([once(child.stdout, 'data'), once(child, 'exit')]);
  expect([String(output), code]).toEqual(['end\n', 0]);
  expect(performance.now() - since).toBeLessThan(8000);
});
