/**
 * What a connection and the target it belongs to agree on, so that neither has to know the other's insides. Does nothing.
 */
import type { OnReadOpts, Socket } from 'node:net';
import type { Connection } from './connection.ts';
import type { UpstreamFailure } from './exchange.ts';
import type { UpstreamCall } from './upstream-call.ts';

export interface Timeouts {
  /** DNS, TCP and TLS together. */
  readonly connectMs: number;
  /** From the last byte of the request to the head of the answer. */
  readonly headersMs: number;
  /** Without a byte of body moving, either way. */
  readonly idleMs: number;
  /** For a connection to become free; as long as `connectMs` unless told. */
  readonly queueMs?: number;
}

/** The target a connection belongs to. */
export interface ConnectionOwner {
  readonly origin: string;
  readonly authority: string;
  readonly isSecure: boolean;
  readonly timeouts: Timeouts;
  readonly keepAliveMs: number;
  /** How old a connection may be and still carry another exchange: names move to other addresses. */
  readonly maxAgeMs: number;
  now(): number;
  openSocket(onread: OnReadOpts): Socket;
  /** The answer on it goes on for as long as it may. false: there is no room for it as that. */
  becameStream(connection: Connection): boolean;
  /** Its answer is complete; it may carry another exchange, but not before this turn of the event loop is over. */
  released(connection: Connection): void;
  /** It is destroyed. `was`: the state it was in. */
  closed(connection: Connection, was: number): void;
  replay(exchange: UpstreamCall): void;
  /** The head of an answer came. */
  answered(): void;
  /** Its connection is destroyed; whether the listener hears of it is the owner's to say. */
  exchangeFailed(exchange: UpstreamCall, failure: UpstreamFailure, progress: number): void;
}

/** States of a connection. SETTLING: the answer is complete, this turn of the event loop is not. */
export const CONNECTING = 0;
export const BUSY = 1;
export const SETTLING = 2;
export const IDLE = 3;
export const DEAD = 4;

/** How far an exchange had come when it failed. UNSENT: not a byte of the request had left. */
export const UNSENT = 0;
/** No byte of an answer. */
export const UNANSWERED = 1;
/** Some bytes, but no whole head. */
export const PARTIAL_HEAD = 2;
/** The listener had the head. */
export const ANSWERED = 3;
