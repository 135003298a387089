/**
 * One socket to one upstream, carrying one call at a time. Never pipelines, never hands out a connection whose next
 * byte could belong to an earlier answer, and tells its call exactly once how it ended.
 */
import type { OnReadOpts, Socket } from 'node:net';
import { type AnswerEvents, AnswerReader } from './answer-reader.ts';
import type { AnswerHead, UpstreamFailure } from './exchange.ts';
import { bodyLimit } from './request-head.ts';
import { RequestWriter } from './request-writer.ts';
import type { BodyVerdict, CallProgress, ConnectionState } from './states.ts';
import type { Timeouts } from './timeouts.ts';
import type { Carrier, UpstreamCall } from './upstream-call.ts';

const NO_BYTES = Buffer.alloc(0);
/** What is read at once, to begin with. */
export const READ_BYTES = 64 * 1024;
/** At most, where clients take all of it at once: each piece wakes the one who reads it. */
const READ_BYTES_MAX = 256 * 1024;
/** One for all connections: a read is used up, or copied, before the next one happens. */
const readMemory = Buffer.allocUnsafeSlow(READ_BYTES_MAX);
/** As much of it as is read at once. */
const rooms = [READ_BYTES, 2 * READ_BYTES, READ_BYTES_MAX].map((bytes) => readMemory.subarray(0, bytes));

/** What a connection needs of the target it belongs to. */
export interface ConnectionOwner {
  readonly origin: string;
  readonly authority: string;
  readonly isSecure: boolean;
  readonly timeouts: Timeouts;
  readonly keepAliveMs: number;
  /** How old a connection may be and still carry another call: names move to other addresses. */
  readonly maxAgeMs: number;
  now(): number;
  openSocket(onread: OnReadOpts): Socket;
  /** The answer on it goes on for as long as it may. false: there is no room for it as that. */
  becameStream(connection: Connection): boolean;
  /** Its answer is complete; it may carry another call, but not before this turn of the event loop is over. */
  released(connection: Connection): void;
  /** It is destroyed. `was`: the state it was in. */
  closed(connection: Connection, was: ConnectionState): void;
  replay(call: UpstreamCall): void;
  /** The head of an answer came. */
  answered(): void;
  /** Its connection is destroyed; whether the listener hears of it is the owner's to say. */
  callFailed(call: UpstreamCall, failure: UpstreamFailure, progress: CallProgress): void;
}

export class Connection implements AnswerEvents, Carrier {
  state: ConnectionState = 'connecting';
  idleUntil = 0;
  /** Whose call it carries. */
  holder: string | undefined;
  /** Its answer goes on for as long as it may; no other follows. */
  isStream = false;
  /** Not to be used again after that. */
  readonly retiresAt: number;

  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #writer: RequestWriter;
  readonly #reader = new AnswerReader(this);
  #call: UpstreamCall | undefined;
  /** Has carried a call before this one. */
  #reused = false;
  /** A byte of the answer has come. */
  #answered = false;
  #headSeen = false;
  #paused = false;
  #resuming = false;
  /** Which of the rooms the next read is into. */
  #room = 0;
  #ended = false;
  /** What a paused listener has not seen of the bytes already read. */
  readonly #held: Buffer[] = [];
  /** Something moved since the last check. The clock is read there: once for many requests instead of for each. */
  #moved = false;
  #stamp: number;

