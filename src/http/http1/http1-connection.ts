/**
 * One client connection of HTTP/1: reads its requests one after the other, hands each over as soon as its head is there,
 * and keeps their answers in order. What cannot be read yet waits as bytes, bounded. Knows no route and no token.
 */
import type { Socket } from 'node:net';
import { copyToPiece, writeCopy } from '../../chunk-pool.ts';
import { ChunkedBody } from '../../core/http1/chunked-body.ts';
import { offeredProtocols } from '../../core/upgrade.ts';
import { readAccepted } from '../../node-internals/socket-read.ts';
import { TextSender } from '../../node-internals/socket-send.ts';
import { LastToken } from '../../secret.ts';
import { atTurnEnd, type Outgoing } from '../../turn-end.ts';
import type { ClientLimits } from '../client-limits.ts';
import type { Exchange } from '../exchange.ts';
import type { Owed } from '../minimum-rate.ts';
import { lingeringClose, markClosing, resetConnection } from '../socket-close.ts';
import { asksToKeep } from './connection-options.ts';
import type { HeadReader, RequestHead } from './head-reader.ts';
import { type AnswerCarrier, Http1Exchange } from './http1-exchange.ts';
import { LastFields } from './request-fields.ts';
import type { RequestOrder, Startable } from './request-order.ts';

/** What a listener gives all its connections. */
export interface ConnectionHost {
  readonly limits: ClientLimits;
  readonly reader: HeadReader;
  readonly order: Pick<RequestOrder, 'mayStart'>;
  /** A client may ask to leave HTTP. */
  readonly upgrades: boolean;
  /** Every answer from now on is the last on its connection. */
  readonly windingDown: boolean;
  readonly keepLines: string;
  /** The first bytes may be the preface of HTTP/2. */
  readonly takesPreface: boolean;
  /** They are: `socket` is somebody else's, who is given all that comes on it and says whether more may be read. */
  becomeHttp2(socket: Socket, readOn: () => void): (bytes: Buffer) => boolean;
  handle(exchange: Exchange): void;
  onBug(error: unknown): void;
  /** The whole of a refusal, ready for the wire, that says that the connection ends. */
  refusal(status: number): string;
}

/**
 * What is read next. `upgrading`: nothing, until it is settled whether the client leaves HTTP. `nothing`: what still
 * comes is nobody's.
 */
type Reading = 'head' | 'body' | 'upgrading' | 'tunnel' | 'nothing';

/** Whom nothing moves for, and since when. */
interface Wait {
  readonly what: 'head' | 'request' | 'body' | 'reader';
  /** The number of the request that it is about. */
  readonly request: number;
  sinceMs: number;
  bytes: number;
}

/** What may wait behind a request to leave HTTP, and one read more. */
const AHEAD_BYTES_MAX = 16 * 1024;
/** Text that leaves at once, and not at the end of the turn. */
const GATHERED_MAX = 16 * 1024;
/** Answers that may wait behind another: so many bytes of them, and so many of them. No request is read beyond. */
const QUEUED_BYTES_MAX = 64 * 1024;
const LINE_MAX = 10_000;
/** As long as no more than that waits for its turn, one who is not read is read on now and then, to see whether it is there. */
const UNREAD_BYTES_MAX = 64 * 1024;
const LF = 0x0a;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const NO_BYTES = Buffer.alloc(0);

