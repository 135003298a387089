/** The upstream of the streams benchmark: begins an event stream for every request and says nothing more. Checks nothing. */
import { type AddressInfo, createServer } from 'node:net';

const ANSWER =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nd\r\ndata: hello\n\n\r\n';

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('data', () => socket.write(ANSWER));
});
server.listen(0, '127.0.0.1', 1024, () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ gateway: `http://127.0.0.1:${port}` })}\n`);
});
