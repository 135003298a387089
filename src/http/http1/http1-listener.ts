/**
 * A Listener of our own on node:net and node:tls: accepts connections, gives each to who reads it, looks now and then for
 * those on which nothing moves, and drains. Connections that agreed on HTTP/2, or begin with its preface where that is
 * allowed, go to node:http2. Knows no route and no token.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { headerLines } from '../../core/http1/header-pairs.ts';
import { SetupError } from '../../errors.ts';
import { stallAwareTimeout } from '../../stall-aware-timeout.ts';
import { CLIENT_LIMITS, type ClientLimits } from '../client-limits.ts';
import { Connections } from '../connections.ts';
import type { Exchange } from '../exchange.ts';
import type { H2Server } from '../http2/h2-server.ts';
import type { DrainTimes, Listener, ListenerOptions } from '../listener.ts';
import { watchRate } from '../minimum-rate.ts';
import { contextOptions, type KeyPair, serverOptions } from '../tls.ts';
import { keepLines, statusTextOf } from './answer-head.ts';
import { HeadReader } from './head-reader.ts';
import { type ConnectionHost, Http1Connection } from './http1-connection.ts';
import { RequestOrder } from './request-order.ts';

/** Connections that the kernel has accepted and we have not; it may allow fewer. Behind more, clients wait for seconds. */
const BACKLOG = 4096;
/** How often all connections are looked at, at least. */
const LOOK_EVERY_MAX_MS = 1000;

export class Http1Listener implements Listener, ConnectionHost {
  readonly limits: ClientLimits;
  readonly reader: HeadReader;
  readonly order = new RequestOrder();
  readonly upgrades: boolean;
  readonly keepLines: string;
  windingDown = false;
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #connections: Connections;
  readonly #http1 = new Map<Socket, Http1Connection>();
  readonly #h2: H2Server | null;
  #stopLooking = (): void => undefined;

  /** `Http2`: what serves it, where it is served. */
  private constructor(options: ListenerOptions, Http2: typeof H2Server | null) {
    this.#options = options;
    this.limits = options.limits ?? CLIENT_LIMITS;
    this.reader = new HeadReader(this.limits.headerBytes);
    this.upgrades = options.upgrades === true;
    this.keepLines = keepLines(this.limits.keepAliveMs);
    this.#h2 = Http2 === null ? null : new Http2({ ...options, limits: this.limits });
    this.#server = options.tls === null ? this.#plainServer() : this.#tlsServer(options.tls);
    if (this.limits.connections !== null) this.#server.maxConnections = this.limits.connections;
    // Among workers, Node would rather offer it to the others, again and again.
    Object.assign(this.#server, { dropMaxConnection: true });
    const event = options.tls === null ? 'connection' : 'secureConnection';
    this.#connections = new Connections(this.#server, (socket) => this.#isBusy(socket));
    this.#server.on('connection', () => this.order.accepted());
    this.#server.on(event, (socket: Socket) => this.#accept(socket));
    const owes = (socket: Socket) => this.#http1.get(socket)?.owed ?? null;
    const tooSlow = (socket: Socket, what: 'body' | 'reader') => this.#http1.get(socket)?.tooSlow(what);
    this.#server.once('close', watchRate(this.limits, { open: this.#connections, owes, tooSlow }));
    this.#server.once('close', () => this.#stopLooking());
    if (this.#h2 !== null) this.#server.once('close', this.#h2.watchRate());
    this.#look();
  }

  /** Resolves once connections are accepted. Rejects with SetupError when the port cannot be had. */
  static async start(options: ListenerOptions): Promise<Http1Listener> {
    // Loaded where it is used: node:http2 takes 5 MB.
    const isServed = options.tls === null ? options.h2c === true : options.tls.http2;
    const { H2Server } = isServed ? await import('../http2/h2-server.ts') : { H2Server: null };
    const listener = new Http1Listener(options, H2Server);
    const server = listener.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        server.emit('close');
        reject(listenError(options, error));
      });
      server.listen({ port: options.port, host: options.host, backlog: BACKLOG }, resolve);
    });
    return listener;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    const host = this.#options.host.includes(':') ? `[${this.#options.host}]` : this.#options.host;
    return `${this.#options.tls === null ? 'http' : 'https'}://${host}:${this.port}`;
  }

  useKeyPair(keyPair: KeyPair): void {
    (this.#server as TlsServer).setSecureContext(contextOptions({ ...this.#options.tls!, keyPair }));
  }

  windDown(): void {
    this.windingDown = true;
    this.#h2?.sendAway();
    this.#connections.watch();
  }

  drain(times: DrainTimes): Promise<void> {
    this.windDown();
    this.#h2?.drain();
    return this.#connections.drain(times);
  }

  // What its connections ask.

  handle(exchange: Exchange): void {
    this.#options.handle(exchange);
  }

  get takesPreface(): boolean {
    return this.#h2 !== null && this.#options.tls === null;
  }

  becomeHttp2(socket: Socket, readOn: () => void): (bytes: Buffer) => boolean {
    this.#http1.delete(socket);
    const tap = this.#h2!.serve(socket, readOn);
    return (bytes) => tap.received(bytes);
  }

  onBug(error: unknown): void {
    this.#options.onBug(error);
  }

  refusal(parsed: number): string {
    const { headers, body } = this.#options.refuse(parsed);
    const status = this.#options.sendable?.(parsed) ?? parsed;
    return `HTTP/1.1 ${status} ${statusTextOf(status)}\r\n${headerLines(headers)}Connection: close\r\n\r\n${body}`;
  }

  #plainServer(): Server {
    return createServer({ allowHalfOpen: true, noDelay: true });
  }

  #tlsServer(tls: NonNullable<ListenerOptions['tls']>): TlsServer {
    const server = createTlsServer({
      ...serverOptions(tls, this.limits.headersMs),
      allowHalfOpen: true,
      noDelay: true,
    });
    // Nothing that could be said before the handshake would be understood.
    server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
    return server;
  }

  #accept(socket: Socket): void {
    if (this.#h2 !== null && (socket as TLSSocket).alpnProtocol === 'h2') {
      this.#connections.add(socket);
      return this.#h2.accept(socket as TLSSocket);
    }
    this.#connections.add(socket);
    this.#http1.set(socket, new Http1Connection(this, socket));
    socket.once('close', () => this.#http1.delete(socket));
  }

  /** What has left HTTP/1 is busy until it ends. */
  #isBusy(socket: Socket): boolean {
    return this.#http1.get(socket)?.isBusy ?? true;
  }

  #look(): void {
    const { headersMs, keepAliveMs, idleMs } = this.limits;
    const everyMs = Math.min(LOOK_EVERY_MAX_MS, headersMs / 4, keepAliveMs / 4, idleMs / 4);
    const look = () => {
      const nowMs = performance.now();
      for (const connection of this.#http1.values()) connection.check(nowMs);
      this.#look();
    };
    // What has come meanwhile is read first.
    this.#stopLooking = stallAwareTimeout(everyMs, look, { keepsProcess: false });
  }
}

function listenError(options: ListenerOptions, error: NodeJS.ErrnoException): SetupError {
  const place = `${options.host}:${options.port}`;
  const causes: Record<string, string> = {
    EADDRINUSE: `${place} is already in use; stop the other program or set ${options.name}.port`,
    EACCES: `${place} may not be opened by this user; set ${options.name}.port to one above 1023`,
    EADDRNOTAVAIL: `${options.host} is not an address of this machine; set ${options.name}.host`,
  };
  return new SetupError(`${options.name}: ${causes[error.code ?? ''] ?? error.message}`, { cause: error });
}
