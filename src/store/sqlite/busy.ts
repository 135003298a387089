/** What SQLite refuses, in the words of a store; and how another process's lock is waited for. Knows no statement. */
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailable } from '../store.ts';

/** How long another process's lock is waited for: by a start, and by a commit, beside which everything else goes on. */
export const BUSY_MS = 2000;
const BUSY_PAUSE_MS = 10;
const SQLITE_BUSY = 5;
/** SQLITE_FULL, and SQLITE_IOERR_SHMSIZE: the log's index could not grow. */
const FULL = new Set([13, 4874]);
/** SQLITE_IOERR_WRITE: a quota that is used up, among other things. */
const WRITE_FAILED = 778;

/** Never in SQLite itself: it would hold up the whole process, requests included. */
export async function waitForLock<T>(work: () => T): Promise<T> {
  const untilMs = performance.now() + BUSY_MS;
  for (;;) {
    try {
      return work();
    } catch (error) {
      const busy = (error as { errcode?: number }).errcode === SQLITE_BUSY;
      if (!busy || performance.now() >= untilMs) throw new StoreUnavailable(error);
    }
    await sleep(BUSY_PAUSE_MS);
  }
}

/** Was there no room on the disk? SQLite says so in several ways, by what it was doing. */
export function isFull(error: unknown): boolean {
  return FULL.has(codeOf(error));
}

/** Might more room have helped? */
export function isMaybeFull(error: unknown): boolean {
  return isFull(error) || codeOf(error) === WRITE_FAILED;
}

function codeOf(error: unknown): number {
  const cause = error instanceof StoreUnavailable ? error.cause : error;
  return (cause as { errcode?: number } | null)?.errcode ?? 0;
}

export function ask<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new StoreUnavailable(error);
  }
}
