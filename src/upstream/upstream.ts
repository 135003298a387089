/**
 * The pool behind one upstream: bounds connections and waiting requests, watches deadlines, and sends again what surely
 * was not carried out. Never looks at a byte of traffic, and never calls a listener inside `send`.
 */
import type { LookupFunction } from 'node:net';
import { performance } from 'node:perf_hooks';
import { systemLookup } from '../names/names.ts';
import { type BreakerOptions, DEFAULT_BREAKER } from './breaker.ts';
import type { AnswerListener, UpstreamExchange, UpstreamFailure, UpstreamRequest } from './exchange.ts';
import { HealthCheck } from './health-check.ts';
import { TargetPicker } from './pick-target.ts';
import { type PlaceLimits, placeLimits } from './places.ts';
import { refusal } from './request-head.ts';
import { DEFAULT_RETRIES, RetryBudget, type RetryOptions } from './retry-budget.ts';
import type { CallProgress, UpstreamProtocol } from './states.ts';
import { statsOf, statusOf } from './status.ts';
import { Target, type TargetPool, type UpstreamTlsOptions } from './target.ts';
import type { RequestTimeouts, Timeouts } from './timeouts.ts';
import { type CallOwner, UpstreamCall } from './upstream-call.ts';
import type { TargetStatus, UpstreamOptions, UpstreamStats } from './upstream-options.ts';
import { WaitingLine } from './waiting-line.ts';

export class Upstream implements CallOwner, TargetPool {
  readonly protocol: UpstreamProtocol;
  readonly timeouts: Timeouts;
  readonly places: PlaceLimits;
  readonly keepAliveMs: number;
  readonly maxConnectionAgeMs: number;
  readonly breaker: BreakerOptions;
  readonly tls: UpstreamTlsOptions;
  readonly now: () => number;
  readonly lookup: LookupFunction | undefined;
  /** Requests that were sent again, whether to another target or the same. */
  retries = 0;
  /** Requests that were refused because their holder had its share. */
  shareRefusals = 0;

  readonly #targets: readonly Target[];
  readonly #picker: TargetPicker;
  readonly #maxQueued: number;
  readonly #queueMs: number;
  readonly #retries: RetryOptions;
  readonly #budget: RetryBudget;
  readonly #checks: readonly HealthCheck[];
  readonly #onChange: UpstreamOptions['onChange'];
  readonly #queue = new WaitingLine();
  /** The targets that have failed a call. */
  readonly #tried = new WeakMap<UpstreamCall, Target[]>();
  #tickMs: number;
  #ticker: NodeJS.Timeout | undefined;
  #settleAsked = false;
  #dispatching = false;
  #closed = false;
  /** No connection is kept for a next request. */
  #windingDown = false;
  readonly #whenClosed: (() => void)[] = [];

  constructor(options: UpstreamOptions) {
    this.protocol = options.protocol ?? 'http1';
    this.timeouts = options.timeouts;
    this.keepAliveMs = options.keepAliveMs ?? 4000;
    this.tls = options.tls ?? {};
    this.now = options.nowMs ?? (() => performance.now());
    this.lookup = options.lookup ?? systemLookup;
    this.maxConnectionAgeMs = options.maxConnectionAgeMs ?? 60_000;
    // A lone target is never given up: there is nowhere else to go.
    const breaker = options.breaker ?? DEFAULT_BREAKER;
    this.breaker = options.targets.length > 1 ? breaker : { ...breaker, failures: Number.POSITIVE_INFINITY };
    this.#onChange = options.onChange;
    this.#retries = options.retries ?? DEFAULT_RETRIES;
    this.#budget = new RetryBudget(this.#retries, this.now());
    this.places = placeLimits(options);
    this.#maxQueued = options.maxQueued ?? options.maxConnections;
    const { connectMs, headersMs, idleMs, queueMs = connectMs } = options.timeouts;
    this.#queueMs = queueMs;
    this.#tickMs = tickFor(connectMs, headersMs, idleMs, queueMs);
    if (options.targets.length === 0) throw new TypeError('an upstream needs a target');
    this.#targets = options.targets.map((origin) => new Target(this, origin));
    this.#picker = new TargetPicker(this.#targets);
    const { health } = options;
    this.#checks = health === undefined ? [] : this.#targets.map((target) => new HealthCheck(target, health));
  }

