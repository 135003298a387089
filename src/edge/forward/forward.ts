/**
 * Carries one allowed request to its upstream and the answer back, streaming both ways with back-pressure. Either
 * side's abort ends the other; an answer cut short breaks the client's connection, so that half never looks whole.
 * Never judges a request; what becomes a stream is ended by `streams/stream-ending.ts`.
 */

import { namesUris, withClientUris } from '../../core/answer-uris.ts';
import type { BodyFraming } from '../../core/framing.ts';
import { isGrpcRequest, isGrpcStream } from '../../core/grpc.ts';
import { withoutRemoved, withoutRemovedLines } from '../../core/header-edits.ts';
import { headerLines } from '../../core/http1/header-pairs.ts';
import type { RequestIds } from '../../core/request-ids.ts';
import type { BodySink, Exchange, ExchangeListener } from '../../http/exchange.ts';
import { atTurnEnd, type Outgoing } from '../../turn-end.ts';
import type {
  AnswerHead,
  AnswerListener,
  UpstreamExchange,
  UpstreamFailure,
  UpstreamRequest,
} from '../../upstream/exchange.ts';
import type { Upstream } from '../../upstream/upstream.ts';
import type { ReceivedBody } from '../bodies/received-body.ts';
import { type Boundary, EventBoundary, FrameBoundary, MessageBoundary } from '../streams/boundary.ts';
import type { StreamKind } from '../streams/stream.ts';
import { StreamEnding } from '../streams/stream-ending.ts';
import { isEncoded, isEventStream, isOfKnownLength } from './answer-kind.ts';
import { REASON_BY_FAILURE } from './failure-reason.ts';
import type { ForwardObserver } from './forward-observer.ts';
import {
  interimHeaders,
  responseHeaders,
  responseLines,
  responseTrailers,
  trailerLines,
  upgradeRequired,
} from './headers.ts';
import type { HeldAnswer } from './held-answer.ts';
import { chosenProtocols, switchHeaders } from './switch-headers.ts';

/** `hold`: what the answer tells of is written down before the client gets it; null: it passes as it comes. */
export function forward(
  exchange: Exchange,
  upstream: Upstream,
  request: UpstreamRequest,
  ids: RequestIds,
  body: ClientBody,
  observer: ForwardObserver,
  hold: ((inner: AnswerListener) => HeldAnswer) | null,
): void {
  const isGrpc = upstream.protocol !== 'http1' && isGrpcRequest(exchange);
  const forwarding = new Forwarding(exchange, ids, observer, body.received, isGrpc);
  const held = hold === null ? null : hold(forwarding);
  const sent = upstream.send(request, held ?? forwarding);
  held?.start(sent);
  forwarding.start(sent, request.body, body.expectContinue);
}

/** How the client's body comes. */
interface ClientBody {
  /** It waits to be asked for it. */
  readonly expectContinue: boolean;
  /** It is here already; null: not so. */
  readonly received: ReceivedBody | null;
}

const NONE: readonly string[] = [];
/** Its answer has no content (RFC 9110 section 15.3.6), whatever the upstream sends behind it. */
const RESET_CONTENT = 205;

/** An answer of unknown length that still goes on so long after its head is a stream, whatever its type. */
const STREAM_AFTER_MS = 5000;

class Forwarding implements AnswerListener, BodySink, ExchangeListener, Outgoing {
  readonly takesLent = true;
  readonly #exchange: Exchange;
  readonly #ids: RequestIds;
  readonly #observer: ForwardObserver;
  readonly #body: ReceivedBody | null;
  #upstream!: UpstreamExchange;
  #status = 0;
  #expected = -1;
  #received = 0;
  #sent = 0;
  /** The head is with the exchange but nothing has been sent yet. */
  #headHeld = false;
  /** The final chunk of a body of known length, kept to leave together with the end. */
  #last: Buffer | null = null;
  /** Nothing more will be relayed. */
  #ended = false;
  #done = false;
  /** null: it does not go on for as long as its caller may, or not yet. */
  #stream: StreamEnding | null = null;
  /** Its length is unknown, and it is no stream yet. */
  #mayBecomeStream = false;
  #ripening: NodeJS.Timeout | undefined;
  /** Where its messages end; null: it is no call of gRPC. */
  #messages: MessageBoundary | null;

  constructor(
    exchange: Exchange,
    ids: RequestIds,
    observer: ForwardObserver,
    received: ReceivedBody | null,
    isGrpc: boolean,
  ) {
    this.#exchange = exchange;
    this.#ids = ids;
    this.#observer = observer;
    this.#body = received;
    this.#messages = isGrpc ? new MessageBoundary() : null;
  }

