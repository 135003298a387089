/**
 * The body of a request, taken as its parser hands it over, not from the stream's own buffer: that keeps what came while
 * the body was paused chunk by chunk, and 64 KiB in chunks of one byte are 20 MB. Looks at no byte.
 */
import { type BodySource, takeChunks } from '../node-internals/body-push.ts';
import type { BodySink } from './exchange.ts';

const NO_BYTES = Buffer.alloc(0);
/** What Node reads at once. */
const READ_BYTES = 64 * 1024;

export class BodyTap {
  readonly #source: BodySource;
  readonly #sink: BodySink;
  #readOn: () => void = () => undefined;
  /** Of the body, that have come. */
  bytes = 0;
  #ended = false;
  #paused = false;
  #held = NO_BYTES;
  #heldBytes = 0;

  /** The end of `source` is the caller's to hear. */
  constructor(source: BodySource, sink: BodySink) {
    this.#source = source;
    this.#sink = sink;
  }

  /** From here on, which may be at once, the sink is given what comes. */
  start(): void {
    const { stream } = this.#source;
    // What came while the decision was being made.
    const before = stream.read() as Buffer | null;
    this.#readOn = takeChunks(this.#source, (chunk) => {
      this.bytes += chunk.length;
      if (this.#paused) this.#hold(chunk);
      else this.#sink.bodyChunk(chunk);
      return !this.#paused;
    });
    this.bytes += before?.length ?? 0;
    if (before !== null) this.#sink.bodyChunk(before);
    stream.resume();
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  pause(): void {
    this.#paused = !this.#ended;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    const held = this.#held.subarray(0, this.#heldBytes);
    this.#held = NO_BYTES;
    this.#heldBytes = 0;
    if (held.length > 0) this.#sink.bodyChunk(held);
    if (!this.#paused) this.#readOn();
  }

  /** No more will come: what is held goes out now. */
  end(): void {
    this.#ended = true;
    this.resume();
  }

  /** What came behind the point where the body was paused, in one piece. */
  #hold(chunk: Buffer): void {
    const bytes = this.#heldBytes + chunk.length;
    if (bytes > this.#held.length) this.#held = Buffer.concat([this.#held], Math.max(bytes, READ_BYTES));
    this.#heldBytes += chunk.copy(this.#held, this.#heldBytes);
  }
}
