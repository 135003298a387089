/** A WebSocket server of the `ws` package that echoes, and remembers the requests that came. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export class SocketUpstream implements AsyncDisposable {
  readonly requests: { readonly url: string; readonly headers: readonly string[] }[] = [];
  readonly sockets = new Set<WebSocket>();
  readonly #server: Server;
  readonly #sockets: WebSocketServer;

  readonly #scheme: string;

  private constructor(tls: Certificate | null) {
    this.#scheme = tls === null ? 'http' : 'https';
    this.#server = tls === null ? createServer() : createTlsServer(tls);
    this.#sockets = new WebSocketServer({ server: this.#server, perMessageDeflate: true });
    this.#sockets.on('connection', (socket: WebSocket, request: IncomingMessage) => {
      this.requests.push({ url: request.url!, headers: request.rawHeaders });
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('error', () => {});
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
  }

  static async start(tls: Certificate | null = null): Promise<SocketUpstream> {
    const upstream = new SocketUpstream(tls);
    upstream.#server.listen(0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    return upstream;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.terminate();
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
