/**
 * One HTTP/2 connection to one upstream, and the calls on it: opened with ALPN or prior knowledge, used once the other side
 * has said how much it takes, given up when it shows no sign of life. Decides neither which call comes here nor what
 * becomes of one that failed.
 */
import type { ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { openSession } from '../../node-internals/h2-client.ts';
import type { UpstreamFailure } from '../exchange.ts';
import type { PooledConnection } from '../pooled-connection.ts';
import type { CallProgress } from '../states.ts';
import type { Timeouts } from '../timeouts.ts';
import type { UpstreamCall } from '../upstream-call.ts';
import { type H2Stream, h2CodeName, type StreamSession } from './h2-stream.ts';

/** Whoever opens more than this on one session makes others wait for its lost packets. */
export const STREAMS_MAX = 100;
/** What a client that does not read may leave with us, of each stream. Of the session it is no limit: Node counts that as read at once. */
const STREAM_WINDOW_BYTES = 64 * 1024;
const SESSION_WINDOW_BYTES = 1024 * 1024;
/** Servers hang up on whoever cancels more than they like (CVE-2023-44487), most of them from some hundreds on; those begun may follow. */
const RESETS_MAX = 100;
/** When the other side owes an answer and nothing has come for so long it is asked once whether it is there, and given as long. */
const SILENCE_MS = 5000;
/** Of a connection without a request; the kernel asks then, so that no server takes it for an attack. */
const KEEP_ALIVE_MS = 10_000;

const OPTIONS = {
  settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES, maxHeaderListSize: 64 * 1024 },
  maxHeaderListPairs: 1000,
  maxOutstandingPings: 4,
  maxOutstandingSettings: 4,
  maxSessionMemory: 64,
  maxSessionInvalidFrames: 100,
  maxReservedRemoteStreams: 0,
  // What the client says twice is said twice.
  strictSingleValueFields: false,
};

/** What a session needs of whoever opened it. */
export interface H2SessionOwner {
  readonly origin: string;
  readonly authority: string;
  readonly isSecure: boolean;
  readonly timeouts: Timeouts;
  readonly maxAgeMs: number;
  now(): number;
  openSocket(): Socket;
  /** The head of an answer came. */
  answered(): void;
  becameStream(stream: H2Stream): boolean;
  streamOver(stream: H2Stream, session: H2Session, wasReset: boolean): void;
  sessionClosed(session: H2Session): void;
  /** How many streams this upstream takes on a session. */
  limitSeen(streams: number): void;
  /** It takes fewer than were waiting: these are to go elsewhere. */
  moved(streams: readonly H2Stream[]): void;
  startAgain(call: UpstreamCall): boolean;
  callFailed(call: UpstreamCall, failure: UpstreamFailure, progress: CallProgress): void;
}

export class H2Session implements PooledConnection, StreamSession {
  hasAnswered = false;
  failure: string | null = null;
  readonly #owner: H2SessionOwner;
  readonly #socket: Socket;
  readonly #streams = new Set<H2Stream>();
  readonly #retiresAt: number;
  #client: ClientHttp2Session | null = null;
  /** It takes no further stream. */
  #isRetiring = false;
  /** It has said how many streams it takes. */
  #isReady = false;
  #limit: number;
  #resets = 0;
  #goawayAfter = Number.POSITIVE_INFINITY;
  // Signs of life.
  #bytesRead = 0;
  #heardAt: number;
  #owedSince: number | null = null;
  #pingedAt: number | null = null;

