/** What leaves HTTP, over bare sockets: bytes, ends, limits and time. Any protocol that the upstream takes will do. */
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { attack } from '../conformance/attack.ts';
import { type Settings, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { RawClient, rawRequest } from '../support/raw.ts';
import { type RecordedConnection, Recorder } from '../support/recorder.ts';

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo/2\r\nX-A: 1\r\n\r\n';
const ROUTES = [{ id: 'open', match: { path: '/**' }, public: true }];
const ASK = rawRequest('GET /tunnel', ['Connection: Upgrade', 'Upgrade: foo/2, bar']);

let upstream: Recorder;
let gateway: TestGateway;

const start = (settings: Settings = {}, target = upstream.url) =>
  startTestGateway({ upstreamUrl: target, routes: ROUTES, upstream: settings, seed: false });

beforeAll(async () => {
  upstream = await Recorder.start();
  gateway = await start();
});
afterEach(() => {
  upstream.clear();
  expect(gateway.errorLines).toEqual([]);
});
afterAll(async () => {
  await upstream.stop();
  await gateway.stop();
});

/** A client whose connection has become `foo/2`, and the upstream's end of it. */
async function tunnel(url = gateway.url, ahead = ''): Promise<{ client: RawClient; far: RecordedConnection }> {
  upstream.replyToHead = (head) => (head.startsWith('GET /tunnel') ? SWITCH : undefined);
  const client = await RawClient.connect(url);
  client.send(ASK + ahead);
  await client.untilText('\r\n\r\n');
  return { client, far: upstream.connections.at(-1)! };
}

const isOpen = ({ socket }: RecordedConnection) => !socket.readableEnded && !socket.destroyed;

/** So many bytes have come, kept nowhere. */
const arrived = (socket: Socket, bytes: number) =>
  new Promise<void>((resolve) => {
    let received = 0;
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received === bytes) resolve();
    });
  });

const body = (client: RawClient) => client.received.slice(client.received.indexOf('\r\n\r\n') + 4);
const said = (far: RecordedConnection) => far.text.slice(far.text.indexOf('\r\n\r\n') + 4);

test('the answer names the protocol that was chosen, and is ours in everything else', async () => {
  const { client } = await tunnel();
  const head = client.received;
  expect(head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\/2\r\n/);
  expect(head).toMatch(
    /\r\nX-A: 1\r\nVia: 1\.1 scopegate\r\nX-Request-Id: ([0-9A-Z]{26})\r\nX-Scopegate-Decision-Id: \1\r\n\r\n$/,
  );
  client.close();
});

test('bytes cross unaltered in both directions, those sent ahead and those sent with the answer too', async () => {
  const every = Buffer.from(Array.from({ length: 256 }, (_, code) => code)).toString('latin1');
  upstream.replyToHead = () => SWITCH + every;
  using client = await RawClient.connect(gateway.url);
  client.send(ASK + every);
  await client.until(() => body(client).length === 256);
  const far = upstream.connections.at(-1)!;
  await upstream.until(() => said(far).length === 256);
  client.send(every);
  far.write(every);
  await upstream.until(() => said(far).length >= 512);
  await client.until(() => body(client).length >= 512);
  expect([said(far), body(client)]).toEqual([every + every, every + every]);
});

attack({
  name: 'bytes sent ahead of an upgrade do not reach an upstream that has not agreed to it',
  outcome: 'held back until its 101',
  sources: ['RFC 9110 section 7.8'],
})(() => {
  test('what is sent ahead reaches the upstream only once it has agreed', async () => {
    let agree = () => {};
    upstream.replyToHead = (_, connection) => {
      agree = () => connection.write(SWITCH);
      return undefined;
    };
    using client = await RawClient.connect(gateway.url);
    client.send(`${ASK}ahead`);
    const far = (await upstream.until(({ connections }) => connections.length === 1)).connections[0]!;
    await upstream.until(() => far.text.endsWith('\r\n\r\n'));
    client.send(' of time');
    using other = await RawClient.connect(gateway.url);
    upstream.replyToHead = null;
    await other.send(rawRequest('GET /plain')).response();
    expect(said(far)).toBe('');
    agree();
    await upstream.until(() => said(far) === 'ahead of time');
  });
});

test("the upstream's end ends the client, after the last byte", async () => {
  const { client, far } = await tunnel();
  far.end('last words');
  await client.untilEnded();
  expect(client.ending).toBe('closed');
  expect(body(client)).toBe('last words');
  client.close();
});

test("the client's end is passed on, and what the upstream still says arrives", async () => {
  const { client, far } = await tunnel();
  // Before the socket ends its own side by itself.
  far.socket.prependOnceListener('end', () => far.end('answer'));
  client.send('question').finish();
  await far.ended;
  expect(said(far)).toBe('question');
  await client.untilEnded();
  expect(body(client)).toBe('answer');
});

test("the client's abort closes the upstream's connection", async () => {
  const { client, far } = await tunnel();
  expect(isOpen(far)).toBe(true);
  client.reset();
  await far.ended;
  expect(isOpen(far)).toBe(false);
});

