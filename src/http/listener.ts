/**
 * A listening port as whoever opens it sees it: what it is opened with, how it is wound down and drained. Types only, and
 * nothing here is Node's HTTP server's: `exchange.ts` is the other half, one request that came in.
 */
import type { ClientLimits } from './client-limits.ts';
import type { Exchange } from './exchange.ts';
import type { KeyPair, TlsOptions } from './tls.ts';

export interface Listener {
  readonly port: number;
  /** Base URL of this listener, for people and tests. */
  readonly url: string;
  /** For connections to come; those that stand keep what they began with. */
  useKeyPair(keyPair: KeyPair): void;
  /** Goes on accepting, but every answer asks its client to go elsewhere for the next. */
  windDown(): void;
  /** Stops accepting, lets requests in progress finish, and cuts what is left at the deadline. */
  drain(times: DrainTimes): Promise<void>;
}

export interface DrainTimes {
  /** What is left then is cut. */
  readonly deadlineMs: number;
  /** How long a connection without a request is kept. */
  readonly idleMs: number;
}

export interface ListenerOptions {
  readonly name: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** null: plain HTTP. */
  readonly tls: TlsOptions | null;
  /** true: a connection without TLS that begins with the preface of HTTP/2 is served over that. */
  readonly h2c?: boolean;
  readonly limits?: ClientLimits;
  readonly handle: (exchange: Exchange) => void;
  /** true: a client may ask to leave HTTP. Otherwise such requests are plain ones. */
  readonly upgrades?: boolean;
  /** `handle` threw: our own fault. The request has been broken off. */
  readonly onBug: (error: unknown) => void;
  /** The status to send instead, where whoever asks knows few. */
  readonly sendable?: (status: number) => number;
  /** The body and headers for a request that could not be parsed, and for CONNECT (405). */
  readonly refuse: (status: number) => { readonly headers: readonly string[]; readonly body: string };
}
