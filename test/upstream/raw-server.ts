/**
 * Upstreams made of bare sockets, and a listener that writes down what it hears. No HTTP library is involved, so that
 * every byte of an answer, right or wrong, is the test's own.
 */
import { EventEmitter, once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import type { AnswerHead, AnswerListener, UpstreamFailure, UpstreamRequest } from '../../src/upstream/exchange.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import type { UpstreamOptions } from '../../src/upstream/upstream-options.ts';

const cleanups: (() => void)[] = [];

/** For `afterEach`. */
export function cleanUp(): void {
  for (const cleanup of cleanups.splice(0)) cleanup();
}

export function later(cleanup: () => void): void {
  cleanups.push(cleanup);
}

export interface RawServer {
  readonly origin: string;
  /** Every connection so far, oldest first. */
  readonly sockets: net.Socket[];
  /** Emits 'connection', and 'closed' for each that ends. */
  readonly events: EventEmitter;
}

/** `onRequest` is called for each complete request head (body bytes go with it) with its number on that connection. */
export async function serve(onRequest: (socket: net.Socket, text: string, nth: number) => void): Promise<RawServer> {
  return listen((socket) => {
    let text = '';
    let nth = 0;
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += chunk;
      if (!text.includes('\r\n\r\n')) return;
      const request = text;
      text = '';
      nth += 1;
      onRequest(socket, request, nth);
    });
  });
}

export async function listen(
  onConnection: (socket: net.Socket) => void,
  server: net.Server = net.createServer(),
): Promise<RawServer> {
  const sockets: net.Socket[] = [];
  const events = new EventEmitter();
  server.on(server instanceof tls.Server ? 'secureConnection' : 'connection', (socket: net.Socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('close', () => events.emit('closed', socket));
    events.emit('connection', socket);
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  later(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as net.AddressInfo;
  const scheme = server instanceof tls.Server ? 'https' : 'http';
  return { origin: `${scheme}://127.0.0.1:${port}`, sockets, events };
}

/** Where nobody listens. */
export async function deadOrigin(): Promise<string> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

export function upstreamTo(origin: string | string[], options: Partial<UpstreamOptions> = {}): Upstream {
  const upstream = new Upstream({
    targets: typeof origin === 'string' ? [origin] : origin,
    timeouts: { connectMs: 2000, headersMs: 2000, idleMs: 2000 },
    maxConnections: 10,
    ...options,
  });
  later(() => upstream.destroy());
  return upstream;
}

export function get(target = '/', more: Partial<UpstreamRequest> = {}): UpstreamRequest {
  return { method: 'GET', target, host: undefined, headerLines: '', body: { kind: 'none' }, ...more };
}

export function post(body: UpstreamRequest['body'], more: Partial<UpstreamRequest> = {}): UpstreamRequest {
  return get('/', { method: 'POST', body, ...more });
}

/** Writes down everything; `events` emits the name of each call after it was written down. */
export class Recorder implements AnswerListener {
  readonly events = new EventEmitter();
  readonly calls: string[] = [];
  readonly informationals: [number, readonly string[]][] = [];
  answer: AnswerHead | undefined;
  readonly chunks: Buffer[] = [];
  trailers: readonly string[] | undefined;
  failure: UpstreamFailure | undefined;
  /** What `data` returns. */
  more = true;
  readonly over: Promise<this>;

  constructor() {
    this.over = new Promise((resolve) => {
      this.events.once('end', () => resolve(this)).once('failed', () => resolve(this));
    });
  }

  get body(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }

  informational(status: number, headers: readonly string[]): void {
    this.informationals.push([status, headers]);
    this.#called('informational');
  }

  head({ status, statusText, headers, framing, length, protocol }: AnswerHead): void {
    this.answer = { status, statusText, headers, framing, length, protocol: protocol! };
    this.#called('head');
  }

  data(chunk: Buffer): boolean {
    this.chunks.push(chunk);
    this.#called('data');
    return this.more;
  }

  end(trailers: readonly string[]): void {
    this.trailers = trailers;
    this.#called('end');
  }

  failed(failure: UpstreamFailure): void {
    this.failure = failure;
    this.#called('failed');
  }

  drained(): void {
    this.#called('drained');
  }

  #called(name: string): void {
    this.calls.push(name);
    this.events.emit(name);
  }
}

/** Send a request without a body and hear its end. */
export function ask(upstream: Upstream, request = get()): Promise<Recorder> {
  const recorder = new Recorder();
  upstream.send(request, recorder);
  return recorder.over;
}

/** One answer from a server that sends just these pieces, each in a write of its own, then does as told. */
export async function answerOf(pieces: string | string[], then: 'stay' | 'end' | 'reset' = 'stay', request = get()) {
  const server = await serve(async (socket) => {
    for (const piece of typeof pieces === 'string' ? [pieces] : pieces) {
      socket.write(piece, 'latin1');
      await new Promise(setImmediate);
    }
    if (then === 'end') socket.end();
    if (then === 'reset') socket.resetAndDestroy();
  });
  const upstream = upstreamTo(server.origin);
  return { recorder: await ask(upstream, request), upstream, server };
}

/** The next turn of the event loop, when connections have settled. */
export async function nextTurn(): Promise<void> {
  await new Promise(setImmediate);
  await new Promise(setImmediate);
}

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
