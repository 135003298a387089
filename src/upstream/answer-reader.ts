/**
 * Reads answers, one after another, off the bytes of one connection: their heads, and where their bodies end. Never touches
 * a socket, and never guesses: what is not plainly framed is an error.
 */
import { ChunkedBody } from '../core/http1/chunked-body.ts';
import { headersIn } from '../core/http1/header-pairs.ts';
import { AnswerHeadReader, MAX_HEAD_BYTES } from './answer-head-reader.ts';
import type { AnswerFraming, AnswerHead } from './exchange.ts';
import { ReceivedHead } from './received-head.ts';
import type { BodyVerdict } from './states.ts';

/** The connection's side. Must not throw, and must not call the reader. */
export interface AnswerEvents {
  /** False: the call is over, stop reading. The same for `onHead`. */
  onInformational(status: number, headers: readonly string[]): boolean;
  onHead(head: AnswerHead): boolean;
  /** `chunk`: a part of what is read. */
  onBody(chunk: Buffer): BodyVerdict;
}

/** What `execute` and `finish` answer. `invalid`: `error` says why. */
export type ReadOutcome = 'needs-more' | 'paused' | 'complete' | 'invalid';

/** What comes next. `counted`: a body of known length, or up to the end of the connection. */
type Part = 'head' | 'counted' | 'chunks';

const MAX_INFORMATIONAL = 32;
const UNTIL_CLOSE = Number.POSITIVE_INFINITY;
const NO_TRAILERS: readonly string[] = [];

export class AnswerReader {
  /** Up to where the last `execute` used its bytes. What follows a complete answer is surplus. */
  consumed = 0;
  /** Why the last answer is invalid. */
  error = '';
  /** Of the last complete answer. */
  trailers: readonly string[] = NO_TRAILERS;
  /** Whether the answer lets the connection be used again, and for how many seconds (-1: unsaid). */
  keepAlive = false;
  keepAliveSeconds = -1;

  readonly #events: AnswerEvents;
  readonly #head = new AnswerHeadReader();
  /** Made for the first body of this kind. */
  #chunks: ChunkedBody | undefined;
  #isHeadRequest = false;
  #part: Part = 'head';
  #informational = 0;
  /** Bytes of a counted body still to come. */
  #left = 0;

  constructor(events: AnswerEvents) {
    this.#events = events;
  }

  /** Get ready for the answer to the next request. */
  begin(isHeadRequest: boolean): void {
    this.#head.begin();
    this.#isHeadRequest = isHeadRequest;
    this.#part = 'head';
    this.#informational = 0;
    this.trailers = NO_TRAILERS;
    this.keepAlive = false;
    this.keepAliveSeconds = -1;
    this.error = '';
  }

  /** Read `source[start, end)`. After `paused`, call again with what was left, which may be nothing. */
  execute(source: Buffer, start: number, end: number): ReadOutcome {
    this.consumed = start;
    if (this.#part === 'head') return this.#takeHeads(source, start, end);
    return this.#takeBody(source, start, end);
  }

  /** The connection has ended: is the answer whole? */
  finish(): ReadOutcome {
    if (this.#part === 'counted' && this.#left === UNTIL_CLOSE) return 'complete';
    this.error = this.#part === 'head' ? 'closed before an answer' : 'closed in the middle of an answer';
    return 'invalid';
  }

  #takeHeads(source: Buffer, start: number, end: number): ReadOutcome {
    const head = this.#head;
    for (let at = start; ; at = head.used) {
      const outcome = head.read(source, at, end);
      if (outcome === 'invalid') return this.#reject(head.error);
      this.consumed = head.used;
      if (outcome === 'needs-more') return 'needs-more';
      if (head.status >= 200) break;
      if (head.status === 101) return this.#reject('unsolicited upgrade');
      this.#informational += 1;
      if (this.#informational > MAX_INFORMATIONAL) return this.#reject('too many informational answers');
      // Nothing may follow it then, and the final answer would.
      if (head.saysClose || (head.isHttp10 && !head.saysKeepAlive))
        return this.#reject('informational answer that closes');
      if (!this.#events.onInformational(head.status, headersIn(head.text, head.fieldsAt))) return 'invalid';
      head.begin();
    }
    return this.#takeFinalHead(source, end);
  }

  #takeFinalHead(source: Buffer, end: number): ReadOutcome {
    const { status, isHttp10, isChunked, length, text, fieldsAt, saysClose, saysKeepAlive } = this.#head;
    let framing: AnswerFraming = 'close';
    if (this.#isHeadRequest || status === 204 || status === 304) framing = 'none';
    else if (isChunked) framing = 'chunked';
    else if (length !== -1) framing = 'length';
    // A 204 that announces a body may well send it; chunked in HTTP/1.0 is faulty framing (RFC 9112 6.1).
    const dubious = (status === 204 && (isChunked || length > 0)) || (isHttp10 && isChunked);
    this.keepAlive = (saysKeepAlive || !isHttp10) && framing !== 'close' && !dubious && !saysClose;
    this.keepAliveSeconds = this.#head.keepAliveSeconds;

    if (framing === 'chunked') {
      this.#part = 'chunks';
      this.#chunks ??= new ChunkedBody(MAX_HEAD_BYTES);
      this.#chunks.begin();
    } else {
      this.#part = 'counted';
      this.#left = framing === 'length' ? length : framing === 'close' ? UNTIL_CLOSE : 0;
    }
    const head = new ReceivedHead(text, fieldsAt, status, isHttp10 ? '1.0' : '1.1', framing, length, this.#head.sorted);
    if (!this.#events.onHead(head)) return 'invalid';
    return this.#takeBody(source, this.consumed, end);
  }

  #takeBody(source: Buffer, start: number, end: number): ReadOutcome {
    return this.#part === 'chunks' ? this.#takeChunks(source, start, end) : this.#takeCounted(source, start, end);
  }

  #takeCounted(source: Buffer, start: number, end: number): ReadOutcome {
    const length = Math.min(end - start, this.#left);
    if (length > 0) {
      this.#left -= length;
      this.consumed = start + length;
      const verdict = this.#events.onBody(source.subarray(start, this.consumed));
      if (verdict !== 'go-on') return verdict === 'pause' ? 'paused' : 'invalid';
    }
    return this.#left === 0 ? 'complete' : 'needs-more';
  }

  #takeChunks(source: Buffer, start: number, end: number): ReadOutcome {
    const chunks = this.#chunks!;
    for (let at = start; ; at = chunks.used) {
      const step = chunks.next(source, at, end);
      if (step === 'invalid')
        return this.#reject(chunks.fault === 'trailers too large' ? 'head too large' : chunks.fault!);
      this.consumed = chunks.used;
      if (step === 'complete') this.trailers = chunks.trailers;
      if (step !== 'data') return step;
      const verdict = this.#events.onBody(source.subarray(chunks.dataStart, chunks.used));
      if (verdict !== 'go-on') return verdict === 'pause' ? 'paused' : 'invalid';
    }
  }

  #reject(what: string): ReadOutcome {
    this.error = `invalid answer: ${what}`;
    return 'invalid';
  }
}
