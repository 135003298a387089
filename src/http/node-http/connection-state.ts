/** Whether a connection of Node's own HTTP server is busy with a request. Ends nothing. */
import type { Socket } from 'node:net';
import { answering, speaksHttp1 } from '../../node-internals/http-server.ts';

/** A request is on it. Also once it no longer speaks HTTP/1: a tunnel is busy until it ends. */
export function isBusy(socket: Socket): boolean {
  return answering(socket) !== null || !speaksHttp1(socket);
}
