/**
 * Reads answers, one after another, off the bytes of one connection: llhttp parses heads and chunked bodies; bodies of
 * known length or up to the end of the connection are counted here, so their bytes never pass through WebAssembly.
 * Never touches a socket, and never guesses: what is not plainly framed is an error.
 */

import * as llhttp from '../node-internals/llhttp.ts';
import type { AnswerFraming, AnswerHead } from './exchange.ts';
import { HeaderSpans } from './header-spans.ts';
import type { BodyVerdict } from './states.ts';

/** The connection's side. Must not throw, and must not run any parser. */
export interface AnswerEvents {
  /** False: the call is over, stop parsing. The same for `onHead`. */
  onInformational(status: number, headers: readonly string[]): boolean;
  onHead(head: AnswerHead): boolean;
  onBody(chunk: Buffer): BodyVerdict;
}

/** What `execute` and `finish` answer. `invalid`: `error` says why. */
export type ParseOutcome = 'needs-more' | 'paused' | 'complete' | 'invalid';

const CODE_OF: Readonly<Record<BodyVerdict, number>> = { 'go-on': llhttp.OK, pause: llhttp.PAUSED, stop: llhttp.FAIL };

const MAX_INFORMATIONAL = 32;
const UNTIL_CLOSE = Number.POSITIVE_INFINITY;
const NO_BYTES = Buffer.alloc(0);
/** llhttp accepts any byte in the reason phrase, even NUL; RFC 9112 4 does not. */
const BAD_REASON = /[^\t\x20-\x7e\x80-\xff]/;
/** llhttp lets control characters pass in values; whoever writes them on must not (RFC 9110 5.5). */
const BAD_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const LENGTH = /^\d{1,15}$/;

export class ResponseParser implements llhttp.LlhttpEvents {
  /** Up to where the last `execute` used its bytes. What follows a complete answer is surplus. */
  consumed = 0;
  /** Why the last answer is invalid. */
  error = '';
  /** Of the last complete answer. */
  trailers: readonly string[] = [];
  /** Whether the answer lets the connection be used again, and for how many seconds (-1: unsaid). */
  keepAlive = false;
  keepAliveSeconds = -1;

  readonly #events: AnswerEvents;
  readonly #spans = new HeaderSpans();
  #llhttp = llhttp.allocateParser();
  #source: Buffer = NO_BYTES;
  #start = 0;
  #isHeadRequest = false;
  #status = 0;
  #informational = 0;
  #complete = false;
  #paused = false;
  /** Bytes of body still to come that are counted here; -1 while llhttp does the framing. */
  #rawLeft = -1;
  #running = false;
  #freed = false;

  constructor(events: AnswerEvents) {
    this.#events = events;
  }

