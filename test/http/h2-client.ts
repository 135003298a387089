/**
 * Two clients for HTTP/2: node:http2's where a request is well formed, and one made of frames where it must not be. The
 * second packs every header literally, so that anything at all can be sent.
 */
import { once } from 'node:events';
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Bell } from '../support/bell.ts';
import { first } from '../support/certificates.ts';

export interface H2Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Raw pairs. */
  readonly raw: readonly string[];
  readonly body: string;
  readonly trailers: Readonly<Record<string, unknown>>;
  /** 0: ended in order. */
  readonly rstCode: number;
}

/** `using session = await h2(gateway.url)` closes it at the end of the block. */
export async function h2(url: string, options = {}): Promise<ClientHttp2Session & Disposable> {
  const session = connect(url, { ca: first.cert, ...options });
  await once(session, 'connect');
  session.on('error', () => {});
  return Object.assign(session, { [Symbol.dispose]: () => session.destroy() });
}

export async function askH2(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body = ''): Promise<H2Answer> {
  const stream = session.request(headers, { endStream: body === '' });
  let answer = {};
  let text = '';
  stream.on('error', () => {});
  stream.on('response', (fields, _flags, raw: readonly string[] = []) => {
    answer = { status: fields[':status'], headers: fields, raw };
  });
  stream.on('trailers', (trailers) => Object.assign(answer, { trailers }));
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  if (body !== '') stream.end(body, 'latin1');
  await once(stream, 'close').catch(() => {});
  return { status: 0, headers: {}, raw: [], trailers: {}, ...answer, body: text, rstCode: stream.rstCode ?? 0 };
}

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const CONTINUATION = 9;
export const END_STREAM = 1;
export const END_HEADERS = 4;

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** First byte of a header block whose status is that of the static table. */
const STATUS = new Map([
  [0x88, 200],
  [0x89, 204],
  [0x8b, 304],
  [0x8c, 400],
  [0x8d, 404],
]);

export class FrameClient implements Disposable {
  readonly frames: Frame[] = [];
  ended = false;
  readonly #socket: Socket;
  readonly #confirms: boolean;
  readonly #bell = new Bell();
  #rest = Buffer.alloc(0);

  private constructor(socket: Socket, confirms: boolean) {
    this.#socket = socket;
    this.#confirms = confirms;
    const end = () => {
      this.ended = true;
      this.#bell.ring();
    };
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', end).on('end', end).on('close', end);
  }

  /** `confirms`: acknowledges the settings of the other side. */
  static async connect(url: string, { confirms = true } = {}): Promise<FrameClient> {
    const { protocol, port } = new URL(url);
    const to = { host: '127.0.0.1', port: Number(port) };
    const isSecure = protocol === 'https:';
    const socket = isSecure ? connectTls({ ...to, ca: first.cert, ALPNProtocols: ['h2'] }) : connectPlain(to);
    await once(socket, isSecure ? 'secureConnect' : 'connect');
    const client = new FrameClient(socket, confirms);
    socket.write(PREFACE);
    client.send(SETTINGS, 0, 0);
    return client;
  }

  send(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): this {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(stream, 5);
    if (!this.#socket.destroyed) this.#socket.write(Buffer.concat([head, payload]));
    return this;
  }

  headers(stream: number, pairs: readonly (readonly [string, string])[], flags = END_STREAM | END_HEADERS): this {
    return this.send(HEADERS, flags, stream, block(pairs));
  }

  reset(stream: number, code: number): this {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(code);
    return this.send(RST_STREAM, 0, stream, payload);
  }

  until(holds: () => boolean, what: string): Promise<void> {
    return this.#bell.until(
      holds,
      () => `no ${what}; frames: ${this.frames.map(({ type, stream }) => `${type}/${stream}`).join(' ')}`,
      5000,
    );
  }

  /** The status of the answer on a stream, or `reset`. */
  async fate(stream: number): Promise<number | 'reset' | 'ended'> {
    const found = () =>
      this.frames.find((frame) => frame.stream === stream && [HEADERS, RST_STREAM].includes(frame.type));
    await this.until(() => this.ended || found() !== undefined, `answer on stream ${stream}`);
    const frame = found();
    if (frame === undefined) return 'ended';
    return frame.type === RST_STREAM ? 'reset' : (STATUS.get(frame.payload[0]!) ?? -1);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) break;
      const [type, flags] = [this.#rest[3]!, this.#rest[4]!];
      const stream = this.#rest.readUInt32BE(5) & 0x7fffffff;
      const payload = this.#rest.subarray(9, 9 + length);
      this.#rest = this.#rest.subarray(9 + length);
      this.frames.push({ type, flags, stream, payload });
      if (this.#confirms && type === SETTINGS && (flags & 1) === 0) this.send(SETTINGS, 1, 0);
    }
    this.#bell.ring();
  }
}

/** Literal fields without indexing and without Huffman (RFC 7541 section 6.2.2). */
export function block(pairs: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(pairs.flatMap(([name, value]) => [Buffer.of(0), literal(name), literal(value)]));
}

export function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([integer(bytes.length), bytes]);
}

/** With a prefix of seven bits (RFC 7541 section 5.1). */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.of(value);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}
