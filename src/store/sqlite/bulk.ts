/**
 * Large changes, one after the other: a store that is being filled. For as long as they come SQLite may remember more of the
 * file, and writes what was committed into it less often. Otherwise neither: memory is others' to use, and who commits waits
 * for the writing. What a commit promises is the same.
 */
import type { DatabaseSync } from 'node:sqlite';

/** Records of one change. Whoever writes so many at once has nobody who waits for a quick answer. */
const BULK_RECORDS = 500;
/** After the last one. */
const ENDS_AFTER_MS = 2000;

/** Kibibytes of memory, and pages in the log; the second row is what SQLite has by itself. */
const BULK = 'PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16000; PRAGMA journal_size_limit = -1';
/** The log that has grown is cut to the bytes of the limit when it is begun anew. */
const USUAL = 'PRAGMA cache_size = -2000; PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 16777216';

export class BulkWriting {
  readonly #database: DatabaseSync;
  #end: NodeJS.Timeout | null = null;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Not within a transaction. */
  expect(records: number): void {
    if (records < BULK_RECORDS) return;
    if (this.#end !== null) {
      this.#end.refresh();
      return;
    }
    this.#database.exec(BULK);
    this.#end = setTimeout(() => {
      this.#end = null;
      this.#database.exec(USUAL);
    }, ENDS_AFTER_MS).unref();
  }

  close(): void {
    if (this.#end !== null) clearTimeout(this.#end);
  }
}
