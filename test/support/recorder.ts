/**
 * Upstreams for tests. `Recorder` is a bare socket that keeps every byte it receives and answers with scripted bytes, so
 * that what crossed the gateway is seen as sent; `startHttpUpstream` is node:http where bytes do not matter.
 */

import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Bell } from './bell.ts';
import { readChunks, readField } from './raw.ts';

/** One request as it came over the wire, read by the letter: whatever is not one is kept as garbage instead. */
export interface RecordedRequest {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  /** Raw pairs, in order and case as received (latin1). */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Decoded (latin1). */
  readonly body: string;
  readonly trailers: readonly (readonly [name: string, value: string])[];
  readonly framing: 'none' | 'length' | 'chunked';
  /** Every byte of it (latin1). */
  readonly text: string;
  readonly connection: RecordedConnection;
  /** The first value of a header, whatever its case. */
  header(name: string): string | undefined;
  /** Every value of a header, in order. */
  all(name: string): string[];
}

/** What to answer: bytes (latin1), or nothing, where the function writes, ends or resets the connection itself. */
export type Reply = (request: RecordedRequest) => string | Buffer | undefined | Promise<string | undefined>;

export class RecordedConnection {
  readonly socket: Socket;
  /** Resolves when the other side has ended or reset it. */
  readonly ended: Promise<void>;
  isEnded = false;
  /** Bytes that are no request, and all that came behind them. */
  garbage = '';
  #chunks: Buffer[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.isEnded = true;
        resolve();
      };
      socket.once('end', end).once('close', end);
    });
  }

  /** Every byte received on it, latin1. */
  get text(): string {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]?.toString('latin1') ?? '';
  }

  write(bytes: string | Buffer): void {
    if (typeof bytes === 'string') this.socket.write(bytes, 'latin1');
    else this.socket.write(bytes);
  }

  /** Close in order, after `bytes`. */
  end(bytes = ''): void {
    this.socket.end(bytes, 'latin1');
  }

  /** End rudely, once everything written has left. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** For the recorder. */
  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
  }
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const PATIENCE_MS = 5000;

