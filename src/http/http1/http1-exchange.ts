/**
 * One request over HTTP/1 and the way to answer it. Its answer is written while it is first in line on its connection, and
 * waits until then. Frames bodies; judges nothing.
 */
import type { HeaderFacts } from '../../core/framing.ts';
import { headerLines } from '../../core/http1/header-pairs.ts';
import type { LastToken } from '../../secret.ts';
import type { BodySink, Exchange, ExchangeListener, SortedHeaders, Upgrade } from '../exchange.ts';
import { linesOf, linesOfOwn, type RelayedHead, type RenderedHead, renderHead, statusTextOf } from './answer-head.ts';
import type { RequestHead } from './head-reader.ts';
import type { RequestFields } from './request-fields.ts';

/** Longer bodies are not copied. The saving was measured with 211 bytes; where it ends was not. */
const TEXT_BYTES_MAX = 4096;
const ASCII = /^[\x00-\x7f]*$/;

/** The connection, as an exchange sees it. */
export interface AnswerCarrier {
  readonly peerAddress: string;
  readonly encrypted: boolean;
  readonly isGone: boolean;
  readonly lastToken: LastToken | undefined;
  /** This answer may be followed by another. */
  mayKeep(exchange: Http1Exchange): boolean;
  readonly keepLines: string;
  /** To be called by whoever is first in line. Bytes are only lent. Returns false where the client reads too slowly. */
  write(data: string | Buffer): boolean;
  /** The same, of bytes with text on both sides. */
  writeAround(before: string, bytes: Buffer, behind: string): boolean;
  cork(): void;
  uncork(): void;
  /** Bytes that wait for a turn, more or fewer. */
  waits(bytes: number): void;
  /** The answer is whole. */
  answered(exchange: Http1Exchange): void;
  /** Nothing behind this request is read. */
  isLast(exchange: Http1Exchange): void;
  bodyWanted(): void;
  switched(exchange: Http1Exchange): void;
  tunnelEnded(): void;
  reset(): void;
  /** Whoever serves a request on it has failed: it ends, and no other does. */
  broke(error: unknown): void;
  onBug(error: unknown): void;
}

export class Http1Exchange implements Exchange, Upgrade {
  readonly method: string;
  readonly target: string;
  readonly minorVersion: 0 | 1;
  readonly sorted: SortedHeaders;
  readonly headerFacts: HeaderFacts | null;
  /** What it may leave HTTP for; empty: nothing. */
  readonly protocols: string;
  /** The whole request has come. */
  isRead = true;
  /** Its answer goes on for as long as it may. */
  isStream = false;

  readonly #carrier: AnswerCarrier;
  readonly #fields: RequestFields;
  #keeps: boolean;
  #head: RelayedHead | null = null;
  #rendered: RenderedHead | null = null;
  /** null: it is its turn. Otherwise what is to be written then. */
  #waiting: Array<string | Buffer> | null = null;
  /** The listener waits for the client to take more. */
  #isHeld = false;
  #isAnswered = false;
  #isWhole = false;
  #isOver = false;
  #isTunnel = false;
  #sink: BodySink | null = null;
  #isPaused = false;
  #trailers: readonly string[] = [];
  #listener: ExchangeListener | null = null;

  constructor(carrier: AnswerCarrier, { method, target, fields }: RequestHead, protocols: string, keeps: boolean) {
    this.#carrier = carrier;
    this.method = method;
    this.target = target;
    this.minorVersion = fields.minorVersion;
    this.sorted = this.#fields = fields;
    this.headerFacts = fields.facts;
    this.protocols = protocols;
    this.#keeps = keeps;
  }

  get headers(): readonly string[] {
    return this.#fields.headers;
  }
  get connection(): object {
    return this.#carrier;
  }
  get lastToken(): LastToken | undefined {
    return this.#carrier.lastToken;
  }
  get protocol(): string {
    return this.minorVersion === 1 ? '1.1' : '1.0';
  }
  get peerAddress(): string {
    return this.#carrier.peerAddress;
  }
  get encrypted(): boolean {
    return this.#carrier.encrypted;
  }
  get upgrade(): Upgrade | undefined {
    return this.protocols === '' ? undefined : this;
  }
  get answered(): boolean {
    return this.#isAnswered;
  }
  get isGone(): boolean {
    return this.#isOver || this.#carrier.isGone;
  }