  /** Get ready for the answer to the next request. */
  begin(isHeadRequest: boolean): void {
    llhttp.resetParser(this.#llhttp);
    this.#spans.clear();
    this.#isHeadRequest = isHeadRequest;
    this.#status = 0;
    this.#informational = 0;
    this.#complete = false;
    this.#paused = false;
    this.#rawLeft = -1;
    this.keepAlive = false;
    this.keepAliveSeconds = -1;
    this.error = '';
  }

  /** Allowed at any time, even in the middle of `execute`. */
  free(): void {
    this.#freed = true;
    if (!this.#running) this.#release();
  }

  /** Parse `source[start, end)`. After `paused`, call again with what was left, which may be nothing. */
  execute(source: Buffer, start: number, end: number): ParseOutcome {
    this.consumed = start;
    if (this.#rawLeft >= 0) return this.#takeRaw(source, start, end);
    if (this.#paused) {
      this.#paused = false;
      llhttp.resumeParser(this.#llhttp);
    }
    this.#source = source;
    this.#start = start;
    this.#spans.attach(source, start);
    this.#running = true;
    const outcome = this.#outcome(llhttp.run(this.#llhttp, this, source, start, end), end);
    this.#running = false;
    if (this.#freed) this.#release();
    return outcome;
  }

  /** The connection has ended: is the answer whole? */
  finish(): ParseOutcome {
    if (this.#rawLeft === UNTIL_CLOSE) return 'complete';
    this.error = this.#status === 0 ? 'closed before an answer' : 'closed in the middle of an answer';
    return 'invalid';
  }

  #outcome(code: number, end: number): ParseOutcome {
    if (code === llhttp.OK) {
      this.#spans.suspend();
      this.consumed = end;
      return 'needs-more';
    }
    if (code !== llhttp.PAUSED) {
      if (this.error === '') this.error = `invalid answer: ${llhttp.errorReason(this.#llhttp)}`;
      return 'invalid';
    }
    this.consumed = this.#start + llhttp.usedBytes(this.#llhttp);
    if (this.#complete) return this.#rawLeft >= 0 ? this.#takeRaw(this.#source, this.consumed, end) : 'complete';
    this.#paused = true;
    return 'paused';
  }

  #takeRaw(source: Buffer, start: number, end: number): ParseOutcome {
    const length = Math.min(end - start, this.#rawLeft);
    if (length > 0) {
      this.#rawLeft -= length;
      this.consumed = start + length;
      const verdict = this.#events.onBody(copyOf(source, start, length));
      if (verdict !== 'go-on') return verdict === 'pause' ? 'paused' : 'invalid';
    }
    return this.#rawLeft === 0 ? 'complete' : 'needs-more';
  }

  onStatus(at: number, length: number): number {
    return this.#spans.addReason(at, length) ? llhttp.OK : this.#reject('head too large');
  }

  onHeaderName(at: number, length: number): number {
    return this.#spans.addName(at, length) ? llhttp.OK : this.#reject('head too large');
  }

  onHeaderValue(at: number, length: number): number {
    return this.#spans.addValue(at, length) ? llhttp.OK : this.#reject('head too large');
  }

  onHeadersComplete(status: number): number {
    this.#spans.finish();
    this.#status = status;
    const version = llhttp.httpVersion(this.#llhttp);
    if (version !== 11 && version !== 10) return this.#reject('HTTP version');
    if (status < 100 || BAD_REASON.test(this.#spans.reason)) return this.#reject('status line');
    if (status >= 200) return this.#onFinalHead(version === 10);
    if (status === 101) return this.#reject('unsolicited upgrade');
    this.#informational += 1;
    if (this.#informational > MAX_INFORMATIONAL) return this.#reject('too many informational answers');
    return this.#events.onInformational(status, this.#spans.headers) ? llhttp.SKIP_BODY : llhttp.FAIL;
  }

  #onFinalHead(isHttp10: boolean): number {
    const { headers, reason } = this.#spans;
    const status = this.#status;
    let length = -1;
    let chunked = false;
    let options = '';
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i]!;
      const value = headers[i + 1]!;
      if (BAD_VALUE.test(value)) return this.#reject('header value');
      // Lower case costs an allocation; most names are ruled out by their length.
      if (name.length !== 10 && name.length !== 14 && name.length !== 17) continue;
      const lower = name.toLowerCase();
      if (lower === 'content-length') {
        if (length !== -1 || !LENGTH.test(value)) return this.#reject('Content-Length');
        length = Number(value);
      } else if (lower === 'transfer-encoding') {
        // Any other coding would reach a client that never asked for it, without the header that names it.
        if (chunked || value.toLowerCase() !== 'chunked') return this.#reject('Transfer-Encoding');
        chunked = true;
      } else if (lower === 'connection') {
        options += `,${value.toLowerCase()}`;
      } else if (lower === 'keep-alive') {
        this.keepAliveSeconds = Number(/timeout=(\d{1,9})/i.exec(value)?.[1] ?? -1);
      }
    }
    if (chunked && length !== -1) return this.#reject('both Content-Length and Transfer-Encoding');

    let framing: AnswerFraming = 'close';
    if (this.#isHeadRequest || status === 204 || status === 304) framing = 'none';
    else if (chunked) framing = 'chunked';
    else if (length !== -1) framing = 'length';
    // A 204 that announces a body may well send it; chunked in HTTP/1.0 is faulty framing (RFC 9112 6.1).
    const dubious = (status === 204 && (chunked || length > 0)) || (isHttp10 && chunked);
    const kept = isHttp10 ? hasToken(options, 'keep-alive') : true;
    this.keepAlive = kept && framing !== 'close' && !dubious && !hasToken(options, 'close');

    if (framing === 'length') this.#rawLeft = length;
    else if (framing === 'close') this.#rawLeft = UNTIL_CLOSE;
    // Trailers get a list of their own: the head's belongs to the listener from here on.
    this.#spans.headers = [];
    const protocol = isHttp10 ? '1.0' : '1.1';
    const head: AnswerHead = { status, statusText: reason, headers, framing, length, protocol };
    if (!this.#events.onHead(head)) return llhttp.FAIL;
    return framing === 'chunked' ? llhttp.OK : llhttp.SKIP_BODY;
  }

  onBody(at: number, length: number): number {
    // llhttp reports an empty span when it is run without bytes in the middle of a chunk.
    if (length === 0) return llhttp.OK;
    return CODE_OF[this.#events.onBody(copyOf(this.#source, this.#start + at, length))];
  }

  onMessageComplete(): number {
    if (this.#status < 200) {
      this.#spans.clear();
      this.#status = 0;
      return llhttp.OK;
    }
    this.#spans.finish();
    this.trailers = this.#spans.headers;
    if (this.trailers.some((value) => BAD_VALUE.test(value))) return this.#reject('trailer');
    this.#complete = true;
    // Stop at the last byte of the answer, so that surplus bytes show.
    return llhttp.PAUSED;
  }

  #reject(what: string): number {
    this.error = `invalid answer: ${what}`;
    return llhttp.FAIL;
  }

  #release(): void {
    if (this.#llhttp !== 0) llhttp.freeParser(this.#llhttp);
    this.#llhttp = 0;
  }
}

function hasToken(list: string, token: string): boolean {
  return list.includes(token) && list.split(',').some((item) => item.trim() === token);
}

function copyOf(source: Buffer, start: number, length: number): Buffer {
  const chunk = Buffer.allocUnsafe(length);
  source.copy(chunk, 0, start, start + length);
  return chunk;
}
