/**
 * How a listener speaks TLS: what its contexts are made of, which protocols it offers, and who gets a connection once
 * both sides agreed on one. Reads no file.
 */
import type { Server } from 'node:https';
import type { TLSSocket } from 'node:tls';

/** PEM. */
export interface KeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface TlsOptions {
  readonly keyPair: KeyPair;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Offer HTTP/2. */
  readonly http2: boolean;
}

export function serverOptions(tls: TlsOptions, handshakeTimeout: number) {
  const ALPNProtocols = [...(tls.http2 ? ['h2'] : []), 'http/1.1', 'http/1.0'];
  return { ...contextOptions(tls), handshakeTimeout, ALPNProtocols };
}

export function contextOptions({ keyPair, minVersion }: TlsOptions) {
  return { cert: keyPair.cert, key: keyPair.key, minVersion };
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
