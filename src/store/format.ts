/**
 * Where it stands in what format the records of a store are. One record of its own, so that it is carried over, backed up
 * and restored with them. What a format is, and how one becomes the next, is nothing that a store knows.
 */
import { SetupError } from '../errors.ts';
import type { Stored } from './store.ts';

/** Under a kind of its own: no fact is read from it. */
export const FORMAT_KEY = 'format/records';
/** Of a store without the record, unless it is empty: what was written before there was one. */
export const FIRST_FORMAT = 1;

export interface FormatRecord {
  readonly number: number;
  /** All records are being rewritten to this one; some are. */
  readonly becoming?: number;
  /** Who rewrites them. */
  readonly by?: string;
}

/** Throws SetupError where the record is none that we have written. */
export function readFormat(stored: Stored | null): FormatRecord {
  if (stored === null) return { number: FIRST_FORMAT };
  const record = stored.record as FormatRecord | null;
  if (Number.isSafeInteger(record?.number)) return record!;
  throw new SetupError(
    `store: the record ${FORMAT_KEY}, which says in what format all others are, is damaged; restore the store from a backup`,
  );
}
