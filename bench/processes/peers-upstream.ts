/**
 * The upstream of the comparison with peers where no nginx can be one: a bare socket that reads whole requests, bodies
 * included, and answers as the last segment of the path asks: that many bytes, an event stream, an echo of WebSocket
 * frames, or the head of the request itself. Checks no token.
 */
import { createHash } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { CLIENT_FRAME_BYTES, EVENT_EVERY_MS, eventOf, SERVER_FRAME } from '../peers/messages.ts';

/** Streams take turns, so that what leaves in one moment is a tenth of them. */
const TURNS = 10;
const HEAD_END = '\r\n\r\n';
const streams: Array<Set<Socket>> = Array.from({ length: TURNS }, () => new Set());
let opened = 0;
let turn = 0;
const answers = new Map<string, Buffer>();

setInterval(() => {
  const event = Buffer.from(eventOf(process.hrtime.bigint()), 'latin1');
  const chunk = Buffer.concat([Buffer.from(`${event.length.toString(16)}\r\n`), event, Buffer.from('\r\n')]);
  for (const socket of streams[turn]!) socket.write(chunk);
  turn = (turn + 1) % TURNS;
}, EVENT_EVERY_MS / TURNS);

const server = createServer({ noDelay: true }, (socket) => {
  let held: Buffer = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  const read = (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    for (let end = held.indexOf(HEAD_END); end !== -1; end = held.indexOf(HEAD_END)) {
      const head = held.toString('latin1', 0, end + HEAD_END.length);
      if (/^transfer-encoding:/im.test(head)) throw new Error('the upstream of this benchmark reads no chunked bodies');
      const whole = head.length + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
      if (held.length < whole) return;
      held = held.subarray(whole);
      const wanted = /^[A-Z]+ [^? ]*\/([^/? ]+)[? ]/.exec(head)![1]!;
      if (wanted === 'sockets') {
        socket.off('data', read);
        return upgrade(socket, head);
      }
      answer(socket, head, wanted, whole - head.length);
    }
  };
  socket.on('data', read);
});

function answer(socket: Socket, head: string, wanted: string, bodyBytes: number): void {
  if (wanted === 'events') {
    const turnOf = streams[opened++ % TURNS]!.add(socket);
    socket.once('close', () => turnOf.delete(socket));
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
  } else if (wanted === 'head') socket.write(whole(head));
  else {
    const key = `${wanted} ${bodyBytes}`;
    let known = answers.get(key);
    if (known === undefined) {
      known = whole(`{"received":${bodyBytes},"data":"`.padEnd(Number(wanted), 'x'));
      answers.set(key, known);
    }
    socket.write(known);
  }
}

function whole(body: string): Buffer {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: ${new Date().toUTCString()}\r\n`;
  return Buffer.from(`${head}Content-Length: ${body.length}\r\nConnection: keep-alive${HEAD_END}${body}`, 'latin1');
}

function upgrade(socket: Socket, head: string): void {
  const key = /^sec-websocket-key: *(\S+)/im.exec(head)![1]!;
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}${HEAD_END}`,
  );
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    for (; bytes >= CLIENT_FRAME_BYTES; bytes -= CLIENT_FRAME_BYTES) socket.write(SERVER_FRAME);
  });
}

server.listen(0, '127.0.0.1', 4096, () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ gateway: `http://127.0.0.1:${port}` })}\n`);
});
