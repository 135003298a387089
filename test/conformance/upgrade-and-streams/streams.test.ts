import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { startTestGateway } from '../../support/gateway.ts';
import { RawClient, rawRequest } from '../../support/raw.ts';
import { startHttpUpstream } from '../../support/recorder.ts';
import { stalled } from '../../support/stalled.ts';
import { attack } from '../attack.ts';
import { harness, ROUTES } from '../harness.ts';

const at = harness({ upstream: { timeouts: { connectMs: 1000, headersMs: 400, idleMs: 400 } } });

attack({
  name: 'a slow stream is not held back until it is whole',
  outcome: 'head and events cross at once',
  sources: ['RFC 9112 section 7.1'],
})(() => {
  test('goes out at once, head and events alike', async () => {
    let connection: { write(bytes: string): void } | undefined;
    at.upstream.reply = (request) => {
      connection = request.connection;
      return 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
    };
    using client = await at.connect();
    client.send(rawRequest('GET /files/x', [at.reader]));
    await client.untilText('text/event-stream');
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      connection!.write(`${event.length.toString(16)}\r\n${event}\r\n`);
      await client.untilText(event);
    }
    connection!.write('0\r\n\r\n');
    expect((await client.response()).body).toBe('data: 1\n\ndata: 2\n\n');
  });
});

attack({
  name: 'a client that does not read fills no memory',
  outcome: 'the upstream is held back, then let go',
  sources: ['CWE-770'],
})(() => {
  test('is held back for a client that does not read, in bounded memory', async () => {
    let written = 0;
    let full = false;
    const block = Buffer.alloc(64 * 1024, 'x');
    at.upstream.reply = ({ connection }) => {
      connection.write('HTTP/1.1 200 OK\r\n\r\n');
      const push = (): void => {
        if (connection.socket.destroyed || written > 256 * 1024 * 1024) return;
        written += block.length;
        full = !connection.socket.write(block);
        if (!full) setImmediate(push);
      };
      connection.socket.on('drain', push);
      push();
      return undefined;
    };
    using client = await at.connect();
    client.socket.pause();
    client.send(rawRequest('GET /files/x', [at.reader]));
    await at.upstream.request();
    // Stalled for as long as the idle limit allows: then the gateway gives up, and the upstream is let go.
    await at.upstream.requests[0]!.connection.ended;
    expect(full).toBe(true);
    expect(written).toBeLessThan(32 * 1024 * 1024);
  });
});

attack({
  name: 'an upload in chunks of one byte takes no more room than any other while it waits',
  outcome: 'held in one piece; not a byte is lost or changes places',
  sources: ['CWE-770'],
})(() => {
  test('it arrives whole once the upstream reads on', async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<IncomingMessage>();
    await using upstream = await startHttpUpstream((request, response) => {
      arrive(request);
      request.on('end', () => response.end('read'));
    });
    await using gateway = await startTestGateway({ upstreamUrl: upstream.url, routes: ROUTES });
    using client = await RawClient.connect(gateway.url);
    // What fills both kernels, and behind it what is to wait.
    const large = 16 * 1024 * 1024;
    const count = large + 50_000;
    const body = Buffer.from(Uint8Array.from({ length: count }, (_, index) => 97 + (index % 23)));
    const tiny = Array.from(body.subarray(large), (byte) => `1\r\n${String.fromCharCode(byte)}\r\n`).join('');
    client.send(rawRequest('POST /public/x', ['Transfer-Encoding: chunked'], `${large.toString(16)}\r\n`));
    client.send(body.subarray(0, large)).send(`\r\n${tiny}0\r\n\r\n`);
    const request = await arrived;
    await stalled(() => client.socket.bytesWritten - client.socket.writableLength);
    const pieces: Buffer[] = [];
    request.on('data', (bytes: Buffer) => pieces.push(bytes));
    await client.until(({ responses }) => responses[0]?.complete === true, 'answer', 15_000);
    expect(Buffer.concat(pieces).equals(body)).toBe(true);
  });
});

attack({
  name: 'an upstream that does not read fills no memory',
  outcome: 'the client is held back, then 504',
  sources: ['CWE-770'],
})(() => {
  test('an upload is held back for an upstream that does not read', async () => {
    at.upstream.replyToHead = (_, connection) => {
      connection.socket.pause();
      return undefined;
    };
    using client = await at.connect();
    client.send(rawRequest('POST /files/x', [at.writer, 'Content-Length: 1073741824']));
    const block = Buffer.alloc(64 * 1024, 'x');
    let sent = 0;
    const push = (): void => {
      while (!client.socket.destroyed && sent < 256 * 1024 * 1024) {
        sent += block.length;
        if (!client.socket.write(block)) return;
      }
    };
    client.socket.on('drain', push);
    push();
    await client.until(({ responses, ending }) => responses.length > 0 || ending !== 'open');
    expect(sent).toBeLessThan(32 * 1024 * 1024);
    expect(client.responses[0]?.status ?? 504).toBe(504);
  });
});
