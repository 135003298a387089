/** An upstream for a process of its own, which stands still for 20 ms every second. Prints its address. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const EVERY_MS = 1000;
const STALL_MS = 20;

const server = createServer((_request, response) => response.end('ok'));
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port} stalls\n`);
});
setInterval(() => {
  for (const untilMs = performance.now() + STALL_MS; performance.now() < untilMs; );
}, EVERY_MS);
