import { setInterval as every } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type RawClient, rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const IDLE_MS = 1000;
const at = harness({
  settings: { gateway: { timeouts: { idleMs: IDLE_MS }, limits: { minBytesPerSecond: 1000 } } },
});
/** Sends `piece` again and again, until the connection ends. */
async function trickle(client: RawClient, piece: string, everyMs: number, most = Number.POSITIVE_INFINITY) {
  let sent = 0;
  for await (const _ of every(everyMs)) {
    if (client.ending !== 'open' || sent >= most) return;
    client.send(piece);
    sent += 1;
  }
}

attack({
  name: 'a client that sends its body a byte at a time is cut off, though it is never silent',
  outcome: '408 once it is 30 seconds behind 500 bytes a second, unless configured otherwise',
  sources: ['CVE-2007-6750', 'CWE-400'],
})(() => {
  test.each([
    ['Content-Length: 1000', 'x'],
    ['Transfer-Encoding: chunked', '1\r\nx\r\n'],
  ])('%s', async (framing, piece) => {
    using client = await at.connect();
    const begun = performance.now();
    client.send(rawRequest('POST /public/x', [framing]));
    await Promise.all([trickle(client, piece, 100), client.untilEnded()]);
    expect(client.responses.map(({ status }) => status)).toEqual([408]);
    expect(performance.now() - begun).toBeGreaterThan(IDLE_MS);
    await at.upstream.connections[0]!.ended;
    expect(at.upstream.requests).toEqual([]);
  });

  test('what it sent fast before is no store for later', async () => {
    using client = await at.connect();
    client.send(rawRequest('POST /public/x', ['Content-Length: 10000000'], 'x'.repeat(100_000)));
    await Promise.all([trickle(client, 'x', 100), client.untilEnded()]);
    expect(client.responses.map(({ status }) => status)).toEqual([408]);
  });
});

attack({
  name: 'a client that keeps the minimum rate is never cut off, however slow its upstream is',
  outcome: 'the answer',
  sources: [],
})(() => {
  test('a body at twice the rate', async () => {
    using client = await at.connect();
    client.send(rawRequest('POST /public/x', ['Content-Length: 8000']));
    await trickle(client, 'x'.repeat(200), 100, 40);
    expect((await client.response()).status).toBe(200);
  });

  test('an answer that its upstream says letter by letter, in silence at first', async () => {
    at.upstream.reply = async ({ connection }) => {
      for await (const nth of counting(3 * IDLE_MS, 300)) {
        if (nth === 0) connection.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n');
        else connection.write('x');
        if (nth === 9) return undefined;
      }
      return undefined;
    };
    using client = await at.connect();
    client.send(rawRequest('GET /public/x'));
    await client.until(
      ({ responses, ending }) => responses[0]?.complete === true || ending !== 'open',
      'answer',
      15_000,
    );
    expect(client.responses[0]).toMatchObject({ status: 200, body: 'xxxxxxxxx', complete: true });
  });

  test('a body that its upstream is slow to take', async () => {
    const bytes = 16 * 1024 * 1024;
    at.upstream.replyToHead = (_, { socket }) => {
      socket.pause();
      setTimeout(() => socket.resume(), 4 * IDLE_MS);
      let received = 0;
      socket.on('data', (chunk: Buffer) => {
        received += chunk.length;
        // Some of it may have come with the head.
        if (received < bytes - 1024 * 1024) return;
        at.upstream.replyToHead = null;
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      });
      return undefined;
    };
    using client = await at.connect();
    client.send(rawRequest('POST /public/x', [`Content-Length: ${bytes}`], 'x'.repeat(bytes)));
    await client.until(({ ending, responses }) => responses.length > 0 || ending !== 'open', 'answer', 15_000);
    expect(client.responses[0]?.status).toBe(200);
  });
});

/** Counts after a first silence. */
async function* counting(firstMs: number, thenMs: number): AsyncGenerator<number> {
  for await (const _ of every(firstMs)) break;
  let nth = 0;
  for await (const _ of every(thenMs)) yield nth++;
}
