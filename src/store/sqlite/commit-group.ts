/**
 * Changes that come close upon each other, in one transaction: each may build on those before it, and all are committed and
 * synced together. One that throws leaves nothing behind, and the others stay; where the commit itself fails, all of them have
 * failed. Knows no statement of theirs.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { StoreUnavailable } from '../store.ts';
import type { SyncWaiter, WalSync } from './wal-sync.ts';

/** The file is locked to other processes meanwhile: on a slow disk, too, no group is open for longer. */
const OPEN_MAX_MS = 2;

export class CommitGroup {
  readonly #database: DatabaseSync;
  readonly #sync: WalSync;
  readonly #onBegin: () => void;
  readonly #onLost: (error: unknown) => void;
  readonly #enter: StatementSync;
  readonly #leave: StatementSync;
  #waiting: SyncWaiter[] = [];
  #isOpen = false;
  #latest: NodeJS.Timeout | null = null;

  /** `onBegin`: nobody else writes from now on. `onLost`: what was read of the group's changes was never made. */
  constructor(database: DatabaseSync, sync: WalSync, onBegin: () => void, onLost: (error: unknown) => void) {
    this.#database = database;
    this.#sync = sync;
    this.#onBegin = onBegin;
    this.#onLost = onLost;
    sync.onIdle(() => this.end());
    this.#enter = database.prepare('SAVEPOINT change');
    this.#leave = database.prepare('RELEASE change');
  }

  get isOpen(): boolean {
    return this.#isOpen;
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
    this.#close();
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
      setImmediate(this.#turnEnded);
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /**
   * The turn is over. What comes while the disk is busy with the group before would wait for it anyway, and so it may come along.
   */
  readonly #turnEnded = (): void => {
    if (!this.#isOpen || this.#latest !== null) return;
    if (this.#sync.isSyncing) this.#latest = setTimeout(() => this.end(), OPEN_MAX_MS);
    else this.end();
  };

  #close(): void {
    this.#isOpen = false;
    if (this.#latest !== null) clearTimeout(this.#latest);
    this.#latest = null;
  }

  #lose(error: unknown): void {
    this.#close();
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    const waiting = this.#waiting.splice(0);
    this.#onLost(error);
    for (const { reject } of waiting) reject(error instanceof StoreUnavailable ? error : new StoreUnavailable(error));
  }
}
