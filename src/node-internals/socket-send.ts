/**
 * Puts short texts, and bytes that are only lent, on a socket without the machinery of a stream, which costs as much as the
 * rest of a write and keeps what it is given. What the kernel does not take of a text is counted here; what it does not take
 * of bytes is the caller's. Keeps the order with whatever the socket itself writes.
 */

import { writeSync, writevSync } from 'node:fs';
import type { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { Habit } from './habit.ts';

export const SOCKET_SEND: Habit = {
  name: 'socket._handle.writeLatin1String: a text that is written without the stream',
  fallback: 'a request costs a few microseconds more',
};
export const SOCKET_FD: Habit = {
  name: 'socket._handle.fd: bytes that are written without the stream',
  fallback: 'large answers are copied once more',
};

/** Node's own name for a write that is under way. */
interface WriteRequest {
  oncomplete: ((status: number) => void) | null;
}
interface Handle {
  /** 0, or the number of the error. What the kernel does not take at once waits, and `request` is told of its end. */
  writeLatin1String(request: WriteRequest, text: string): number;
  readonly writeQueueSize: number;
  readonly fd: number;
}
type Inside = Socket & { readonly _handle: Handle | null };

/** Longer ones Node copies before it tries the kernel. */
const TEXT_MAX = 16 * 1024;

/** What stands before and behind bytes, as bytes. */
const textRoom = Buffer.allocUnsafeSlow(TEXT_MAX);

/** Learned at the start; null: every text goes through the stream. */
let WriteRequestOf: (new () => WriteRequest) | null = null;
/** Learned likewise. */
let sendsBytes = true;
/** A write that the kernel takes at once leaves its request as it was: one serves all of those. */
let spare: WriteRequest | null = null;

/** By the next text that `socket`, which is connected, writes. Resolves when that has been given to the kernel. */
export async function learnSending(socket: Socket, text: string): Promise<boolean> {
  const handle = (socket as Inside)._handle!;
  const own = handle.writeLatin1String;
  let learned: (new () => WriteRequest) | null = null;
  handle.writeLatin1String = (request, told) => {
    learned = request.constructor as new () => WriteRequest;
    return own.call(handle, request, told);
  };
  await new Promise<void>((resolve) => socket.write(text, 'latin1', () => resolve()));
  handle.writeLatin1String = own;
  if (learned === null || typeof handle.writeQueueSize !== 'number') return false;
  WriteRequestOf = learned;
  return true;
}

export function sendByStream(): void {
  WriteRequestOf = null;
}

export function sendBytesByStream(): void {
  sendsBytes = false;
}

export class TextSender {
  /** What the kernel has not taken yet, of what was sent here. Not in the socket's `writableLength`. */
  waitingBytes = 0;
  /** All that was sent here. Not in the socket's `bytesWritten`. */
  sentBytes = 0;
  readonly #socket: Inside;
  readonly #isPlain: boolean;
  readonly #taken: () => void;
  readonly #isDealtWith: (code: string) => boolean;

  /**
   * `taken`: what waited does so no more. `isDealtWith`: asked when a write has failed; false: the socket is destroyed for
   * it, as a stream's own is.
   */
  constructor(socket: Socket, taken: () => void, isDealtWith: (code: string) => boolean = () => false) {
    this.#socket = socket as Inside;
    // What TLS is given it takes on its own terms.
    this.#isPlain = !('encrypted' in socket);
    this.#taken = taken;
    this.#isDealtWith = isDealtWith;
  }

  /** Of a connected socket, behind all that it has written. Latin1. */
  send(text: string): void {
    const socket = this.#socket;
    const handle = socket._handle;
    if (WriteRequestOf === null || !this.#isPlain || handle === null || !this.#isFirst || text.length > TEXT_MAX) {
      socket.write(text, 'latin1');
      return;
    }
    const request = spare ?? new WriteRequestOf();
    spare = null;
    const error = handle.writeLatin1String(request, text);
    if (error !== 0) {
      spare = request;
      return this.#failed(error);
    }
    this.sentBytes += text.length;
    if (handle.writeQueueSize === 0) spare = request;
    else this.#waitFor(request, text.length);
  }

  /**
   * Of a connected socket, behind all that it has written: a text, bytes, and a text (latin1), as one. Returns how much of it
   * the kernel has taken, which may be nothing; the rest is to be written by the stream, which also learns what is wrong.
   */
  sendBytes(before: string, bytes: Buffer, behind: string): number {
    const handle = this.#socket._handle;
    if (!sendsBytes || !this.#isPlain || handle === null || !this.#isFirst) return 0;
    if (before.length + behind.length > TEXT_MAX) return 0;
    try {
      const taken =
        before === '' && behind === '' ? writeSync(handle.fd, bytes) : writeAround(handle.fd, before, bytes, behind);
      this.sentBytes += taken;
      return taken;
    } catch {
      return 0;
    }
  }

  /** Nothing waits before it, nor for what would be joined to it. */
  get #isFirst(): boolean {
    const { writableLength, writableCorked } = this.#socket;
    return this.waitingBytes === 0 && writableLength === 0 && writableCorked === 0;
  }

  #waitFor(request: WriteRequest, bytes: number): void {
    this.waitingBytes = bytes;
    request.oncomplete = (status) => {
      this.waitingBytes = 0;
      if (this.#socket.destroyed) return;
      if (status < 0) this.#failed(status);
      else this.#taken();
    };
  }

  #failed(error: number): void {
    const code = getSystemErrorName(error);
    if (!this.#isDealtWith(code)) this.#socket.destroy(Object.assign(new Error(`write ${code}`), { code }));
  }
}

function writeAround(fd: number, before: string, bytes: Buffer, behind: string): number {
  const head = textRoom.subarray(0, textRoom.write(before, 0, 'latin1'));
  if (behind === '') return writevSync(fd, [head, bytes]);
  const end = head.length + textRoom.write(behind, head.length, 'latin1');
  return writevSync(fd, [head, bytes, textRoom.subarray(head.length, end)]);
}
