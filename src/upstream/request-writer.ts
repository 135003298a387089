/**
 * Puts requests onto a socket: head, body in its framing, trailers. Never counts or checks what it is given (the
 * exchange does) and never reads. A socket that takes no more ends nothing: who reads it must hear out what came before.
 */
import type { Socket } from 'node:net';
import { giveBack } from '../chunk-pool.ts';
import { TextSender } from '../node-internals/socket-send.ts';
import { keepReading } from '../node-internals/socket-write.ts';
import { atTurnEnd, type Outgoing } from '../turn-end.ts';
import type { UpstreamRequest } from './exchange.ts';
import { bodyLimit, requestHead } from './request-head.ts';

/**
 * A piece of body costs the socket a few hundred bytes while it waits, however small it is: a client that sends chunks of
 * one byte would fill a hundred times what it sends. So behind this many waiting bytes small pieces leave together.
 */
const JOIN_BEHIND_BYTES = 2048;
const JOINED_BYTES = 16 * 1024;
/** A body up to here, which is announced, leaves as text with its head, as far as it is here by the end of the turn. */
const TEXT_BYTES_MAX = 4096;

export class RequestWriter implements Outgoing {
  /** Why the other side takes no more of the request. */
  failure: string | null = null;
  readonly #socket: Socket;
  readonly #authority: string;
  readonly #sender: TextSender;
  #keepsReading = false;
  #isChunked = false;
  #isCorked = false;
  #unsent = 0;
  /** A request with no body or a small one, which leaves at the end of this turn of the event loop. */
  #gathered = '';
  /** Small pieces that leave at the end of this turn, and how many bytes they are. */
  #joined: Buffer | null = null;
  #joinedBytes = 0;

  constructor(socket: Socket, authority: string) {
    this.#socket = socket;
    this.#authority = authority;
    // Nobody waits for a head to be taken: what is behind it waits in the socket.
    this.#sender = new TextSender(
      socket,
      () => undefined,
      (code) => this.#isHeardOut(code),
    );
  }

  begin(request: UpstreamRequest): void {
    this.#isChunked = request.body.kind === 'chunked';
    this.#unsent = 0;
    const head = requestHead(request, this.#authority);
    const bodyBytes = bodyLimit(request.body);
    if (bodyBytes > 0) this.#keepReading();
    if (bodyBytes <= TEXT_BYTES_MAX) {
      this.#gathered = head;
      return atTurnEnd(this);
    }
    // The first piece of body is often at hand in this turn of the loop: one packet instead of two.
    this.#socket.cork();
    this.#isCorked = true;
    setImmediate(uncork, this);
    this.#socket.write(head, 'latin1');
  }

  /** From the first body on. Nobody answers a request without one before it has left whole. */
  #keepReading(): void {
    if (this.#keepsReading) return;
    this.#keepsReading = true;
    keepReading(
      this.#socket,
      () => this.failure !== null,
      (code) => this.#isHeardOut(code),
    );
  }

  sendOut(): void {
    const head = this.#gathered;
    this.#gathered = '';
    if (!this.#socket.destroyed && this.failure === null) this.#sender.send(head);
  }

  #isHeardOut(code: string): boolean {
    if (this.#keepsReading) this.failure ??= code;
    return this.#keepsReading;
  }

  write(chunk: Buffer): boolean {
    if (this.#gathered !== '') {
      // latin1 keeps every byte.
      this.#gathered += chunk.toString('latin1');
      return true;
    }
    const isSmall = chunk.length <= JOIN_BEHIND_BYTES;
    if (!isSmall || this.#joinedBytes + chunk.length > JOINED_BYTES) this.join();
    const waits = this.#joined !== null || this.#socket.writableLength >= JOIN_BEHIND_BYTES;
    if (!isSmall || !waits) return this.#put(chunk);
    if (this.#joined === null) {
      this.#joined = Buffer.allocUnsafe(JOINED_BYTES);
      setImmediate(join, this);
    }
    this.#joinedBytes += chunk.copy(this.#joined, this.#joinedBytes);
    return !this.#socket.writableNeedDrain;
  }

  join(): void {
    const joined = this.#joined?.subarray(0, this.#joinedBytes);
    this.#joined = null;
    this.#joinedBytes = 0;
    if (joined !== undefined) this.#put(joined);
  }

  #put(chunk: Buffer): boolean {
    const socket = this.#socket;
    if (!this.#isChunked) {
      const open = socket.write(chunk);
      // The kernel has all of it: nobody reads it here any more.
      if (socket.writableLength === 0) giveBack(chunk);
      return open;
    }
    socket.cork();
    socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
    socket.write(chunk);
    socket.write('\r\n', 'latin1');
    socket.uncork();
    return !socket.writableNeedDrain;
  }

  end(trailerLines: string): void {
    this.join();
    if (this.#isChunked) this.#socket.write(`0\r\n${trailerLines}\r\n`, 'latin1');
    this.uncork();
  }

  uncork(): void {
    if (!this.#isCorked) return;
    this.#isCorked = false;
    this.#socket.uncork();
  }

  /** Not a byte of it has left us. */
  get isUnsent(): boolean {
    return this.#gathered !== '' || this.#isCorked;
  }

  get isFlushed(): boolean {
    return this.#gathered === '' && this.#waitingBytes === 0;
  }

  get #waitingBytes(): number {
    return this.#socket.writableLength + this.#sender.waitingBytes;
  }

  /** Whether the socket has taken or passed on anything since the last call. */
  hasMoved(): boolean {
    const unsent = this.#waitingBytes;
    const moved = unsent !== this.#unsent;
    this.#unsent = unsent;
    return moved;
  }
}

function join(writer: RequestWriter): void {
  writer.join();
}

function uncork(writer: RequestWriter): void {
  writer.uncork();
}
