/**
 * The upstream of the bodies benchmark: takes a PUT and answers how many bytes it was, answers GET /bodies/N with N bytes.
 * Keeps nothing. Never what is measured.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';

const BLOCK = Buffer.alloc(64 * 1024, 'x');

const server = createServer((request, response) => {
  if (request.method === 'PUT') {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => response.end(String(bytes)));
    return;
  }
  const total = Number(request.url!.split('/').at(-1));
  response.setHeader('Content-Length', total);
  Readable.from(blocks(total)).pipe(response);
});

function* blocks(total: number): Generator<Buffer> {
  for (let sent = 0; sent < total; sent += BLOCK.length) yield BLOCK.subarray(0, Math.min(BLOCK.length, total - sent));
}

server.requestTimeout = 0;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ gateway: `http://127.0.0.1:${port}` })}\n`);
});
