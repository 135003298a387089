/**
 * One call on one stream of a session, from its wait for that session to the last event. Half never looks whole: what its
 * upstream does not end is a failure. Tells its call exactly once how it ended; opens and closes no session.
 */
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { areFields, readAnswerHead } from '../../core/h2-head.ts';
import { type AnswerHearer, hearAnswer, requestWith, resetStream } from '../../node-internals/h2-client.ts';
import { objectOf } from '../../node-internals/h2-stream.ts';
import type { UpstreamFailure } from '../exchange.ts';
import { bodyLimit } from '../request-head.ts';
import type { CallProgress } from '../states.ts';
import type { RequestTimeouts } from '../timeouts.ts';
import type { Carrier, UpstreamCall } from '../upstream-call.ts';
import { relayableHead } from './h2-answer.ts';
import { requestFields, trailerFields } from './h2-request.ts';

/** As for an answer over HTTP/1.1. */
const MAX_HEAD_BYTES = 64 * 1024;
const MAX_INTERIM = 32;
/** Of what is held back, as few as these are no burden, and larger ones none for their number. */
const HELD_AS_THEY_COME = 4;
const SMALL_BYTES = 2048;
const JOINED_BYTES = 16 * 1024;
const NONE: readonly string[] = [];
const REFUSED_STREAM = 7;
const CODES = [
  ...['NO_ERROR', 'PROTOCOL_ERROR', 'INTERNAL_ERROR', 'FLOW_CONTROL_ERROR', 'SETTINGS_TIMEOUT', 'STREAM_CLOSED'],
  ...['FRAME_SIZE_ERROR', 'REFUSED_STREAM', 'CANCEL', 'COMPRESSION_ERROR', 'CONNECT_ERROR', 'ENHANCE_YOUR_CALM'],
  ...['INADEQUATE_SECURITY', 'HTTP_1_1_REQUIRED'],
];

/** The session that it is on, or waits for. */
export interface StreamSession {
  readonly origin: string;
  readonly authority: string;
  readonly isSecure: boolean;
  readonly timeouts: RequestTimeouts;
  /** Why it is gone; null: it is there. */
  readonly failure: string | null;
  /** It has carried an answer before. */
  readonly hasAnswered: boolean;
  /** The upstream has said that it will never look at the stream of this number. */
  isBeyondGoaway(id: number): boolean;
  answered(): void;
  becameStream(stream: H2Stream): boolean;
  /** It has ended, or waits no more. `wasReset`: by us. */
  streamOver(stream: H2Stream, wasReset: boolean): void;
  /** Nobody has looked at it: once more, from the start. false: that has been tried. */
  startAgain(call: UpstreamCall): boolean;
  callFailed(call: UpstreamCall, failure: UpstreamFailure, progress: CallProgress): void;
}

export function h2CodeName(code: number): string {
  return CODES[code] ?? String(code);
}

export class H2Stream implements Carrier, AnswerHearer {
  readonly call: UpstreamCall;
  readonly holder: string | undefined;
  /** Its answer goes on for as long as it may. */
  isStream = false;
  isWaiting = true;
  #session!: StreamSession;
  #stream: ClientHttp2Stream | null = null;
  #readOn = (): void => undefined;
  #isOver = false;
  /** Anything of an answer has come. */
  #hasBegun = false;
  #headSeen = false;
  /** Something of the body has gone, so it cannot go again. */
  #hasSentBody = false;
  #isPaused = false;
  #isEnded = false;
  /** What came while the listener was paused, or had not seen the head. */
  #held: Buffer[] = [];
  /** Small pieces behind these. */
  #joined: Buffer | null = null;
  #joinedBytes = 0;
  #trailers = NONE;
  #trailersToSend: readonly string[] = NONE;
  #interims = 0;
  /** Something moved since the last check. */
  #moved = false;
  #unsentBytes = 0;
  #stamp: number;

  constructor(call: UpstreamCall, now: number) {
    this.call = call;
    this.holder = call.request.holder;
    this.#stamp = now;
  }

  waitFor(session: StreamSession): void {
    this.#session = session;
    this.call.attach(this);
  }

