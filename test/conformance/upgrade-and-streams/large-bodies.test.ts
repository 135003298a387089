import { expect, test } from 'vitest';
import { startTestGateway } from '../../support/gateway.ts';
import { RawClient, rawRequest } from '../../support/raw.ts';
import { startHttpUpstream } from '../../support/recorder.ts';
import { stalled } from '../../support/stalled.ts';
import { attack } from '../attack.ts';
import { harness, ROUTES } from '../harness.ts';

const at = harness();
const MIB = 1024 * 1024;
const TOTAL = 64 * MIB;
/** Bytes that may be on the way while one side stands still, in the buffers of three processes and their kernels. */
const IN_FLIGHT_MAX = 32 * MIB;
const BLOCK = Buffer.alloc(64 * 1024, 'x');

function pour(into: NodeJS.WritableStream, total: number, end = false): void {
  let sent = 0;
  const push = (): void => {
    while (sent < total) {
      sent += BLOCK.length;
      if (!into.write(BLOCK)) return;
    }
    into.off('drain', push);
    if (end) into.end();
  };
  into.on('drain', push);
  push();
}

attack({
  name: 'a body that one side sends and the other does not take',
  outcome: 'at most 32 MiB on the way, and every byte once it goes on',
  sources: ['CVE-2019-9517'],
})(() => {
  test('up', async () => {
    let read = (): void => {};
    let bytes = 0;
    await using upstream = await startHttpUpstream((request, response) => {
      read = () => {
        request.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        request.on('end', () => response.end());
      };
    });
    await using gateway = await startTestGateway({ upstreamUrl: upstream.url, routes: ROUTES });
    using client = await RawClient.connect(gateway.url);
    client.send(rawRequest('PUT /public/x', [`Content-Length: ${TOTAL}`]));
    pour(client.socket, TOTAL);
    expect(await stalled(() => client.socket.bytesWritten - client.socket.writableLength)).toBeLessThan(IN_FLIGHT_MAX);
    read();
    expect(
      (await client.until(({ responses }) => responses[0]?.complete === true, 'answer', 20_000)).responses[0]?.status,
    ).toBe(200);
    expect(bytes).toBe(TOTAL);
  });

  test('down', async () => {
    let left = (): number => 0;
    await using upstream = await startHttpUpstream((_request, response) => {
      response.setHeader('Content-Length', TOTAL);
      left = () => response.socket!.bytesWritten - response.socket!.writableLength;
      pour(response, TOTAL, true);
    });
    await using gateway = await startTestGateway({ upstreamUrl: upstream.url, routes: ROUTES });
    using client = await RawClient.connect(gateway.url);
    let bytes = 0;
    client.socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    client.socket.pause();
    client.send(rawRequest('GET /public/x'));
    expect(await stalled(() => left())).toBeLessThan(IN_FLIGHT_MAX);
    client.socket.resume();
    await client.until(({ ending }) => bytes >= TOTAL || ending !== 'open', 'whole body', 20_000);
    expect(bytes).toBeGreaterThan(TOTAL);
  });
});

attack({
  name: 'an upload to where it is refused',
  outcome: '401 and close; the refusal can be read even after the whole body was sent, and an endless one is cut',
  sources: ['RFC 9110 section 10.1.1', 'RFC 9112 section 9.6'],
})(() => {
  test.each(['Content-Length: 8388608', 'Transfer-Encoding: chunked'])(
    '%s, by a client that reads only when it has sent all',
    async (framing) => {
      using client = await at.connect();
      client.socket.pause();
      client.send(rawRequest('POST /files/x', [framing]));
      const chunk = framing.startsWith('Transfer') ? Buffer.from(`10000\r\n${BLOCK}\r\n`) : BLOCK;
      for (let sent = 0; sent < 8 * MIB; sent += BLOCK.length)
        await new Promise<void>((resolve, reject) =>
          client.socket.write(chunk, (error) => (error ? reject(error) : resolve())),
        );
      client.socket.resume();
      await client.untilEnded();
      expect(client.responses.map(({ status, complete }) => [status, complete])).toEqual([[401, true]]);
      expect(client.ending).toBe('closed');
      expect(at.upstream.text).toBe('');
    },
  );

  test('without an end', async () => {
    using client = await at.connect();
    client.send(rawRequest('POST /files/x', ['Transfer-Encoding: chunked']));
    let sent = 0;
    const chunk = Buffer.from(`10000\r\n${BLOCK}\r\n`);
    const push = (): void => {
      while (!client.socket.destroyed && client.socket.write(chunk)) sent += chunk.length;
    };
    client.socket.on('drain', push);
    push();
    await new Promise((resolve) => client.socket.once('close', resolve));
    expect(client.responses[0]?.status).toBe(401);
    expect(sent).toBeLessThan(1024 * MIB);
    expect(at.upstream.text).toBe('');
  });
});
