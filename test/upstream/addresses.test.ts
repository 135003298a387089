import { once } from 'node:events';
import net from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { ask, cleanUp, later, nextTurn, OK, upstreamTo } from './raw-server.ts';

afterEach(cleanUp);

/** A server on one of this machine's addresses that says which one it is. */
async function serveOn(address: string, port = 0) {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', () => socket.write(OK.replace('Length: 2', `Length: ${address.length}`).replace('ok', address)));
  });
  server.listen(port, address);
  await once(server, 'listening');
  later(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as net.AddressInfo).port, sockets };
}

/** A name whose addresses can be changed. */
function nameFor(addresses: string[]) {
  const name = { addresses, lookups: 0 };
  const lookup: net.LookupFunction = (_host, options, callback) => {
    name.lookups += 1;
    const all = name.addresses.map((address) => ({ address, family: net.isIP(address) }));
    process.nextTick(() => {
      if (all.length === 0) callback(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), '', 0);
      else if (options.all === true) callback(null, all);
      else callback(null, all[0]!.address, all[0]!.family);
    });
  };
  return Object.assign(name, { lookup });
}

test('a name that has moved is followed by every new connection, and by the old ones within their age', async () => {
  const before = await serveOn('127.0.0.1');
  const after = await serveOn('127.0.0.2', before.port);
  const name = nameFor(['127.0.0.1']);
  let now = 0;
  const upstream = upstreamTo(`http://upstream.test:${before.port}`, {
    lookup: name.lookup,
    nowMs: () => now,
    keepAliveMs: 5000,
    maxConnectionAgeMs: 60_000,
  });
  const bodies: string[] = [];
  for (now = 0; now < 120_000; now += 1000) {
    if (now === 10_000) name.addresses = ['127.0.0.2'];
    bodies.push((await ask(upstream)).body);
    await nextTurn();
  }
  const moved = bodies.indexOf('127.0.0.2');
  // Never idle for long, so nothing but its age ends the old connection; a fifth of the age is left to chance.
  expect(moved).toBeGreaterThanOrEqual(45);
  expect(moved).toBeLessThanOrEqual(61);
  expect(bodies.slice(moved).every((body) => body === '127.0.0.2')).toBe(true);
  expect(before.sockets).toHaveLength(1);
  expect(after.sockets.length).toBeLessThanOrEqual(3);
  expect(name.lookups).toBe(1 + after.sockets.length);
});

test('of several addresses the one that answers is found, and the failure is told when none does', async () => {
  const server = await serveOn('127.0.0.3');
  const name = nameFor(['127.0.0.4', '::1', '127.0.0.3']);
  const origin = `http://upstream.test:${server.port}`;
  expect((await ask(upstreamTo(origin, { lookup: name.lookup }))).body).toBe('127.0.0.3');
  name.addresses = ['127.0.0.4', '127.0.0.5'];
  const none = await ask(upstreamTo(origin, { lookup: name.lookup }));
  expect(none.failure).toMatchObject({ kind: 'unreachable', detail: expect.stringContaining('ECONNREFUSED') });
});

test('a name that is gone is unreachable, and reached again as soon as it is back', async () => {
  const server = await serveOn('127.0.0.1');
  const name = nameFor([]);
  const upstream = upstreamTo(`http://upstream.test:${server.port}`, { lookup: name.lookup });
  expect((await ask(upstream)).failure?.detail).toBe(`http://upstream.test:${server.port}: ENOTFOUND`);
  name.addresses = ['127.0.0.1'];
  expect((await ask(upstream)).body).toBe('127.0.0.1');
});