  // What its connection asks and says.

  /** Something of its answer may be with the client. */
  get hasBegun(): boolean {
    return this.#rendered !== null || this.#isTunnel;
  }
  get isWhole(): boolean {
    return this.#isWhole;
  }
  get isTunnel(): boolean {
    return this.#isTunnel;
  }
  get keeps(): boolean {
    return this.#keeps;
  }
  /** Nobody takes more of its body now. */
  get isPaused(): boolean {
    return this.#isPaused || this.#sink === null;
  }

  /** Others are answered before it. */
  waitInLine(): void {
    this.#waiting = [];
  }

  takeTurn(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null || waiting.length === 0) return;
    let open = true;
    this.#carrier.cork();
    for (const data of waiting) {
      this.#carrier.waits(-data.length);
      open = this.#carrier.write(data);
    }
    this.#carrier.uncork();
    if (open && !this.#isWhole) this.drained();
  }

  drained(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    try {
      this.#listener?.clientDrained();
    } catch (error) {
      this.#carrier.broke(error);
    }
  }

  /** Of its body, or of its tunnel. Not while it is paused. */
  takeBody(bytes: Buffer): void {
    this.#sink!.bodyChunk(bytes);
  }

  bodyRead(trailers: readonly string[]): void {
    this.isRead = true;
    this.#trailers = trailers;
    this.#sink?.bodyEnd(trailers);
  }

