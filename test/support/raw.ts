/**
 * A client made of a bare socket: every byte that a test sends is its own, every byte that comes back is kept. No HTTP
 * library stands between, so that malformed requests can be sent and malformed answers are seen as such.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Bell } from './bell.ts';

/** How the connection ended, as the client saw it. */
export type Ending = 'open' | 'closed' | 'reset';

/** One answer, read by the letter of RFC 9112. */
export interface RawResponse {
  readonly status: number;
  readonly reason: string;
  /** Raw pairs, in order and case as received (latin1). */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Decoded (latin1). */
  readonly body: string;
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  readonly trailers: readonly (readonly [name: string, value: string])[];
  /** The answer came to its end, by its own framing. */
  readonly complete: boolean;
  /** The first value of a header, whatever its case. */
  header(name: string): string | undefined;
  /** Every value of a header, in order. */
  all(name: string): string[];
}

/** Long enough for a busy machine; every wait that succeeds ends at once. */
const PATIENCE_MS = 5000;

/** `using client = await RawClient.connect(gateway.url)` closes it at the end of the block. */
export class RawClient implements Disposable {
  readonly socket: Socket;
  /** The methods of the requests sent, so that answers to HEAD are read without a body. `send` fills it where it can. */
  readonly methods: string[] = [];
  #bytes: Buffer[] = [];
  #ending: Ending = 'open';
  readonly #bell = new Bell();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#bytes.push(chunk);
      this.#bell.ring();
    });
    socket.on('end', () => this.#end('closed'));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#end(error.code === 'EPIPE' ? 'closed' : 'reset'));
    socket.on('close', () => this.#end('closed'));
  }

  /** `url`: http://host:port, as the helpers hand out. */
  static async connect(url: string): Promise<RawClient> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** Latin1: one char, one byte. Returns this, for chaining. */
  send(bytes: string | Buffer): this {
    const method = /^([A-Z]+) /.exec(bytes.toString('latin1', 0, 16))?.[1];
    if (method !== undefined) this.methods.push(method);
    if (typeof bytes === 'string') this.socket.write(bytes, 'latin1');
    else this.socket.write(bytes);
    return this;
  }

  /** Everything received so far, latin1. */
  get received(): string {
    if (this.#bytes.length > 1) this.#bytes = [Buffer.concat(this.#bytes)];
    return this.#bytes[0]?.toString('latin1') ?? '';
  }

  get ending(): Ending {
    return this.#ending;
  }

  /** Every answer so far, interim ones (1xx) left out; the last may be incomplete. Throws where bytes are no answer. */
  get responses(): RawResponse[] {
    return readResponses(this.received, this.methods, this.#ending === 'closed');
  }

  /** Resolves once `predicate` holds; it is asked again whenever something arrives. Rejects showing what did arrive. */
  async until(
    predicate: (client: this) => boolean,
    what = 'what the test waits for',
    patienceMs = PATIENCE_MS,
  ): Promise<this> {
    await this.#bell.until(
      () => predicate(this),
      () => `no ${what}; ending: ${this.#ending}; received: ${JSON.stringify(this.received)}`,
      patienceMs,
    );
    return this;
  }

  /** The first text received that contains `text`. */
  untilText(text: string): Promise<this> {
    return this.until(({ received }) => received.includes(text), JSON.stringify(text));
  }

  /** The server has closed or reset the connection. */
  untilEnded(): Promise<this> {
    return this.until(({ ending }) => ending !== 'open', 'end of the connection');
  }

  /** The `nth` answer (from 0), once it is complete. */
  async response(nth = 0): Promise<RawResponse> {
    await this.until(({ responses }) => responses[nth]?.complete === true, `complete answer ${nth}`);
    return this.responses[nth]!;
  }

  /** Nothing more will be sent: half-close. */
  finish(): this {
    this.socket.end();
    return this;
  }

  /** Go away rudely. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  close(): void {
    this.socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #end(ending: Ending): void {
    if (this.#ending === 'open' || ending === 'reset') this.#ending = ending;
    this.#bell.ring();
  }
}

/** One request on a connection of its own: its answer, once complete. */
export async function ask(url: string, request: string | Buffer): Promise<RawResponse> {
  using client = await RawClient.connect(url);
  return await client.send(request).response();
}

/** Send, wait until the server has ended the connection, and return everything about it. */
export async function sendUntilEnded(url: string, request: string | Buffer): Promise<RawClient> {
  using client = await RawClient.connect(url);
  return await client.send(request).untilEnded();
}

/** A request head (and body) as text. `headers`: lines without CRLF; `Host` is added unless one of them is a Host. */
export function rawRequest(requestLine: string, headers: readonly string[] = [], body = ''): string {
  const [method, target] = requestLine.split(' ');
  const line = /HTTP\/\d/.test(requestLine) ? requestLine : `${method} ${target} HTTP/1.1`;
  const hosted = headers.some((header) => /^host\s*:/i.test(header)) ? headers : ['Host: api.test', ...headers];
  return `${line}\r\n${hosted.map((header) => `${header}\r\n`).join('')}\r\n${body}`;
}

/** Reads concatenated answers. `ended`: the connection was closed in order, so an answer without length is whole. */
export function readResponses(text: string, methods: readonly string[] = [], ended = false): RawResponse[] {
  const responses: RawResponse[] = [];
  let at = 0;
  while (at < text.length) {
    const headEnd = text.indexOf('\r\n\r\n', at);
    if (headEnd === -1) break;
    const [statusLine, ...lines] = text.slice(at, headEnd).split('\r\n');
    const match = /^HTTP\/1\.[01] (\d{3}) ([\t\x20-\x7e\x80-\xff]*)$/.exec(statusLine!);
    if (match === null) throw new Error(`not a status line: ${JSON.stringify(statusLine)}`);
    const status = Number(match[1]);
    const headers = lines.map(readField);
    at = headEnd + 4;
    if (status < 200) continue;
    const values = (name: string) => headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
    const body = readBody(text, at, status, methods[responses.length] ?? 'GET', values, ended);
    at = body.end;
    responses.push({
      status,
      reason: match[2]!,
      headers,
      body: body.text,
      framing: body.framing,
      trailers: body.trailers,
      complete: body.complete,
      header: (name) => values(name.toLowerCase())[0],
      all: (name) => values(name.toLowerCase()),
    });
    if (!body.complete) break;
  }
  return responses;
}

interface Body {
  readonly text: string;
  readonly framing: RawResponse['framing'];
  readonly trailers: (readonly [string, string])[];
  readonly complete: boolean;
  readonly end: number;
}

function readBody(
  text: string,
  at: number,
  status: number,
  method: string,
  values: (name: string) => string[],
  ended: boolean,
): Body {
  if (method === 'HEAD' || status === 204 || status === 304)
    return { text: '', framing: 'none', trailers: [], complete: true, end: at };
  const codings = values('transfer-encoding');
  const lengths = values('content-length');
  if (codings.length + lengths.length > 1) throw new Error(`framed twice: ${[...codings, ...lengths].join(' | ')}`);
  if (codings.length === 1) {
    const { body, trailers, complete, end } = readChunks(text, at);
    return { text: body, framing: 'chunked', trailers, complete, end };
  }
  if (lengths.length === 1) {
    const end = at + Number(lengths[0]);
    const body = text.slice(at, end);
    return { text: body, framing: 'length', trailers: [], complete: end <= text.length, end: at + body.length };
  }
  return { text: text.slice(at), framing: 'close', trailers: [], complete: ended, end: text.length };
}

/** Chunks from `at`; `complete` false where the text ends first. Throws where they are no chunks. */
export function readChunks(
  text: string,
  at: number,
): { body: string; trailers: (readonly [string, string])[]; complete: boolean; end: number } {
  let body = '';
  let position = at;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', position);
    if (lineEnd === -1) return { body, trailers: [], complete: false, end: text.length };
    const line = text.slice(position, lineEnd);
    if (!/^[0-9a-fA-F]{1,8}$/.test(line)) throw new Error(`not a chunk size: ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    position = lineEnd + 2;
    if (size === 0) break;
    body += text.slice(position, position + size);
    if (position + size + 2 > text.length) return { body, trailers: [], complete: false, end: text.length };
    if (text.slice(position + size, position + size + 2) !== '\r\n') throw new Error('a chunk longer than it says');
    position += size + 2;
  }
  const trailers: (readonly [string, string])[] = [];
  for (;;) {
    const lineEnd = text.indexOf('\r\n', position);
    if (lineEnd === -1) return { body, trailers, complete: false, end: text.length };
    const line = text.slice(position, lineEnd);
    position = lineEnd + 2;
    if (line === '') return { body, trailers, complete: true, end: position };
    trailers.push(readField(line));
  }
}

/** One header line. Throws unless it is one by RFC 9112 section 5, without folding, blanks or control characters. */
export function readField(line: string): readonly [name: string, value: string] {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)$/.exec(line);
  if (match === null) throw new Error(`not a header line: ${JSON.stringify(line)}`);
  return [match[1]!, withoutBlanks(match[2]!)];
}

/** Blanks by RFC 9112 are these two; `trim` would also take a no-break space. */
function withoutBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && ' \t'.includes(text[start]!)) start += 1;
  while (end > start && ' \t'.includes(text[end - 1]!)) end -= 1;
  return text.slice(start, end);
}
