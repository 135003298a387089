/** A client that asks to leave HTTP and then reads nothing of what it is sent: it holds its connection no longer than others. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CLIENT_LIMITS } from '../../src/http/client-limits.ts';
import type { Exchange } from '../../src/http/exchange.ts';
import type { Listener } from '../../src/http/listener.ts';
import { startListener } from '../../src/http/start-listener.ts';
import { attack } from '../conformance/attack.ts';
import { RawClient, rawRequest } from '../support/raw.ts';

/** More than kernels keep for a reader that does not read. */
const LARGE = Buffer.alloc(32 * 1024 * 1024, 'x');

let handle: (exchange: Exchange) => void;
let listener: Listener;
beforeEach(async () => {
  listener = await startListener({
    ...{ host: '127.0.0.1', port: 0, name: 'gateway', tls: null, upgrades: true },
    limits: { ...CLIENT_LIMITS, idleMs: 500 },
    handle: (exchange) => handle(exchange),
    refuse: () => ({ headers: [], body: '' }),
    onBug: (error) => {
      throw error;
    },
  });
});
afterEach(() => listener.drain({ deadlineMs: 0, idleMs: 0 }));

attack({
  name: 'a client that asks to leave HTTP and reads nothing of the end of what it is sent is cut off',
  outcome: 'reset after 30 seconds without a byte, unless configured otherwise',
  sources: ['CVE-2015-0205'],
})(() => {
  test.each<[string, (exchange: Exchange) => void]>([
    ['when it was let go', ({ upgrade }) => upgrade?.switchProtocols(['Connection', 'Upgrade', 'Upgrade', 'foo/2'])],
    [
      'when it was answered instead',
      (exchange) => exchange.relayHead(200, 'OK', ['Content-Length', `${LARGE.length}`]),
    ],
  ])('%s', async (_name, begin) => {
    const closed = Promise.withResolvers<unknown>();
    handle = (exchange) => {
      exchange.listen({ clientDrained: () => {}, clientClosed: closed.resolve });
      begin(exchange);
      exchange.relay(LARGE);
      exchange.relayEnd(null, []);
    };
    using client = await RawClient.connect(listener.url);
    client.socket.pause();
    client.send(rawRequest('GET /x', ['Connection: Upgrade', 'Upgrade: foo/2']));
    await closed.promise;
    client.socket.resume();
    await client.untilEnded();
    expect(client.received.length).toBeLessThan(LARGE.length);
  });
});