export class Http1Connection implements AnswerCarrier, Outgoing, Startable {
  lastToken: LastToken | undefined;
  readonly peerAddress: string;
  readonly encrypted: boolean;
  readonly socket: Socket;
  readonly #host: ConnectionHost;
  readonly #readOn: () => void;
  readonly #sender: TextSender;
  /** Made for the first body that comes in chunks. */
  #chunks: ChunkedBody | undefined;
  #reading: Reading = 'head';
  /** What was answered last, or is being answered, or waits for that; oldest first. */
  #line: Http1Exchange[] = [];
  /** Text that leaves at the end of this turn of the event loop. */
  #gathered = '';
  /** Answered, but not yet out of our hands. */
  #unsent: Http1Exchange[] = [];
  /** Of a body of known length, still to come; -1: it comes in chunks. */
  #bodyLeft = 0;
  /** Whose body is read, or whose tunnel. */
  #current: Http1Exchange | null = null;
  /** What came and is not used yet lies between `#at` and `#to`. */
  #held: Buffer = NO_BYTES;
  #at = 0;
  #to = 0;
  #isLent = false;
  /** A buffer of our own that `#held` is the beginning of, where pieces had to be put together. */
  #room: Buffer = NO_BYTES;
  /** Of the head that is held, the bytes that are whole lines. */
  #linesRead = 0;
  #isReading = false;
  #lastFields: LastFields | null = null;
  /** Of HTTP/2, once that is what the client speaks. */
  #successor: ((bytes: Buffer) => boolean) | null = null;
  /** Its next request is in line, behind those of other connections. */
  #isInLine = false;
  #isStopped = false;
  /** Nothing follows the request that is being read. */
  #isLastRequest = false;
  #hasEnded = false;
  #queuedBytes = 0;
  /** To be refused behind the last answer. */
  #lastStatus: number | null = null;
  #requests = 0;
  #wait: Wait | null;

