/**
 * One open stream as it is relayed, and how it is ended once its caller may no longer have it: nothing more passes but the
 * rest of a sentence that was begun, then the last word, then the close, all within half a second. Never decides when.
 */
import { grpcHeaders } from '../../core/grpc.ts';
import type { Exchange } from '../../http/exchange.ts';
import type { UpstreamExchange } from '../../upstream/exchange.ts';
import { type Boundary, FrameBoundary } from './boundary.ts';
import { type CloseMessage, closeFrame, errorEvent } from './close-message.ts';
import type { Stream, StreamKind } from './stream.ts';

/** A stream that is to end has this long to finish its sentence and for the client to hear the last one. */
const STREAM_CLOSE_MS = 500;

export class StreamEnding implements Stream {
  readonly kind: StreamKind;
  /** Where a close message may stand; null: nowhere. */
  readonly #boundary: Boundary | null;
  readonly #exchange: Exchange;
  readonly #upstream: UpstreamExchange;
  #closeMessage: CloseMessage | null = null;
  /** Nothing more is relayed until the close message. */
  #isSilent = false;
  /** It has ended by itself, or the last word is said. */
  #isOver = false;
  #lastWords: NodeJS.Timeout | undefined;

  constructor(kind: StreamKind, boundary: Boundary | null, exchange: Exchange, upstream: UpstreamExchange) {
    this.kind = kind;
    this.#boundary = boundary;
    this.#exchange = exchange;
    this.#upstream = upstream;
  }

  /** Nothing that the client says goes to the upstream any more. */
  get isToEnd(): boolean {
    return this.#closeMessage !== null;
  }

  /** Nothing that the upstream says goes to the client any more. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  /** Bytes of the upstream's. Returns false when the client reads too slowly. */
  relay(chunk: Buffer): boolean {
    if (this.#boundary === null) return this.#exchange.relay(chunk);
    if (this.#closeMessage === null) {
      this.#boundary.follow(chunk, false);
      return this.#exchange.relay(chunk);
    }
    this.#exchange.relay(chunk.subarray(0, this.#boundary.follow(chunk, true)));
    if (this.#boundary.isReached) this.#sendCloseMessage(this.#boundary, this.#closeMessage);
    return true;
  }

  /** By itself, while it was not silent. */
  upstreamEnded(): void {
    this.#isOver = true;
  }

  clientClosed(): void {
    this.#isOver = true;
    clearTimeout(this.#lastWords);
  }

  hush(closeMessage: CloseMessage): void {
    if (this.#isOver) return;
    this.#closeMessage ??= closeMessage;
    this.#isSilent ||= this.#boundary === null || this.#boundary.isReached;
  }

  stop(): void {
    if (this.#isOver || this.#closeMessage === null || this.#lastWords !== undefined) return;
    this.#limitLastWords();
    if (this.#boundary === null) this.#cut();
    else if (this.#boundary.isReached) this.#sendCloseMessage(this.#boundary, this.#closeMessage);
  }

  #limitLastWords(): void {
    this.#lastWords ??= setTimeout(() => this.#exchange.breakOff(), STREAM_CLOSE_MS);
  }

  #sendCloseMessage(boundary: Boundary, closeMessage: CloseMessage): void {
    const { body } = closeMessage;
    const isClosed = boundary instanceof FrameBoundary && boundary.hasClosed;
    if (this.kind === 'events' && body === null) return this.#cut();
    this.#limitLastWords();
    this.#upstream.abort();
    this.#isOver = true;
    if (this.kind === 'grpc') return this.#sendTrailers(closeMessage.trailers);
    const last = this.kind === 'events' ? errorEvent(body!) : isClosed ? null : closeFrame(closeMessage);
    this.#exchange.relayEnd(last, []);
  }

  #sendTrailers(trailers: readonly string[]): void {
    if (this.#exchange.answered) this.#exchange.relayEnd(null, trailers);
    else this.#exchange.answer(200, grpcHeaders([], trailers, this.#exchange.protocol !== '2.0'), '');
  }

  #cut(): void {
    this.#upstream.abort();
    this.#exchange.breakOff();
  }
}
