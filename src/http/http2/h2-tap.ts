/**
 * The bytes of an HTTP/2 connection on their way to Node, which silently leaves out fields that are none (RFC 9113
 * section 8.2.1) and hands on the rest. Counts the fields of every head and trailer as they were sent, so that one that
 * lost some is refused. Never changes a byte.
 */
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { FieldCount } from '../../core/hpack-count.ts';

const PREFACE_BYTES = 24;
const FRAME_HEAD_BYTES = 9;
const HEADERS = 1;
const CONTINUATION = 9;
const END_HEADERS = 0x4;
const PADDED = 0x8;
const PRIORITY = 0x20;
const PRIORITY_BYTES = 5;
/** Blocks that were counted and that Node has not told of. It tells of them within a turn, or refuses their stream. */
const UNTOLD_MAX = 1000;

interface Block {
  readonly stream: number;
  readonly fields: number;
}

/** Follows frames, and knows how many fields each stream was sent. */
export class FrameCount {
  /** In the order of arrival. */
  readonly #untold: Block[] = [];
  #skip = PREFACE_BYTES;
  readonly #head = Buffer.alloc(FRAME_HEAD_BYTES + 1);
  #headBytes = 0;
  /** What is left of a block's fragment in this frame, and of the padding behind it. */
  #fragment = 0;
  #padding = 0;
  #fields: FieldCount | null = null;

  /** Is this as many fields as the stream was sent? To be asked once for its head and once for its trailers. */
  isWhole(stream: number, fields: number): boolean {
    const at = this.#untold.findIndex((block) => block.stream === stream);
    if (at === -1) return false;
    const [block] = this.#untold.splice(at, 1);
    return block!.fields === fields;
  }

  feed(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      const left = chunk.length - at;
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, left);
        this.#skip -= skipped;
        at += skipped;
      } else if (this.#fragment > 0) {
        const taken = Math.min(this.#fragment, left);
        this.#fields!.feed(chunk, at, at + taken);
        this.#fragment -= taken;
        at += taken;
        if (this.#fragment === 0) this.#fragmentEnded();
      } else this.#readHead(chunk[at++]!);
    }
  }

  /** The head of a frame; of a padded one also the byte that says how much padding there is. */
  #readHead(byte: number): void {
    const head = this.#head;
    head[this.#headBytes++] = byte;
    if (this.#headBytes < FRAME_HEAD_BYTES) return;
    const [length, type, flags] = [head.readUIntBE(0, 3), head[3]!, head[4]!];
    const isPadded = type === HEADERS && (flags & PADDED) !== 0 && length > 0;
    if (isPadded && this.#headBytes === FRAME_HEAD_BYTES) return;
    this.#headBytes = 0;
    const rest = isPadded ? length - 1 : length;
    if (type !== HEADERS && type !== CONTINUATION) {
      this.#skip = rest;
      return;
    }
    const before = type === HEADERS && (flags & PRIORITY) !== 0 ? PRIORITY_BYTES : 0;
    this.#padding = isPadded ? head[FRAME_HEAD_BYTES]! : 0;
    // Too short for what it says: Node ends the connection.
    this.#fragment = Math.max(0, rest - before - this.#padding);
    this.#skip = Math.min(before, rest);
    if (type === HEADERS || this.#fields === null) this.#fields = new FieldCount();
    if (this.#fragment === 0) this.#fragmentEnded();
  }

  #fragmentEnded(): void {
    this.#skip += this.#padding;
    this.#padding = 0;
    if ((this.#head[4]! & END_HEADERS) === 0) return;
    const stream = this.#head.readUInt32BE(5) & 0x7fffffff;
    this.#untold.push({ stream, fields: this.#fields!.count });
    this.#fields = null;
    if (this.#untold.length > UNTOLD_MAX) this.#untold.shift();
  }
}

/** What Node is given in the socket's place. */
export class H2Tap extends Duplex {
  readonly frames = new FrameCount();
  readonly #socket: TLSSocket;

  constructor(socket: TLSSocket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.frames.feed(chunk);
      if (!this.push(chunk)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _writev(chunks: Array<{ chunk: Buffer }>, done: (error?: Error | null) => void): void {
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