  /** `socket`: accepted in this turn. */
  constructor(host: ConnectionHost, socket: Socket) {
    this.#host = host;
    this.socket = socket;
    this.#readOn = readAccepted(socket, (bytes, length, isLent) => this.#received(bytes, length, isLent));
    this.#sender = new TextSender(socket, () => this.#drained());
    this.peerAddress = socket.remoteAddress ?? '';
    this.encrypted = 'encrypted' in socket;
    this.#wait = { what: 'head', request: 0, sinceMs: performance.now(), bytes: 0 };
    socket.on('drain', () => this.#drained());
    socket.on('end', () => this.#ended());
    socket.on('error', ignore);
    socket.on('close', () => this.#closed());
  }

  get keepLines(): string {
    return this.#host.keepLines;
  }

  get isGone(): boolean {
    return this.socket.destroyed;
  }

  /** A request is on it or about to begin, or it has left HTTP. */
  get isBusy(): boolean {
    return this.#line.length > 0 || this.#unsent.length > 0 || this.#isInLine;
  }

  // What an exchange asks.

  mayKeep(exchange: Http1Exchange): boolean {
    return !this.#host.windingDown || this.#line.at(-1) !== exchange || this.#heldBytes > 0;
  }

  write(data: string | Buffer): boolean {
    // Nobody takes it any more, and whoever gives it need not hurry.
    if (!this.socket.writable) return false;
    if (typeof data === 'string') {
      if (this.#gathered === '') atTurnEnd(this);
      this.#gathered += data;
      if (this.#gathered.length > GATHERED_MAX) this.sendOut();
      return !this.#needsDrain;
    }
    return this.writeAround('', data, '');
  }

  writeAround(textBefore: string, bytes: Buffer, behind: string): boolean {
    if (!this.socket.writable) return false;
    const before = this.#gathered + textBefore;
    this.#gathered = '';
    const taken = this.#sender.sendBytes(before, bytes, behind);
    if (taken < before.length + bytes.length + behind.length) this.#writeRest(taken, before, bytes, behind);
    return !this.#needsDrain;
  }

  /** By the stream, which keeps what it is given: of `bytes` a copy, since they are only lent. */
  #writeRest(taken: number, before: string, bytes: Buffer, behind: string): void {
    const { socket } = this;
    const start = Math.max(0, taken - before.length);
    const end = before.length + bytes.length;
    socket.cork();
    if (taken < before.length) socket.write(before.slice(taken), 'latin1');
    writeCopy(socket, bytes, start);
    if (behind !== '') socket.write(behind.slice(Math.max(0, taken - end)), 'latin1');
    socket.uncork();
  }

  sendOut(): void {
    // Under TLS nothing has left before its callback: better that of what is written anyway than of one write more.
    if (this.encrypted && this.#unsent.length > 0 && this.#gathered !== '') {
      const sent = this.#unsent.slice();
      this.#sendGathered((error) => this.#settle(sent, error == null));
      return;
    }
    this.#sendGathered();
    if (this.#unsent.length > 0) this.#settleSent();
  }

  #sendGathered(done?: (error?: Error | null) => void): void {
    const text = this.#gathered;
    this.#gathered = '';
    if (text === '' || !this.socket.writable) return;
    if (done === undefined) this.#sender.send(text);
    else this.socket.write(text, 'latin1', done);
  }

  cork(): void {
    this.socket.cork();
  }

  uncork(): void {
    this.socket.uncork();
  }

  waits(bytes: number): void {
    this.#queuedBytes += bytes;
  }

  isLast(exchange: Http1Exchange): void {
    if (this.#reading === 'nothing') return;
    if (exchange.isWhole || exchange.isRead || this.#current !== exchange) this.#readNothing();
    else this.#isLastRequest = true;
  }

  answered(exchange: Http1Exchange): void {
    if (this.#line[0] !== exchange) return;
    this.#nextInLine();
    if (!this.#isReading) this.#goOn();
  }

  startNow(): void {
    this.#isInLine = false;
    this.#goOn();
  }

  bodyWanted(): void {
    if (!this.#isReading) this.#goOn();
  }

  switched(exchange: Http1Exchange): void {
    this.#reading = 'tunnel';
    this.#current = exchange;
  }

  tunnelEnded(): void {
    this.sendOut();
    this.#readNothing();
    // What the client still says is read, so that its own end is seen, and goes nowhere.
    this.#endBehindAll(() => lingeringClose(this.socket));
  }

  reset(): void {
    this.sendOut();
    this.#readNothing();
    resetConnection(this.socket);
  }

  /** Fail closed: a request that broke us is neither answered nor forwarded further. */
  broke(error: unknown): void {
    this.reset();
    this.onBug(error);
  }

  onBug(error: unknown): void {
    this.#host.onBug(error);
  }

  // What the listener asks.

  /** What its client owes of the request whose turn it is; null: nothing now. */
  get owed(): { readonly of: object; readonly owed: Owed | null } | null {
    const of = this.#unsent[0] ?? this.#line[0];
    if (of === undefined || of.isTunnel) return null;
    const what = this.#awaited();
    if (what === 'reader')
      return { of, owed: { what, movedBytes: this.#takenBytes, inFlightBytes: this.#waitingBytes } };
    if (what === 'body' && !of.isStream)
      return { of, owed: { what, movedBytes: this.socket.bytesRead, inFlightBytes: 0 } };
    return { of, owed: null };
  }

  /** Ends it where nothing has moved for as long as we wait. Called now and then. */
  check(nowMs: number): void {
    // Of its end nothing is heard while it is not read.
    if (this.#isStopped && this.#heldBytes < UNREAD_BYTES_MAX) this.#readOn();
    const what = this.#awaited();
    if (what === null) {
      this.#wait = null;
      return;
    }
    const bytes = this.socket.bytesRead + this.#takenBytes;
    const wait = this.#wait;
    const isSame = wait !== null && wait.what === what && wait.request === this.#requests;
    // A head has its time as a whole; all else may take as long as it moves.
    if (!isSame || (what !== 'head' && wait.bytes !== bytes)) {
      this.#wait = { what, request: this.#requests, sinceMs: nowMs, bytes };
      return;
    }
    const { headersMs, keepAliveMs, idleMs } = this.#host.limits;
    const patienceMs = what === 'head' ? headersMs : what === 'request' ? keepAliveMs : idleMs;
    if (nowMs - wait.sinceMs >= patienceMs) this.tooSlow(what);
  }

  tooSlow(what: Wait['what']): void {
    if (what === 'reader') this.reset();
    else if (what !== 'body' && this.#heldBytes === 0) this.socket.destroy();
    else this.#refuseLast(408);
  }

  /** null: its client waits for us. */
  #awaited(): Wait['what'] | null {
    if (this.#reading === 'tunnel') return null;
    if (this.#waitingBytes > 0) return 'reader';
    if (this.#reading === 'body') return this.#current!.isPaused ? null : 'body';
    if (this.#reading !== 'head' || this.isBusy) return null;
    return this.#heldBytes > 0 || this.#requests === 0 ? 'head' : 'request';
  }

  // What comes from the client.

  get #heldBytes(): number {
    return this.#to - this.#at;
  }

  /** The first `length` of `bytes`. false: no more, for now. `isLent`: they are ours until this returns. */
  #received(bytes: Buffer, length: number, isLent: boolean): boolean {
    if (this.#reading === 'nothing') return this.#successor === null || this.#successor(bytes.subarray(0, length));
    if (this.#heldBytes === 0) {
      this.#hold(bytes, length);
      this.#isLent = isLent;
    } else {
      const more = bytes.subarray(0, length);
      // A head that is not whole: without the end of a line more of it says nothing new.
      const isWaiting = this.#reading === 'head' && more.indexOf(LF) === -1;
      this.#append(more);
      if (isWaiting && this.#heldBytes <= this.#host.limits.headerBytes) return true;
    }
    this.#goOn();
    if (this.#isLent && this.#heldBytes > 0)
      this.#hold(Buffer.from(this.#held.subarray(this.#at, this.#to)), this.#heldBytes);
    this.#isStopped = this.#mustWait;
    return !this.#isStopped;
  }

  /** Ours to keep, up to `length`. */
  #hold(bytes: Buffer, length: number): void {
    this.#held = bytes;
    this.#at = 0;
    this.#to = length;
    this.#isLent = false;
    this.#room = NO_BYTES;
    this.#linesRead = 0;
  }

  /** Behind what is held. Its room doubles, up to a point: copied for each piece, a head would cost the square of its length. */
  #append(bytes: Buffer): void {
    const end = this.#to + bytes.length;
    if (end > this.#room.length) {
      const needed = this.#heldBytes + bytes.length;
      const room = Buffer.allocUnsafeSlow(needed + Math.min(needed, this.#host.limits.headerBytes));
      this.#held.copy(room, 0, this.#at, this.#to);
      bytes.copy(room, this.#heldBytes);
      this.#held = this.#room = room;
      this.#at = 0;
      this.#to = needed;
      return;
    }
    // Nobody was given what lies behind: what was handed over is never written again.
    bytes.copy(this.#room, this.#to);
    this.#to = end;
  }

  /** Reads what is held, as far as it can be read now. */
  #goOn(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#heldBytes > 0) {
        const before = this.#at;
        this.#read();
        if (this.#at === before) break;
      }
      if (this.#heldBytes === 0) this.#hold(NO_BYTES, 0);
    } catch (error) {
      this.broke(error);
    }
    this.#isReading = false;
    if (this.#hasEnded) this.#ended();
    if (!this.#isStopped || this.#mustWait) return;
    this.#isStopped = false;
    this.#readOn();
  }

  /** Moves on by what can be used now. */
  #read(): void {
    if (this.#reading === 'head') {
      if (!this.#mayReadHead) return;
      if (this.#requests === 0 && this.#host.takesPreface && this.#readPreface()) return;
      this.#isInLine = !this.#host.order.mayStart(this);
      if (!this.#isInLine) this.#readHead();
    } else if (this.#reading === 'body' || this.#reading === 'tunnel') {
      if (this.#current!.isPaused) return;
      if (this.#reading === 'tunnel') this.#take(this.#at, this.#to);
      else if (this.#bodyLeft === -1) this.#readChunk();
      else this.#readCounted();
    }
  }

  /** Whoever takes it may end the connection meanwhile, or pause. */
  #take(start: number, end: number): void {
    const bytes = this.#isLent ? copyToPiece(this.#held, start, end) : this.#held.subarray(start, end);
    this.#at = end;
    this.#current!.takeBody(bytes);
  }

  get #mayReadHead(): boolean {
    return this.#queuedBytes < QUEUED_BYTES_MAX && this.#line.length < LINE_MAX && !this.#needsDrain;
  }

  /** What is held is enough, until somebody takes it. */
  get #mustWait(): boolean {
    if (this.#heldBytes === 0 || this.#reading === 'nothing') return false;
    if (this.#reading === 'head') return !this.#mayReadHead || (this.#isInLine && this.#heldBytes >= AHEAD_BYTES_MAX);
    return this.#reading !== 'upgrading' || this.#heldBytes >= AHEAD_BYTES_MAX;
  }

  /** false: it is none, and what came is read as a request. */
  #readPreface(): boolean {
    const length = Math.min(this.#heldBytes, PREFACE.length);
    if (this.#held.compare(PREFACE, 0, length, this.#at, this.#at + length) !== 0) return false;
    // The beginning of one is waited for as a head is.
    if (length < PREFACE.length) return true;
    const bytes = this.#held.subarray(this.#at, this.#to);
    this.#reading = 'nothing';
    this.#wait = null;
    this.#hold(NO_BYTES, 0);
    this.#successor = this.#host.becomeHttp2(this.socket, this.#readOn);
    this.#successor(bytes);
    return true;
  }

  #readHead(): void {
    // Closed meanwhile for being idle: nobody would hear an answer, so nothing may run.
    if (this.socket.writableEnded) return this.#readNothing();
    const { reader } = this.#host;
    // A connection's only request has nothing to come again.
    if (this.#requests === 1 && this.#lastFields === null) {
      this.#lastFields = new LastFields();
      this.lastToken = new LastToken();
    }
    const outcome = reader.read(this.#held, this.#at, this.#to, this.#linesRead, this.#lastFields);
    if (outcome === 'invalid') return this.#refuseLast(reader.status);
    this.#linesRead = outcome === 'needs-more' ? reader.linesRead : 0;
    if (outcome === 'needs-more') return;
    this.#at = reader.end;
    this.#begin(reader.head);
  }

  #begin(head: RequestHead): void {
    this.#requests++;
    const { method } = head;
    if (method === 'CONNECT') return this.#refuseLast(405);
    const { minorVersion, meant, facts, options } = head.fields;
    const mayLeave = this.#host.upgrades && options.upgrade && facts?.upgrade === true && !this.isBusy;
    const protocols = mayLeave ? offeredProtocols(method, minorVersion, meant) : '';
    // Where a request ends that can be read in two ways, nobody knows.
    const keeps = facts !== null && protocols === '' && asksToKeep(options, minorVersion);
    const exchange = new Http1Exchange(this, head, protocols, keeps);
    if (this.#line.push(exchange) > 1) exchange.waitInLine();
    this.#current = exchange;
    const body = facts?.body;
    this.#bodyLeft = body?.kind === 'chunked' ? -1 : body?.kind === 'length' ? body.length : 0;
    if (this.#bodyLeft === -1) {
      this.#chunks ??= new ChunkedBody(this.#host.limits.headerBytes);
      this.#chunks.begin();
    }
    exchange.isRead = this.#bodyLeft === 0;
    this.#isLastRequest = !keeps;
    if (!exchange.isRead) this.#reading = 'body';
    else if (protocols !== '') this.#reading = 'upgrading';
    else if (!keeps) this.#readNothing();
    this.#host.handle(exchange);
  }

  #readCounted(): void {
    const end = Math.min(this.#to, this.#at + this.#bodyLeft);
    this.#bodyLeft -= end - this.#at;
    const isWhole = this.#bodyLeft === 0;
    this.#take(this.#at, end);
    if (isWhole) this.#bodyRead([]);
  }

  #readChunk(): void {
    const chunks = this.#chunks!;
    const step = chunks.next(this.#held, this.#at, this.#to);
    if (step === 'data') return this.#take(chunks.dataStart, chunks.used);
    this.#at = chunks.used;
    if (step === 'complete') this.#bodyRead(chunks.trailers);
    if (step === 'invalid') this.#refuseLast(chunks.fault === 'trailers too large' ? 431 : 400);
  }

  #bodyRead(trailers: readonly string[]): void {
    // Whoever took the last of it may have ended the connection.
    if (this.#reading !== 'body') return;
    if (this.#isLastRequest) this.#readNothing();
    else this.#reading = 'head';
    this.#current!.bodyRead(trailers);
  }

  /** The client says no more. Whoever does so in the middle, or while an answer is due, has left. */
  #ended(): void {
    this.#hasEnded = true;
    // What was said before is still to be passed on.
    if (this.#isInLine || (this.#reading === 'tunnel' && this.#mustWait)) return;
    switch (this.#reading) {
      case 'head':
        if (this.isBusy) this.#leave();
        else if (this.#heldBytes > 0) this.#refuseLast(400);
        else this.socket.end();
        return;
      case 'body':
        this.#refuseLast(400);
        if (this.#line.length > 0) this.#leave();
        return;
      case 'upgrading':
        this.socket.destroy();
        return;
      case 'tunnel':
        this.#reading = 'nothing';
        return this.#current!.bodyRead([]);
      case 'nothing':
        if (this.#line.length > 0 && !this.#line[0]!.isTunnel) this.#leave();
    }
  }

  #leave(): void {
    this.#readNothing();
    this.sendOut();
    // Once both sides are closed the connection is, too, and whoever is in line hears of it.
    this.#endBehindAll(() => undefined);
  }

  #abandonLine(): void {
    const line = this.#line;
    this.#line = [];
    for (const exchange of line) exchange.over(false);
  }

  #readNothing(): void {
    if (this.#reading !== 'tunnel') markClosing(this.socket);
    this.#reading = 'nothing';
    this.#hold(NO_BYTES, 0);
    if (!this.#isStopped) return;
    this.#isStopped = false;
    this.#readOn();
  }

  // What goes to the client.

  /** Of what was written: what the kernel has not taken. */
  get #waitingBytes(): number {
    return this.socket.writableLength + this.#sender.waitingBytes;
  }

  /** Of what was written: what the kernel has taken. */
  get #takenBytes(): number {
    return this.socket.bytesWritten + this.#sender.sentBytes - this.#waitingBytes;
  }

  get #needsDrain(): boolean {
    return this.socket.writableNeedDrain || this.#sender.waitingBytes > 0;
  }

  #drained(): void {
    const [first] = this.#line;
    if (first !== undefined) first.drained();
    if (!this.#isReading) this.#goOn();
  }

  /** The answer of the first in line is whole; so may others be by now. */
  #nextInLine(): void {
    for (let first = this.#line[0]; first?.isWhole; first = this.#line[0]) {
      this.#line.shift();
      this.#sent(first);
      if (!first.keeps) {
        this.#readNothing();
        // To an old client it would be a part of this answer.
        this.#lastStatus = null;
        this.#abandonLine();
      }
      if (this.#line.length > 0) this.#line[0]!.takeTurn();
      else if (this.#reading === 'nothing') return this.#close();
    }
  }

  #sent(exchange: Http1Exchange): void {
    this.#unsent.push(exchange);
    if (this.#gathered === '') this.#settleSent();
  }

  /** Of what was answered: has it left us? */
  #settleSent(): void {
    const { destroyed, writableEnded } = this.socket;
    if (destroyed || this.#waitingBytes === 0) {
      const sent = this.#unsent;
      this.#unsent = [];
      for (const exchange of sent) exchange.over(!destroyed);
      return;
    }
    // Who closes it has asked before.
    if (writableEnded) return;
    const sent = this.#unsent.slice();
    this.socket.write('', (error) => this.#settle(sent, error == null));
  }

  #settle(sent: readonly Http1Exchange[], complete: boolean): void {
    this.#unsent = this.#unsent.filter((exchange) => !sent.includes(exchange));
    for (const exchange of sent) exchange.over(complete);
  }

  #close(): void {
    this.sendOut();
    if (this.#lastStatus !== null && this.socket.writable) this.socket.write(this.#host.refusal(this.#lastStatus));
    this.#lastStatus = null;
    // Not before it is out: a client that reads slowly has said nothing for long.
    this.#endBehindAll(() => lingeringClose(this.socket));
  }

  /** Once all is out: an end that is on its way could not be taken back, and half an answer without length would look whole. */
  #endBehindAll(done: () => void): void {
    const end = () => this.socket.end(done);
    if (this.#waitingBytes === 0) end();
    else this.socket.write('', end);
  }

  /** Answers what came last, once the answers to what came before it are out, and closes. */
  #refuseLast(status: number): void {
    if (this.#reading === 'nothing') return;
    const broken = this.#reading === 'body' ? this.#current : null;
    this.#readNothing();
    if (broken !== null) {
      // It broke within the body of a request that is being served: that is the one to refuse, while it still can be.
      if (this.#line[0] === broken && broken.hasBegun) return resetConnection(this.socket);
      this.#line.pop();
    }
    this.#lastStatus = status;
    if (this.#line.length === 0) this.#close();
    broken?.over(false);
  }

  #closed(): void {
    this.#readNothing();
    const isWhole = this.socket.writableFinished;
    const line = this.#line;
    this.#line = [];
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const exchange of unsent) exchange.over(false);
    for (const exchange of line) exchange.over(exchange.isTunnel && isWhole);
  }
}

function ignore(): void {}
