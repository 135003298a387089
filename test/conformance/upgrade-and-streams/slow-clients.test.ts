import { setInterval as every } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { RawClient, rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const IDLE_MS = 1500;
/** Five of them take longer than that, with room for a stall of a busy test machine in each. */
const STEP_MS = IDLE_MS / 3;
const at = harness({
  settings: {
    gateway: {
      timeouts: { headersMs: 2000, idleMs: IDLE_MS, keepAliveMs: 700 },
      limits: { headerBytes: 2048, minBytesPerSecond: 1 },
    },
  },
});
/** Large beyond what kernels keep for a reader that does not read. */
const LARGE = 32 * 1024 * 1024;
const large = () => `HTTP/1.1 200 OK\r\nContent-Length: ${LARGE}\r\n\r\n${'x'.repeat(LARGE)}`;

attack({
  name: 'a client that sends its head byte by byte is cut off, and disturbs nobody',
  outcome: '408 or closed, after 10 seconds unless configured otherwise',
  sources: ['CVE-2007-6750'],
})(() => {
  test('over its head is cut off, and disturbs nobody', async () => {
    const slow = await Promise.all(Array.from({ length: 100 }, () => RawClient.connect(at.gateway.url)));
    for (const [nth, client] of slow.entries())
      client.send(nth % 2 === 0 ? 'GET /files/x HTTP/1.1\r\nHost: api.test\r\n' : 'G');
    const waits: number[] = [];
    for await (const _ of every(250)) {
      const asked = performance.now();
      await at.passes(rawRequest('GET /files/x', [at.reader]));
      waits.push(performance.now() - asked);
      if (slow.every(({ ending }) => ending !== 'open')) break;
      for (const [nth, client] of slow.entries())
        if (nth % 2 === 0 && client.ending === 'open') client.send('X: y\r\n');
    }
    for (const client of slow) {
      expect(client.responses.map(({ status }) => status)).toSatisfy((all: number[]) =>
        all.every((one) => one === 408),
      );
      client.close();
    }
    waits.sort((left, right) => left - right);
    expect(waits[Math.floor(waits.length / 2)]).toBeLessThan(100);
  });
});

attack({
  name: 'a client that stalls in its body is cut off',
  outcome: '408 and close; the upstream sees no whole request',
  sources: ['CVE-2007-6750', 'RFC 9110 section 15.5.9'],
})(() => {
  test.each(['Content-Length: 100', 'Transfer-Encoding: chunked'])('%s', async (framing) => {
    using client = await at.connect();
    client.send(rawRequest('POST /files/x', [at.writer, framing], '4\r\npart'));
    await at.upstream.until(({ text }) => text.includes('part'));
    await Promise.all([client.untilEnded(), at.upstream.connections[0]!.ended]);
    expect(client.responses.map(({ status }) => status)).toEqual([408]);
    expect(at.upstream.requests).toEqual([]);
  });

  test('also behind an answer that has begun, which then never looks whole', async () => {
    at.upstream.replyToHead = () => 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf';
    using client = await at.connect();
    client.send(rawRequest('POST /files/x', [at.writer, 'Content-Length: 100'], 'part'));
    await client.untilText('half');
    await Promise.all([client.untilEnded(), at.upstream.connections[0]!.ended]);
    expect(client.responses[0]).toMatchObject({ status: 200, complete: false });
  });
});

attack({
  name: 'a client that does not read its answer is cut off, and so is the upstream',
  outcome: 'reset after 30 seconds without a byte, unless configured otherwise',
  sources: ['CVE-2015-0205'],
})(() => {
  test('at once when it has not read for that long', async () => {
    at.upstream.reply = large;
    using client = await at.connect();
    client.socket.pause();
    client.send(rawRequest('GET /files/x', [at.reader]));
    await at.upstream.until(({ connections }) => connections[0]?.isEnded === true, 'end of the upstream');
    client.socket.resume();
    expect((await client.untilEnded()).responses[0]?.complete).not.toBe(true);
  });

  test('while one that reads slowly gets all of it', { timeout: 30_000 }, async () => {
    at.upstream.reply = large;
    using client = await at.connect();
    client.send(rawRequest('GET /files/x', [at.reader]));
    let bytes = 0;
    let pauses = 0;
    client.socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes < (pauses + 1) * 4 * 1024 * 1024) return;
      pauses += 1;
      client.socket.pause();
      setTimeout(() => client.socket.resume(), STEP_MS);
    });
    await client.until(({ ending }) => bytes > LARGE || ending !== 'open', 'whole answer', 20_000);
    expect([client.ending, bytes > LARGE]).toEqual(['open', true]);
  });
});