  start(upstream: UpstreamExchange, body: BodyFraming, expectContinue: boolean): void {
    this.#upstream = upstream;
    this.#exchange.listen(this);
    // Its messages may go up for as long as it may, before any comes down.
    if (this.#messages !== null) this.#ripen();
    if (body.kind === 'none') {
      // What the client says once it has left HTTP is still to come.
      if (this.#exchange.upgrade === undefined) upstream.end();
      return;
    }
    if (this.#body !== null) return this.#sendReceived(this.#body);
    if (expectContinue) this.#exchange.sendContinue();
    this.#exchange.readBody(this);
  }

  /** It counts as waiting until the connection has taken it. */
  #sendReceived(body: ReceivedBody): void {
    const isTaken = this.#upstream.write(body.bytes);
    this.bodyEnd(body.trailers);
    if (isTaken) body.letGo();
  }

  // The client's body, on its way up.

  bodyChunk(chunk: Buffer): void {
    if (this.#stream?.isToEnd) return;
    this.#sent += chunk.length;
    if (!this.#upstream.write(chunk)) this.#exchange.pauseBody();
  }

  bodyEnd(trailers: readonly string[]): void {
    if (this.#stream?.isToEnd) return;
    if (trailers.length === 0) return this.#upstream.end();
    const lines = trailerLines(trailers, this.#exchange.headers);
    const { requestEdits } = this.#observer;
    // Some upstreams put trailers among the headers: they say nothing that the route says or takes away.
    this.#upstream.end(requestEdits === null ? lines : withoutRemovedLines(lines, requestEdits));
  }

  drained(): void {
    if (this.#body === null) this.#exchange.resumeBody();
    else this.#body.letGo();
  }

  // The upstream's answer, on its way down.

  /** A proxy passes these on (RFC 9110 section 15.2). 100 is not awaited: ours has been sent. */
  informational(status: number, headers: readonly string[]): void {
    if (status === 100) return;
    const kept = this.#edited(interimHeaders(status, headers));
    if (status !== 103 || kept.length > 0) this.#exchange.sendInterim(status, kept);
  }

  head(head: AnswerHead): void {
    this.#body?.letGo();
    if (this.#stream?.isSilent) return;
    this.#status = head.status;
    this.#observer.headCame();
    if (head.status === 101) return this.#switchProtocols(head);
    // None at all (RFC 9110 section 15), and Node has no words for it there.
    if (head.status >= 600 && this.#exchange.protocol === '2.0')
      return this.#giveUp('unreachable', `invalid answer: status ${head.status}, which HTTP/2 cannot carry`);
    this.#expected = head.framing === 'length' ? head.length : -1;
    const isEvents = !isOfKnownLength(head) && isEventStream(head);
    if (isEvents && !this.#upstream.becomeStream())
      return this.#giveUp('overloaded', 'all places for streams, or this share of them, are taken');
    if (this.#messages !== null && !isGrpcStream(head.headers)) this.#messages = null;
    if (this.#messages === null || isOfKnownLength(head)) clearTimeout(this.#ripening);
    this.#mayBecomeStream = !isEvents && !isOfKnownLength(head) && this.#messages === null && this.#stream === null;
    // A 204 has no length (RFC 9110 section 8.6): a client that believed one would wait for a body.
    const known = head.framing === 'length' || (head.framing === 'none' && head.status !== 204);
    const length = head.status === RESET_CONTENT ? 0 : known ? head.length : -1;
    this.#relayHead(head, length);
    this.#headHeld = true;
    // A body that arrives with its head goes out with it; a head that stays alone (SSE) must not wait for it.
    atTurnEnd(this);
    if (isEvents && this.#stream === null) this.#openEvents(head);
  }

  /** `length`: Content-Length to announce, or -1. */
  #relayHead(head: AnswerHead, length: number): void {
    const { status, statusText, protocol, sorted } = head;
    const more = this.#moreHeaders();
    const { answerEdits } = this.#observer;
    const isPlain = sorted !== undefined && status !== 426 && answerEdits === null && !sorted.namesUris;
    if (isPlain && this.#exchange.relayLines !== undefined) {
      const lines = responseLines(sorted, length, this.#ids, protocol) + headerLines(more);
      return this.#exchange.relayLines(status, statusText, lines, length >= 0, sorted.isDated);
    }
    const theirs = this.#edited(head.headers, sorted?.namesUris);
    const headers = responseHeaders(theirs, length, this.#ids, protocol);
    if (status === 426) headers.push(...upgradeRequired(head.headers));
    headers.push(...more);
    this.#exchange.relayHead(status, statusText, headers);
  }

  /** What the upstream says without what the route takes away, naming our side. `named`: it has URIs; absent: looked for. */
  #edited(headers: readonly string[], named = namesUris(headers)): readonly string[] {
    const { answerEdits } = this.#observer;
    const kept = answerEdits === null ? headers : withoutRemoved(headers, answerEdits);
    const uris = named ? this.#observer.uriContext() : null;
    return uris === null ? kept : withClientUris(kept, uris);
  }

  #moreHeaders(): readonly string[] {
    const { timing, answerHeaders } = this.#observer;
    if (timing === null) return answerHeaders ?? NONE;
    return [...timing.header(), ...(answerHeaders ?? NONE)];
  }

  data(chunk: Buffer): boolean {
    if (this.#stream?.isSilent || this.#status === RESET_CONTENT) return true;
    this.#headHeld = false;
    if (this.#stream === null) this.#messages?.follow(chunk, false);
    this.#received += chunk.length;
    if (this.#received === this.#expected) {
      this.#last = chunk;
      return true;
    }
    return this.#stream === null ? this.#exchange.relay(chunk) : this.#stream.relay(chunk);
  }

  end(trailers: readonly string[]): void {
    if (this.#stream?.isSilent) return;
    this.#ended = true;
    this.#stream?.upstreamEnded();
    this.#headHeld = false;
    clearTimeout(this.#ripening);
    this.#exchange.relayEnd(this.#last, trailers.length === 0 ? trailers : this.#edited(responseTrailers(trailers)));
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
    this.#body?.letGo();
    this.#stream?.clientClosed();
    clearTimeout(this.#ripening);
    if (this.#done) return;
    this.#done = true;
    this.#observer.finished({
      // A call of gRPC may be ended before its upstream has answered.
      status: complete && this.#status === 0 ? 200 : this.#status,
      isComplete: complete,
      bytesIn: this.#sent,
      bytesOut: this.#received,
    });
  }

  /** Only to a request that asked for it: both bodies are the bare connection from here on. */
  #switchProtocols({ headers, protocol }: AnswerHead): void {
    const chosen = chosenProtocols(headers);
    this.#exchange.upgrade!.switchProtocols([
      ...switchHeaders(this.#edited(headers), chosen, this.#ids, protocol),
      ...(this.#observer.answerHeaders ?? []),
    ]);
    this.#exchange.readBody(this);
    const isWebSocket = chosen.length === 1 && chosen[0]!.toLowerCase() === 'websocket';
    if (isWebSocket) this.#openStream('websocket', new FrameBoundary());
    else this.#openStream('other', null);
  }

  /** Nobody has been told of the answer yet, so that it can still be refused. */
  #giveUp(kind: UpstreamFailure['kind'], detail: string): void {
    this.#upstream.abort();
    this.failed({ kind, detail });
  }

  /** Where there is no room for it as a stream it goes on as what it is, and counts as that. */
  #ripen(): void {
    this.#ripening = setTimeout(() => {
      if (!this.#upstream.becomeStream()) return this.#ripen();
      this.#exchange.becomeStream();
      // Over HTTP/1.0 nothing can stand behind an answer.
      const hasTrailers = this.#messages !== null && this.#exchange.minorVersion !== 0;
      this.#openStream(hasTrailers ? 'grpc' : 'answer', hasTrailers ? this.#messages : null);
    }, STREAM_AFTER_MS).unref();
  }

  /** Only chunks, or a connection's end that cannot be taken for one, leave room for a last event. */
  #openEvents(head: AnswerHead): void {
    const hasBoundaries = this.#exchange.minorVersion !== 0 && !isEncoded(head);
    this.#exchange.becomeStream();
    this.#openStream('events', hasBoundaries ? new EventBoundary() : null);
  }

  /** From here on it may be ended by whoever judges it again. `boundary`: where a last word may stand; null: nowhere. */
  #openStream(kind: StreamKind, boundary: Boundary | null): void {
    this.#stream = new StreamEnding(kind, boundary, this.#exchange, this.#upstream);
    this.#observer.opened(this.#stream);
  }

  sendOut(): void {
    if (this.#mayBecomeStream && !this.#ended && !this.#done) this.#ripen();
    if (!this.#headHeld || this.#done) return;
    this.#headHeld = false;
    this.#exchange.flush();
  }
}
