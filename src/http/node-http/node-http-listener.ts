/**
 * A Listener on Node's own HTTP server (node:http, node:https). Requests that Node's parser refuses are answered here, in
 * the words the owner gives. Knows no route and no token.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { declaresBody, offeredProtocols } from '../../core/upgrade.ts';
import { SetupError } from '../../errors.ts';
import { abandon, answering, isKeptAlive, setKeptAlive } from '../../node-internals/http-server.ts';
import { divertH2 } from '../../node-internals/tls-socket.ts';
import { CLIENT_LIMITS, type ClientLimits } from '../client-limits.ts';
import { Connections } from '../connections.ts';
import type { Exchange } from '../exchange.ts';
import { H2Server } from '../http2/h2-server.ts';
import type { DrainTimes, Listener, ListenerOptions } from '../listener.ts';
import { watchRate } from '../minimum-rate.ts';
import { isClosing, lingeringClose, markClosing, resetConnection } from '../socket-close.ts';
import { contextOptions, type KeyPair, serverOptions } from '../tls.ts';
import { type Awaited, awaitedOn, isBusy, owedOn, serverLimits } from './connection-state.ts';
import { NodeExchange } from './node-exchange.ts';
import { type ParseFailure, statusOfFailure } from './parse-failure.ts';
import { UpgradeExchange } from './upgrade-exchange.ts';

const PARSER = {
  insecureHTTPParser: false,
  // Judged by core/framing, so that the refusal speaks the policy's dialect.
  requireHostHeader: false,
  noDelay: true,
  // Where Node knows it (24): a request without a body is no stream to be drained, a seventh of what a request costs.
  optimizeEmptyRequests: true,
};

export class NodeHttpListener implements Listener {
  readonly #server: Server;
  readonly #options: ListenerOptions;
  readonly #limits: ClientLimits;
  readonly #connections: Connections;
  readonly #h2: H2Server | null;
  /** Every answer from now on is the last on its connection. */
  #windingDown = false;
  /** The answers that wait in line on connections whose client did not wait for the one before; oldest first. */
  readonly #queued = new WeakMap<Socket, Set<ServerResponse>>();
  /** Connections on which no more is parsed. */
  readonly #broken = new WeakSet<Socket>();

  private constructor(options: ListenerOptions) {
    this.#options = options;
    this.#limits = options.limits ?? CLIENT_LIMITS;
    const handle = (request: IncomingMessage, response: ServerResponse) => this.#handle(request, response);
    const shouldUpgradeCallback = (request: IncomingMessage) => this.#offered(request) !== '';
    const limits = { ...PARSER, ...serverLimits(this.#limits), shouldUpgradeCallback };
    this.#server =
      options.tls === null
        ? createServer(limits, handle)
        : createTlsServer({ ...limits, ...serverOptions(options.tls, this.#limits.headersMs) }, handle);
    this.#h2 = options.tls?.http2 === true ? this.#serveH2() : null;
    this.#connections = new Connections(this.#server, options.tls === null ? 'connection' : 'secureConnection', isBusy);
    // Node silently drops headers past this count: a dropped duplicate would be one that was not checked.
    this.#server.maxHeadersCount = 0;
    if (this.#limits.connections !== null) this.#server.maxConnections = this.#limits.connections;
    // Among workers, Node would rather offer it to the others, again and again.
    Object.assign(this.#server, { dropMaxConnection: true });
    this.#server.timeout = this.#limits.idleMs;
    this.#server.on('timeout', (socket: Socket) => this.#cut(socket, awaitedOn(socket)));
    const tooSlow = (socket: Socket, what: Awaited) => this.#cut(socket, what);
    this.#server.once('close', watchRate(this.#limits, { open: this.#connections, owes: owedOn, tooSlow }));
    this.#server.on('checkContinue', handle);
    this.#server.on('checkExpectation', handle);
    this.#server.on('connect', (_request: IncomingMessage, socket: Socket) => this.#refuseLast(socket, 405));
    // Nothing that could be said before the handshake would be understood; Node would pass it on as a parse error.
    this.#server.removeAllListeners('tlsClientError');
    this.#server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#upgrade(request, socket, head),
    );
    this.#server.on('clientError', (error: ParseFailure, socket: Socket) => this.#parseFailed(error, socket));
  }

  /** Resolves once connections are accepted. Rejects with SetupError when the port cannot be had. */
  static async start(options: ListenerOptions): Promise<NodeHttpListener> {
    const listener = new NodeHttpListener(options);
    await new Promise<void>((resolve, reject) => {
      listener.#server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(options, error)));
      listener.#server.listen(options.port, options.host, resolve);
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
    this.#windingDown = true;
    this.#h2?.sendAway();
    this.#connections.watch();
    for (const socket of this.#connections) {
      const last = this.#lastInLine(socket);
      if (last !== null && !last.headersSent) setKeptAlive(last, false);
    }
  }

  drain(times: DrainTimes): Promise<void> {
    this.windDown();
    this.#h2?.drain();
    return this.#connections.drain(times);
  }

  #serveH2(): H2Server {
    const { handle, onBug, refuse } = this.#options;
    const h2 = new H2Server({ handle, onBug, refuse, limits: this.#limits });
    this.#server.once('close', h2.watchRate());
    divertH2(this.#server as TlsServer, (socket) => h2.accept(socket));
    return h2;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    if (isClosing(request.socket)) return;
    if (this.#windingDown && !this.#isLast(request.socket, response)) return;
    if (response.socket === null) this.#waitInLine(request.socket, response);
    this.#run(new NodeExchange(request, response));
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    // It is out of the server's hands, which heard its errors so far.
    socket.on('error', ignore);
    const protocols = this.#offered(request);
    // Before Node 22.21 a server cannot say beforehand that it takes such a request for a plain one.
    const isPlain = protocols === '';
    if (!isPlain || (isWritable(socket) && answering(socket) === null && !declaresBody(request.rawHeaders)))
      return this.#run(new UpgradeExchange(request, socket, head, protocols, this.#limits.idleMs));
    socket.resume();
    if (isWritable(socket)) this.#refuseLast(socket, 400);
  }

  /** What the client may be let out of HTTP for; empty: it is a plain request. An answer before it must go out first. */
  #offered({ method, httpVersionMajor, httpVersionMinor, rawHeaders, socket }: IncomingMessage): string {
    if (this.#options.upgrades !== true || isClosing(socket) || answering(socket) !== null) return '';
    return offeredProtocols(method!, httpVersionMajor === 1 ? httpVersionMinor : -1, rawHeaders);
  }

  #run(exchange: Exchange): void {
    try {
      this.#options.handle(exchange);
    } catch (error) {
      // Fail closed: a request that broke us is neither answered nor forwarded further.
      exchange.breakOff();
      this.#options.onBug(error);
    }
  }

  /** Makes this the last answer on its connection. false: the one before it says already that it is. */
  #isLast(socket: Socket, response: ServerResponse): boolean {
    const before = response.socket === null ? this.#lastInLine(socket) : null;
    if (before !== null) {
      if (before.headersSent && !isKeptAlive(before)) return false;
      setKeptAlive(before, true);
    }
    setKeptAlive(response, false);
    return true;
  }

  /** Nothing has moved on this connection for as long as we wait, or too little. */
  #cut(socket: Socket, awaited: Awaited): void {
    if (awaited === 'body') this.#refuseLast(socket, 408);
    else if (awaited === 'reader') resetConnection(socket);
    else if (awaited === 'request') socket.destroy();
  }

  #parseFailed(error: ParseFailure, socket: Socket): void {
    const gone = error.code === 'HPE_INVALID_EOF_STATE' && answering(socket)?.req.complete === true;
    if (error.code === 'ECONNRESET' || gone || !socket.writable) {
      socket.destroy();
      return;
    }
    this.#refuseLast(socket, statusOfFailure(error, this.#limits.headerBytes));
  }

  /** The client did not wait for its answers. One that has no connection yet is not told by Node when that ends. */
  #waitInLine(socket: Socket, response: ServerResponse): void {
    const line = this.#queued.get(socket) ?? this.#newLine(socket);
    line.add(response);
    response.once('close', () => line.delete(response));
  }

  /** All of a line are told in one loop: thousands, each told by the one before it, would be too deep for the stack. */
  #newLine(socket: Socket): Set<ServerResponse> {
    const line = new Set<ServerResponse>();
    this.#queued.set(socket, line);
    socket.once('close', () => {
      for (const response of line) if (response.socket === null) abandon(response);
    });
    return line;
  }

  /** Answers what came last on this connection, once the answers to what came before it are out, and closes. */
  #refuseLast(socket: Socket, status: number): void {
    // Each further piece of a message that is broken already breaks again.
    if (this.#broken.has(socket)) return;
    this.#broken.add(socket);
    markClosing(socket);
    const current = answering(socket);
    if (current === null) return this.#refuseRaw(socket, status);
    const last = this.#lastInLine(socket)!;
    if (last.req.complete) last.once('finish', () => socket.writable && this.#refuseRaw(socket, status));
    // It broke within the body of a request that is being served: that is the one to refuse, while it still can be.
    else if (last === current && !current.headersSent) {
      this.#refuseRaw(socket, status);
      abandon(current);
    } else resetConnection(socket);
  }

  /** The answer to what came last on this connection, while it is not whole. */
  #lastInLine(socket: Socket): ServerResponse | null {
    const last = [...(this.#queued.get(socket) ?? [])].at(-1);
    return last === undefined || last.writableFinished ? answering(socket) : last;
  }

  #refuseRaw(socket: Socket, parsed: number): void {
    const { headers, body } = this.#options.refuse(parsed);
    const status = this.#options.sendable?.(parsed) ?? parsed;
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
    for (let index = 0; index < headers.length; index += 2) head += `${headers[index]}: ${headers[index + 1]}\r\n`;
    socket.write(`${head}Connection: close\r\n\r\n${body}`);
    lingeringClose(socket);
  }
}

/** An answer may still be sent on it. */
function isWritable(socket: Socket): boolean {
  return socket.writable && !isClosing(socket);
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

function ignore(): void {}