attack({
  name: 'a client that waits for a slow upstream is not taken for a slow client',
  outcome: 'the answer',
  sources: [],
})(() => {
  test('with and without a body, and with an upstream that takes its time to read', async () => {
    let answer = (): void => {};
    at.upstream.reply = () =>
      new Promise((resolve) => {
        answer = () => resolve('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        setTimeout(() => answer(), 2 * IDLE_MS);
      });
    using client = await at.connect();
    client.send(rawRequest('POST /files/x', [at.writer, 'Content-Length: 3'], 'abc'));
    expect((await client.response()).status).toBe(200);
  });
});

attack({
  name: 'an idle connection is not kept for ever',
  outcome: 'closed without a word, after 72 seconds unless configured otherwise',
  sources: ['RFC 9112 section 9.5'],
})(() => {
  test('before its first request and between two', async () => {
    using fresh = await at.connect();
    using used = await at.connect();
    await used.send(rawRequest('GET /files/x', [at.reader])).response();
    await Promise.all([fresh.untilEnded(), used.untilEnded()]);
    expect([fresh.received, used.responses.length]).toEqual(['', 1]);
  });
});

attack({
  name: 'a client that is slow but goes on is waited for',
  outcome: 'forwarded',
  sources: ['RFC 9110 section 15.5.9'],
})(() => {
  test('but goes on is waited for', async () => {
    using client = await at.connect();
    client.send(rawRequest('POST /files/x', [at.writer, 'Content-Length: 5']));
    let sent = 0;
    for await (const _ of every(STEP_MS)) {
      client.send('x');
      sent += 1;
      if (sent === 5) break;
    }
    expect((await client.response()).status).toBe(200);
    expect(at.upstream.requests[0]?.body).toBe('xxxxx');
  });
});

attack({
  name: 'more clients than the listener has room for',
  outcome: 'closed as they come; those inside go on',
  sources: [],
})(() => {
  test('are turned away at the door', async () => {
    await using gateway = await at.start({
      settings: { gateway: { limits: { connections: 2 } } },
    });
    const get = rawRequest('GET /public/x');
    using first = await RawClient.connect(gateway.url);
    using second = await RawClient.connect(gateway.url);
    await Promise.all([first.send(get).response(), second.send(get).response()]);
    using third = await RawClient.connect(gateway.url);
    await third.untilEnded();
    expect(third.received).toBe('');
    expect((await first.send(get).response(1)).status).toBe(200);
    second.close();
    await expectServed(gateway.url, get);
  });
});

attack({
  name: 'a slow client of the sidecar is cut off',
  outcome: '408 after 10 seconds for a head, 15 for a whole request',
  sources: ['CVE-2007-6750'],
})(() => {
  test('in its head, and in its body, of which nothing is done', { timeout: 40_000 }, async () => {
    const body = JSON.stringify({ edition: 'team', owner: 'alice' });
    const key = `Authorization: Bearer ${at.gateway.adminKey}`;
    const headers = [key, 'Content-Type: application/json', `Content-Length: ${body.length}`];
    using head = await RawClient.connect(at.gateway.adminUrl);
    using half = await RawClient.connect(at.gateway.adminUrl);
    head.send('GET /livez HTTP/1.1\r\nHost: a\r\n');
    half.send(rawRequest('PUT /v1/organizations/slow', headers, body.slice(0, -1)));
    for (const client of [head, half]) {
      await client.until(({ ending }) => ending !== 'open', 'end of the connection', 30_000);
      expect(client.responses.map(({ status }) => status)).toEqual([408]);
    }
    expect((await at.gateway.admin('GET', '/v1/organizations/slow')).status).toBe(404);
  });
});

/** The server notices only after a while that somebody has left. */
async function expectServed(url: string, bytes: string): Promise<void> {
  for await (const _ of every(20)) {
    using client = await RawClient.connect(url);
    client.send(bytes);
    await client.until(({ responses, ending }) => responses[0]?.complete === true || ending !== 'open', 'an answer');
    if (client.responses[0]?.status === 200) return;
  }
}
