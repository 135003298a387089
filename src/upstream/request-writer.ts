/**
 * Puts requests onto a socket: head, body in its framing, trailers. Never counts or checks what it is given (the
 * exchange does) and never reads.
 */
import type { Socket } from 'node:net';
import type { UpstreamRequest } from './exchange.ts';
import { bodyLimit, requestHead } from './request-head.ts';

export class RequestWriter {
  readonly #socket: Socket;
  readonly #authority: string;
  #isChunked = false;
  #isCorked = false;
  #unsent = 0;

  constructor(socket: Socket, authority: string) {
    this.#socket = socket;
    this.#authority = authority;
  }

  begin(request: UpstreamRequest): void {
    this.#isChunked = request.body.kind === 'chunked';
    this.#unsent = 0;
    if (bodyLimit(request.body) > 0) {
      // The first piece of body is often at hand in this turn of the loop: one packet instead of two.
      this.#socket.cork();
      this.#isCorked = true;
      setImmediate(uncork, this);
    }
    this.#socket.write(requestHead(request, this.#authority), 'latin1');
  }

  write(chunk: Buffer): boolean {
    const socket = this.#socket;
    if (!this.#isChunked) return socket.write(chunk);
    socket.cork();
    socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
    socket.write(chunk);
    socket.write('\r\n', 'latin1');
    socket.uncork();
    return !socket.writableNeedDrain;
  }

  end(trailerLines: string): void {
    if (this.#isChunked) this.#socket.write(`0\r\n${trailerLines}\r\n`, 'latin1');
    this.uncork();
  }

  uncork(): void {
    if (!this.#isCorked) return;
    this.#isCorked = false;
    this.#socket.uncork();
  }

  get isFlushed(): boolean {
    return this.#socket.writableLength === 0;
  }

  /** Whether the socket has taken or passed on anything since the last call. */
  hasMoved(): boolean {
    const unsent = this.#socket.writableLength;
    const moved = unsent !== this.#unsent;
    this.#unsent = unsent;
    return moved;
  }
}

function uncork(writer: RequestWriter): void {
  writer.uncork();
}
