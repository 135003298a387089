/**
 * The pool behind one upstream: picks a target, bounds connections and waiting requests, watches deadlines. Never
 * looks at a byte of traffic, and never calls a listener inside `send`.
 */
import type { Timeouts } from './connection-owner.ts';
import type { AnswerListener, UpstreamExchange, UpstreamRequest } from './exchange.ts';
import { refusal } from './request-head.ts';
import { type ExchangeOwner, RunningExchange } from './running-exchange.ts';
import { Target, type TargetPool, type TlsOptions } from './target.ts';

export interface UpstreamOptions {
  /** Origins, http:// or https://. */
  readonly targets: readonly string[];
  readonly timeouts: Timeouts;
  /** Per target. */
  readonly maxConnections: number;
  /** Requests that may wait for a connection; as many as `maxConnections` unless told. */
  readonly maxQueued?: number;
  /** How long a connection may lie idle; 4 s unless told, which is under the 5 s of Node's servers. */
  readonly keepAliveMs?: number;
  readonly tls?: TlsOptions;
  readonly nowMs?: () => number;
}

export interface UpstreamStats {
  readonly open: number;
  readonly idle: number;
  readonly active: number;
  readonly queued: number;
}

export class Upstream implements ExchangeOwner, TargetPool {
  readonly timeouts: Timeouts;
  readonly keepAliveMs: number;
  readonly tls: TlsOptions;
  readonly now: () => number;

  readonly #targets: readonly Target[];
  readonly #maxConnections: number;
  readonly #maxQueued: number;
  /** First in, first out; a Set, so that an aborted request can leave from the middle. */
  readonly #queue = new Set<RunningExchange>();
  readonly #tickMs: number;
  #ticker: NodeJS.Timeout | undefined;
  #turn = 0;
  #settleAsked = false;
  #dispatching = false;
  #closed = false;
  /** No connection is kept for a next request. */
  #windingDown = false;
  readonly #whenClosed: (() => void)[] = [];

  constructor(options: UpstreamOptions) {
    this.timeouts = options.timeouts;
    this.keepAliveMs = options.keepAliveMs ?? 4000;
    this.tls = options.tls ?? {};
    this.now = options.nowMs ?? (() => performance.now());
    this.#maxConnections = options.maxConnections;
    this.#maxQueued = options.maxQueued ?? options.maxConnections;
    const { connectMs, headersMs, idleMs } = options.timeouts;
    this.#tickMs = Math.min(Math.max(Math.min(connectMs, headersMs, idleMs) / 4, 10), 250);
    if (options.targets.length === 0) throw new TypeError('an upstream needs a target');
    this.#targets = options.targets.map((origin) => new Target(this, origin));
  }

