/**
 * Room that is kept free beside the database: a file of bytes that nobody reads, given up when the disk is full so that
 * what ends something can still be written. While it is not there nothing new is taken. Shared by all processes that
 * have the database open; never touches the database.
 */
import { closeSync, existsSync, openSync, renameSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { randomText } from '../../secret.ts';
import { StoreFull } from '../store.ts';
import { isFull, isMaybeFull } from './busy.ts';

export interface ReserveOptions {
  /** 0: none is kept. */
  readonly bytes: number;
  /** What an operator should read. */
  readonly report: (message: string) => void;
}

export const NO_RESERVE: ReserveOptions = { bytes: 0, report: () => undefined };

/** A small disk is not taken up by what is kept free on it. */
const PART_OF_DISK = 8;
const CHUNK_BYTES = 256 * 1024;
/** Between two lines about the same full disk. */
const REPORT_MS = 60_000;
const SUFFIX = '-reserve';

export class SqliteReserve {
  readonly #path: string;
  readonly #options: ReserveOptions;
  #bytes: number;
  #restoring: Promise<boolean> | null = null;
  #fullCount = 0;
  #reportedAtMs = Number.NEGATIVE_INFINITY;

  /** Makes the file where it is missing and there is room. */
  constructor(databasePath: string, options: ReserveOptions) {
    this.#path = databasePath + SUFFIX;
    this.#options = options;
    this.#bytes = Math.min(options.bytes, Math.floor(this.#diskBytes('blocks') / PART_OF_DISK));
    if (this.#isThere() || !this.#hasRoom()) return;
    const made = this.#temporary();
    try {
      writeBytes(made, this.#bytes);
      renameSync(made, this.#path);
    } catch (error) {
      rmSync(made, { force: true });
      this.#giveUpUnlessFull(error);
    }
  }

  /** How many changes found no room. */
  get fullCount(): number {
    return this.#fullCount;
  }

  /**
   * What `write` brings. What `ends` something is written into the reserve where there is no other room. Rejects with
   * StoreFull where there is none, and for anything new while the reserve is given up and cannot be made again. `isKept`: that
   * was looked at in this moment.
   */
  async around<T>(write: () => Promise<T>, ends: boolean, isKept: boolean): Promise<T> {
    if (!ends && !isKept && !(await this.#isKept())) throw this.#full('what was kept free on its disk is used up');
    try {
      return await write();
    } catch (error) {
      if (!ends || !isMaybeFull(error) || !this.#release()) throw this.#told(error);
    }
    return write().catch((error) => {
      throw this.#told(error);
    });
  }

  async #isKept(): Promise<boolean> {
    if (this.#isThere()) return true;
    this.#restoring ??= this.#restore().finally(() => {
      this.#restoring = null;
    });
    return this.#restoring;
  }

  /** false: nothing is left to give up. */
  #release(): boolean {
    if (this.#bytes === 0 || !existsSync(this.#path)) return false;
    rmSync(this.#path, { force: true });
    return true;
  }

  #told(error: unknown): unknown {
    return isFull(error) ? this.#full(error) : error;
  }

  #full(cause: unknown): StoreFull {
    this.#fullCount++;
    const nowMs = performance.now();
    if (nowMs - this.#reportedAtMs >= REPORT_MS) {
      this.#reportedAtMs = nowMs;
      const why = cause instanceof Error ? cause.message : String(cause);
      this.#options.report(
        `store: there is no room for anything new on the disk of ${dirname(this.#path)} (${why}); what ends or removes something is still made. Make room there`,
      );
    }
    return new StoreFull(cause);
  }

  #isThere(): boolean {
    return this.#bytes === 0 || (statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0) >= this.#bytes;
  }

  /** As much again must be left: what is restored into the last bytes would be given up again at once. */
  #hasRoom(): boolean {
    return this.#diskBytes('bavail') >= 2 * this.#bytes;
  }

  /** In slices, beside requests. */
  async #restore(): Promise<boolean> {
    if (!this.#hasRoom()) return false;
    const made = this.#temporary();
    try {
      const file = await open(made, 'wx', 0o600);
      try {
        for (let written = 0; written < this.#bytes; written += CHUNK_BYTES)
          await file.write(Buffer.alloc(Math.min(CHUNK_BYTES, this.#bytes - written), CHUNK));
        await file.sync();
      } finally {
        await file.close();
      }
      renameSync(made, this.#path);
      return true;
    } catch (error) {
      rmSync(made, { force: true });
      return this.#giveUpUnlessFull(error);
    }
  }

  /** Where no such file can be made at all, nothing is kept, and nothing refused for it. Returns whether that is so. */
  #giveUpUnlessFull(error: unknown): boolean {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') return false;
    this.#bytes = 0;
    this.#options.report(`store: nothing is kept free for revocations on a full disk: ${this.#path}: ${message}`);
    return true;
  }

  #temporary(): string {
    return `${this.#path}.${randomText(8)}`;
  }

  #diskBytes(what: 'blocks' | 'bavail'): number {
    try {
      const disk = statfsSync(dirname(this.#path));
      return Math.floor(disk[what] * disk.bsize);
    } catch {
      return 0;
    }
  }
}

/** No run of one byte, which some file systems do not store. */
const CHUNK = randomText(4093);

/** In pieces: all of it at once would be memory that a first start has and no later one. */
function writeBytes(path: string, bytes: number): void {
  const file = openSync(path, 'w', 0o600);
  try {
    const piece = Buffer.alloc(CHUNK_BYTES, CHUNK);
    for (let written = 0; written < bytes; written += CHUNK_BYTES)
      writeFileSync(file, piece.subarray(0, Math.min(CHUNK_BYTES, bytes - written)));
  } finally {
    closeSync(file);
  }
}
