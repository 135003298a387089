/**
 * One client request and the way to answer it, as the request path sees them. Types only. Nothing here is Node's, so
 * that another listener (h2, a faster parser, a middleware) can stand in without touching a check.
 */
import type { HeaderFacts } from '../core/framing.ts';
import type { LastToken } from '../secret.ts';

export interface Exchange {
  readonly method: string;
  /** Request-target as received, latin1: one char per byte. */
  readonly target: string;
  /** Of HTTP/1, which a request over HTTP/2 is translated to (1); -1 for anything else. */
  readonly minorVersion: number;
  /** What the client really spoke, as Via names it: 1.0, 1.1 or 2.0. */
  readonly protocol: string;
  /** Raw [name, value, …] in order and case as received, duplicates included. */
  readonly headers: readonly string[];
  /** The same, sorted while they were read; absent: this listener does not. */
  readonly sorted?: SortedHeaders | undefined;
  /** Of its connection; absent: nothing is kept for the next request. */
  readonly lastToken?: LastToken | undefined;
  /** One and the same for all requests of a connection: to keep by it what does not change from one to the next. */
  readonly connection?: object | undefined;
  /** What they say, where this listener had to know it; null: they can be read in more than one way. */
  readonly headerFacts?: HeaderFacts | null;
  readonly peerAddress: string;
  /** true: who described this request did not name its client; `peerAddress` is then theirs. */
  readonly isClientUnknown?: boolean | undefined;
  /** true: the request is only described here, and has no body to read. */
  readonly isElsewhere?: boolean | undefined;
  readonly encrypted: boolean;
  /** The client asks to leave HTTP on this connection, and this listener can let it. */
  readonly upgrade?: Upgrade | undefined;

  /** Where this request ends cannot be trusted: its answer ends the connection, and nothing behind it is run. */
  endConnection(): void;

  /** A whole answer of our own. `headers`: raw pairs with Content-Length. The request's body is never read after it. */
  answer(status: number, headers: string[], body: string): void;
  /** The same with lines that are ready for the wire, Content-Length (`bodyBytes`) among them; absent: pairs, please. */
  answerLines?(status: number, lines: string, body: string, bodyBytes: number): void;

  /** Start relaying an answer. An Upgrade among its headers goes only where it can be obeyed, named in Connection. */
  relayHead(status: number, statusText: string, headers: string[]): void;
  /** The same with lines that are ready for the wire; absent: pairs, please. `isSized`: they have a Content-Length. */
  relayLines?(status: number, statusText: string, lines: string, isSized: boolean, isDated: boolean): void;
  /** `chunk` is only lent: what is kept of it is copied. Returns false when the client reads too slowly; `drained` follows. */
  relay(chunk: Buffer): boolean;
  /** The relayed answer is whole. `last`: its final chunk, lent too; `trailers`: raw pairs. */
  relayEnd(last: Buffer | null, trailers: readonly string[]): void;
  /** What was relayed so far must go out now, though nothing follows yet. */
  flush(): void;
  /** The answer cannot be completed: break the connection, so that half an answer never looks whole. */
  breakOff(): void;
  /** true once the head of an answer was given. */
  readonly answered: boolean;
  /** The client has left: nobody would read an answer. */
  readonly isGone: boolean;

  /** 100 Continue. */
  sendContinue(): void;
  /** An interim answer (1xx, not 100 or 101) before the final one, where client and Node know such. `headers`: raw pairs, ASCII. */
  sendInterim(status: number, headers: readonly string[]): void;
  /** Deliver the request's body to `sink` from now on. */
  readBody(sink: BodySink): void;
  /** The same, and whoever is given the request then finds it as it came; absent: nobody else is given it. */
  readAhead?(sink: BodySink): void;
  pauseBody(): void;
  resumeBody(): void;

  /** Its answer goes on for as long as it may: from here on its client may say what it says as slowly as it likes. */
  becomeStream(): void;

  /** One hearer for the client's side of the answer. */
  listen(listener: ExchangeListener): void;
}

/** The headers of a request by what they are for (core/field-names), in their order. What ends here is left out. */
export interface SortedHeaders {
  /** Raw pairs: those that mean something on the way. */
  readonly meant: readonly string[];
  /** Lines that are sent on as they came, each with CRLF. */
  readonly passing: string;
}

export interface Upgrade {
  /** What it offers to speak from then on, as a header value. */
  readonly protocols: string;
  /** Answers 101. From here on `relay`, `relayEnd` and `readBody` carry the bare connection, in both directions. */
  switchProtocols(headers: readonly string[]): void;
}

export interface BodySink {
  bodyChunk(chunk: Buffer): void;
  /** `trailers`: raw pairs. */
  bodyEnd(trailers: readonly string[]): void;
}

export interface ExchangeListener {
  /** The client reads again. */
  clientDrained(): void;
  /** The exchange is over, whether answered in full or left by the client. */
  clientClosed(complete: boolean): void;
}