  /** It is over, once: its answer has left us whole, or nobody will read it. */
  over(complete: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      this.#listener?.clientClosed(complete);
    } catch (error) {
      // There is nothing left of it that could be ended.
      this.#carrier.onBug(error);
    }
  }

  // What the request path asks.

  endConnection(): void {
    this.#keeps = false;
    this.#carrier.isLast(this);
  }

  answer(status: number, headers: string[], body: string): void {
    this.#head = linesOfOwn(status, statusTextOf(status), headers);
    this.#answer(body, ASCII.test(body));
  }

  answerLines(status: number, lines: string, body: string, bodyBytes: number): void {
    this.#head = { status, statusText: statusTextOf(status), lines, isSized: true, isDated: false, protocols: '' };
    this.#answer(body, bodyBytes === body.length);
  }

  #answer(body: string, isAscii: boolean): void {
    // The rest of the request's body is not ours to wait for, and what follows it must not run (RFC 9112 section 9.3).
    if (!this.isRead) this.#keeps = false;
    const { text, isBodiless } = this.#begin();
    if (isBodiless || body === '') this.#put(text);
    else if (isAscii) this.#put(text + body);
    else this.#putAround(text, Buffer.from(body), '');
    this.#finish();
  }

  relayHead(status: number, statusText: string, headers: string[]): void {
    this.#isAnswered = true;
    this.#head = linesOf(status, statusText, headers);
  }

  relayLines(status: number, statusText: string, lines: string, isSized: boolean, isDated: boolean): void {
    this.#isAnswered = true;
    this.#head = { status, statusText, lines, isSized, isDated, protocols: '' };
  }

  relay(chunk: Buffer): boolean {
    if (this.#isTunnel) return this.#put(chunk);
    const head = this.#rendered === null ? this.#begin().text : '';
    const { isBodiless, isChunked } = this.#rendered!;
    if (isBodiless || chunk.length === 0) return head === '' || this.#put(head);
    if (isChunked) return this.#putChunk(head, chunk, '\r\n');
    return this.#putAround(head, chunk, '');
  }

  relayEnd(lastOrEmpty: Buffer | null, trailers: readonly string[]): void {
    // A chunk without a byte would be read as the end of the answer, and the end as the beginning of another.
    const last = lastOrEmpty?.length === 0 ? null : lastOrEmpty;
    if (this.#isTunnel) {
      if (last !== null) this.#put(last);
      return this.#carrier.tunnelEnded();
    }
    const head = this.#rendered === null ? this.#begin().text : '';
    const { isBodiless, isChunked } = this.#rendered!;
    if (isBodiless) this.#put(head);
    else if (isChunked) {
      const end = `0\r\n${headerLines(trailers)}\r\n`;
      if (last === null) this.#put(head + end);
      else this.#putChunk(head, last, `\r\n${end}`);
    } else if (last === null) this.#put(head);
    // As text it leaves in one write with the head; latin1 keeps every byte.
    else if (last.length <= TEXT_BYTES_MAX) this.#put(head + last.toString('latin1'));
    else this.#putAround(head, last, '');
    this.#finish();
  }

  flush(): void {
    if (this.#rendered === null && !this.isGone) this.#put(this.#begin().text);
  }

  breakOff(): void {
    this.#carrier.reset();
  }

  sendContinue(): void {
    this.#put('HTTP/1.1 100 Continue\r\n\r\n');
  }

  sendInterim(status: number, headers: readonly string[]): void {
    if (this.minorVersion === 0) return;
    // Hints are links, and clients that know them read one line of those (RFC 8297).
    const isHint = status === 103;
    const lines = isHint
      ? `Link: ${headers.filter((_, index) => index % 2 === 1).join(', ')}\r\n`
      : headerLines(headers);
    this.#put(`HTTP/1.1 ${status} ${statusTextOf(status)}\r\n${lines}\r\n`);
  }

  readBody(sink: BodySink): void {
    this.#sink = sink;
    if (this.isRead && !this.#isTunnel) process.nextTick(() => sink.bodyEnd(this.#trailers));
    else this.#carrier.bodyWanted();
  }

  pauseBody(): void {
    this.#isPaused = true;
  }

  resumeBody(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#carrier.bodyWanted();
  }

  becomeStream(): void {
    this.isStream = true;
  }

  listen(listener: ExchangeListener): void {
    this.#listener = listener;
    // Over while the decision was being made. While its connection is only about to close, that tells it.
    if (this.#isOver) process.nextTick(() => listener.clientClosed(false));
  }

  switchProtocols(headers: readonly string[]): void {
    this.#put(`HTTP/1.1 101 Switching Protocols\r\n${headerLines(headers)}\r\n`);
    this.#isAnswered = true;
    this.#isTunnel = true;
    this.#carrier.switched(this);
  }

  /** The head is settled: from here on it is with the client, or on its way. */
  #begin(): RenderedHead {
    const mayKeep = this.#keeps && this.#carrier.mayKeep(this);
    this.#isAnswered = true;
    this.#rendered = renderHead(this, this.#head!, mayKeep, this.#carrier.keepLines);
    if (!this.#rendered.keeps) this.endConnection();
    return this.#rendered;
  }

  #finish(): void {
    this.#isWhole = true;
    if (!this.isRead) this.endConnection();
    this.#carrier.answered(this);
  }

  #put(data: string | Buffer): boolean {
    if (data.length === 0 || this.#isOver) return true;
    if (this.#waiting === null) return this.#heed(this.#carrier.write(data));
    // Bytes are only lent.
    this.#waiting.push(typeof data === 'string' ? data : Buffer.from(data));
    this.#carrier.waits(data.length);
    return this.#heed(false);
  }

  /** Of a body that comes in chunks. A small one leaves as text, and so in one write with what is around it. */
  #putChunk(head: string, chunk: Buffer, behind: string): boolean {
    const before = `${head}${chunk.length.toString(16)}\r\n`;
    if (chunk.length > TEXT_BYTES_MAX) return this.#putAround(before, chunk, behind);
    return this.#put(before + chunk.toString('latin1') + behind);
  }

  #putAround(before: string, bytes: Buffer, behind: string): boolean {
    if (this.#isOver) return true;
    if (this.#waiting === null) return this.#heed(this.#carrier.writeAround(before, bytes, behind));
    this.#put(before);
    this.#put(bytes);
    this.#put(behind);
    return false;
  }

  #heed(open: boolean): boolean {
    if (!open) this.#isHeld = true;
    return open;
  }
}
