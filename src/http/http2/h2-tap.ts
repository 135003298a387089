/**
 * The bytes of an HTTP/2 connection on their way to Node, which silently leaves out fields that are none (RFC 9113
 * section 8.2.1) and hands on the rest. Counts the fields of every head and trailer as they were sent, so that one that
 * lost some is refused. Never changes a byte.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
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
    const untold = this.#untold;
    // Node tells of them in their order, and leaves out those of which it refuses the stream.
    const at = untold[0]?.stream === stream ? 0 : untold.findIndex((block) => block.stream === stream);
    const block = at === 0 ? untold.shift() : at > 0 ? untold.splice(at, 1)[0] : undefined;
    return block?.fields === fields;
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

type Done = (error?: Error | null) => void;

/**
 * What Node is given in the socket's place. A Duplex whose bytes pass none of a Duplex's buffers, which would cost a fifth
 * of a request: those read are handed on as they come, those written in one moment leave as one.
 */
export class H2Tap extends Duplex {
  readonly frames = new FrameCount();
  readonly #socket: Socket;
  readonly #readOn: () => void;
  #isFlowing = false;
  #hasEnded = false;
  /** What came while Node took nothing. */
  #held: Buffer[] = [];
  #isCorked = false;
  #gathered: Buffer[] = [];
  #dones: Done[] = [];

  /** What is read from `socket` comes by `received`; `readOn`: after that said no. */
  constructor(socket: Socket, readOn: () => void) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#readOn = readOn;
    socket.on('end', () => this.#ended());
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** `bytes` are its own until this returns. false: no more, for now. */
  received(bytes: Buffer): boolean {
    this.frames.feed(bytes);
    if (this.#isFlowing && this.#held.length === 0) this.emit('data', bytes);
    else this.#held.push(Buffer.from(bytes));
    return this.#isFlowing;
  }

  #ended(): void {
    this.#hasEnded = true;
    if (this.#held.length === 0) this.emit('end');
  }

  override pause(): this {
    this.#isFlowing = false;
    return this;
  }

  override resume(): this {
    if (this.#isFlowing) return this;
    this.#isFlowing = true;
    if (this.#held.length === 0) this.#readOn();
    // Not within the call: it may come from where bytes are taken.
    else process.nextTick(() => this.#goOn());
    return this;
  }

  #goOn(): void {
    while (this.#isFlowing && this.#held.length > 0) this.emit('data', this.#held.shift());
    if (this.#held.length > 0) return;
    if (this.#hasEnded) this.emit('end');
    else if (this.#isFlowing) this.#readOn();
  }

  override cork(): void {
    this.#isCorked = true;
  }

  override uncork(): void {
    this.#isCorked = false;
    if (this.#gathered.length > 0) this.#sendGathered();
  }

  override write(chunk: Buffer, encodingOrDone?: BufferEncoding | Done, maybeDone?: Done): boolean {
    const done = typeof encodingOrDone === 'function' ? encodingOrDone : maybeDone;
    this.#gathered.push(chunk);
    if (done !== undefined) this.#dones.push(done);
    if (!this.#isCorked) this.#sendGathered();
    return true;
  }

  #sendGathered(): void {
    const [gathered, dones] = [this.#gathered, this.#dones];
    this.#gathered = [];
    this.#dones = [];
    this.#socket.write(gathered.length === 1 ? gathered[0]! : Buffer.concat(gathered), (error) => {
      for (const done of dones) done(error);
    });
  }

  override end(...given: unknown[]): this {
    this.#socket.end(given.at(-1) as () => void);
    return this;
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
