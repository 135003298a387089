/**
 * Makes what was committed durable: syncs the file's log, for as many commits at once as there are. SQLite itself syncs the
 * log before it writes any of it into the file, and the file before it begins the log anew. A sync that failed is never tried
 * again: the system may have forgotten what it could not write. Writes nothing.
 */
import { closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs';
import { OutcomeUnknown } from '../store.ts';

/**
 * One alone, after another that was, is synced at once, without the way to another thread and back; several let requests go on
 * meanwhile.
 */
const ALONE = 1;

/** Who waits for a commit to be durable. */
export type SyncWaiter = PromiseWithResolvers<void>;

export class WalSync {
  readonly #file: number;
  #waiting: SyncWaiter[] = [];
  #isSyncing = false;
  /** For how many the last sync was. */
  #lastCount = 0;
  #isClosed = false;
  #failure: Error | null = null;

  /** The log is there as soon as the file was read. */
  constructor(databasePath: string) {
    this.#file = openSync(`${databasePath}-wal`, 'r+');
  }

  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  /** Throws where nothing that is written could be made durable any more. */
  requireSound(): void {
    if (this.#failure !== null)
      throw new Error(`a sync of its log has failed (${this.#failure.message}); restart to go on`);
  }

  /** What these wait for was committed. Resolves them, or rejects them with OutcomeUnknown. */
  make(waiting: readonly SyncWaiter[]): void {
    this.#waiting.push(...waiting);
    if (!this.#isSyncing) this.#sync();
  }

  /** What was committed and waits is made durable first. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#waiting.length > 0) this.#syncAtOnce();
    if (!this.#isSyncing) closeSync(this.#file);
  }

  #sync(): void {
    if (this.#waiting.length === 0) return;
    const isAlone = this.#waiting.length <= ALONE && this.#lastCount <= ALONE;
    this.#lastCount = this.#waiting.length;
    if (isAlone) this.#syncAtOnce();
    else this.#syncBeside();
  }

  #syncAtOnce(): void {
    try {
      if (this.#failure === null) fdatasyncSync(this.#file);
    } catch (error) {
      this.#failure = error as Error;
    }
    this.#answer(this.#waiting.splice(0));
  }

  #syncBeside(): void {
    const waiting = this.#waiting.splice(0);
    this.#isSyncing = true;
    fdatasync(this.#file, (error) => {
      this.#isSyncing = false;
      this.#failure ??= error;
      this.#answer(waiting);
      if (this.#isClosed) closeSync(this.#file);
      else this.#sync();
    });
  }

  #answer(waiting: readonly SyncWaiter[]): void {
    for (const { resolve, reject } of waiting) {
      if (this.#failure === null) resolve();
      else reject(new OutcomeUnknown(this.#failure));
    }
  }
}
