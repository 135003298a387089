/**
 * An Exchange on one stream of an HTTP/2 connection. Half never looks whole: an upload or an answer that is cut short
 * ends as a reset. What it needs of node:http2 that is not documented is in `node-internals`. Decides nothing.
 */
import { constants, type ServerHttp2Stream, type ServerStreamResponseOptions } from 'node:http2';
import { writeCopy } from '../../chunk-pool.ts';
import { lowerName } from '../../core/framing.ts';
import { areFields, isConnectionSpecific, type TranslatedHead, translateHead } from '../../core/h2-head.ts';
import { h2BodyOf } from '../../node-internals/body-push.ts';
import { objectOf, onRawTrailers, respondWith } from '../../node-internals/h2-stream.ts';
import type { LastToken } from '../../secret.ts';
import { BodyTap } from '../body-tap.ts';
import type { BodySink, Exchange, ExchangeListener } from '../exchange.ts';
import { isKnownMethod } from '../known-method.ts';
import type { Owed } from '../minimum-rate.ts';
import type { FrameCount } from './h2-tap.ts';

const { NGHTTP2_NO_ERROR } = constants;
/** Goes out as INTERNAL_ERROR. */
const BROKEN_OFF = new Error('the answer could not be completed');
const UNREADABLE: TranslatedHead = { method: '', target: '', headers: [] };
const BODILESS = new Set([204, 205, 304]);

/** What all exchanges of one connection share. */
export interface H2Carrier {
  readonly frames: FrameCount;
  readonly peerAddress: string;
  readonly encrypted: boolean;
  readonly lastToken: LastToken;
}

export class H2Exchange implements Exchange {
  readonly protocol = '2.0';
  readonly encrypted: boolean;
  readonly peerAddress: string;
  readonly lastToken: LastToken;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  /** Nothing that the request path would take for HTTP/1, where the head could not be translated. */
  readonly minorVersion: number;
  readonly #stream: ServerHttp2Stream;
  readonly #frames: FrameCount;
  #answered = false;
  /** Of a relayed answer, while nothing of it has been sent. */
  #head: { readonly status: number; readonly headers: readonly string[] } | null = null;
  #bodyEnded: boolean;
  /** null: nobody wants it yet. */
  #body: BodyTap | null = null;
  /** The whole answer was handed over. */
  #ended = false;
  #trailers: readonly string[] = [];
  #isStream = false;
  #writtenBytes = 0;
  #waitsForTrailers = false;
  /** The listener waits for the client to take more. */
  #isHeld = false;
  #isOver = false;
  #listener: ExchangeListener | null = null;
  readonly #closed: () => void;