  /** The session is there, and has room. */
  begin(client: ClientHttp2Session): void {
    const { authority, isSecure } = this.#session;
    const { request } = this.call;
    this.isWaiting = false;
    this.#moved = true;
    const endStream = bodyLimit(request.body) === 0;
    try {
      const options = { endStream, waitForTrailers: request.body.kind === 'chunked' };
      this.#stream = requestWith(client, requestFields(request, authority, isSecure), options);
    } catch (error) {
      // Not now: the caller may still be inside a call of its own.
      process.nextTick(() => this.#fail('unreachable', `not sendable: ${String(error)}`, 'unanswered'));
      return;
    }
    const stream = this.#stream;
    this.#readOn = hearAnswer(stream, this);
    stream.on('drain', () => {
      this.#moved = true;
      this.call.drained();
    });
    stream.on('wantTrailers', () => stream.sendTrailers(objectOf(this.#trailersToSend)));
    this.call.flow(this);
  }

  sendBody(chunk: Buffer): boolean {
    const stream = this.#stream!;
    this.#moved = true;
    this.#hasSentBody = true;
    return stream.destroyed || stream.writableEnded || stream.write(chunk);
  }

  endBody(trailerLines: string): void {
    this.#moved = true;
    this.#hasSentBody = true;
    this.#trailersToSend = trailerFields(trailerLines);
    if (!this.#stream!.writableEnded) this.#stream!.end();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    // Not at once: the caller may sit in a callback of ours.
    process.nextTick(() => this.#goOn());
  }

  becomeStream(): boolean {
    this.isStream ||= !this.#isOver && !this.isWaiting && this.#session.becameStream(this);
    return this.isStream;
  }

  /** Its call is over: the upstream is told at once. */
  drop(): void {
    if (this.#isOver) return;
    this.#end(this.#stream !== null);
  }

  /** Called now and then: had something taken too long at `due`, some moments before `now`? */
  check(due: number, now: number): void {
    const { connectMs, headersMs, idleMs } = this.call.request.timeouts ?? this.#session.timeouts;
    const stream = this.#stream;
    if (stream === null) {
      if (due - this.#stamp >= connectMs) this.#fail('timeout', 'no connection in time', 'unsent');
      return;
    }
    const unsentBytes = stream.writableLength;
    if (this.#moved || unsentBytes !== this.#unsentBytes) {
      this.#moved = false;
      this.#unsentBytes = unsentBytes;
      this.#stamp = now;
    }
    const awaitsHead = this.call.requestDone && unsentBytes === 0 && !this.#headSeen;
    if (due - this.#stamp < (awaitsHead ? headersMs : idleMs)) return;
    this.#fail('timeout', awaitsHead ? 'no answer in time' : 'stalled');
  }

  /** Its session broke. What has come whole is still handed over. */
  sessionGone(detail: string): void {
    if (this.#isEnded || this.#isOver) return;
    if (this.isWaiting) return this.#fail('unreachable', detail, 'unsent');
    const id = this.#stream?.id;
    if (id === undefined || this.#session.isBeyondGoaway(id)) return this.#refused(detail);
    const { hasAnswered } = this.#session;
    // As with a connection of HTTP/1.1 that was kept: it may have been closed before the request came.
    if (hasAnswered && !this.#hasBegun && this.call.isReplayable) this.#again(detail, 'unanswered');
    else this.#fail('unreachable', detail);
  }

  interim(raw: readonly string[]): void {
    if (this.#isOver || this.#headSeen) return;
    this.#hasBegun = true;
    this.#moved = true;
    this.#interims += 1;
    if (this.#interims > MAX_INTERIM) return this.#invalid('too many informational answers');
    const head = readAnswerHead(raw);
    if (head === null || head.status >= 200 || head.status === 101) return this.#invalid('informational answer');
    this.call.informational(head.status, head.headers);
  }

  head(raw: readonly string[], endsHere: boolean): void {
    if (this.#isOver) return;
    this.#hasBegun = true;
    this.#moved = true;
    if (bytesOf(raw) > MAX_HEAD_BYTES) return this.#invalid('head too large');
    const head = readAnswerHead(raw);
    if (head === null || head.status < 200) return this.#invalid('header');
    this.#headSeen = true;
    this.#session.answered();
    if (this.call.head(relayableHead(head, this.call.request.method === 'HEAD', endsHere))) this.#goOn();
  }

  data(chunk: Buffer): boolean {
    this.#moved = true;
    if (this.#isOver) return true;
    if (!this.#headSeen || this.#isPaused || !this.#holdsNothing) {
      this.#hold(chunk);
      return !this.#isPaused;
    }
    this.#deliver(chunk);
    return !this.#isPaused;
  }

  trailers(raw: readonly string[]): void {
    if (this.#isOver) return;
    if (bytesOf(raw) > MAX_HEAD_BYTES || !areFields(raw)) return this.#invalid('trailers');
    this.#trailers = raw;
  }

  ended(): void {
    if (this.#isEnded || this.#isOver) return;
    this.#isEnded = true;
    if (!this.#isPaused && this.#holdsNothing) this.#finish();
  }

  closed(code: number): void {
    if (this.#isEnded || this.#isOver) return;
    const { failure } = this.#session;
    const reset = `stream reset (${h2CodeName(code)})`;
    if (code === REFUSED_STREAM) this.#refused(reset);
    else if (failure !== null || this.#stream?.id === undefined) this.sessionGone(failure ?? reset);
    else this.#fail('unreachable', reset);
  }

  /** The upstream has not looked at it, and what it has not been sent of the body is still there to send. */
  #refused(detail: string): void {
    const isWhole = this.call.request.body.kind === 'none' || !this.#hasSentBody;
    if (isWhole && !this.#hasBegun) this.#again(detail, 'unsent');
    else this.#fail('unreachable', detail);
  }

  /** What was held back, and the end, if that has come. */
  #goOn(): void {
    if (this.#isOver || !this.#headSeen) return;
    this.#closeJoined();
    while (!this.#isPaused && this.#held.length > 0) this.#deliver(this.#held.shift()!);
    if (this.#isPaused || this.#isOver) return;
    if (this.#isEnded) this.#finish();
    else this.#readOn();
  }

  #deliver(chunk: Buffer): void {
    if (this.call.data(chunk) === 'pause') this.#isPaused = true;
  }

  /** Small pieces become one: each would cost a few hundred bytes, and a window full of them megabytes. */
  #hold(chunk: Buffer): void {
    const isJoined = chunk.length <= SMALL_BYTES && this.#held.length >= HELD_AS_THEY_COME;
    if (!isJoined || this.#joinedBytes + chunk.length > JOINED_BYTES) this.#closeJoined();
    if (!isJoined) return void this.#held.push(chunk);
    this.#joined ??= Buffer.allocUnsafeSlow(JOINED_BYTES);
    this.#joinedBytes += chunk.copy(this.#joined, this.#joinedBytes);
  }

  #closeJoined(): void {
    if (this.#joined !== null) this.#held.push(this.#joined.subarray(0, this.#joinedBytes));
    this.#joined = null;
    this.#joinedBytes = 0;
  }

  get #holdsNothing(): boolean {
    return this.#held.length === 0 && this.#joined === null;
  }

  #finish(): void {
    const { call } = this;
    const isAsked = call.requestDone;
    call.detach();
    this.#end(!isAsked);
    call.finish(this.#trailers);
  }

  #invalid(what: string): void {
    this.#fail('unreachable', `invalid answer: ${what}`, this.#headSeen ? 'answered' : 'partial-head');
  }

  #again(detail: string, progress: CallProgress): void {
    const { call } = this;
    call.detach();
    if (this.#session.startAgain(call)) this.#end(false);
    else this.#fail('unreachable', detail, progress);
  }

  #fail(kind: UpstreamFailure['kind'], detail: string, progress?: CallProgress): void {
    if (this.#isOver) return;
    const begun = this.#headSeen ? 'answered' : this.#hasBegun ? 'partial-head' : 'unanswered';
    this.#end(this.#stream !== null && !this.#stream.closed);
    this.call.detach();
    const failure = { kind, detail: `${this.#session.origin}: ${detail}` };
    this.#session.callFailed(this.call, failure, progress ?? begun);
  }

  /** `resets`: the upstream has more to say, or to hear, and is to let it be. */
  #end(resets: boolean): void {
    this.#isOver = true;
    this.#held = [];
    this.#joined = null;
    if (resets && this.#stream !== null) resetStream(this.#stream);
    this.#session.streamOver(this, resets);
  }
}

function bytesOf(fields: readonly string[]): number {
  let bytes = 0;
  for (const text of fields) bytes += text.length;
  return bytes;
}
