/**
 * Asks one target now and then whether it is well, over a connection of its own each time: neither the pool's limit nor
 * the breaker's count is touched. Never sends a request of a client.
 */
import type { OnReadOpts, Socket } from 'node:net';
import { stallAwareTimeout } from '../stall-aware-timeout.ts';
import { Connection, type ConnectionOwner } from './connection.ts';
import type { AnswerHead, AnswerListener, UpstreamFailure, UpstreamRequest } from './exchange.ts';
import { H2Session, type H2SessionOwner } from './http2/h2-session.ts';
import { H2Stream } from './http2/h2-stream.ts';
import type { Timeouts } from './timeouts.ts';
import { type CallOwner, UpstreamCall } from './upstream-call.ts';

export interface HealthOptions {
  /** Asked with GET; 2xx and 3xx are healthy. */
  readonly path: string;
  readonly intervalMs: number;
  /** For the head of the answer, connecting included. */
  readonly timeoutMs: number;
  /** Checks in a row that must fail before the target counts as unhealthy. One good answer ends that. */
  readonly failures: number;
}

/** Of the interval, by which checks of several gateways drift apart. */
const JITTER = 0.2;

export interface CheckedTarget {
  readonly origin: string;
  readonly authority: string;
  readonly isSecure: boolean;
  readonly speaksHttp2: boolean;
  readonly timeouts: Timeouts;
  now(): number;
  openSocket(onread?: OnReadOpts): Socket;
  checked(isHealthy: boolean, detail: string): void;
}

export class HealthCheck implements ConnectionOwner, H2SessionOwner, CallOwner, AnswerListener {
  readonly origin: string;
  readonly authority: string;
  readonly isSecure: boolean;
  readonly timeouts: Timeouts;
  readonly keepAliveMs = 0;
  readonly maxAgeMs = 0;

  readonly #target: CheckedTarget;
  readonly #options: HealthOptions;
  readonly #request: UpstreamRequest;
  #call: UpstreamCall | undefined;
  /** Of the next check. */
  #timer: NodeJS.Timeout | undefined;
  #cancelTimeout = (): void => undefined;
  #failures = 0;

  constructor(target: CheckedTarget, options: HealthOptions) {
    this.origin = target.origin;
    this.authority = target.authority;
    this.isSecure = target.isSecure;
    this.timeouts = target.timeouts;
    this.#target = target;
    this.#options = options;
    this.#request = {
      method: 'GET',
      target: options.path,
      host: undefined,
      headerLines: 'User-Agent: scopegate\r\nConnection: close\r\n',
      body: { kind: 'none' },
    };
    this.#ask();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#cancelTimeout();
    this.#call?.abort();
    this.#call = undefined;
  }

  now(): number {
    return this.#target.now();
  }

  openSocket(onread?: OnReadOpts): Socket {
    return this.#target.openSocket(onread);
  }

  head(head: AnswerHead): void {
    this.#settle(head.status < 400, `answered ${head.status}`);
  }

  failed(failure: UpstreamFailure): void {
    this.#settle(false, failure.detail);
  }

  callFailed(call: UpstreamCall, failure: UpstreamFailure): void {
    call.fail(failure);
  }

  // A check is over with the head of its answer; nothing else of it matters.
  informational(): void {}
  data(): boolean {
    return true;
  }
  end(): void {}
  drained(): void {}
  becameStream(): boolean {
    return false;
  }
  streamOver(_stream: H2Stream, session: H2Session): void {
    session.drop();
  }
  moved(): void {}
  limitSeen(): void {}
  sessionClosed(): void {}
  startAgain(): boolean {
    return false;
  }
  answered(): void {}
  released(): void {}
  closed(): void {}
  replay(): void {}
  leaveQueue(): void {}

  #ask(): void {
    const call = new UpstreamCall(this, this.#request, this);
    this.#call = call;
    const { timeoutMs } = this.#options;
    const late = () => {
      if (this.#call === call) this.#settle(false, `no answer within ${timeoutMs} ms`);
    };
    this.#cancelTimeout = stallAwareTimeout(timeoutMs, late, { keepsProcess: false });
    if (this.#target.speaksHttp2) new H2Session(this, 1).add(new H2Stream(call, this.now()));
    else new Connection(this, call);
  }

  #settle(isHealthy: boolean, detail: string): void {
    this.stop();
    this.#failures = isHealthy ? 0 : this.#failures + 1;
    if (isHealthy || this.#failures >= this.#options.failures) this.#target.checked(isHealthy, detail);
    const waitMs = this.#options.intervalMs * (1 + JITTER * (Math.random() - 0.5));
    this.#timer = setTimeout(() => this.#ask(), waitMs).unref();
  }
}
