/**
 * Carries one allowed request to its upstream and the answer back, streaming both ways with back-pressure. Either
 * side's abort ends the other; an answer cut short breaks the client's connection, so that half never looks whole.
 * Never judges a request.
 */
import { type BodyFraming, lowerName } from '../core/framing.ts';
import type { Reason } from '../core/reason.ts';
import type { BodySink, Exchange, ExchangeListener } from '../http/exchange.ts';
import type {
  AnswerHead,
  AnswerListener,
  UpstreamExchange,
  UpstreamFailure,
  UpstreamRequest,
} from '../upstream/exchange.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { type Boundary, EventBoundary, FrameBoundary } from './boundary.ts';
import { closeFrame, errorEvent, type Farewell } from './farewell.ts';
import { interimHeaders, responseHeaders, responseTrailers, trailerLines, upgradeRequired } from './headers.ts';
import type { ServerTiming } from './server-timing.ts';
import type { Stream, StreamKind } from './stream.ts';

/** Told once per forwarded request. */
export interface ForwardObserver {
  /** null: the client is not shown where the time went. */
  readonly timing: ServerTiming | null;
  /** What the answer is to say besides: raw pairs. null: nothing. */
  readonly answerHeaders: readonly string[] | null;
  /** No answer has begun: the caller renders the refusal. */
  refused(reason: Reason, failure: UpstreamFailure): void;
  /** The answer goes on for as long as its caller may; `stream` is the way to end it. Not told of any other. */
  opened(stream: Stream): void;
  /** The exchange is over. `complete`: the client got the whole answer. */
  finished(status: number, complete: boolean): void;
}

export function forward(
  exchange: Exchange,
  upstream: Upstream,
  request: UpstreamRequest,
  requestId: string,
  expectContinue: boolean,
  observer: ForwardObserver,
): void {
  const forwarding = new Forwarding(exchange, requestId, observer);
  forwarding.start(upstream.send(request, forwarding), request.body, expectContinue);
}

/** Its answer has no content (RFC 9110 section 15.3.6), whatever the upstream sends behind it. */
const RESET_CONTENT = 205;
/** A stream that is to end has this long to finish its sentence and for the client to hear the last one. */
const LAST_WORDS_MS = 500;

const REASON_BY_FAILURE: Readonly<Record<UpstreamFailure['kind'], Reason>> = {
  unreachable: 'upstream_unreachable',
  timeout: 'upstream_timeout',
  overloaded: 'overloaded',
};

class Forwarding implements AnswerListener, BodySink, ExchangeListener, Stream {
  readonly #exchange: Exchange;
  readonly #requestId: string;
  readonly #observer: ForwardObserver;
  #upstream!: UpstreamExchange;
  #status = 0;
  #expected = -1;
  #received = 0;
  /** The head is with the exchange but nothing has been sent yet. */
  #headHeld = false;
  /** The final chunk of a body of known length, kept to leave together with the end. */
  #last: Buffer | null = null;
  /** Nothing more will be relayed. */
  #ended = false;
  #done = false;
  #kind: StreamKind = 'other';
  /** Where a farewell may stand; null: nowhere. */
  #boundary: Boundary | null = null;
  #farewell: Farewell | null = null;
  #lastWords: NodeJS.Timeout | undefined;

  constructor(exchange: Exchange, requestId: string, observer: ForwardObserver) {
    this.#exchange = exchange;
    this.#requestId = requestId;
    this.#observer = observer;
  }

