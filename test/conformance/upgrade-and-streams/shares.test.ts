import { setInterval as every } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { TestGateway } from '../../support/gateway.ts';
import { RawClient, rawRequest } from '../../support/raw.ts';
import { scraped } from '../../support/scrape.ts';
import { attack } from '../attack.ts';
import { counted, harness } from '../harness.ts';

const MANY = 256;
/** What is 503 by now: the connections that one caller may have are a quarter, and what leaves a quarter free. */
const REFUSED = MANY - 97;
const PLAIN = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const EVENTS = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: hello\n\n';
const at = harness({ settings: { gateway: { trustedProxies: ['127.0.0.1'] } } });

const from = (address: string) => `X-Forwarded-For: ${address}`;
const bearer = (token: string) => `Authorization: Bearer ${token}`;
const openMany = (bytes: string, count = MANY) =>
  Promise.all(Array.from({ length: count }, async () => (await RawClient.connect(at.gateway.url)).send(bytes)));
const close = (clients: readonly RawClient[]) => {
  for (const client of clients) client.close();
};
/** Waits until so many of them have been answered, and says with what. */
async function statuses(clients: readonly RawClient[], count: number): Promise<number[]> {
  const answered = () => clients.filter(({ received }) => received.includes('\r\n\r\n'));
  for await (const _ of every(20)) if (answered().length >= count) break;
  return answered().map(({ received }) => Number(received.slice(9, 12)));
}
const metric = async ({ running }: TestGateway, name: string) => {
  const text = await scraped(running.metrics);
  return Number(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'm').exec(text)?.[1]);
};
const otherToken = () => at.gateway.mint({ scopes: ['workflows:read', 'workflows:write'] });

attack({
  name: 'one caller that sends 256 bodies a byte at a time does not take the upstream from all',
  outcome: 'beyond its share 503, at once; every other token or address is served, and its own come to an end',
  sources: ['CWE-770', 'CVE-2007-6750'],
})(() => {
  test('one address on a public route', async () => {
    const slow = await openMany(rawRequest('POST /public/x', [from('192.0.2.1'), 'Content-Length: 100'], 'x'));
    expect(new Set(await statuses(slow, REFUSED))).toEqual(new Set([503]));
    await at.passes(rawRequest('GET /public/x', [from('192.0.2.2')]));
    await at.passes(rawRequest('GET /files/x', [at.reader, from('192.0.2.1')]));
    for (const client of slow) client.send('x');
    expect(await counted(at.gateway, 'overloaded')).toBe(REFUSED);
    expect(await metric(at.gateway, 'scopegate_upstream_share_refusals_total')).toBe(REFUSED);
    using more = await at.connect();
    const refused = await more.send(rawRequest('GET /public/x', [from('192.0.2.1')])).response();
    expect([refused.status, refused.header('retry-after')]).toEqual([503, '1']);
    close(slow);
  });

  test('one /64 of IPv6 on a public route counts as one address', async () => {
    const slow = await Promise.all(
      Array.from({ length: MANY }, async (_, nth) => {
        const client = await RawClient.connect(at.gateway.url);
        return client.send(rawRequest('POST /public/x', [from(`2001:db8::${nth}`), 'Content-Length: 100'], 'x'));
      }),
    );
    expect(await statuses(slow, REFUSED)).toHaveLength(REFUSED);
    await at.passes(rawRequest('GET /public/x', [from('2001:db8:1::1')]));
    close(slow);
  });

  test('one token, from wherever it comes', async () => {
    const slow = await openMany(rawRequest('POST /files/x', [at.writer, 'Content-Length: 100'], 'x'));
    expect(new Set(await statuses(slow, REFUSED))).toEqual(new Set([503]));
    await at.passes(rawRequest('GET /files/x', [bearer(await otherToken())]));
    await at.passes(rawRequest('GET /public/x'));
    close(slow);
  });

  test('places that were left can be taken again, by the same caller, too', async () => {
    await expect.poll(() => metric(at.gateway, 'scopegate_upstream_target_active'), { timeout: 10_000 }).toBe(0);
    const again = await openMany(rawRequest('POST /files/x', [at.writer, 'Content-Length: 1']), 97);
    await at.upstream.until(({ connections }) => connections.length === 97, 'requests');
    for (const client of again) client.send('x');
    expect(await statuses(again, 97)).toEqual(Array(97).fill(200));
    close(again);
  });
});

