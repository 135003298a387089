/**
 * What node:tls keeps to itself: the connection below one that is encrypted, and who takes those whose handshake is over.
 */
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Habit } from './habit.ts';

export const CARRIER: Habit = {
  name: 'tlsSocket._parent: the TCP connection below, which alone can be reset',
  owner: 'node',
  fallback: 'an answer that is cut under TLS ends as a plain close, not as a reset',
};
export const SECURE_LISTENER: Habit = {
  name: "https.Server's one listener for secureConnection: who takes connections that agreed on h2 before HTTP/1 does",
  owner: 'node',
};

/** The TCP connection that carries `socket`: itself without TLS. null: not known. */
export function carrierOf(socket: Socket): Socket | null {
  return 'encrypted' in socket ? ((socket as Socket & { _parent?: Socket | null })._parent ?? null) : socket;
}

/** Connections that agreed on h2 go their own way before Node's HTTP/1 sees a byte of them. */
export function divertH2(server: Server, accept: (socket: TLSSocket) => void): void {
  const [serveHttp1] = server.listeners('secureConnection') as Array<(socket: TLSSocket) => void>;
  server.removeAllListeners('secureConnection');
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol === 'h2') accept(socket);
    else serveHttp1!.call(server, socket);
  });
}
