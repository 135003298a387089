/**
 * The words the edge and an upstream connection speak: a request goes down, an answer comes up event by event.
 * Types only. Nothing here knows Node's http classes, so an engine can be replaced without touching a caller.
 */
import type { BodyFraming } from '../core/framing.ts';
import type { RequestTimeouts } from './timeouts.ts';

export interface UpstreamRequest {
  readonly method: string;
  /** Origin-form target, exactly the bytes that were matched (latin1, one char per byte). */
  readonly target: string;
  /** Host to send; undefined = the chosen target's authority. */
  readonly host: string | undefined;
  /** Header lines ready for the wire, each ending in CRLF, without Host and without framing headers (latin1). */
  readonly headerLines: string;
  /** The engine writes the matching header itself. */
  readonly body: BodyFraming;
  /** Who asks: a token, or an address where none is needed. Nobody takes more than their share; absent: not counted. */
  readonly holder?: string | undefined;
  /** null or absent: those of the upstream. */
  readonly timeouts?: RequestTimeouts | null | undefined;
  /** The client knows what to do with trailers (TE); said over HTTP/2 alone. */
  readonly takesTrailers?: boolean | undefined;
  /** What to offer instead of HTTP. A head of status 101 then makes both bodies the bare connection. */
  readonly upgrade?: string | undefined;
}

/** How the end of an answer's body is known. `none`: HEAD, 204, 304. `close`: the body ends with the connection. */
export type AnswerFraming = 'none' | 'length' | 'chunked' | 'close';

export interface AnswerHead {
  readonly status: number;
  readonly statusText: string;
  /** Raw [name, value, name, value, …] in order and case as received (latin1). */
  readonly headers: readonly string[];
  readonly framing: AnswerFraming;
  /** Content-Length in bytes, or -1. */
  readonly length: number;
  /** The version in which it came, as Via names it; absent: 1.1. */
  readonly protocol?: string;
  /** Its headers, sorted while they were read; absent: whoever passes them on has to look at each. */
  readonly sorted?: SortedAnswer | undefined;
}

/** The headers of an answer by what they are for (core/field-names). What ends here is left out. */
export interface SortedAnswer {
  /** Lines that are sent on as they came, each with CRLF. */
  readonly passing: string;
  /** Every Via value, each with a comma behind it. */
  readonly via: string;
  /** X-Request-Id; empty: none. */
  readonly requestId: string;
  /** There is a Date among the lines. */
  readonly isDated: boolean;
  /** There is a Location, Content-Location or Link among the lines. */
  readonly namesUris: boolean;
}

/**
 * Why no (whole) answer came. `unreachable`: refused, reset, DNS, TLS, invalid answer. `timeout`: connect, headers or
 * idle time ran out. `overloaded`: connection limit and queue are full, nothing was sent.
 */
export interface UpstreamFailure {
  readonly kind: 'unreachable' | 'timeout' | 'overloaded';
  /** For logs, never for clients: what happened, to which target. */
  readonly detail: string;
}

/** Called in this order: informational* head data* (end | failed), or failed at any point. Nothing follows end or failed. */
export interface AnswerListener {
  /** 1xx except 101, before the head. */
  informational(status: number, headers: readonly string[]): void;
  head(head: AnswerHead): void;
  /** true: a chunk may be lent to it, until `data` returns, or `end` where that follows at once. Absent: each is its to keep. */
  readonly takesLent?: boolean;
  /** Return false to pause the answer until `resume()`. */
  data(chunk: Buffer): boolean;
  /** The answer is whole. `trailers`: raw pairs, mostly empty. */
  end(trailers: readonly string[]): void;
  failed(failure: UpstreamFailure): void;
  /** A `write` that returned false may go on. */
  drained(): void;
}

/** The way down: body of one request. */
export interface UpstreamExchange {
  /** Send a piece of the body. Returns false when the caller should wait for `drained()`. */
  write(chunk: Buffer): boolean;
  /** The body is complete. `trailers`: header lines ready for the wire, chunked bodies only. */
  end(trailerLines?: string): void;
  /** Let a paused answer go on. */
  resume(): void;
  /** The answer has begun and goes on for as long as it may: it counts as a stream. false: there is no room for another. */
  becomeStream(): boolean;
  /** The client went away: drop the request and its connection. The listener hears nothing more. */
  abort(): void;
}