  start(upstream: UpstreamExchange, body: BodyFraming, expectContinue: boolean): void {
    this.#upstream = upstream;
    this.#exchange.listen(this);
    if (body.kind === 'none') {
      // What the client says once it has left HTTP is still to come.
      if (this.#exchange.upgrade === undefined) upstream.end();
      return;
    }
    if (expectContinue) this.#exchange.sendContinue();
    this.#exchange.readBody(this);
  }

  // The client's body, on its way up.

  bodyChunk(chunk: Buffer): void {
    if (this.#farewell !== null) return;
    if (!this.#upstream.write(chunk)) this.#exchange.pauseBody();
  }

  bodyEnd(trailers: readonly string[]): void {
    if (this.#farewell !== null) return;
    this.#upstream.end(trailers.length === 0 ? undefined : trailerLines(trailers, this.#exchange.headers));
  }

  drained(): void {
    this.#exchange.resumeBody();
  }

  // The upstream's answer, on its way down.

  /** A proxy passes these on (RFC 9110 section 15.2). 100 is not awaited: ours has been sent. */
  informational(status: number, headers: readonly string[]): void {
    if (status === 100) return;
    const kept = interimHeaders(status, headers);
    if (status !== 103 || kept.length > 0) this.#exchange.sendInterim(status, kept);
  }

  head(head: AnswerHead): void {
    this.#status = head.status;
    if (head.status === 101) return this.#switchProtocols(head);
    if (head.status >= 600 && this.#exchange.protocol === '2.0') return this.#unsayable(head.status);
    this.#expected = head.framing === 'length' ? head.length : -1;
    // A 204 has no length (RFC 9110 section 8.6): a client that believed one would wait for a body.
    const known = head.framing === 'length' || (head.framing === 'none' && head.status !== 204);
    const length = head.status === RESET_CONTENT ? 0 : known ? head.length : -1;
    const headers = responseHeaders(head.headers, length, this.#requestId, head.protocol);
    if (head.status === 426) headers.push(...upgradeRequired(head.headers));
    if (this.#observer.timing !== null) headers.push(...this.#observer.timing.header());
    if (this.#observer.answerHeaders !== null) headers.push(...this.#observer.answerHeaders);
    this.#exchange.relayHead(head.status, head.statusText, headers);
    this.#headHeld = true;
    // A body that arrives with its head goes out with it; a head that stays alone (SSE) must not wait for it.
    queueMicrotask(() => this.#flushHead());
    if (head.framing !== 'none' && isEventStream(head.headers)) this.#openEvents(head);
  }

  data(chunk: Buffer): boolean {
    if (this.#status === RESET_CONTENT) return true;
    this.#headHeld = false;
    this.#received += chunk.length;
    if (this.#received === this.#expected) {
      this.#last = chunk;
      return true;
    }
    if (this.#boundary !== null) return this.#relayFollowed(chunk, this.#boundary);
    return this.#exchange.relay(chunk);
  }

  end(trailers: readonly string[]): void {
    this.#ended = true;
    this.#headHeld = false;
    this.#exchange.relayEnd(this.#last, responseTrailers(trailers));
    this.#last = null;
  }

  /** Node's HTTP/2 has no words for a status that is none (RFC 9110 section 15). */
  #unsayable(status: number): void {
    this.#upstream.abort();
    this.failed({ kind: 'unreachable', detail: `invalid answer: status ${status}, which HTTP/2 cannot carry` });
  }

  failed(failure: UpstreamFailure): void {
    if (this.#done) return;
    if (this.#exchange.answered) {
      this.#exchange.breakOff();
      return;
    }
    this.#done = true;
    this.#observer.refused(REASON_BY_FAILURE[failure.kind], failure);
  }

  clientDrained(): void {
    this.#upstream.resume();
  }

  clientClosed(complete: boolean): void {
    if (!complete) this.#upstream.abort();
    clearTimeout(this.#lastWords);
    if (this.#done) return;
    this.#done = true;
    this.#observer.finished(this.#status, complete);
  }

  /** Only to a request that asked for it: both bodies are the bare connection from here on. */
  #switchProtocols({ headers, protocol }: AnswerHead): void {
    const chosen = headers.filter((_, index) => index % 2 === 1 && lowerName(headers[index - 1]!) === 'upgrade');
    this.#exchange.upgrade!.switchProtocols([
      'Connection',
      'Upgrade',
      'Upgrade',
      chosen.join(', '),
      ...responseHeaders(headers, -1, this.#requestId, protocol),
      ...(this.#observer.answerHeaders ?? []),
    ]);
    this.#exchange.readBody(this);
    if (chosen.length === 1 && chosen[0]!.toLowerCase() === 'websocket') {
      this.#kind = 'websocket';
      this.#boundary = new FrameBoundary();
    }
    this.#observer.opened(this);
  }

  // The end of a stream whose caller may no longer have it.

  get kind(): StreamKind {
    return this.#kind;
  }

  stop(farewell: Farewell): void {
    if (this.#ended || this.#done || this.#farewell !== null) return;
    this.#farewell = farewell;
    this.#lastWords = setTimeout(() => this.#exchange.breakOff(), LAST_WORDS_MS);
    if (this.#boundary?.isReached === true) this.#sayFarewell(this.#boundary);
    else if (this.#boundary === null) this.#cut();
  }

  /** Only chunks, or a connection's end that cannot be taken for one, leave room for a last event. */
  #openEvents({ headers, framing }: AnswerHead): void {
    this.#kind = 'events';
    const isOpenEnded = framing !== 'length' && this.#exchange.minorVersion !== 0;
    if (isOpenEnded && !isEncoded(headers)) this.#boundary = new EventBoundary();
    this.#observer.opened(this);
  }

  #relayFollowed(chunk: Buffer, boundary: Boundary): boolean {
    if (this.#farewell === null) {
      boundary.follow(chunk, false);
      return this.#exchange.relay(chunk);
    }
    this.#exchange.relay(chunk.subarray(0, boundary.follow(chunk, true)));
    if (boundary.isReached) this.#sayFarewell(boundary);
    return true;
  }

  #sayFarewell(boundary: Boundary): void {
    const { body } = this.#farewell!;
    const isClosed = boundary instanceof FrameBoundary && boundary.hasClosed;
    if (this.#kind === 'events' && body === null) return this.#cut();
    this.#upstream.abort();
    this.#ended = true;
    this.#headHeld = false;
    const last = this.#kind === 'events' ? errorEvent(body!) : isClosed ? null : closeFrame(this.#farewell!);
    this.#exchange.relayEnd(last, []);
  }

  #cut(): void {
    this.#upstream.abort();
    this.#exchange.breakOff();
  }

  #flushHead(): void {
    if (!this.#headHeld || this.#done) return;
    this.#headHeld = false;
    this.#exchange.flush();
  }
}

function isEventStream(headers: readonly string[]): boolean {
  const type = headerValue(headers, 'content-type');
  return type !== undefined && /^text\/event-stream(?:\s*;|\s*$)/i.test(type);
}

function isEncoded(headers: readonly string[]): boolean {
  return (headerValue(headers, 'content-encoding') ?? 'identity').toLowerCase() !== 'identity';
}

function headerValue(headers: readonly string[], lower: string): string | undefined {
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!;
    if (name.length === lower.length && lowerName(name) === lower) return headers[index + 1]!;
  }
  return undefined;
}
