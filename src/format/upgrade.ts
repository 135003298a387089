/** What an upgrade is: the way from one format of the records to the next. Types only. */
import type { Exported } from '../store/exportable.ts';
import type { IndexEntry, Stored } from '../store/store.ts';

/** What upgrades may ask of a store, beside the page that they are given. */
export interface UpgradeReader {
  get(key: string): Promise<Stored | null>;
  /** Every record of a list. */
  listed(index: string): Promise<ReadonlyArray<Pick<Stored, 'key'>>>;
  exported(keys: readonly string[]): Promise<ReadonlyArray<Exported | null>>;
}

/** `record: null`: it goes. `version`: of the record that it takes the place of; 0: there is none. */
export interface Rewritten {
  readonly key: string;
  readonly version: number;
  readonly record: unknown;
  readonly indexes: readonly IndexEntry[];
}

export interface Rewriting {
  readonly writes: readonly Rewritten[];
  /** Keys of records that are not what their key says. They stay as they are, and nothing is read from them. */
  readonly damaged: readonly string[];
}

/**
 * May be interrupted between any two pages and begun again, so `rewrite` leaves alone what is of its own format or of a
 * later one, and makes the same of the same. What it writes for one page is written at once or not at all.
 */
export interface FormatUpgrade {
  /** The number of the format that it makes. */
  readonly to: number;
  /** What is new in it, for the log. */
  readonly what: string;
  /** What was used is put into the list of uses. */
  readonly listsUses?: true;
  /** null: no record changes, and none is looked at. */
  readonly rewrite: ((page: readonly Exported[], reader: UpgradeReader) => Promise<Rewriting>) | null;
}
