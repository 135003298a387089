/**
 * A store that can be carried over into another engine: what it holds, whole, beside what management needs of it. Never
 * asked on any request's way. Types, and what makes two records the same.
 */
import { isDeepStrictEqual } from 'node:util';
import type { IndexEntry, Store, Stored } from './store.ts';

/** A record with all that is needed to write it again elsewhere. */
export interface Exported extends Stored {
  readonly indexes: readonly IndexEntry[];
}

export interface ExportedPage {
  readonly records: readonly Exported[];
  /** For the next page; null: this was the last. */
  readonly next: string | null;
}

/** Every method rejects with StoreUnavailable when the engine cannot be asked, or holds what no commit has written. */
export interface ExportableStore extends Store {
  /**
   * About so many records, in an order of the engine's own. Whoever follows `next` from null to null is shown every
   * record that stood there all the while at least once; one that came or went meanwhile, perhaps.
   */
  export(cursor: string | null, limit: number): Promise<ExportedPage>;
  /** These records, in this order. */
  exported(keys: readonly string[]): Promise<ReadonlyArray<Exported | null>>;
  /** How many records there are, or a few more, as with `export`; counts them, which takes its time. */
  size(): Promise<number>;
  /** The newest revision; 0: nothing was ever committed. */
  revision(): Promise<number>;
}

/** The same record in the same lists, in whatever order an engine has its fields; its version is each engine's own affair. */
export function isSame(left: Exported, right: Exported): boolean {
  return left.key === right.key && isDeepStrictEqual(told(left), told(right));
}

function told({ record, indexes }: Exported) {
  const entries = indexes.map(({ index, score, text }) => [index, score, text] as const);
  return [record, entries.sort(([one], [other]) => (one < other ? -1 : 1))];
}
