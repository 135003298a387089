/**
 * What a connection of Node's own HTTP server is busy with, whom it is waiting for while nothing moves on it, and the
 * limits of a client in that server's terms. Ends nothing.
 */
import type { ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import { answering, speaksHttp1 } from '../../node-internals/http-server.ts';
import type { ClientLimits } from '../client-limits.ts';
import type { Owed } from '../minimum-rate.ts';
import { isStream } from './node-exchange.ts';

/** How often Node looks for heads that are late. */
const SWEEP_MS = 1000;

export function serverLimits({ headersMs, keepAliveMs, headerBytes }: ClientLimits): ServerOptions {
  return {
    maxHeaderSize: headerBytes,
    headersTimeout: headersMs,
    // A body may take as long as it takes, while it moves.
    requestTimeout: 0,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: Math.min(SWEEP_MS, headersMs),
  };
}

export type Awaited = 'upstream' | 'request' | 'body' | 'reader';

/** What this connection, on which nothing moves, is waiting for. */
export function awaitedOn(socket: Socket): Awaited {
  const response = answering(socket);
  if (response === null) return 'request';
  if (socket.writableLength > 0 || response.writableLength > 0) return 'reader';
  // A body that we paused is the upstream's to go on with.
  return response.req.complete || socket.isPaused() ? 'upstream' : 'body';
}

/** What is owed on a connection of HTTP/1, by the request whose turn it is. */
export function owedOn(socket: Socket): { readonly of: object; readonly owed: Owed | null } | null {
  const response = answering(socket);
  if (response === null) return null;
  const what = awaitedOn(socket);
  const { bytesRead, bytesWritten, writableLength } = socket;
  if (what === 'reader')
    return { of: response, owed: { what, movedBytes: bytesWritten - writableLength, inFlightBytes: writableLength } };
  if (what === 'body' && !isStream(response))
    return { of: response, owed: { what, movedBytes: bytesRead, inFlightBytes: 0 } };
  return { of: response, owed: null };
}

/** A request is on it. Also once it no longer speaks HTTP/1: a tunnel is busy until it ends. */
export function isBusy(socket: Socket): boolean {
  return answering(socket) !== null || !speaksHttp1(socket);
}
