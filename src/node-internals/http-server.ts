/**
 * What node:http's server keeps to itself: which answer a connection is busy with, whether it still speaks HTTP/1, and
 * how it ends. Reads and sets these fields; never reads or answers a request.
 */
import type { ServerResponse } from 'node:http';
import { Server as NetServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Habit } from './habit.ts';

export const CURRENT_RESPONSE: Habit = {
  name: 'socket._httpMessage: the answer that a connection is busy with',
};
export const SOCKET_PARSER: Habit = {
  name: 'socket.parser: whether a connection still speaks HTTP/1',
};
export const KEEP_ALIVE: Habit = {
  name: 'response.shouldKeepAlive: whether a connection ends with its answer',
};
export const CHUNKED: Habit = {
  name: 'response.chunkedEncoding: whether an answer can have trailers',
};
export const PLAIN_CLOSE: Habit = {
  name: "net.Server's close on an http.Server: no more connections, without cutting the idle ones",
};
export const CLOSE_AFTER_LAST: Habit = {
  name: 'socket.destroySoon: how a connection is closed behind its last answer',
  fallback: 'a client that still sends when it is refused may meet a reset before it reads why',
};

/** The oldest request on this connection whose answer is not yet whole. */
export function answering(socket: Duplex): ServerResponse | null {
  return (socket as Duplex & { _httpMessage?: ServerResponse | null })._httpMessage ?? null;
}

/** false: it does not yet, or no longer; a tunnel, say. */
export function speaksHttp1(socket: Duplex): boolean {
  return (socket as Duplex & { parser?: object | null }).parser != null;
}

/** Accepts no more. `http.Server.close` would also destroy idle connections, racing with requests already on the wire. */
export function stopAccepting(server: Server, closed: () => void): void {
  NetServer.prototype.close.call(server, closed);
}

/** From here on the server closes this connection by `close`, behind the last answer on it. */
export function closeBy(socket: Duplex, close: () => void): void {
  (socket as Socket).destroySoon = close;
}

/** The connection is kept behind this answer, as it stands. */
export function isKeptAlive(response: ServerResponse): boolean {
  return response.shouldKeepAlive;
}

/** Before its head is sent: whether it tells its client that the connection is kept. */
export function setKeptAlive(response: ServerResponse, isKept: boolean): void {
  response.shouldKeepAlive = isKept;
}

/** Its head is sent and says that the body comes in chunks, so that trailers can follow. */
export function isChunked(response: ServerResponse): boolean {
  return response.chunkedEncoding;
}