  /** `limit`: how many streams it may be expected to take, until it says so. */
  constructor(owner: H2SessionOwner, limit: number) {
    this.#owner = owner;
    this.#limit = limit;
    const now = owner.now();
    this.#heardAt = now;
    // Those that were opened together need not all be opened anew together.
    this.#retiresAt = now + owner.maxAgeMs * (0.75 + Math.random() / 4);
    const socket = owner.openSocket();
    this.#socket = socket;
    socket.once(owner.isSecure ? 'secureConnect' : 'connect', () => this.#onConnect());
    socket.on('error', (error: NodeJS.ErrnoException) => this.#gone(reasonOf(error)));
    socket.on('close', () => this.#gone('closed'));
  }

  get origin(): string {
    return this.#owner.origin;
  }
  get authority(): string {
    return this.#owner.authority;
  }
  get isSecure(): boolean {
    return this.#owner.isSecure;
  }
  get timeouts(): Timeouts {
    return this.#owner.timeouts;
  }
  get isIdle(): boolean {
    return this.#streams.size === 0;
  }

  hasRoom(now: number): boolean {
    return this.failure === null && !this.#isRetiring && this.#streams.size < this.#limit && now < this.#retiresAt;
  }

  add(stream: H2Stream): void {
    this.#streams.add(stream);
    stream.waitFor(this);
    if (this.#isReady) this.#begin(stream);
  }

  /** No call comes any more; those that are on it go on. */
  retire(): void {
    this.#isRetiring = true;
    if (this.isIdle) this.drop();
  }

  drop(): void {
    if (this.failure === null) this.#gone('dropped');
  }

  destroy(): void {
    const calls = Array.from(this.#streams, ({ call }) => call);
    for (const stream of [...this.#streams]) stream.drop();
    this.drop();
    for (const call of calls) call.failSoon({ kind: 'unreachable', detail: `${this.origin}: torn down` });
  }

  check(due: number, now: number): void {
    for (const stream of [...this.#streams]) stream.check(due, now);
    if (this.failure !== null) return;
    if (this.isIdle && (now >= this.#retiresAt || !this.#isReady)) return this.drop();
    if (this.#isReady) this.#watchLife(due, now);
  }

  isBeyondGoaway(id: number): boolean {
    return id > this.#goawayAfter;
  }

  answered(): void {
    this.hasAnswered = true;
    this.#owner.answered();
  }

  becameStream(stream: H2Stream): boolean {
    return this.#owner.becameStream(stream);
  }

  streamOver(stream: H2Stream, wasReset: boolean): void {
    this.#streams.delete(stream);
    if (wasReset) this.#resets += 1;
    this.#isRetiring ||= this.#resets >= RESETS_MAX;
    this.#owner.streamOver(stream, this, wasReset);
    if (this.#isRetiring && this.isIdle) this.drop();
  }

  startAgain(call: UpstreamCall): boolean {
    return this.#owner.startAgain(call);
  }

  callFailed(call: UpstreamCall, failure: UpstreamFailure, progress: CallProgress): void {
    this.#owner.callFailed(call, failure, progress);
  }

  #onConnect(): void {
    if (this.failure !== null) return;
    const socket = this.#socket;
    if (this.isSecure && (socket as TLSSocket).alpnProtocol !== 'h2') return this.#gone(NO_ALPN);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const client = openSession(socket, this.origin, OPTIONS);
    this.#client = client;
    client.on('error', (error: NodeJS.ErrnoException) => this.#gone(reasonOf(error)));
    client.on('close', () => this.#gone('closed'));
    client.on('goaway', (code: number, lastStream: number) => this.#sentAway(code, lastStream));
    client.on('remoteSettings', ({ maxConcurrentStreams = STREAMS_MAX }) => this.#heardLimit(maxConcurrentStreams));
    client.setLocalWindowSize(SESSION_WINDOW_BYTES);
    // The process lives for its clients; a connection to an upstream alone is no reason to stay.
    client.unref();
  }

  #heardLimit(streams: number): void {
    if (this.failure !== null) return;
    this.#isReady = true;
    this.#limit = Math.min(streams, STREAMS_MAX);
    this.#heardAt = this.#owner.now();
    this.#owner.limitSeen(this.#limit);
    const waiting = Array.from(this.#streams).filter(({ isWaiting }) => isWaiting);
    const room = Math.max(0, this.#limit - (this.#streams.size - waiting.length));
    for (const stream of waiting.slice(0, room)) this.#begin(stream);
    // Where it takes none at all, others would not either: they wait until it does, or their time is over.
    if (this.#limit > 0) this.#move(waiting.slice(room));
  }

  #begin(stream: H2Stream): void {
    this.#owedSince ??= this.#owner.now();
    stream.begin(this.#client!);
  }

  #move(streams: readonly H2Stream[]): void {
    if (streams.length === 0) return;
    for (const stream of streams) this.#streams.delete(stream);
    this.#owner.moved(streams);
  }

  /** GOAWAY. Node closes what is beyond the last stream, and everything where it names an error. */
  #sentAway(code: number, lastStream: number): void {
    this.#goawayAfter = lastStream;
    this.#isRetiring = true;
    this.#move(Array.from(this.#streams).filter(({ isWaiting }) => isWaiting));
    if (code !== 0) this.#gone(`sent away (${h2CodeName(code)})`);
  }

  /** Any byte is one. Asked once in each silence, since servers count questions. */
  #watchLife(due: number, now: number): void {
    const { bytesRead } = this.#socket;
    if (bytesRead !== this.#bytesRead) {
      this.#bytesRead = bytesRead;
      this.#heardAt = now;
      this.#pingedAt = null;
    }
    if (this.#pingedAt !== null) {
      if (due - this.#pingedAt >= SILENCE_MS) this.#gone('no sign of life');
      return;
    }
    if (this.#owedSince === null || due - Math.max(this.#heardAt, this.#owedSince) < SILENCE_MS) return;
    this.#owedSince = null;
    this.#pingedAt = now;
    this.#client!.ping(() => undefined);
  }

  #gone(detail: string): void {
    if (this.failure !== null) return;
    this.failure = detail;
    this.#isRetiring = true;
    this.#owner.sessionClosed(this);
    for (const stream of [...this.#streams]) stream.sessionGone(detail);
    this.#client?.destroy();
    if (this.#client === null) this.#socket.destroy();
  }
}

const NO_ALPN = 'the server did not choose HTTP/2 (ALPN h2)';

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL') return NO_ALPN;
  // What Node has no code for: bytes that are not HTTP/2.
  return error.code === 'ERR_HTTP2_ERROR' ? `no HTTP/2: ${error.message}` : (error.code ?? error.message);
}