  constructor(owner: ConnectionOwner, call: UpstreamCall) {
    this.#owner = owner;
    this.#call = call;
    this.holder = call.request.holder;
    this.#stamp = owner.now();
    // Those that were opened together need not all be opened anew together.
    this.retiresAt = this.#stamp + owner.maxAgeMs * (0.75 + Math.random() / 4);
    call.attach(this);
    const socket = owner.openSocket({ buffer: () => rooms[this.#room]!, callback: (length) => this.#onRead(length) });
    this.#socket = socket;
    this.#writer = new RequestWriter(socket, owner.authority);
    socket.on(owner.isSecure ? 'secureConnect' : 'connect', () => this.#onConnect());
    socket.on('drain', () => {
      this.#moved = true;
      this.#call?.drained();
    });
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error: NodeJS.ErrnoException) => this.#gone(error.code ?? error.message));
    socket.on('close', () => {
      // After an end that a paused listener has not come to yet, the rest of the answer needs no socket.
      if (!this.#ended || !this.#paused) this.#gone('closed');
    });
  }

  begin(call: UpstreamCall): void {
    this.state = 'busy';
    this.#call = call;
    this.holder = call.request.holder;
    this.#answered = false;
    this.#headSeen = false;
    this.#moved = true;
    this.#reader.begin(call.request.method === 'HEAD');
    call.attach(this);
    this.#writer.begin(call.request);
    call.flow(this);
  }

  /** This turn of the event loop is over and nothing has come after the answer. */
  rest(now: number): void {
    this.state = 'idle';
    this.idleUntil = now + this.#keepAliveMs();
  }

  sendBody(chunk: Buffer): boolean {
    this.#moved = true;
    return this.#writer.write(chunk);
  }

  endBody(trailerLines: string): void {
    this.#moved = true;
    this.#writer.end(trailerLines);
  }

  resume(): void {
    if (!this.#paused || this.#resuming) return;
    // Not at once: the caller may sit in a callback of the reader, which must not run inside itself.
    this.#resuming = true;
    process.nextTick(() => this.#goOn());
  }

  becomeStream(): boolean {
    this.isStream ||= this.state === 'busy' && this.#owner.becameStream(this);
    return this.isStream;
  }

  drop(): void {
    if (this.state === 'dead') return;
    const was = this.state;
    this.state = 'dead';
    this.#call = undefined;
    this.#held.length = 0;
    this.#socket.destroy();
    this.#owner.closed(this, was);
  }

  /** The upstream is torn down. */
  destroy(): void {
    const call = this.#call;
    this.drop();
    call?.failSoon({ kind: 'unreachable', detail: `${this.#owner.origin}: torn down` });
  }

  /** Called now and then: had something taken too long at `due`, some moments before `now`? */
  check(due: number, now: number): void {
    const { connectMs, headersMs, idleMs } = this.#call?.request.timeouts ?? this.#owner.timeouts;
    if (this.state === 'idle' && now >= this.idleUntil) this.drop();
    if (this.state === 'connecting' && due - this.#stamp >= connectMs) this.#fail('timeout', 'no connection in time');
    if (this.state !== 'busy') return;
    if (this.#writer.hasMoved() || this.#moved) {
      this.#moved = false;
      this.#stamp = now;
    }
    const awaitsHead = this.#call!.requestDone && this.#writer.isFlushed && !this.#headSeen;
    if (due - this.#stamp < (awaitsHead ? headersMs : idleMs)) return;
    this.#fail('timeout', awaitsHead ? 'no answer in time' : 'stalled');
  }

  onInformational(status: number, headers: readonly string[]): boolean {
    return this.#call!.informational(status, headers);
  }

  onHead(head: AnswerHead): boolean {
    this.#headSeen = true;
    this.#moved = true;
    this.#owner.answered();
    return this.#call!.head(head);
  }

  onBody(chunk: Buffer): BodyVerdict {
    this.#moved = true;
    const call = this.#call!;
    const verdict = call.data(call.takesLent ? chunk : Buffer.from(chunk));
    if (verdict === 'pause') this.#paused = true;
    return verdict;
  }

  /** The rest of what was held back by a pause. */
  #goOn(): void {
    this.#resuming = false;
    if (this.state !== 'busy' || !this.#paused) return;
    this.#paused = false;
    this.#moved = true;
    // Once even without bytes: the end of the answer may be all that was held back.
    do {
      const piece = this.#held.shift() ?? NO_BYTES;
      this.#consume(piece, 0, piece.length);
    } while (!this.#paused && this.#held.length > 0);
    if (this.#paused) return;
    if (this.#ended) this.#onEnd();
    else if (!this.#socket.destroyed) this.#socket.resume();
  }

  #onConnect(): void {
    if (this.state !== 'connecting') return;
    // The process lives for its clients; a connection to an upstream alone is no reason to stay.
    this.#socket.unref();
    this.#socket.setNoDelay(true);
    this.begin(this.#call!);
  }

  /** False stops reading. */
  #onRead(length: number): boolean {
    if (this.state !== 'busy') {
      // Nobody asked: whatever it is, it would be taken for the next answer.
      this.drop();
      return false;
    }
    if (this.#reused && this.#writer.isUnsent) {
      // It belongs to an earlier answer, and to whoever got that: nothing has been asked yet.
      this.#gone('bytes before the request');
      return false;
    }
    this.#answered = true;
    // TLS may deliver what it had already decrypted.
    if (this.#paused) this.#held.push(Buffer.from(readMemory.subarray(0, length)));
    else this.#consume(readMemory, 0, length);
    // A client that is behind has what was read for it here, in memory.
    if (this.#paused) this.#room = 0;
    else if (length === rooms[this.#room]!.length && this.#room < rooms.length - 1) this.#room++;
    return !this.#paused;
  }

  #consume(source: Buffer, start: number, end: number): void {
    if (this.state !== 'busy') return;
    const outcome = this.#reader.execute(source, start, end);
    const { consumed } = this.#reader;
    if (outcome === 'complete') this.#complete(consumed < end || this.#held.length > 0);
    else if (outcome === 'invalid') this.#fail('unreachable', this.#reader.error);
    else if (outcome === 'paused' && consumed < end) {
      const rest = source.subarray(consumed, end);
      this.#held.unshift(source === readMemory ? Buffer.from(rest) : rest);
    }
  }

  #complete(surplus: boolean): void {
    const call = this.#call!;
    this.#call = undefined;
    call.detach();
    const { failure, isFlushed } = this.#writer;
    const clean = !surplus && !this.#ended && call.requestDone && isFlushed && failure === null;
    if (clean && !this.isStream && this.#keepAliveMs() > 0) {
      this.state = 'settling';
      this.#reused = true;
      this.#owner.released(this);
    } else this.drop();
    call.finish(this.#reader.trailers);
  }

  /** For how long it may lie idle. A second less than the other side says: our next request must not cross its close. */
  #keepAliveMs(): number {
    const { keepAlive, keepAliveSeconds } = this.#reader;
    if (!keepAlive) return 0;
    const own = this.#owner.keepAliveMs;
    return keepAliveSeconds < 0 ? own : Math.min(own, (keepAliveSeconds - 1) * 1000);
  }

  #onEnd(): void {
    this.#ended = true;
    if (this.state === 'busy' && this.#paused) return;
    // Behind a write that failed a reset looks like an end, which must not make half an answer look whole.
    const { failure } = this.#writer;
    if (this.state === 'busy' && failure === null && this.#reader.finish() === 'complete') this.#complete(false);
    else this.#gone(failure ?? (this.state === 'busy' ? this.#reader.error : 'closed'));
  }

  #gone(detail: string): void {
    const call = this.#call;
    // A fresh connection cannot have met its keep-alive end, so this happens once at most.
    if (this.state === 'busy' && this.#reused && !this.#answered && this.#mayReplay(call!)) {
      call!.detach();
      this.#call = undefined;
      this.#owner.replay(call!);
    }
    this.#fail('unreachable', detail);
  }

  /** Of which nothing has left and nothing is gone, any request is sent for the first time. A body is gone. */
  #mayReplay(call: UpstreamCall): boolean {
    return call.isReplayable || (bodyLimit(call.request.body) === 0 && this.#writer.isUnsent);
  }

  #fail(kind: UpstreamFailure['kind'], detail: string): void {
    const call = this.#call;
    const begun = this.#headSeen ? 'answered' : this.#answered ? 'partial-head' : 'unanswered';
    const progress: CallProgress = this.state === 'connecting' ? 'unsent' : begun;
    this.drop();
    if (call === undefined) return;
    call.detach();
    this.#owner.callFailed(call, { kind, detail: `${this.#owner.origin}: ${detail}` }, progress);
  }
}
