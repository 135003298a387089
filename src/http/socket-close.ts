/**
 * How a client's connection is closed: behind a last answer, so that no reset overtakes it, or in the middle of one, so
 * that half never looks whole. Knows sockets only, no HTTP server.
 */
import type { Socket } from 'node:net';
import { carrierOf } from '../node-internals/tls-socket.ts';

/**
 * A client that is still sending what we refused is read on, into nothing, so that no reset overtakes the refusal: until
 * it has been quiet for a while, or took its time, or sent more than a client does that listens at all.
 */
const LINGER_QUIET_MS = 1000;
const LINGER_MS = 30_000;
const LINGER_BYTES_MAX = 64 * 1024 * 1024;
const LOOK_EVERY_MS = 100;

/** On connections on which nothing more will be answered. */
const CLOSING = Symbol('closing');
type Marked = Socket & { [CLOSING]?: true };

/** true: what arrives on this connection comes after an answer that closed it, and must not run. */
export function isClosing(socket: Socket): boolean {
  return (socket as Marked)[CLOSING] === true;
}

/** From here on nothing that arrives on this connection is run. */
export function markClosing(socket: Socket): void {
  (socket as Marked)[CLOSING] = true;
}

/**
 * Breaks a connection so that what was sent on it never looks whole: a plain close would look like the end of an answer
 * that has no length. Node resets TCP alone, so under TLS what carries it; and while our own end is on its way Node's
 * reset fails (EINVAL) and would leave the connection open for ever.
 */
export function resetConnection(socket: Socket): void {
  if (socket.destroyed) return;
  const carrier = carrierOf(socket);
  const isEnding = socket.writableEnded && !socket.writableFinished;
  if (isEnding || carrier === null) socket.destroy();
  else carrier.resetAndDestroy();
}

/** Close our side, then wait a while for theirs (RFC 9112 section 9.6). */
export function lingeringClose(socket: Socket): void {
  if (socket.destroyed) return;
  const first = socket.bytesRead;
  let seen = first;
  let quietMs = 0;
  let passedMs = 0;
  // Node makes an error of a second end, with its stack, though nobody is told.
  if (!socket.writableEnded) socket.end();
  const looking = setInterval(() => {
    const { bytesRead } = socket;
    passedMs += LOOK_EVERY_MS;
    quietMs = bytesRead === seen ? quietMs + LOOK_EVERY_MS : 0;
    seen = bytesRead;
    if (quietMs >= LINGER_QUIET_MS || passedMs >= LINGER_MS || seen - first > LINGER_BYTES_MAX) socket.destroy();
  }, LOOK_EVERY_MS).unref();
  socket.once('close', () => clearInterval(looking));
}
