/** Sockets that were never connected: do they, and what is put on them, behave as we rely on? Sends nothing. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { Finding } from './habit.ts';
import { answering, letGo, putOn, RESPONSE_ON_SOCKET } from './http-server.ts';
import { keepReading, SOCKET_WRITE } from './socket-write.ts';
import { CARRIER, carrierOf, SECURE_LISTENER } from './tls-socket.ts';

export function probeSockets(): Finding[] {
  return [
    { ...SOCKET_WRITE, isThere: holds(writesPassUs) },
    { ...CARRIER, isThere: holds(carrierIsKnown) },
    { ...SECURE_LISTENER, isThere: holds(() => createTlsServer().listenerCount('secureConnection') === 1) },
    { ...RESPONSE_ON_SOCKET, isThere: holds(responseIsPutOn) },
  ];
}

/** A write that failed already would be one that Node tells the socket of. */
function writesPassUs(): boolean {
  const socket = new Socket();
  let asked = 0;
  keepReading(
    socket,
    () => {
      asked++;
      return true;
    },
    () => undefined,
  );
  socket.write('x');
  const one = asked;
  socket.cork();
  socket.write('x');
  socket.write('x');
  socket.uncork();
  socket.destroy();
  return one === 1 && asked > one;
}

function carrierIsKnown(): boolean {
  const carrier = new Socket();
  const encrypted = new TLSSocket(carrier, { isServer: true, secureContext: createSecureContext() });
  const isKnown = carrierOf(encrypted) === carrier && typeof carrier.resetAndDestroy === 'function';
  encrypted.destroy();
  carrier.destroy();
  return isKnown;
}

function responseIsPutOn(): boolean {
  const socket = new Socket();
  const response = new ServerResponse(new IncomingMessage(socket));
  putOn(response, socket);
  const isOn = answering(socket) === response;
  letGo(response, socket);
  socket.destroy();
  return isOn && answering(socket) === null;
}

function holds(probe: () => boolean): boolean {
  try {
    return probe();
  } catch {
    return false;
  }
}