attack({
  name: 'one token that opens 256 event streams does not take the upstream from all',
  outcome: 'its streams are served, and so is every other request, its own included',
  sources: ['CWE-770'],
})(() => {
  test('streams are not counted as requests', async () => {
    at.upstream.replyToHead = (head) => (head.startsWith('GET /any/events') ? EVENTS : PLAIN);
    const streams: RawClient[] = [];
    for (let round = 0; round < 4; round++) {
      const some = await openMany(rawRequest('GET /any/events', [at.reader]), MANY / 4);
      expect(new Set(await statuses(some, MANY / 4))).toEqual(new Set([200]));
      streams.push(...some);
    }
    expect(await metric(at.gateway, 'scopegate_upstream_target_streams')).toBe(MANY);
    for (const credential of [bearer(await otherToken()), at.reader]) {
      using client = await at.connect();
      expect((await client.send(rawRequest('GET /any/x', [credential])).response()).status).toBe(200);
    }
    close(streams);
    await expect.poll(() => metric(at.gateway, 'scopegate_upstream_target_streams')).toBe(0);
    at.upstream.replyToHead = null;
  });

  test('beyond its share of streams, or where no place is left, it is refused, and the upstream is let go', async () => {
    at.upstream.replyToHead = () => EVENTS;
    await using gateway = await at.start({ upstream: { maxStreams: 8 } });
    const open = async (token: string) => {
      const client = await RawClient.connect(gateway.url);
      client.send(rawRequest('GET /any/events', [bearer(token)]));
      await client.until(({ received }) => received.includes('\r\n\r\n'), 'a head');
      return client;
    };
    const { reader } = gateway.tokens;
    const own = [];
    for (let nth = 0; nth < 7; nth++) own.push(await open(reader));
    const refused = await open(reader);
    expect(refused.received).toMatch(/^HTTP\/1.1 503 /);
    await at.upstream.connections.at(-1)!.ended;
    const last = await open(await gateway.mint({ scopes: ['workflows:read'] }));
    expect(last.received).toMatch(/^HTTP\/1.1 200 /);
    const none = await open(await gateway.mint({ scopes: ['workflows:read'] }));
    expect(none.received).toMatch(/^HTTP\/1.1 503 /);
    expect(await metric(gateway, 'scopegate_upstream_share_refusals_total')).toBe(1);
    close([...own, refused, last, none]);
    at.upstream.replyToHead = null;
  });
});

attack({
  name: 'one token that opens WebSockets without end leaves room for those of others',
  outcome: '503 beyond its share, while little is left; plain requests are served whatever is taken',
  sources: ['CWE-770'],
})(() => {
  test('upgrades are counted by themselves', async () => {
    at.upstream.replyToHead = (head) =>
      head.startsWith('GET /socket')
        ? 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
        : PLAIN;
    await using gateway = await at.start({ upstream: { maxUpgrades: 8, maxConnections: 1 } });
    const open = async (token: string) => {
      const client = await RawClient.connect(gateway.url);
      client.send(rawRequest('GET /socket', ['Connection: Upgrade', 'Upgrade: websocket', bearer(token)]));
      await client.until(({ received }) => received.includes('\r\n\r\n'), 'a head');
      return client;
    };
    const { reader } = gateway.tokens;
    const clients = [];
    for (let nth = 0; nth < 8; nth++) clients.push(await open(reader));
    clients.push(await open(await gateway.mint({ scopes: ['workflows:read'] })));
    expect(clients.map(({ received }) => received.slice(9, 12))).toEqual([...Array(7).fill('101'), '503', '101']);
    using plain = await RawClient.connect(gateway.url);
    expect((await plain.send(rawRequest('GET /any/x', [bearer(reader)])).response()).status).toBe(200);
    close(clients);
    at.upstream.replyToHead = null;
  });
});