  get pendingCount(): number {
    let pending = this.#queue.size;
    for (const target of this.#targets) pending += target.active;
    return pending;
  }

  get stats(): UpstreamStats {
    let open = 0;
    let idle = 0;
    let active = 0;
    for (const target of this.#targets) {
      open += target.connections.size + target.tunnels.size;
      idle += target.idleCount + target.settling;
      active += target.active;
    }
    return { open, idle, active, queued: this.#queue.size };
  }

  send(request: UpstreamRequest, listener: AnswerListener): UpstreamExchange {
    const exchange = new RunningExchange(this, request, listener);
    const refused = this.#closed ? 'upstream is closed' : refusal(request);
    if (refused !== undefined) {
      exchange.failSoon({ kind: 'unreachable', detail: refused });
      return exchange;
    }
    if (request.upgrade !== undefined) {
      const room = this.#pick();
      if (room !== undefined) return room.openTunnel(request, listener, this.#maxConnections);
      exchange.failSoon({ kind: 'overloaded', detail: 'all connections are taken' });
      return exchange;
    }
    this.#ticker ??= setInterval(sweepSoon, this.#tickMs, this).unref();
    const target = this.#queue.size === 0 ? this.#pick() : undefined;
    if (target !== undefined) {
      target.start(exchange);
    } else if (this.#queue.size < this.#maxQueued) {
      exchange.waitingSince = this.now();
      this.#queue.add(exchange);
    } else {
      exchange.failSoon({ kind: 'overloaded', detail: 'all connections are taken and the queue is full' });
    }
    return exchange;
  }

  /** Take no more requests; done when those in progress, waiting ones included, are. */
  close(): Promise<void> {
    this.#closed = true;
    return this.retire();
  }

  /**
   * Keep no connection for a next request; done when none is left. A request that was meant for this upstream before it
   * was replaced may still come, and is served.
   */
  retire(): Promise<void> {
    this.#windingDown = true;
    return new Promise((resolve) => {
      this.#whenClosed.push(resolve);
      this.#windDown();
    });
  }

  /** Take no more requests and fail those in progress. */
  destroy(): void {
    this.#closed = true;
    this.#windingDown = true;
    for (const exchange of this.#queue) exchange.failSoon({ kind: 'unreachable', detail: 'upstream torn down' });
    this.#queue.clear();
    for (const target of this.#targets) {
      for (const connection of target.connections) connection.destroy();
      for (const tunnel of target.tunnels) tunnel.destroy();
    }
    this.#windDown();
  }

  leaveQueue(exchange: RunningExchange): void {
    if (this.#queue.delete(exchange) && this.#windingDown) this.#windDown();
  }

  settleSoon(): void {
    if (this.#settleAsked) return;
    // One for all answers of this turn; it runs after every socket that is readable now has been read.
    this.#settleAsked = true;
    setImmediate(settle, this);
  }

  settle(): void {
    this.#settleAsked = false;
    for (const target of this.#targets) target.settle();
    this.#dispatch();
    if (this.#windingDown) this.#windDown();
  }

  vacated(): void {
    this.#dispatch();
    if (this.#windingDown) this.#windDown();
  }

  /** Deadlines, checked for all connections at once instead of a timer for each request. */
  sweep(due: number): void {
    const now = this.now();
    let open = 0;
    for (const target of this.#targets) {
      for (const connection of target.connections) connection.check(due, now);
      open += target.connections.size;
    }
    for (const exchange of this.#queue) {
      if (due - exchange.waitingSince < this.timeouts.connectMs) break;
      this.#queue.delete(exchange);
      exchange.fail({ kind: 'overloaded', detail: 'no connection became free in time' });
    }
    if (open === 0 && this.#queue.size === 0) this.#stopTicking();
    if (this.#windingDown) this.#windDown();
  }

  /** The target with the fewest requests that has room for one more; among equals each in turn. */
  #pick(): Target | undefined {
    const targets = this.#targets;
    let best: Target | undefined;
    for (let i = 0; i < targets.length; i += 1) {
      const target = targets[(this.#turn + i) % targets.length]!;
      if (target.active + target.settling >= this.#maxConnections) continue;
      if (best === undefined || target.active < best.active) best = target;
    }
    this.#turn = (this.#turn + 1) % targets.length;
    return best;
  }

  #dispatch(): void {
    // Starting a request may drop connections that lay idle too long, which asks for dispatching again.
    if (this.#dispatching) return;
    this.#dispatching = true;
    while (this.#queue.size > 0) {
      const target = this.#pick();
      if (target === undefined) break;
      const exchange = this.#queue.values().next().value!;
      this.#queue.delete(exchange);
      target.start(exchange);
    }
    this.#dispatching = false;
  }

  #windDown(): void {
    if (this.#queue.size > 0) return;
    for (const target of this.#targets) target.dropIdle();
    if (this.#targets.some((target) => target.connections.size + target.tunnels.size > 0)) return;
    this.#stopTicking();
    for (const resolve of this.#whenClosed.splice(0)) resolve();
  }

  #stopTicking(): void {
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }
}

function settle(upstream: Upstream): void {
  upstream.settle();
}

/**
 * Judged as of now, but not before everything that is readable now has been read: a stall of this process must not look
 * like one of an upstream, whose answer lies ready.
 */
function sweepSoon(upstream: Upstream): void {
  setImmediate(sweep, upstream, upstream.now());
}

function sweep(upstream: Upstream, due: number): void {
  upstream.sweep(due);
}
