/**
 * One socket to one upstream, carrying one exchange at a time. Never pipelines, never hands out a connection whose next
 * byte could belong to an earlier answer, and tells its exchange exactly once how it ended.
 */
import type { Socket } from 'node:net';
import {
  ANSWERED,
  BUSY,
  CONNECTING,
  type ConnectionOwner,
  DEAD,
  IDLE,
  PARTIAL_HEAD,
  SETTLING,
  UNANSWERED,
  UNSENT,
} from './connection-owner.ts';
import type { AnswerHead, UpstreamFailure } from './exchange.ts';
import { MAX_INPUT } from './llhttp.ts';
import { RequestWriter } from './request-writer.ts';
import { type AnswerEvents, COMPLETE, INVALID, PAUSE, PAUSED, ResponseParser } from './response-parser.ts';
import type { Carrier, UpstreamCall } from './upstream-call.ts';

const NO_BYTES = Buffer.alloc(0);
const CAPITAL_H = 0x48;
/** One for all connections: a read is used up, or copied, before the next one happens. */
const readBuffer = Buffer.allocUnsafeSlow(MAX_INPUT);

export class Connection implements AnswerEvents, Carrier {
  state = CONNECTING;
  idleUntil = 0;
  /** Whose exchange it carries. */
  holder: string | undefined;
  /** Its answer goes on for as long as it may; no other follows. */
  isStream = false;
  /** Not to be used again after that. */
  readonly retiresAt: number;

  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #writer: RequestWriter;
  readonly #parser = new ResponseParser(this);
  #exchange: UpstreamCall | undefined;
  /** Has carried an exchange before this one. */
  #reused = false;
  /** A byte of the answer has come. */
  #answered = false;
  #headSeen = false;
  #paused = false;
  #resuming = false;
  #ended = false;
  /** What a paused listener has not seen of the bytes already read. */
  readonly #held: Buffer[] = [];
  /** Something moved since the last check. The clock is read there: once for many requests instead of for each. */
  #moved = false;
  #stamp: number;

