/**
 * One connection to Redis that is kept up. Each attempt is a client of its own (open-client.ts), so nothing that was sent
 * over a lost connection is ever sent again. While the server does not answer, everybody is told so at once instead of
 * waiting. What a request makes of that: store/cache/circuit-breaker.ts.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { stallAwareTimeout } from '../../stall-aware-timeout.ts';
import { StoreUnavailable } from '../store.ts';
import type { Scripted } from './scripts.ts';

/** Between two attempts; half of it is chance, so that a fleet does not come back in one moment. */
const PAUSE_MIN_MS = 50;
const PAUSE_MAX_MS = 500;
/** A connection on which nothing was answered for so long is given up. */
const ABANDON_MS = 1000;
/** One that lasted for less counts as a failed attempt. */
const STABLE_MS = 1000;

export interface RedisConnectionOptions {
  /** Resolves with a client that is ready, or rejects with the reason; soon, in both cases. */
  readonly connect: () => Promise<Scripted>;
  /** Told of each connection before anything is asked over it. */
  readonly onUp: (client: Scripted) => void;
  /** Why this connection must not be used now, though it could be; null: it may. */
  readonly objection: (client: Scripted) => Error | null;
  /** Told of every attempt that failed and every connection that was lost, and with null of every one that is up. */
  readonly onState: (problem: Error | null) => void;
}

/** An answer was due and did not come: what was asked for may have happened, or may still happen. */
class AnswerOverdue extends Error {}

export class RedisConnection {
  readonly #options: RedisConnectionOptions;
  #client: Scripted | null = null;
  #hangs = false;
  #problem: Error = new Error('not connected yet');
  #closed = false;
  /** Replaced by each connection and each failure. */
  #change = Promise.withResolvers<void>();
  readonly #stop = new AbortController();
  #onLost: () => void = () => undefined;

  constructor(options: RedisConnectionOptions) {
    this.#options = options;
    void this.#keepUp();
  }

  /** Why nothing can be asked now; null when it can. */
  get problem(): Error | null {
    return this.#client === null || this.#hangs ? this.#problem : this.#options.objection(this.#client);
  }

  /** Resolves with the next connection, or when an attempt has failed. */
  get changed(): Promise<void> {
    return this.#change.promise;
  }

  /** The client of the moment; another one after each loss. Throws StoreUnavailable while there is none. */
  get client(): Scripted {
    const { problem } = this;
    if (problem !== null) throw new StoreUnavailable(problem);
    return this.#client!;
  }

  /** Resolves once there is a client. Rejects once the connection is closed. */
  async connected(): Promise<Scripted> {
    while (this.problem !== null) {
      if (this.#closed) throw new StoreUnavailable(this.#problem);
      await this.#change.promise;
    }
    return this.client;
  }

  /** What `work` brings, or AnswerOverdue after `timeoutMs`; then nobody else waits until the server answers again. */
  async ask<T>(client: Scripted, timeoutMs: number, work: (client: Scripted) => Promise<T>): Promise<T> {
    let cancel = (): void => undefined;
    const late = new Promise<never>((_, reject) => {
      cancel = stallAwareTimeout(timeoutMs, () => {
        const problem = new AnswerOverdue(`no answer within ${timeoutMs} ms`);
        this.#suspect(client, problem);
        reject(problem);
      });
    });
    const answer = work(client);
    // Answers that come too late are nobody's.
    answer.catch(() => undefined);
    try {
      return await Promise.race([answer, late]);
    } finally {
      cancel();
    }
  }

  /** Drops this connection, if it still is the one, and opens another. */
  abandon(client: Scripted, problem: Error): void {
    if (this.#client !== client) return;
    this.#lose(problem);
    client.disconnect();
  }

  /** The same where `isWrong` holds, whether or not it can be asked at the moment. */
  abandonIf(isWrong: (client: Scripted) => boolean, problem: Error): void {
    if (this.#client !== null && isWrong(this.#client)) this.abandon(this.#client, problem);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop.abort();
    const client = this.#client;
    this.#lose(new Error('it has been closed'));
    client?.disconnect();
  }

  async #keepUp(): Promise<void> {
    for (let failures = 0; !this.#closed; ) {
      const lost = await this.#attempt();
      if (this.#closed) return;
      failures = lost ? 0 : failures + 1;
      const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** failures) * (0.5 + Math.random() / 2);
      await pause(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  /** Resolves at its end with whether there was a connection, and not only for a moment. */
  async #attempt(): Promise<boolean> {
    let client: Scripted;
    try {
      client = await this.#options.connect();
    } catch (error) {
      if (!this.#closed) this.#fail(error as Error);
      return false;
    }
    if (this.#closed) {
      client.disconnect();
      return false;
    }
    const ended = new Promise<void>((resolve) => client.once('end', resolve));
    if (client.status !== 'ready') return false;
    this.#client = client;
    this.#hangs = false;
    const sinceMs = performance.now();
    this.#options.onUp(client);
    this.#turn();
    this.#options.onState(null);
    const abandoned = new Promise<void>((resolve) => {
      this.#onLost = resolve;
    });
    await Promise.race([ended, abandoned]);
    if (this.#client === client) this.#lose(new Error('the connection was lost'));
    return performance.now() - sinceMs > STABLE_MS;
  }

  #lose(problem: Error): void {
    this.#client = null;
    this.#fail(problem);
    this.#onLost();
  }

  #fail(problem: Error): void {
    this.#problem = problem;
    if (!this.#closed) this.#options.onState(problem);
    this.#turn();
  }

  #turn(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  /** Answers come in the order of the questions: the one to our ping says that all before it are through. */
  #suspect(client: Scripted, problem: Error): void {
    if (this.#client !== client || this.#hangs) return;
    this.#hangs = true;
    this.#problem = problem;
    this.#options.onState(problem);
    const timer = setTimeout(() => this.abandon(client, problem), ABANDON_MS);
    client.ping().then(
      () => {
        clearTimeout(timer);
        if (this.#client !== client) return;
        this.#hangs = false;
        this.#turn();
        this.#options.onState(null);
      },
      () => clearTimeout(timer),
    );
  }
}
