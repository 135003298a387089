/**
 * The HTTP/2 sessions of one target: which of them a call goes to, and when another one is opened. Keeps the places of the
 * calls; how many there are is not its to say.
 */
import type { Socket } from 'node:net';
import type { UpstreamFailure } from '../exchange.ts';
import type { PooledConnection } from '../pooled-connection.ts';
import type { CallProgress } from '../states.ts';
import type { Timeouts } from '../timeouts.ts';
import type { UpstreamCall } from '../upstream-call.ts';
import { H2Session, type H2SessionOwner, STREAMS_MAX } from './h2-session.ts';
import { H2Stream } from './h2-stream.ts';

/** The target, as its sessions see it. */
export interface H2Target {
  readonly origin: string;
  readonly authority: string;
  readonly isSecure: boolean;
  readonly timeouts: Timeouts;
  readonly maxAgeMs: number;
  readonly connections: Set<PooledConnection>;
  now(): number;
  openSocket(): Socket;
  answered(): void;
  callBegan(holder: string | undefined): void;
  becameStream(call: { readonly holder: string | undefined }): boolean;
  callOver(call: { readonly holder: string | undefined; readonly isStream: boolean }): void;
  callFailed(call: UpstreamCall, failure: UpstreamFailure, progress: CallProgress): void;
  /** A connection is gone. */
  vacated(): void;
}

/** So many calls may be cancelled at once, and so many more each second, for each target. */
const RESETS_BURST = 100;
const RESETS_PER_SECOND = 100;
/** Whoever cancels more keeps the place of each for so long. */
const KEPT_MS = 1000;

/** Calls that have been started again. */
const again = new WeakSet<UpstreamCall>();

export class H2Sessions implements H2SessionOwner {
  readonly #target: H2Target;
  readonly #sessions = new Set<H2Session>();
  #limit = STREAMS_MAX;
  #resets = RESETS_BURST;
  #resetsAt = 0;

  constructor(target: H2Target) {
    this.#target = target;
  }

  get origin(): string {
    return this.#target.origin;
  }
  get authority(): string {
    return this.#target.authority;
  }
  get isSecure(): boolean {
    return this.#target.isSecure;
  }
  get timeouts(): Timeouts {
    return this.#target.timeouts;
  }
  get maxAgeMs(): number {
    return this.#target.maxAgeMs;
  }
  get idleCount(): number {
    let idle = 0;
    for (const session of this.#sessions) if (session.isIdle) idle += 1;
    return idle;
  }

  now(): number {
    return this.#target.now();
  }

  openSocket(): Socket {
    return this.#target.openSocket();
  }

  start(call: UpstreamCall): void {
    this.#target.callBegan(call.request.holder);
    this.#place(new H2Stream(call, this.now()));
  }

  /** Once for each call. */
  startAgain(call: UpstreamCall): boolean {
    if (call.isOver || again.has(call)) return false;
    again.add(call);
    this.start(call);
    return true;
  }

  dropIdle(): void {
    for (const session of this.#sessions) if (session.isIdle) session.drop();
  }

  answered(): void {
    this.#target.answered();
  }

  becameStream(stream: H2Stream): boolean {
    return this.#target.becameStream(stream);
  }

  /** A client that begins calls only to cancel them has no more of them begun than it has places. */
  streamOver(stream: H2Stream, _session: H2Session, wasReset: boolean): void {
    if (!wasReset || this.#mayReset()) this.#target.callOver(stream);
    else setTimeout(() => this.#target.callOver(stream), KEPT_MS).unref();
  }

  sessionClosed(session: H2Session): void {
    this.#sessions.delete(session);
    this.#target.connections.delete(session);
    this.#target.vacated();
  }

  limitSeen(streams: number): void {
    this.#limit = Math.max(1, streams);
  }

  moved(streams: readonly H2Stream[]): void {
    for (const stream of streams) this.#place(stream);
  }

  callFailed(call: UpstreamCall, failure: UpstreamFailure, progress: CallProgress): void {
    this.#target.callFailed(call, failure, progress);
  }

  #place(stream: H2Stream): void {
    const now = this.now();
    for (const session of this.#sessions) if (session.hasRoom(now)) return session.add(stream);
    const session = new H2Session(this, this.#limit);
    this.#sessions.add(session);
    this.#target.connections.add(session);
    session.add(stream);
  }

  #mayReset(): boolean {
    const now = this.now();
    const saved = this.#resets + ((now - this.#resetsAt) * RESETS_PER_SECOND) / 1000;
    this.#resets = Math.min(RESETS_BURST, saved) - 1;
    this.#resetsAt = now;
    if (this.#resets >= 0) return true;
    this.#resets = 0;
    return false;
  }
}
