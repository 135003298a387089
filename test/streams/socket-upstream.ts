/**
 * What stands behind the gateway here: a WebSocket server of the `ws` package that echoes, and for plain requests an
 * event stream that says `data: hello` and stays open. Remembers what came.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
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
  /** Of each plain request. */
  readonly plainHeaders: (readonly string[])[] = [];
  /** Answers to plain requests that are still open. */
  readonly answers = new Set<ServerResponse>();
  /** How the answer to a plain request begins. */
  begin = (answer: ServerResponse): void => {
    answer.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).write('data: hello\n\n');
  };
  readonly #server: Server;
  readonly #sockets: WebSocketServer;

  readonly #scheme: string;

  private constructor(tls: Certificate | null) {
    this.#scheme = tls === null ? 'http' : 'https';
    this.#server = tls === null ? createServer() : createTlsServer(tls);
    this.#server.on('request', (request: IncomingMessage, answer: ServerResponse) => {
      this.plainHeaders.push(request.rawHeaders);
      this.answers.add(answer);
      answer.on('close', () => this.answers.delete(answer));
      this.begin(answer);
    });
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
