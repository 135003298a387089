/**
 * Where the lines of the log go: written at the end of the turn, together, and where they cannot be (a full disk, a terminal
 * that was closed, a pipe that nobody reads) kept for a while, then dropped and counted. Never throws, and never waits.
 */
import { closeSync, constants, fstatSync, openSync, type Stats, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { unblockerOf } from '../node-internals/nonblocking.ts';
import { atTurnEnd, type Outgoing } from '../turn-end.ts';

/** What may wait, in bytes: some hundreds of lines. Further ones are dropped. */
const WAITING_MAX = 256 * 1024;
/** What a pipe takes as a whole: lines of several processes never mix. */
const WHOLE_BYTES = 4096;
/** How soon is tried again where the other side is merely slow, and where something is wrong. */
const SLOW_MS = 10;
const PAUSE_FIRST_MS = 50;
const PAUSE_MAX_MS = 1000;

const STANDARD_OUTPUT = 1;
const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;

/** Returns how many bytes were taken. Throws as `writeSync` does. */
type Write = (bytes: Buffer) => number;

export class LogOutput implements Outgoing {
  readonly #take: Write;
  readonly #togetherBytes: number;
  #isWriting = false;
  #hasEnded = false;
  /** What waits leaves at the end of this turn. */
  #isGathering = false;
  /** Whole lines, but for the first, of which a part may have been written. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #retry: NodeJS.Timeout | undefined;
  #pauseMs = PAUSE_FIRST_MS;
  #untold = 0;
  /** Is told how many lines were lost, once lines can be written again. */
  onLoss: (lines: number) => void = () => undefined;
  /** Since the start. */
  dropped = 0;

  /** `togetherBytes`: up to how many bytes of lines are handed over as one; 0: each by itself, and at once. */
  constructor(take: Write, togetherBytes: number) {
    this.#take = take;
    this.#togetherBytes = togetherBytes;
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes.length > WAITING_MAX) return this.#drop();
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#retry !== undefined || this.#isWriting || this.#isGathering) return;
    if (this.#togetherBytes === 0 || this.#hasEnded) return this.#flush();
    this.#isGathering = true;
    atTurnEnd(this);
  }

  sendOut(): void {
    this.#isGathering = false;
    if (this.#retry === undefined && !this.#isWriting) this.#flush();
  }

  /** Once, for what still waits when the process ends. */
  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#retry);
    this.#flush();
    clearTimeout(this.#retry);
  }

  #flush(): void {
    this.#retry = undefined;
    this.#isWriting = true;
    try {
      while (this.#waitingBytes > 0) this.#advance(this.#take(this.#next()));
      this.#pauseMs = PAUSE_FIRST_MS;
    } catch (error) {
      const isSlow = (error as NodeJS.ErrnoException).code === 'EAGAIN';
      this.#retry = setTimeout(() => this.#flush(), isSlow ? SLOW_MS : this.#pauseMs);
      this.#retry.unref();
      if (!isSlow) this.#pauseMs = Math.min(this.#pauseMs * 2, PAUSE_MAX_MS);
      return;
    } finally {
      this.#isWriting = false;
    }
    const lines = this.#untold;
    this.#untold = 0;
    if (lines > 0) this.onLoss(lines);
  }

  /** As many whole lines as are surely taken as a whole. */
  #next(): Buffer {
    let bytes = this.#waiting[0]!.length;
    let count = 1;
    while (count < this.#waiting.length && bytes + this.#waiting[count]!.length <= this.#togetherBytes)
      bytes += this.#waiting[count++]!.length;
    if (count > 1) this.#waiting.splice(0, count, Buffer.concat(this.#waiting.slice(0, count)));
    return this.#waiting[0]!;
  }

  #advance(taken: number): void {
    const first = this.#waiting[0]!;
    this.#waitingBytes -= taken;
    if (taken === first.length) this.#waiting.shift();
    else this.#waiting[0] = first.subarray(taken);
  }

  #drop(): void {
    this.dropped++;
    this.#untold++;
  }
}

/** `destination`: somebody else's, which may throw. What it does with a line after that is its affair. */
export function outputTo(destination: { write(line: string): void }): LogOutput {
  return new LogOutput((bytes) => {
    destination.write(bytes.toString());
    return bytes.length;
  }, 0);
}

let standard: LogOutput | undefined;

/** One for all logs of the process, so that a line is never written into the middle of another. */
export function standardOutput(): LogOutput {
  if (standard !== undefined) return standard;
  standard = new LogOutput(unblocked(STANDARD_OUTPUT), WHOLE_BYTES);
  process.once('exit', () => standard?.end());
  return standard;
}

/**
 * Writes to the place of `fd` without ever waiting for its reader: EAGAIN instead. Regular files and devices have none. A
 * pipe or a terminal is opened anew: whoever shares ours may rely on being made to wait.
 */
function unblocked(fd: number): Write {
  const plain = (bytes: Buffer) => writeSync(fd, bytes);
  try {
    const stats = fstatSync(fd);
    const own = stats.isFIFO() || isatty(fd) ? reopened(fd, stats) : null;
    if (own !== null) return (bytes) => writeSync(own, bytes);
    return stats.isFIFO() || stats.isSocket() ? unblockedAsShared(fd) : plain;
  } catch {
    // There is none, or of a kind that Node does not know. It is written to as it is.
    return plain;
  }
}

/** null: it is somebody else's, or there is no /proc. */
function reopened(fd: number, { dev, ino }: Stats): number | null {
  try {
    const own = openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    const stats = fstatSync(own);
    if (stats.dev === dev && stats.ino === ino) return own;
    closeSync(own);
    return null;
  } catch {
    return null;
  }
}

/**
 * For sockets, which cannot be opened anew. That they do not block is a property that all processes share, and each that
 * starts or ends may change it: so it is set again before each write.
 */
function unblockedAsShared(fd: number): Write {
  const unblock = unblockerOf(fd);
  return (bytes) => {
    unblock?.();
    return writeSync(fd, bytes);
  };
}
