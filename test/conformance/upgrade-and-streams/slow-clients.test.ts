import { setInterval as every } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { RawClient, rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { house } from '../house.ts';

const at = house({ upstream: { timeouts: { connectMs: 1000, headersMs: 1000, idleMs: 500 } } });
/** Of the listener: a head takes 15 s at most, looked at every second. */
const HEAD_SECONDS_MAX = 18;

attack({
  name: 'a client that sends its head byte by byte is cut off, and disturbs nobody',
  outcome: '408 or closed at 15 seconds',
  sources: ['CVE-2007-6750'],
})(() => {
  test('over its head is cut off, and disturbs nobody', { timeout: 30_000 }, async () => {
    const started = performance.now();
    const slow = await Promise.all(Array.from({ length: 100 }, () => RawClient.connect(at.gateway.url)));
    for (const [nth, client] of slow.entries())
      client.send(nth % 2 === 0 ? 'GET /files/x HTTP/1.1\r\nHost: api.test\r\n' : 'G');
    const waits: number[] = [];
    for await (const _ of every(250)) {
      const asked = performance.now();
      await at.passes(rawRequest('GET /files/x', [at.reader]));
      waits.push(performance.now() - asked);
      const open = slow.filter(({ ending }) => ending === 'open');
      for (const [nth, client] of open.entries()) if (nth % 2 === 0) client.send('X: y\r\n');
      if (open.length === 0) break;
      expect((performance.now() - started) / 1000).toBeLessThan(HEAD_SECONDS_MAX);
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
  outcome: '504 and close; the upstream sees no whole request',
  sources: ['CVE-2007-6750'],
})(() => {
  test('over its body is cut off too, and so is the upstream', async () => {
    using client = await at.connect();
    client.send(rawRequest('POST /files/x', [at.writer, 'Content-Length: 100'], 'part'));
    await at.upstream.until(({ text }) => text.endsWith('part'));
    await Promise.all([client.untilEnded(), at.upstream.connections[0]!.ended]);
    expect(client.responses[0]?.status).toBe(504);
    expect(at.upstream.requests).toEqual([]);
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
    for await (const _ of every(200)) {
      client.send('x');
      sent += 1;
      if (sent === 5) break;
    }
    expect((await client.response()).status).toBe(200);
    expect(at.upstream.requests[0]?.body).toBe('xxxxx');
  });
});
