/**
 * An HTTP/2 upstream made of frames, so that every one it sends, right or wrong, is the test's own. Reads no header but
 * those that are packed as they are; a test asks for streams by their number.
 */
import type net from 'node:net';
import tls from 'node:tls';
import {
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  type Frame,
  GOAWAY,
  HEADERS,
  PING,
  PREFACE,
  RST_STREAM,
  SETTINGS,
} from '../http/h2-client.ts';
import { Bell } from '../support/bell.ts';
import { cert, key } from './certificate.ts';
import { listen, type RawServer } from './raw-server.ts';

const ACK = 1;
export const PUSH_PROMISE = 5;
export const WINDOW_UPDATE = 8;
export const MAX_CONCURRENT_STREAMS = 3;

export class FramePeer {
  readonly frames: Frame[] = [];
  readonly socket: net.Socket;
  isGone = false;
  readonly #bell = new Bell();
  #rest = Buffer.alloc(0);
  #hasPreface = false;

  constructor(socket: net.Socket, onFrame: (peer: FramePeer, frame: Frame) => void) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk, onFrame));
    socket.on('close', () => {
      this.isGone = true;
      this.#bell.ring();
    });
  }

  /** `payload`: text as latin1. */
  send(type: number, flags: number, stream: number, payload: Buffer | string = ''): this {
    const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
    const head = Buffer.alloc(9);
    head.writeUIntBE(bytes.length, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(stream, 5);
    if (!this.socket.destroyed) this.socket.write(Buffer.concat([head, bytes]));
    return this;
  }

  /** Pairs of settings. */
  settings(...pairs: ReadonlyArray<readonly [id: number, value: number]>): this {
    const payload = Buffer.alloc(pairs.length * 6);
    for (const [index, [id, value]] of pairs.entries()) {
      payload.writeUInt16BE(id, index * 6);
      payload.writeUInt32BE(value, index * 6 + 2);
    }
    return this.send(SETTINGS, 0, 0, payload);
  }

  head(stream: number, pairs: readonly (readonly [string, string])[], ends = false): this {
    return this.send(HEADERS, END_HEADERS | (ends ? END_STREAM : 0), stream, block(pairs));
  }

  data(stream: number, text: string | Buffer, ends = false): this {
    return this.send(DATA, ends ? END_STREAM : 0, stream, text);
  }

  ok(stream: number, text = 'ok'): this {
    return this.head(stream, [[':status', '200']]).data(stream, text, true);
  }

  reset(stream: number, code: number): this {
    return this.send(RST_STREAM, 0, stream, number(code));
  }

  goaway(lastStream: number, code: number): this {
    return this.send(GOAWAY, 0, 0, Buffer.concat([number(lastStream), number(code)]));
  }

  has(type: number, stream: number): boolean {
    return this.frames.some((frame) => frame.type === type && frame.stream === stream);
  }

  /** The code of a RST_STREAM that came; undefined: none did. */
  resetOf(stream: number): number | undefined {
    return this.frames.find((frame) => frame.type === RST_STREAM && frame.stream === stream)?.payload.readUInt32BE(0);
  }

  /** What came in DATA frames of a stream. */
  bodyOf(stream: number): string {
    const pieces = this.frames.filter((frame) => frame.type === DATA && frame.stream === stream);
    return Buffer.concat(pieces.map(({ payload }) => payload)).toString('latin1');
  }

  until(holds: () => boolean, what: string): Promise<void> {
    const told = () => `no ${what}; frames: ${this.frames.map(({ type, stream }) => `${type}/${stream}`).join(' ')}`;
    return this.#bell.until(holds, told, 5000);
  }

  #read(chunk: Buffer, onFrame: (peer: FramePeer, frame: Frame) => void): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    if (!this.#hasPreface) {
      if (this.#rest.length < PREFACE.length) return;
      this.#hasPreface = true;
      this.#rest = this.#rest.subarray(PREFACE.length);
    }
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) break;
      const [type, flags] = [this.#rest[3]!, this.#rest[4]!];
      const stream = this.#rest.readUInt32BE(5) & 0x7fffffff;
      const payload = this.#rest.subarray(9, 9 + length);
      this.#rest = this.#rest.subarray(9 + length);
      const frame = { type, flags, stream, payload };
      this.frames.push(frame);
      if (type === SETTINGS && (flags & ACK) === 0) this.send(SETTINGS, ACK, 0);
      if (type === PING && (flags & ACK) === 0 && this.answersPings) this.send(PING, ACK, 0, payload);
      onFrame(this, frame);
    }
    this.#bell.ring();
  }

  answersPings = true;
}

export interface FrameServer extends RawServer {
  /** Of every connection so far, oldest first. */
  readonly peers: FramePeer[];
}

interface FrameServerOptions {
  readonly secure?: boolean;
  /** Of the first SETTINGS; null: none are sent. */
  readonly settings?: ReadonlyArray<readonly [id: number, value: number]> | null;
}

/** `onRequest`: told of each stream whose head has come. `onFrame`: of every frame. */
export async function serveFrames(
  onRequest: (peer: FramePeer, stream: number) => void,
  { secure = false, settings = [] }: FrameServerOptions = {},
  onFrame: (peer: FramePeer, frame: Frame) => void = () => undefined,
): Promise<FrameServer> {
  const peers: FramePeer[] = [];
  const server = await listen(
    (socket) => {
      const peer = new FramePeer(socket, (from, frame) => {
        onFrame(from, frame);
        const endsHead = [HEADERS, CONTINUATION].includes(frame.type) && (frame.flags & END_HEADERS) !== 0;
        const isTrailers = endsHead && from.frames.some((other) => other !== frame && isHeadOf(other, frame.stream));
        if (endsHead && !isTrailers) onRequest(from, frame.stream);
      });
      peers.push(peer);
      if (settings !== null) peer.settings(...settings);
    },
    secure ? tls.createServer({ cert, key, ALPNProtocols: ['h2'] }) : undefined,
  );
  return { ...server, peers };
}

function isHeadOf({ type, stream }: Frame, of: number): boolean {
  return type === HEADERS && stream === of;
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