  constructor(owner: ConnectionOwner, exchange: UpstreamCall) {
    this.#owner = owner;
    this.#exchange = exchange;
    this.holder = exchange.request.holder;
    this.#stamp = owner.now();
    // Those that were opened together need not all be opened anew together.
    this.retiresAt = this.#stamp + owner.maxAgeMs * (0.75 + Math.random() / 4);
    exchange.attach(this);
    const socket = owner.openSocket({ buffer: readBuffer, callback: (length) => this.#onRead(length) });
    this.#socket = socket;
    this.#writer = new RequestWriter(socket, owner.authority);
    socket.on(owner.isSecure ? 'secureConnect' : 'connect', () => this.#onConnect());
    socket.on('drain', () => {
      this.#moved = true;
      this.#exchange?.drained();
    });
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error: NodeJS.ErrnoException) => this.#gone(error.code ?? error.message));
    socket.on('close', () => {
      // After an end that a paused listener has not come to yet, the rest of the answer needs no socket.
      if (!this.#ended || !this.#paused) this.#gone('closed');
    });
  }

  begin(exchange: UpstreamCall): void {
    this.state = BUSY;
    this.#exchange = exchange;
    this.holder = exchange.request.holder;
    this.#answered = false;
    this.#headSeen = false;
    this.#moved = true;
    this.#parser.begin(exchange.request.method === 'HEAD');
    exchange.attach(this);
    this.#writer.begin(exchange.request);
    exchange.flow(this);
  }

  /** This turn of the event loop is over and nothing has come after the answer. */
  rest(now: number): void {
    this.state = IDLE;
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
    // Not at once: the caller may sit in a callback of another parser, and parsers must not run inside one another.
    this.#resuming = true;
    process.nextTick(() => this.#goOn());
  }

  becomeStream(): boolean {
    this.isStream ||= this.state === BUSY && this.#owner.becameStream(this);
    return this.isStream;
  }

  drop(): void {
    if (this.state === DEAD) return;
    const was = this.state;
    this.state = DEAD;
    this.#exchange = undefined;
    this.#held.length = 0;
    this.#socket.destroy();
    this.#parser.free();
    this.#owner.closed(this, was);
  }

  /** The upstream is torn down. */
  destroy(): void {
    const exchange = this.#exchange;
    this.drop();
    exchange?.failSoon({ kind: 'unreachable', detail: `${this.#owner.origin}: torn down` });
  }

  /** Called now and then: had something taken too long at `due`, some moments before `now`? */
  check(due: number, now: number): void {
    const { connectMs, headersMs, idleMs } = this.#owner.timeouts;
    if (this.state === IDLE && now >= this.idleUntil) this.drop();
    if (this.state === CONNECTING && due - this.#stamp >= connectMs) this.#fail('timeout', 'no connection in time');
    if (this.state !== BUSY) return;
    if (this.#writer.hasMoved() || this.#moved) {
      this.#moved = false;
      this.#stamp = now;
    }
    const awaitsHead = this.#exchange!.requestDone && this.#writer.isFlushed && !this.#headSeen;
    if (due - this.#stamp < (awaitsHead ? headersMs : idleMs)) return;
    this.#fail('timeout', awaitsHead ? 'no answer in time' : 'stalled');
  }

  onInformational(status: number, headers: readonly string[]): boolean {
    return this.#exchange!.informational(status, headers);
  }

  onHead(head: AnswerHead): boolean {
    this.#headSeen = true;
    this.#moved = true;
    this.#owner.answered();
    return this.#exchange!.head(head);
  }

  onBody(chunk: Buffer): number {
    this.#moved = true;
    const verdict = this.#exchange!.data(chunk);
    if (verdict === PAUSE) this.#paused = true;
    return verdict;
  }

  /** The rest of what was held back by a pause. */
  #goOn(): void {
    this.#resuming = false;
    if (this.state !== BUSY || !this.#paused) return;
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
    if (this.state !== CONNECTING) return;
    // The process lives for its clients; a connection to an upstream alone is no reason to stay.
    this.#socket.unref();
    this.#socket.setNoDelay(true);
    this.begin(this.#exchange!);
  }

  /** False stops reading. */
  #onRead(length: number): boolean {
    if (this.state !== BUSY) {
      // Nobody asked: whatever it is, it would be taken for the next answer.
      this.drop();
      return false;
    }
    if (!this.#answered) {
      this.#answered = true;
      // llhttp also skips empty lines and knows other protocols; neither begins an answer.
      if (readBuffer[0] !== CAPITAL_H) this.#fail('unreachable', 'invalid answer: not HTTP');
    }
    // TLS may deliver what it had already decrypted.
    if (this.#paused) this.#held.push(Buffer.from(readBuffer.subarray(0, length)));
    else this.#consume(readBuffer, 0, length);
    return !this.#paused;
  }

  #consume(source: Buffer, start: number, end: number): void {
    if (this.state !== BUSY) return;
    const outcome = this.#parser.execute(source, start, end);
    const { consumed } = this.#parser;
    if (outcome === COMPLETE) this.#complete(consumed < end || this.#held.length > 0);
    else if (outcome === INVALID) this.#fail('unreachable', this.#parser.error);
    else if (outcome === PAUSED && consumed < end) {
      const rest = source.subarray(consumed, end);
      this.#held.unshift(source === readBuffer ? Buffer.from(rest) : rest);
    }
  }

  #complete(surplus: boolean): void {
    const exchange = this.#exchange!;
    this.#exchange = undefined;
    exchange.detach();
    const { failure, isFlushed } = this.#writer;
    const clean = !surplus && !this.#ended && exchange.requestDone && isFlushed && failure === null;
    if (clean && !this.isStream && this.#keepAliveMs() > 0) {
      this.state = SETTLING;
      this.#reused = true;
      this.#owner.released(this);
    } else this.drop();
    exchange.finish(this.#parser.trailers);
  }

  /** For how long it may lie idle. A second less than the other side says: our next request must not cross its close. */
  #keepAliveMs(): number {
    const { keepAlive, keepAliveSeconds } = this.#parser;
    if (!keepAlive) return 0;
    const own = this.#owner.keepAliveMs;
    return keepAliveSeconds < 0 ? own : Math.min(own, (keepAliveSeconds - 1) * 1000);
  }

  #onEnd(): void {
    this.#ended = true;
    if (this.state === BUSY && this.#paused) return;
    // Behind a write that failed a reset looks like an end, which must not make half an answer look whole.
    const { failure } = this.#writer;
    if (this.state === BUSY && failure === null && this.#parser.finish() === COMPLETE) this.#complete(false);
    else this.#gone(failure ?? (this.state === BUSY ? this.#parser.error : 'closed'));
  }

  #gone(detail: string): void {
    const exchange = this.#exchange;
    // A fresh connection cannot have met its keep-alive end, so this happens once at most.
    if (this.state === BUSY && this.#reused && !this.#answered && exchange!.isReplayable) {
      exchange!.detach();
      this.#exchange = undefined;
      this.#owner.replay(exchange!);
    }
    this.#fail('unreachable', detail);
  }

  #fail(kind: UpstreamFailure['kind'], detail: string): void {
    const exchange = this.#exchange;
    const begun = this.#headSeen ? ANSWERED : this.#answered ? PARTIAL_HEAD : UNANSWERED;
    const progress = this.state === CONNECTING ? UNSENT : begun;
    this.drop();
    if (exchange === undefined) return;
    exchange.detach();
    this.#owner.exchangeFailed(exchange, { kind, detail: `${this.#owner.origin}: ${detail}` }, progress);
  }
}
