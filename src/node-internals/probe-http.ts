/**
 * One request of HTTP/1 in memory, through Node's own server: does that do what we rely on? Opens no port and takes a few
 * milliseconds.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { bodyOf, PUSH, takeChunks } from './body-push.ts';
import type { Finding } from './habit.ts';
import {
  answering,
  CHUNKED,
  CLOSE_AFTER_LAST,
  CURRENT_RESPONSE,
  closeBy,
  isChunked,
  KEEP_ALIVE,
  PLAIN_CLOSE,
  SOCKET_PARSER,
  setKeptAlive,
  speaksHttp1,
} from './http-server.ts';
import { PARSED_HEADERS, removeHeaders } from './request-headers.ts';

const REQUEST = 'POST / HTTP/1.1\r\nHost: probe\r\nX-Probe: 1\r\nTransfer-Encoding: chunked\r\n\r\n';

/** Resolves once the exchange is over, or could not go on. */
export async function probeHttp(withinMs: number): Promise<Finding[]> {
  const seen = {
    response: false,
    parser: false,
    push: false,
    chunked: false,
    detached: false,
    closed: false,
    headers: false,
  };
  const server = createServer();
  const [ours, theirs] = duplexPair();
  let text = '';
  ours.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  const over = new Promise<void>((resolve) => {
    const late = setTimeout(resolve, withinMs);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const socket = request.socket as Duplex;
      seen.response = answering(socket) === response;
      seen.parser = speaksHttp1(socket);
      removeHeaders(request, (lower) => lower === 'x-probe');
      seen.headers = !('x-probe' in request.headers) && !request.rawHeaders.includes('X-Probe');
      takeChunks(bodyOf(request), () => {
        seen.push = true;
        return true;
      });
      request.resume();
      request.on('end', () => {
        setKeptAlive(response, false);
        closeBy(socket, () => {
          seen.closed = true;
        });
        response.write('x');
        seen.chunked = isChunked(response);
        response.end();
      });
      response.on('close', () => {
        clearTimeout(late);
        seen.detached = answering(socket) === null;
        resolve();
      });
      // The rest, once what takes it is in place and the parser has returned.
      setImmediate(() => ours.write('1\r\nx\r\n0\r\n\r\n'));
    });
  });
  server.emit('connection', theirs);
  ours.write(REQUEST);
  await over;
  ours.destroy();
  theirs.destroy();
  return [
    { ...CURRENT_RESPONSE, isThere: seen.response && seen.detached },
    { ...SOCKET_PARSER, isThere: seen.parser },
    { ...PARSED_HEADERS, isThere: seen.headers },
    { ...PUSH, isThere: seen.push },
    { ...CHUNKED, isThere: seen.chunked },
    { ...KEEP_ALIVE, isThere: /\r\nConnection: close\r\n/i.test(text) },
    { ...CLOSE_AFTER_LAST, isThere: seen.closed },
    { ...PLAIN_CLOSE, isThere: server instanceof NetServer && typeof NetServer.prototype.close === 'function' },
  ];
}
