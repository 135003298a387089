/**
 * The open connections of one server, and the way to let go of them without losing a request: a connection with a
 * request on it is left alone, one without is closed after it has been quiet for a while, so that what was on the wire
 * arrives first. Never reads or answers a request.
 */
import type { Server, Socket } from 'node:net';
import { stopAccepting } from '../node-internals/http-server.ts';
import type { DrainTimes } from './listener.ts';
import { lingeringClose, markClosing, resetConnection } from './socket-close.ts';

const LOOK_EVERY_MS = 100;
/** Long enough for all that a kernel keeps for us; where more and more come, the rest is turned away. */
const TAKE_MS_MAX = 1000;

export class Connections {
  readonly #server: Server;
  readonly #isBusy: (socket: Socket) => boolean;
  readonly #open = new Set<Socket>();
  /** Bytes read by then, and for how long there were no more. */
  readonly #quiet = new WeakMap<Socket, { readonly bytes: number; quietMs: number }>();

  #taken = 0;
  #looking: NodeJS.Timeout | undefined;
  #lookedAtMs = 0;
  /** null: nothing is closed yet. */
  #idleMs: number | null = null;

  /** `isBusy`: there is a request on it, or it has left HTTP and is busy until it ends. */
  constructor(server: Server, isBusy: (socket: Socket) => boolean) {
    this.#server = server;
    this.#isBusy = isBusy;
    server.on('connection', () => this.#taken++);
  }

  add(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
  }

  [Symbol.iterator](): Iterator<Socket> {
    return this.#open.values();
  }

  /** Begins to see how long each connection has been quiet, so that `drain` knows. */
  watch(): void {
    if (this.#looking !== undefined) return;
    this.#lookedAtMs = performance.now();
    this.#looking = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  /** Stops accepting. Resolves when no connection is left, at the deadline at the latest. */
  async drain({ deadlineMs, idleMs }: DrainTimes): Promise<void> {
    await this.#takeAccepted();
    this.#idleMs = idleMs;
    this.watch();
    const closed = new Promise<void>((resolve) => stopAccepting(this.#server, resolve));
    let cutting: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      cutting = setTimeout(() => {
        this.#cut();
        resolve();
      }, deadlineMs);
    });
    await Promise.race([closed, deadline]);
    clearInterval(this.#looking);
    clearTimeout(cutting);
  }

  /** What the kernel has accepted for us by now is ours. Node takes one connection in each turn of the event loop. */
  async #takeAccepted(): Promise<void> {
    const untilMs = performance.now() + TAKE_MS_MAX;
    let taken: number;
    do {
      taken = this.#taken;
      for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    } while (this.#taken > taken && performance.now() < untilMs);
  }

  #look(): void {
    const nowMs = performance.now();
    // While this process stood still nobody was read, so nobody was quiet for all that time.
    const passedMs = Math.min(nowMs - this.#lookedAtMs, 2 * LOOK_EVERY_MS);
    this.#lookedAtMs = nowMs;
    for (const socket of this.#open) {
      const known = this.#quiet.get(socket);
      if (this.#isBusy(socket)) this.#quiet.delete(socket);
      else if (known?.bytes !== socket.bytesRead) this.#quiet.set(socket, { bytes: socket.bytesRead, quietMs: 0 });
      else {
        known.quietMs += passedMs;
        if (this.#idleMs === null || known.quietMs < this.#idleMs) continue;
        this.#open.delete(socket);
        markClosing(socket);
        lingeringClose(socket);
      }
    }
  }

  #cut(): void {
    for (const socket of this.#open) {
      if (this.#isBusy(socket)) resetConnection(socket);
      else socket.destroy();
    }
  }
}
