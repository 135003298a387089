/**
 * The upstream of the gateway benchmark: answers every request head with the same 211 bytes of JSON, keep-alive. A bare
 * socket instead of an HTTP server, so that it is never what is measured. Reads no body and checks nothing.
 */
import { type AddressInfo, createServer } from 'node:net';

const ITEM = '{"id":"wf_00","name":"Workflow 00","status":"published"}';
const BODY = `{"code":0,"msg":"","data":{"items":[${ITEM},${ITEM},${ITEM}]}}`.padEnd(211);
const ANSWER = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: ${new Date().toUTCString()}\r\n` +
    `Content-Length: ${BODY.length}\r\nConnection: keep-alive\r\n\r\n${BODY}`,
  'latin1',
);
const END = Buffer.from('\r\n\r\n', 'latin1');

const server = createServer({ noDelay: true }, (socket) => {
  let held: Buffer | null = null;
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    let bytes = held === null ? chunk : Buffer.concat([held, chunk]);
    for (let end = bytes.indexOf(END); end !== -1; end = bytes.indexOf(END)) {
      socket.write(ANSWER);
      bytes = bytes.subarray(end + END.length);
    }
    held = bytes.length === 0 ? null : bytes;
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ gateway: `http://127.0.0.1:${port}` })}\n`);
});