  constructor(
    stream: ServerHttp2Stream,
    rawHead: readonly string[],
    endsHere: boolean,
    { frames, peerAddress, encrypted, lastToken }: H2Carrier,
    closed: () => void,
  ) {
    const isWhole = frames.isWhole(stream.id!, rawHead.length / 2);
    const translated = isWhole ? translateHead(rawHead, endsHere) : null;
    const head = translated !== null && isKnownMethod(translated.method) ? translated : UNREADABLE;
    this.#stream = stream;
    this.#frames = frames;
    this.#closed = closed;
    this.#bodyEnded = endsHere;
    this.peerAddress = peerAddress;
    this.encrypted = encrypted;
    this.lastToken = lastToken;
    this.method = head.method;
    this.target = head.target;
    this.headers = head.headers;
    this.minorVersion = head === UNREADABLE ? -1 : 1;
    // `close` tells what is to be done.
    stream.on('error', ignore);
    // A paused stream that its client resets would not close before it is read on.
    stream.on('aborted', destroySoon);
    stream.on('close', () => this.#over());
  }

  get answered(): boolean {
    return this.#answered;
  }

  /** Its body is to come, or its window to open: nothing of ours or the upstream's is missing. */
  get waitsForClient(): boolean {
    return this.#stream.writableLength > 0 || (!this.#bodyEnded && this.#body?.isPaused !== true);
  }

  /** For the minimum rate: what its client owes. */
  get owed(): Owed | null {
    const inFlightBytes = this.#stream.writableLength;
    if (inFlightBytes > 0) return { what: 'reader', movedBytes: this.#writtenBytes - inFlightBytes, inFlightBytes };
    if (this.#bodyEnded || this.#isStream || this.#body?.isPaused === true) return null;
    return { what: 'body', movedBytes: this.#body?.bytes ?? 0, inFlightBytes: 0 };
  }

  /** Frames say where a request ends, whatever stands in it: the other streams have nothing to fear. */
  endConnection(): void {}

  answer(status: number, headers: string[], body: string): void {
    if (!this.#respond(status, headers, { endStream: body === '' })) return;
    this.#end(body === '' ? null : Buffer.from(body));
  }

  relayHead(status: number, _statusText: string, headers: string[]): void {
    const sized = BODILESS.has(status) || headers.some((name, at) => at % 2 === 0 && name === 'Content-Length');
    this.#answered = true;
    this.#waitsForTrailers = !sized && this.method !== 'HEAD';
    this.#head = { status, headers };
  }

  /** Not before it is known whether anything follows: an answer of gRPC that is a head alone must end with it. */
  #sendHead(isAll: boolean): void {
    const head = this.#head;
    if (head === null) return;
    this.#head = null;
    this.#waitsForTrailers &&= !isAll;
    const waitForTrailers = this.#waitsForTrailers;
    const isSent = this.#respond(head.status, head.headers, isAll ? { endStream: true } : { waitForTrailers });
    if (!isSent || !waitForTrailers) return;
    // The stream stays open behind its last byte until we say that it was the last.
    this.#stream.once('wantTrailers', () => {
      this.#stream.sendTrailers(objectOf(fieldsOf(this.#trailers)));
      setImmediate(() => this.#stopUpload());
    });
  }

  relay(chunk: Buffer): boolean {
    this.#sendHead(false);
    this.#writtenBytes += chunk.length;
    if (this.#stream.writableEnded || writeCopy(this.#stream, chunk)) return true;
    if (!this.#isHeld) this.#stream.once('drain', () => this.#drained());
    this.#isHeld = true;
    return false;
  }

  relayEnd(last: Buffer | null, trailers: readonly string[]): void {
    this.#trailers = trailers;
    this.#sendHead(last === null && trailers.length === 0);
    this.#end(last);
  }

  flush(): void {
    this.#sendHead(false);
  }

  breakOff(): void {
    // Not `close`, which ends the answer in order before it resets it.
    this.#stream.destroy(BROKEN_OFF);
  }

  sendContinue(): void {
    if (!this.isGone) this.#stream.additionalHeaders({ ':status': 100 });
  }

  sendInterim(status: number, headers: readonly string[]): void {
    if (!this.isGone) this.#stream.additionalHeaders(objectOf(fieldsOf(headers, status)));
  }

  readBody(sink: BodySink): void {
    const stream = this.#stream;
    let trailers: readonly string[] = [];
    onRawTrailers(stream, (raw) => {
      if (this.#frames.isWhole(stream.id!, raw.length / 2) && areFields(raw)) trailers = raw;
      else this.breakOff();
    });
    stream.on('end', () => {
      // A reset ends the body too, and one without an error looks like any other end.
      if (this.isGone) return;
      this.#bodyEnded = true;
      this.#body!.end();
      sink.bodyEnd(trailers);
    });
    this.#body = new BodyTap(h2BodyOf(stream), sink);
    this.#body.start();
  }

  pauseBody(): void {
    this.#body!.pause();
  }

  resumeBody(): void {
    this.#body?.resume();
  }

  becomeStream(): void {
    this.#isStream = true;
  }

  listen(listener: ExchangeListener): void {
    this.#listener = listener;
    // Over while the decision was being made.
    if (this.#isOver) process.nextTick(() => listener.clientClosed(this.#isComplete));
  }

  get #isComplete(): boolean {
    return this.#ended && this.#stream.writableFinished && this.#stream.rstCode === NGHTTP2_NO_ERROR;
  }

  #drained(): void {
    this.#isHeld = false;
    this.#listener?.clientDrained();
  }

  #over(): void {
    this.#isOver = true;
    this.#closed();
    this.#listener?.clientClosed(this.#isComplete);
    // A stream that grew old is kept until a full collection, with all that can be reached from it: not the request.
    this.#listener = null;
    this.#stream.removeAllListeners();
    this.#stream.on('error', ignore);
  }

  get isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  #respond(status: number, headers: readonly string[], options: ServerStreamResponseOptions): boolean {
    this.#answered = true;
    if (this.isGone) return false;
    try {
      respondWith(this.#stream, fieldsOf(headers, status), options);
      return true;
    } catch {
      // Node will not send it: some versions take no second value for certain names.
      this.breakOff();
      return false;
    }
  }

  #end(last: Buffer | null): void {
    const stream = this.#stream;
    this.#ended = true;
    if (!stream.writableEnded) {
      this.#writtenBytes += last?.length ?? 0;
      if (last === null) stream.end();
      else {
        writeCopy(stream, last);
        stream.end();
      }
    }
    if (this.#waitsForTrailers || this.#bodyEnded) return;
    if (stream.writableFinished) this.#stopUpload();
    else stream.once('finish', () => this.#stopUpload());
  }

  /** The answer is out and the request goes on: nobody waits for the rest of it (RFC 9113 section 8.1). */
  #stopUpload(): void {
    if (!this.#bodyEnded && !this.isGone) this.#stream.close(NGHTTP2_NO_ERROR);
  }
}

/** As HTTP/2 has them: names in lower case, and nothing that speaks of a connection. */
function fieldsOf(pairs: readonly string[], status?: number): string[] {
  const fields = status === undefined ? [] : [':status', String(status)];
  for (let at = 0; at < pairs.length; at += 2) {
    const name = lowerName(pairs[at]!);
    if (!isConnectionSpecific(name)) fields.push(name, pairs[at + 1]!);
  }
  return fields;
}

function ignore(): void {}

function destroySoon(this: ServerHttp2Stream): void {
  process.nextTick(() => this.destroy());
}
