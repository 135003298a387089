/**
 * The changes of one turn of the event loop, in one transaction: each may build on those before it, and all are committed and
 * synced together when the turn ends. One that throws leaves nothing behind, and the others stay; where the commit itself
 * fails, all of them have failed. Knows no statement of theirs.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { StoreUnavailable } from '../store.ts';
import type { SyncWaiter, WalSync } from './wal-sync.ts';

export class CommitGroup {
  readonly #database: DatabaseSync;
  readonly #sync: WalSync;
  readonly #onBegin: () => void;
  readonly #onLost: (error: unknown) => void;
  readonly #enter: StatementSync;
  readonly #leave: StatementSync;
  #waiting: SyncWaiter[] = [];
  #isOpen = false;

  /** `onBegin`: nobody else writes from now on. `onLost`: what was read of the group's changes was never made. */
  constructor(database: DatabaseSync, sync: WalSync, onBegin: () => void, onLost: (error: unknown) => void) {
    this.#database = database;
    this.#sync = sync;
    this.#onBegin = onBegin;
    this.#onLost = onLost;
    this.#enter = database.prepare('SAVEPOINT change');
    this.#leave = database.prepare('RELEASE change');
  }

  /** Throws what `work` throws, and where another process holds the lock. */
  run<T>(work: () => T): T {
    if (!this.#isOpen) return this.#first(work);
    this.#enter.run();
    try {
      const result = work();
      this.#leave.run();
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK TO change; RELEASE change');
      else this.#lose(error);
      throw error;
    }
  }

  /** Resolves once all that was run up to now is durable. Rejects with StoreUnavailable. */
  settled(): Promise<void> {
    const waiting = Promise.withResolvers<void>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  /** Of whoever needs a transaction of their own, or ends the connection. */
  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#lose(error);
      return;
    }
    this.#sync.make(this.#waiting.splice(0));
  }

  /** Nothing is there yet that it would have to leave as it was: a mark to go back to has its price. */
  #first<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      this.#onBegin();
      const result = work();
      this.#isOpen = true;
      setImmediate(() => this.end());
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #lose(error: unknown): void {
    this.#isOpen = false;
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    const waiting = this.#waiting.splice(0);
    this.#onLost(error);
    for (const { reject } of waiting) reject(error instanceof StoreUnavailable ? error : new StoreUnavailable(error));
  }
}