  get pendingCount(): number {
    let pending = this.#queue.size;
    for (const target of this.#targets) pending += target.active;
    return pending;
  }

  get stats(): UpstreamStats {
    return statsOf(this.#targets, this.#queue.size);
  }

  get targets(): TargetStatus[] {
    return this.#targets.map(statusOf);
  }

  send(request: UpstreamRequest, listener: AnswerListener): UpstreamExchange {
    const call = new UpstreamCall(this, request, listener);
    const refused = this.#closed ? 'upstream is closed' : refusal(request);
    if (refused !== undefined) {
      call.failSoon({ kind: 'unreachable', detail: refused });
      return call;
    }
    if (request.upgrade !== undefined) {
      const room = this.#picker.pickForUpgrade(request.holder);
      if (room !== undefined) return room.openTunnel(request, listener);
      if (this.#targets.some(({ upgrades }) => upgrades.isAboveShare(request.holder))) this.shareRefused();
      call.failSoon({ kind: 'overloaded', detail: 'all places for upgrades, or this share of them, are taken' });
      return call;
    }
    if (request.timeouts) this.#tickFor(request.timeouts);
    this.#ticker ??= setInterval(sweepSoon, this.#tickMs, this).unref();
    this.#budget.deposit();
    const target = this.#queue.size === 0 ? this.#picker.pick(request.holder) : undefined;
    if (target !== undefined) {
      target.start(call);
    } else if (this.#picker.isAboveShare(request.holder, this.#queue.count(request.holder))) {
      this.shareRefused();
      call.failSoon({ kind: 'overloaded', detail: 'whoever asks has their share of the connections' });
    } else if (this.#queue.size < this.#maxQueued) {
      call.waitingSince = this.now();
      this.#queue.add(call);
    } else {
      call.failSoon({ kind: 'overloaded', detail: 'all connections are taken and the queue is full' });
    }
    return call;
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
    for (const check of this.#checks) check.stop();
    return new Promise((resolve) => {
      this.#whenClosed.push(resolve);
      this.#windDown();
    });
  }

  /** Take no more requests and fail those in progress. */
  destroy(): void {
    this.#closed = true;
    this.#windingDown = true;
    for (const check of this.#checks) check.stop();
    for (const call of this.#queue.leaving()) call.failSoon({ kind: 'unreachable', detail: 'upstream torn down' });
    for (const target of this.#targets) {
      for (const connection of [...target.connections]) connection.destroy();
      for (const tunnel of target.tunnels) tunnel.destroy();
    }
    this.#windDown();
  }

  leaveQueue(call: UpstreamCall): void {
    if (this.#queue.delete(call) && this.#windingDown) this.#windDown();
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

  shareRefused(): void {
    this.shareRefusals += 1;
  }

  vacated(): void {
    this.#dispatch();
    if (this.#windingDown) this.#windDown();
  }

  /**
   * A request of which nothing was sent goes to another target. One that was sent is sent again only if it is safe to do
   * twice and the settings say so; no other request is ever sent twice (RFC 9110 9.2.2).
   */
  callFailed(target: Target, call: UpstreamCall, failure: UpstreamFailure, progress: CallProgress): void {
    const isSafe = progress === 'unsent' || (progress === 'unanswered' && call.isReplayable);
    // After `close` nobody may wait for what a new try would bring.
    if (this.#closed || call.isOver || !isSafe) return call.fail(failure);
    if (progress !== 'unsent' && failure.kind === 'timeout') return call.fail(failure);
    const tried = this.#failedAt(call, target);
    const { holder } = call.request;
    const other = this.#picker.pickOther(tried, holder);
    const hasTries = tried.length <= this.#retries.attempts;
    const next =
      progress === 'unsent' || hasTries ? (other ?? (hasTries ? this.#picker.pick(holder) : undefined)) : undefined;
    if (next === undefined || !this.#budget.withdraw(this.now())) return call.fail(failure);
    this.retries += 1;
    next.start(call);
  }

  changed(target: Target, detail: string): void {
    if (target.state === 'up') {
      // What kept this one away may have kept the others away, too.
      for (const other of this.#targets) other.breaker.tryNow();
      this.#dispatch();
    }
    this.#onChange?.(target.origin, target.state, detail);
  }

  /** Deadlines, checked for all connections at once instead of a timer for each request. */
  sweep(due: number): void {
    const now = this.now();
    let open = 0;
    for (const target of this.#targets) {
      for (const connection of target.connections) connection.check(due, now);
      open += target.connections.size;
    }
    for (const call of this.#queue.leaving(due - this.#queueMs))
      call.fail({ kind: 'overloaded', detail: 'no connection became free in time' });
    this.#dispatch();
    if (open === 0 && this.#queue.size === 0) this.#stopTicking();
    if (this.#windingDown) this.#windDown();
  }

  /** A request that may take less time than any before it is looked at more often. */
  #tickFor({ connectMs, headersMs, idleMs }: RequestTimeouts): void {
    const tickMs = tickFor(connectMs, headersMs, idleMs);
    if (tickMs >= this.#tickMs) return;
    this.#tickMs = tickMs;
    this.#stopTicking();
  }

  /** All targets that have failed it, this one included. */
  #failedAt(call: UpstreamCall, target: Target): readonly Target[] {
    const tried = [...(this.#tried.get(call) ?? []), target];
    this.#tried.set(call, tried);
    return tried;
  }

  #dispatch(): void {
    // Starting a request may drop connections that lay idle too long, which asks for dispatching again.
    if (this.#dispatching) return;
    this.#dispatching = true;
    while (this.#queue.size > 0) {
      // Whose turn it is was within their share when they came.
      const target = this.#picker.pick(undefined);
      if (target === undefined) break;
      target.start(this.#queue.shift());
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

/** How often deadlines are looked at: a quarter of the shortest, between 10 and 250 ms. */
function tickFor(...timeoutsMs: number[]): number {
  return Math.min(Math.max(Math.min(...timeoutsMs) / 4, 10), 250);
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