test("the upstream's abort breaks the client's connection", async () => {
  const { client, far } = await tunnel();
  far.write('half');
  await client.until(() => body(client) === 'half');
  far.reset();
  await client.untilEnded();
  expect(client.ending).toBe('reset');
});

test('a client that leaves before the upstream has answered is not waited for', async () => {
  upstream.replyToHead = () => undefined;
  using client = await RawClient.connect(gateway.url);
  client.send(ASK);
  const far = (await upstream.until(({ connections }) => connections.length === 1)).connections[0]!;
  expect(isOpen(far)).toBe(true);
  client.close();
  await far.ended;
  expect([isOpen(far), client.received]).toEqual([false, '']);
});

test('a client that does not read stops the upstream, and gets everything once it reads', async () => {
  const { client, far } = await tunnel();
  client.socket.pause();
  const piece = Buffer.alloc(1024 * 1024, 'x');
  const total = 64;
  let sent = 0;
  // The kernel's buffers on the way take a few of these; the gateway must not take the rest.
  const push = () => {
    while (sent < total) {
      sent += 1;
      if (!far.socket.write(piece)) return far.socket.once('drain', push);
    }
    return undefined;
  };
  push();
  using other = await RawClient.connect(gateway.url);
  upstream.replyToHead = null;
  for (let round = 0; round < 20; round += 1) {
    other.send(rawRequest('GET /plain'));
    await other.response(round);
  }
  expect(sent).toBeLessThan(total);
  client.socket.removeAllListeners('data');
  const all = arrived(client.socket, total * piece.length);
  client.socket.resume();
  await all;
  client.close();
});

test('an upstream that does not read stops the client', async () => {
  const { client, far } = await tunnel();
  far.socket.pause();
  const piece = Buffer.alloc(1024 * 1024, 'x');
  let sent = 0;
  const push = () => {
    while (sent < 64) {
      sent += 1;
      if (!client.socket.write(piece)) return client.socket.once('drain', push);
    }
    return undefined;
  };
  push();
  using other = await RawClient.connect(gateway.url);
  upstream.replyToHead = null;
  for (let round = 0; round < 20; round += 1) {
    other.send(rawRequest('GET /plain'));
    await other.response(round);
  }
  expect(sent).toBeLessThan(64);
  far.socket.removeAllListeners('data');
  const all = arrived(far.socket, 64 * piece.length);
  far.socket.resume();
  await all;
  client.close();
});

test('open tunnels count against maxUpgrades: one too many is 503, and a place that is left can be taken', async () => {
  await using small = await start({ maxUpgrades: 1 });
  const first = await tunnel(small.url);
  using second = await RawClient.connect(small.url);
  expect((await second.send(ASK).response()).status).toBe(503);
  first.client.close();
  await first.far.ended;
  const third = await tunnel(small.url);
  third.client.close();
});

test('a tunnel takes no connection from plain requests', async () => {
  await using small = await start({ maxConnections: 1 });
  const { client: first } = await tunnel(small.url);
  upstream.replyToHead = null;
  using client = await RawClient.connect(small.url);
  expect((await client.send(rawRequest('GET /plain')).response()).status).toBe(200);
  // Neither does the connection that lies idle now.
  const { client: second } = await tunnel(small.url);
  for (const open of [first, second]) open.close();
});

test('tunnels go to the target with the fewest, plain requests too', async () => {
  await using elsewhere = await Recorder.start();
  elsewhere.replyToHead = () => SWITCH;
  await using both = await start({ targets: [upstream.url, elsewhere.url] });
  const clients = [];
  for (let nth = 0; nth < 4; nth += 1) clients.push((await tunnel(both.url)).client);
  expect([upstream.connections.length, elsewhere.connections.length]).toEqual([2, 2]);
  for (const client of clients) client.close();
});

test('an upstream that cannot be reached is 502, one that does not answer 504', async () => {
  await using nowhere = await start({}, 'http://127.0.0.1:1');
  using client = await RawClient.connect(nowhere.url);
  expect((await client.send(ASK).response()).status).toBe(502);
  await using hasty = await start({ timeouts: { headersMs: 100 } });
  upstream.replyToHead = () => undefined;
  using waiting = await RawClient.connect(hasty.url);
  expect((await waiting.send(ASK).response()).status).toBe(504);
  await upstream.connections[0]!.ended;
});

test('a tunnel goes by the times of its route', async () => {
  const timeouts = { headersMs: 100 };
  await using hasty = await start({ defaults: { timeouts } });
  upstream.replyToHead = () => undefined;
  using waiting = await RawClient.connect(hasty.url);
  expect((await waiting.send(ASK).response()).status).toBe(504);
});

test('a tunnel in which nothing moves is closed after idleMs, on both sides', async () => {
  await using hasty = await start({ timeouts: { idleMs: 200 } });
  const { client, far } = await tunnel(hasty.url);
  await client.untilEnded();
  await far.ended;
  expect([client.ending, isOpen(far)]).toEqual([expect.stringMatching(/^(closed|reset)$/), false]);
});
