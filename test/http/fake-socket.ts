/** A client connection without a kernel: a test says what comes and whether what goes is taken, and sees all that goes. */
import { Duplex } from 'node:stream';

export class FakeSocket extends Duplex {
  readonly remoteAddress = '192.0.2.1';
  /** What is below is taken over, where it is a kernel's; what TLS reads is taken as it is pushed. */
  readonly encrypted = true;
  /** What can be reset. */
  readonly _parent = this;
  bytesRead = 0;
  /** All that the client has taken (latin1). */
  taken = '';
  wasReset = false;
  /** What is given is taken. false: the client reads nothing, until `takes`. */
  isTaking = true;
  /** The client said that it has no more to say, or heard so. */
  hasFinished = false;
  /** How often more was asked for. */
  readsOn = 0;
  #takenBytes = 0;
  #untaken: (() => void) | null = null;

  constructor() {
    super({ allowHalfOpen: true, readableHighWaterMark: 64 * 1024, writableHighWaterMark: 16 * 1024 });
  }

  /** As a net.Socket counts: what is given, taken or not. */
  get bytesWritten(): number {
    return this.#takenBytes + this.writableLength;
  }

  /** The client sends. Returns false where no more is wanted for now. */
  says(text: string): boolean {
    const bytes = Buffer.from(text, 'latin1');
    this.bytesRead += bytes.length;
    return this.push(bytes);
  }

  /** The client sends no more. */
  ends(): void {
    this.push(null);
    this.read(0);
  }

  /** The client reads again, once or from now on. */
  takes(once = false): void {
    this.isTaking = !once;
    const untaken = this.#untaken;
    this.#untaken = null;
    untaken?.();
  }

  resetAndDestroy(): this {
    this.wasReset = true;
    return this.destroy();
  }

  override _read(): void {
    this.readsOn++;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const take = () => {
      this.taken += chunk.toString('latin1');
      this.#takenBytes += chunk.length;
      done();
    };
    if (this.isTaking) take();
    else this.#untaken = take;
  }

  override _final(done: (error?: Error | null) => void): void {
    this.hasFinished = true;
    done();
  }
}
