/**
 * One request and its answer, from `send` to the last event: counts the body against what was announced, keeps what is
 * written before a connection is there, and guards every call to the listener. Never calls it after the end, never
 * lets its exceptions into a parser, and knows no socket.
 */
import type { AnswerHead, AnswerListener, UpstreamExchange, UpstreamFailure, UpstreamRequest } from './exchange.ts';
import { bodyLimit } from './request-head.ts';
import type { BodyVerdict } from './states.ts';

/** The connection that a call is on. */
export interface Carrier {
  sendBody(chunk: Buffer): boolean;
  endBody(trailerLines: string): void;
  resume(): void;
  becomeStream(): boolean;
  /** Destroy the connection without a word to the listener. */
  drop(): void;
}

export interface CallOwner {
  /** The call no longer waits for a connection. */
  leaveQueue(call: UpstreamCall): void;
}

/** `failing`: its failure is on the way to the listener. */
type CallState = 'open' | 'failing' | 'over';

const REPLAYABLE = new Set(['GET', 'HEAD', 'OPTIONS']);

export class UpstreamCall implements UpstreamExchange {
  readonly request: UpstreamRequest;
  /** When it began to wait for a connection. */
  waitingSince = 0;
  /** The caller has handed over the whole request. */
  requestDone: boolean;

  readonly #owner: CallOwner;
  readonly #listener: AnswerListener;
  #state: CallState = 'open';
  #carrier: Carrier | undefined;
  #flowing = false;
  #bodyLeft: number;
  #wantsDrain = false;
  #held: Buffer[] | undefined;
  #heldEnd: string | undefined;

  constructor(owner: CallOwner, request: UpstreamRequest, listener: AnswerListener) {
    this.#owner = owner;
    this.request = request;
    this.#listener = listener;
    this.#bodyLeft = bodyLimit(request.body);
    this.requestDone = this.#bodyLeft === 0;
  }

  /** The listener has heard, or is about to hear, how it ended. */
  get isOver(): boolean {
    return this.#state !== 'open';
  }

  /** Only what is safe to do twice, and has no body that might be gone (RFC 9110 9.2.2). */
  get isReplayable(): boolean {
    return this.request.body.kind === 'none' && REPLAYABLE.has(this.request.method);
  }

  /** It has a connection, which may still be on its way. */
  attach(carrier: Carrier): void {
    this.#carrier = carrier;
  }

  /** The connection is there and the head is written: now what waited for it. */
  flow(carrier: Carrier): void {
    this.#flowing = true;
    const held = this.#held;
    this.#held = undefined;
    let open = true;
    if (held !== undefined) for (const chunk of held) open = carrier.sendBody(chunk);
    if (this.#heldEnd !== undefined) carrier.endBody(this.#heldEnd);
    else if (open && this.#wantsDrain) this.drained();
  }

  /** The connection is gone or free, the call may live on. */
  detach(): void {
    this.#carrier = undefined;
    this.#flowing = false;
  }

  write(chunk: Buffer): boolean {
    if (this.#state !== 'open' || chunk.length === 0) return true;
    if (this.requestDone || chunk.length > this.#bodyLeft) {
      this.#breakOff('request body longer than announced');
      return true;
    }
    this.#bodyLeft -= chunk.length;
    let open = false;
    if (this.#flowing) open = this.#carrier!.sendBody(chunk);
    else if (this.#held === undefined) this.#held = [chunk];
    else this.#held.push(chunk);
    this.#wantsDrain = !open;
    return open;
  }

  end(trailerLines = ''): void {
    if (this.#state !== 'open' || this.requestDone) return;
    if (this.request.body.kind === 'length' && this.#bodyLeft > 0) {
      this.#breakOff('request body shorter than announced');
      return;
    }
    this.requestDone = true;
    if (this.#flowing) this.#carrier!.endBody(trailerLines);
    else this.#heldEnd = trailerLines;
  }

  resume(): void {
    if (this.#state === 'open') this.#carrier?.resume();
  }

  becomeStream(): boolean {
    return this.#state === 'open' && this.#carrier?.becomeStream() === true;
  }

  abort(): void {
    this.#state = 'over';
    this.#leave();
  }

  /** Not now: the caller is still inside a call of its own. */
  failSoon(failure: UpstreamFailure): void {
    if (this.#state !== 'open') return;
    this.#state = 'failing';
    process.nextTick(failNow, this, failure);
  }

  fail(failure: UpstreamFailure): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#carrier = undefined;
    try {
      this.#listener.failed(failure);
    } catch (error) {
      rethrowSoon(error);
    }
  }

  informational(status: number, headers: readonly string[]): boolean {
    try {
      this.#listener.informational(status, headers);
    } catch (error) {
      this.#threw(error);
    }
    return this.#state === 'open';
  }

  head(head: AnswerHead): boolean {
    try {
      this.#listener.head(head);
    } catch (error) {
      this.#threw(error);
    }
    return this.#state === 'open';
  }

  /** What it is given may be somebody else's once `data` returns. */
  get takesLent(): boolean {
    return this.#listener.takesLent === true;
  }

  data(chunk: Buffer): BodyVerdict {
    let more = false;
    try {
      more = this.#listener.data(chunk);
    } catch (error) {
      this.#threw(error);
    }
    if (this.#state !== 'open') return 'stop';
    return more ? 'go-on' : 'pause';
  }

  finish(trailers: readonly string[]): void {
    if (this.#state !== 'open') return;
    this.#state = 'over';
    try {
      this.#listener.end(trailers);
    } catch (error) {
      rethrowSoon(error);
    }
  }

  drained(): void {
    if (this.#state !== 'open' || !this.#wantsDrain) return;
    this.#wantsDrain = false;
    try {
      this.#listener.drained();
    } catch (error) {
      this.#threw(error);
    }
  }

  #breakOff(detail: string): void {
    this.failSoon({ kind: 'unreachable', detail });
    this.#leave();
  }

  #threw(error: unknown): void {
    this.#state = 'over';
    this.#leave();
    rethrowSoon(error);
  }

  #leave(): void {
    const carrier = this.#carrier;
    this.#carrier = undefined;
    this.#held = undefined;
    if (carrier === undefined) this.#owner.leaveQueue(this);
    else carrier.drop();
  }
}

function failNow(call: UpstreamCall, failure: UpstreamFailure): void {
  call.fail(failure);
}

/** A listener's bug is the process's to see, but not while a connection is half way through a change. */
function rethrowSoon(error: unknown): void {
  process.nextTick(throwNow, error);
}

function throwNow(error: unknown): void {
  throw error;
}
