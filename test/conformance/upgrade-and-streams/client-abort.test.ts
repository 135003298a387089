import { expect, test } from 'vitest';
import { rawRequest } from '../../support/raw.ts';
import { attack } from '../attack.ts';
import { harness } from '../harness.ts';

const at = harness();
/** The second that is promised, and what a busy test machine may take on top. */
const STALLED_MS = 3000;

attack({
  name: 'a client that goes away, at any moment, does not keep the upstream busy',
  outcome: 'the upstream is let go within a second; half an upload never looks whole',
  sources: ['RFC 9112 section 9.6'],
})(() => {
  test.each(['close', 'reset'] as const)('while it waits (%s): the upstream is let go at once', async (how) => {
    at.upstream.reply = () => undefined;
    using client = await at.connect();
    client.send(rawRequest('GET /files/x', [at.reader]));
    const { connection } = await at.upstream.request();
    const started = performance.now();
    client[how]();
    await connection.ended;
    expect(performance.now() - started).toBeLessThan(STALLED_MS);
  });

  test.each(['close', 'reset'] as const)('while answers of its wait in line (%s): every one is let go', async (how) => {
    at.upstream.reply = () => undefined;
    using client = await at.connect();
    client.send([1, 2, 3].map((nth) => rawRequest(`GET /files/${nth}`, [at.reader])).join(''));
    await at.upstream.until(({ requests }) => requests.length === 3);
    const started = performance.now();
    client[how]();
    await Promise.all(at.upstream.requests.map(({ connection }) => connection.ended));
    expect(performance.now() - started).toBeLessThan(STALLED_MS);
  });

  test.each(['close', 'reset'] as const)('while it reads (%s)', async (how) => {
    at.upstream.reply = () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n';
    using client = await at.connect();
    client.send(rawRequest('GET /files/x', [at.reader]));
    await client.untilText('half');
    const started = performance.now();
    client[how]();
    await at.upstream.requests[0]!.connection.ended;
    expect(performance.now() - started).toBeLessThan(STALLED_MS);
  });

  test.each(['close', 'reset'] as const)('while it uploads (%s): what arrived never looks whole', async (how) => {
    for (const [header, part] of [
      ['Content-Length: 100', 'part'],
      ['Transfer-Encoding: chunked', '4\r\npart\r\n'],
    ]) {
      at.upstream.clear();
      using client = await at.connect();
      client.send(rawRequest('POST /files/x', [at.writer, header!], part));
      await at.upstream.until(({ text }) => text.includes('part'));
      const started = performance.now();
      client[how]();
      await at.upstream.connections[0]!.ended;
      expect(performance.now() - started).toBeLessThan(STALLED_MS);
      expect(at.upstream.requests).toEqual([]);
      expect(at.upstream.text).not.toMatch(/\r\n0\r\n/);
    }
  });
});
