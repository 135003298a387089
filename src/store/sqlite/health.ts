/**
 * Can this file still take changes? Notices a file that was replaced under its name, a disk that is full and a write that
 * failed, and that a failure is over. A replaced file is never written again: what follows needs a restart.
 */
import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import type { StoreFault } from '../adapter.ts';
import { waitForLock } from './busy.ts';
import type { WalSync } from './wal-sync.ts';

/** What a change may need at once: less room is none. */
const ROOM_BYTES = 64 * 1024;
const ROOM = Buffer.alloc(ROOM_BYTES);
/** How often room is looked for, in looks at the file itself. */
const LOOKS_PER_TRIAL = 20;
const SQLITE_BUSY = 5;

export class SqliteHealth {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #sync: WalSync;
  readonly #files: ReadonlyArray<{ readonly path: string; readonly identity: string | null }>;
  #looks = 0;
  #isReplaced = false;
  /** The disk has no room. */
  #isFull = false;
  /** The engine could not write; only a write that it can make ends that. */
  #hasFailed = false;
  #isSetAside = false;

  constructor(path: string, database: DatabaseSync, sync: WalSync) {
    this.#path = path;
    this.#database = database;
    this.#sync = sync;
    // Its log and the index of that are there since it was opened.
    this.#files = [path, `${path}-wal`, `${path}-shm`].map((name) => ({ path: name, identity: identityOf(name) }));
  }

  get fault(): StoreFault | null {
    return this.#isReplaced
      ? 'replaced'
      : this.#isFull || this.#hasFailed || this.#sync.hasFailed
        ? 'unwritable'
        : null;
  }

  /** Makes a change once the lock is ours. Rejects with StoreUnavailable, also where the file is not the one that was opened. */
  async change<T>(work: () => T): Promise<T> {
    try {
      return await waitForLock(() => {
        // What is part of a transaction goes where its beginning went.
        if (!this.#database.isTransaction) this.#refuseReplaced();
        this.#sync.requireSound();
        return work();
      });
    } catch (error) {
      this.note((error as { cause?: unknown }).cause);
      throw error;
    }
  }

  /** A change was made. */
  wrote(): void {
    this.#hasFailed = false;
  }

  /** What the engine has said. That others held the lock says nothing of the file. */
  note(error: unknown): void {
    const { errcode } = (error ?? {}) as { errcode?: number };
    if (errcode !== undefined && (errcode & 0xff) !== SQLITE_BUSY) this.#hasFailed = true;
  }

  /** Regularly, some dozens of times each second. Never throws. */
  look(): void {
    if (!this.#isReplaced && !this.#isTheSame()) this.#isReplaced = true;
    if (this.#isReplaced) return this.#setAside();
    if (this.#looks++ % LOOKS_PER_TRIAL !== 0) return;
    this.#isFull = !hasRoom(`${this.#path}-room`);
    if (!this.#isFull && this.#hasFailed) this.#tryToWrite();
  }

  #refuseReplaced(): void {
    if (!this.#isReplaced && this.#isTheSame()) return;
    this.#isReplaced = true;
    throw new Error(`another file has taken the place of ${this.#path}; restart to use it`);
  }

  #isTheSame(): boolean {
    const { path, identity } = this.#files[0]!;
    return identityOf(path) === identity;
  }

  /** The least that is a change to the engine. */
  #tryToWrite(): void {
    // What others are about to commit tells as much.
    if (this.#database.isTransaction) return;
    try {
      const { user_version: version } = this.#database.prepare('PRAGMA user_version').get() as { user_version: number };
      this.#database.exec(`BEGIN IMMEDIATE; PRAGMA user_version = ${version}; COMMIT`);
      this.#hasFailed = false;
    } catch {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    }
  }

  /**
   * What our log holds goes to the file that it belongs to, and the log's name is given up: SQLite would take it for the
   * log of the new file, whoever opens that one, and mix both.
   */
  #setAside(): void {
    if (this.#isSetAside) return;
    try {
      const row = this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number };
      if (row.busy !== 0) return;
      for (const { path, identity } of this.#files.slice(1))
        if (identity !== null && identityOf(path) === identity) rmSync(path, { force: true });
      this.#isSetAside = true;
    } catch {
      // Others are reading, or the disk is full: at the next look.
    }
  }
}

/** Which file it is, whatever its name; null: there is none. */
function identityOf(path: string): string | null {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

/** Written and taken away again: what the system says of free space leaves out quotas and what is kept for root. */
function hasRoom(path: string): boolean {
  try {
    const file = openSync(path, 'w', 0o600);
    try {
      return writeSync(file, ROOM) === ROOM_BYTES;
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  } finally {
    rmSync(path, { force: true });
  }
}