/** `await using upstream = await Recorder.start()`; set `reply` to change the answer, `clear()` between tests. */
export class Recorder implements AsyncDisposable {
  readonly url: string;
  /** Oldest first. */
  readonly connections: RecordedConnection[] = [];
  /** Whole requests, oldest first. */
  readonly requests: RecordedRequest[] = [];
  /** The decision's id of every whole request since the start; `clear` leaves it. */
  readonly decisionIds: Array<string | undefined> = [];
  /** Of the requests that `forget` was called for, since `clear`. */
  forgottenBytes = 0;
  /** Asked once per whole request. */
  reply: Reply = () => OK;
  /** Asked as soon as a head is there, body or not; what it returns is written at once, and `reply` is not asked. */
  replyToHead: ((head: string, connection: RecordedConnection) => string | undefined) | null = null;
  readonly #server: Server;
  readonly #bell = new Bell();

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket: Socket) => this.#accept(socket));
  }

  static async start(): Promise<Recorder> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Recorder(server);
  }

  /** What came on all connections, latin1. Empty: not a byte reached the upstream since `clear()`. */
  get text(): string {
    return this.connections.map(({ text }) => text).join('');
  }

  /** `METHOD target` of every request, in the order of arrival. */
  get lines(): string[] {
    return this.requests.map(({ method, target }) => `${method} ${target}`);
  }

  /** Bytes that are no request by the letter of RFC 9112. Empty, or the gateway wrote nonsense. */
  get garbage(): string {
    return this.connections.map(({ garbage }) => garbage).join('');
  }

  /** Forget everything, close all connections and answer 200 again. */
  clear(): void {
    for (const { socket } of this.connections) socket.destroy();
    this.connections.length = 0;
    this.requests.length = 0;
    this.forgottenBytes = 0;
    this.reply = () => OK;
    this.replyToHead = null;
  }

  /** Forget the requests from the `nth` on; their bytes stay in `text`. */
  forget(nth: number): void {
    for (const { text } of this.requests.splice(nth)) this.forgottenBytes += text.length;
  }

  /** Resolves once `predicate` holds; it is asked again whenever something happens. */
  async until(predicate: (recorder: this) => boolean, what = 'what the test waits for'): Promise<this> {
    await this.#bell.until(
      () => predicate(this),
      () => `upstream: no ${what}; received: ${JSON.stringify(this.text.slice(0, 4000))}`,
      PATIENCE_MS,
    );
    return this;
  }

  /** The `nth` request (from 0) since `clear()`, once it is whole. */
  async request(nth = 0): Promise<RecordedRequest> {
    await this.until(({ requests }) => requests.length > nth, `request ${nth}`);
    return this.requests[nth]!;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const { socket } of this.connections) socket.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #accept(socket: Socket): void {
    const connection = new RecordedConnection(socket);
    this.connections.push(connection);
    let pending = '';
    let headSeen = false;
    // A large body is put together once, not with each piece of it.
    let pieces: string[] = [];
    let missing = 0;
    socket.on('error', () => {});
    socket.on('close', () => this.#bell.ring());
    socket.on('end', () => {
      socket.end();
      this.#bell.ring();
    });
    socket.on('data', (chunk: Buffer) => {
      connection.add(chunk);
      pieces.push(chunk.toString('latin1'));
      missing -= chunk.length;
      if (missing > 0) return this.#bell.ring();
      pending += pieces.join('');
      pieces = [];
      try {
        for (;;) {
          const headEnd = pending.indexOf('\r\n\r\n');
          if (headEnd !== -1 && !headSeen) {
            headSeen = true;
            const bytes = this.replyToHead?.(pending.slice(0, headEnd + 4), connection);
            if (bytes !== undefined) connection.write(bytes);
          }
          const request = readRequest(pending, connection);
          if (request === null) {
            const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(pending.slice(0, headEnd + 2))?.[1];
            if (headEnd !== -1 && length !== undefined) missing = headEnd + 4 + Number(length) - pending.length;
            break;
          }
          pending = pending.slice(request.text.length);
          headSeen = false;
          this.requests.push(request);
          this.decisionIds.push(request.header('x-scopegate-decision-id') ?? request.header('x-request-id'));
          if (this.replyToHead === null) this.#answer(request);
        }
      } catch (error) {
        connection.garbage += `${String(error)}: ${pending}`;
        pending = '';
      }
      this.#bell.ring();
    });
    this.#bell.ring();
  }

  #answer(request: RecordedRequest): void {
    const answer = this.reply(request);
    if (answer instanceof Promise) void answer.then((bytes) => this.#write(request, bytes));
    else this.#write(request, answer);
  }

  #write({ connection }: RecordedRequest, bytes: string | Buffer | undefined): void {
    if (bytes !== undefined && !connection.socket.destroyed) connection.write(bytes);
  }
}

/** The first request in `text`, or null while it is not whole. Throws where it cannot be one. */
function readRequest(text: string, connection: RecordedConnection): RecordedRequest | null {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return null;
  const [line, ...lines] = text.slice(0, headEnd).split('\r\n');
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+) (HTTP\/1\.1)$/.exec(line!);
  if (match === null) throw new Error(`not a request line: ${JSON.stringify(line)}`);
  const headers = lines.map(readField);
  const all = (name: string) =>
    headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  if (all('host').length !== 1) throw new Error(`not one Host: ${all('host').join(' | ')}`);
  const codings = all('transfer-encoding');
  const lengths = all('content-length');
  if (codings.length + lengths.length > 1) throw new Error(`framed twice: ${[...codings, ...lengths].join(' | ')}`);
  let end = headEnd + 4;
  let body = '';
  let trailers: readonly (readonly [string, string])[] = [];
  if (codings.length === 1) {
    if (codings[0] !== 'chunked') throw new Error(`odd Transfer-Encoding: ${codings[0]}`);
    const chunks = readChunks(text, end);
    if (!chunks.complete) return null;
    ({ body, trailers, end } = chunks);
  } else if (lengths.length === 1) {
    if (!/^\d+$/.test(lengths[0]!)) throw new Error(`odd Content-Length: ${lengths[0]}`);
    const start = end;
    end += Number(lengths[0]);
    if (end > text.length) return null;
    body = text.slice(start, end);
  }
  return {
    method: match[1]!,
    target: match[2]!,
    version: match[3]!,
    headers,
    body,
    trailers,
    framing: codings.length === 1 ? 'chunked' : lengths.length === 1 ? 'length' : 'none',
    text: text.slice(0, end),
    connection,
    header: (name) => all(name)[0],
    all,
  };
}

export interface HttpUpstream extends AsyncDisposable {
  readonly url: string;
  stop(): Promise<void>;
}

/** A node:http server on a free port, for tests that are not about bytes. */
export async function startHttpUpstream(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<HttpUpstream> {
  const server = createHttpServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
