/**
 * Waits until replicas have what was written. WAIT holds up its connection, so those who come while one is under way
 * share the next. Counts, and judges nothing.
 */
import type { Scripted } from './scripts.ts';

interface Turn {
  wanted: number;
  readonly have: Promise<number>;
}

export class ReplicaWait {
  readonly #client: Scripted;
  #running: Promise<number> | null = null;
  #next: Turn | null = null;

  /** Only what this very connection has written is waited for. */
  constructor(client: Scripted) {
    this.#client = client;
  }

  /** Resolves with how many replicas have it: as soon as these are `wanted`, or when the time is over. */
  wait(wanted: number, timeoutMs: number): Promise<number> {
    if (this.#next !== null) {
      this.#next.wanted = Math.max(this.#next.wanted, wanted);
      return this.#next.have;
    }
    if (this.#running === null) return this.#start(wanted, timeoutMs);
    const begin = () => {
      this.#next = null;
      return this.#start(turn.wanted, timeoutMs);
    };
    const turn: Turn = { wanted, have: this.#running.then(begin, begin) };
    this.#next = turn;
    return turn.have;
  }

  #start(wanted: number, timeoutMs: number): Promise<number> {
    const running = this.#client.wait(wanted, Math.max(1, Math.round(timeoutMs)));
    this.#running = running;
    const end = () => {
      if (this.#running === running) this.#running = null;
    };
    running.then(end, end);
    return running;
  }
}
