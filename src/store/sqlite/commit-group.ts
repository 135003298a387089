/**
 * Changes that come close upon each other, in one transaction: each may build on those before it, and all are committed and
 * synced together. One that throws leaves nothing behind, and the others stay; where the commit itself fails, all of them have
 * failed. Knows no statement of theirs.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { StoreUnavailable } from '../store.ts';
import type { SyncWaiter, WalSync } from './wal-sync.ts';

/** The file is locked to other processes meanwhile, and nobody is answered: no group is open for longer. */
const OPEN_MAX_MS = 4;
/** Turns of the event loop in a row that bring no change: then no more is expected. A call to the sidecar takes as many. */
const QUIET_TURNS = 4;

export class CommitGroup {
  readonly #database: DatabaseSync;
  readonly #sync: WalSync;
  readonly #onBegin: () => void;
  readonly #onLost: (error: unknown) => void;
  readonly #enter: StatementSync;
  readonly #leave: StatementSync;
  #waiting: SyncWaiter[] = [];
  #isOpen = false;
  #isWatched = false;
  #beganMs = 0;
  #quietTurns = 0;
  /** Changes of the open group at the last look, and of the group before it. */
  #seen = 0;
  #before = 0;

  /** `onBegin`: nobody else writes from now on. `onLost`: what was read of the group's changes was never made. */
  constructor(database: DatabaseSync, sync: WalSync, onBegin: () => void, onLost: (error: unknown) => void) {
    this.#database = database;
    this.#sync = sync;
    this.#onBegin = onBegin;
    this.#onLost = onLost;
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
    this.#isOpen = false;
    try {
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#lose(error);
      return;
    }
    this.#before = this.#waiting.length;
    this.#sync.make(this.#waiting.splice(0));
  }

  /** Nothing is there yet that it would have to leave as it was: a mark to go back to has its price. */
  #first<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      this.#onBegin();
      const result = work();
      this.#isOpen = true;
      this.#beganMs = performance.now();
      this.#seen = 0;
      this.#quietTurns = 0;
      this.#watch();
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #watch(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    setImmediate(this.#look);
  }

  /**
   * After each turn: to sync is dearer than to write, so several that come close upon each other wait for each other. One that
   * comes alone after another that did is not kept waiting.
   */
  readonly #look = (): void => {
    this.#isWatched = false;
    if (!this.#isOpen) return;
    const count = this.#waiting.length;
    this.#quietTurns = count > this.#seen ? 0 : this.#quietTurns + 1;
    this.#seen = count;
    const isAlone = count <= 1 && this.#before <= 1;
    const isLong = performance.now() - this.#beganMs > OPEN_MAX_MS;
    if (isAlone || isLong || this.#quietTurns >= QUIET_TURNS) this.end();
    else this.#watch();
  };

  #lose(error: unknown): void {
    this.#isOpen = false;
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    const waiting = this.#waiting.splice(0);
    this.#onLost(error);
    for (const { reject } of waiting) reject(error instanceof StoreUnavailable ? error : new StoreUnavailable(error));
  }
}
