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
import { responseHeaders, responseTrailers, trailerLines } from './headers.ts';

/** Told once per forwarded request. */
export interface ForwardObserver {
  /** No answer has begun: the caller renders the refusal. */
  refused(reason: Reason, failure: UpstreamFailure): void;
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

const REASON_BY_FAILURE: Readonly<Record<UpstreamFailure['kind'], Reason>> = {
  unreachable: 'upstream_unreachable',
  timeout: 'upstream_timeout',
  overloaded: 'overloaded',
};

class Forwarding implements AnswerListener, BodySink, ExchangeListener {
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
  #done = false;

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
    if (!this.#upstream.write(chunk)) this.#exchange.pauseBody();
  }

  bodyEnd(trailers: readonly string[]): void {
    this.#upstream.end(trailers.length === 0 ? undefined : trailerLines(trailers, this.#exchange.headers));
  }

  drained(): void {
    this.#exchange.resumeBody();
  }

  // The upstream's answer, on its way down.

  informational(): void {}

  head(head: AnswerHead): void {
    this.#status = head.status;
    if (head.status === 101) return this.#switchProtocols(head);
    this.#expected = head.framing === 'length' ? head.length : -1;
    // A 204 has no length (RFC 9110 section 8.6): a client that believed one would wait for a body.
    const known = head.framing === 'length' || (head.framing === 'none' && head.status !== 204);
    const length = known ? head.length : -1;
    this.#exchange.relayHead(head.status, head.statusText, responseHeaders(head.headers, length, this.#requestId));
    this.#headHeld = true;
    // A body that arrives with its head goes out with it; a head that stays alone (SSE) must not wait for it.
    queueMicrotask(() => this.#flushHead());
  }

  data(chunk: Buffer): boolean {
    this.#headHeld = false;
    this.#received += chunk.length;
    if (this.#received === this.#expected) {
      this.#last = chunk;
      return true;
    }
    return this.#exchange.relay(chunk);
  }

  end(trailers: readonly string[]): void {
    this.#headHeld = false;
    this.#exchange.relayEnd(this.#last, responseTrailers(trailers));
    this.#last = null;
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
    if (this.#done) return;
    this.#done = true;
    this.#observer.finished(this.#status, complete);
  }

  /** Only to a request that asked for it: both bodies are the bare connection from here on. */
  #switchProtocols({ headers }: AnswerHead): void {
    const chosen = headers.filter((_, index) => index % 2 === 1 && lowerName(headers[index - 1]!) === 'upgrade');
    this.#exchange.upgrade!.switchProtocols([
      'Connection',
      'Upgrade',
      'Upgrade',
      chosen.join(', '),
      ...responseHeaders(headers, -1, this.#requestId),
    ]);
    this.#exchange.readBody(this);
  }

  #flushHead(): void {
    if (!this.#headHeld || this.#done) return;
    this.#headHeld = false;
    this.#exchange.flush();
  }
}
