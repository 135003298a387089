/**
 * Records as rows of the file: the key in few bytes, the version, the record as the codec has it, its lists. A row keeps its
 * number for as long as anybody may ask for it: that of a record which was deleted stays, without the record, until the
 * change log is past it, so that lists and notices may go on naming rows. Writes nothing.
 */
import type { DatabaseSync } from 'node:sqlite';
import { ByteReader, ByteWriter } from '../codec/bytes.ts';
import { decodeKey, decodeRecord, encodeKey } from '../codec/record-codec.ts';
import { encodedNumber, isMade, keyNumber, madeAtMs } from './key-number.ts';
import { type EntryOrder, type NumberedLists, readLists } from './lists.ts';
import type { SqliteShared } from './shared.ts';

/** A row's place among entries with its score: what we have made, by its row, before everything else, by its key. */
export const tieOf = (key: string): string => (isMade(key) ? '' : key);
/** Ends the text of an entry, in whose place it stands. */
const TEXT_END = '\u0001';

/** The tie of an entry that is ordered by a text. */
const tieWith = (text: string, tie: string): string => `${text}${TEXT_END}${tie}`;
/** undefined: it is ordered by its score. */
export function textInTie(tie: string): string | undefined {
  const end = tie.indexOf(TEXT_END);
  return end === -1 ? undefined : tie.slice(0, end);
}
/** Behind all ties of texts that begin with it: no character of a text is greater. */
export const behindPrefix = (prefix: string): string => `${prefix}\u{10ffff}`;

export const baseOf = (key: string): number => madeAtMs(key) ?? 0;

export type Entry = readonly [list: number, score: number, tie: string, row: number];

/** `tie`: of its key. */
export function entryOf(list: number, order: EntryOrder, tie: string, row: number): Entry {
  return typeof order === 'string' ? [list, 0, tieWith(order, tie), row] : [list, order, tie, row];
}

interface EntryName {
  readonly key: string;
  readonly text?: string;
}

export interface FoundRow {
  readonly id: number;
  readonly version: number;
  /** null: it was deleted. */
  readonly record: Uint8Array | null;
  readonly lists: unknown;
}

export class SqliteRows {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #shared: SqliteShared;

  constructor(database: DatabaseSync, shared: SqliteShared) {
    this.#statements = prepare(database);
    this.#shared = shared;
  }

  /** undefined: there never was one, as far as anybody remembers. */
  find(key: string): FoundRow | undefined {
    const encoded = encodeKey(key, this.#shared.known);
    return this.#statements.find.get(encodedNumber(key, encoded), encoded) as FoundRow | undefined;
  }

  /** The record alone; undefined: there is none. */
  recordOf(key: string): { readonly record: unknown } | undefined {
    const encoded = encodeKey(key, this.#shared.known);
    const row = this.#statements.record.get(encodedNumber(key, encoded), encoded) as
      | { record: Uint8Array | null }
      | undefined;
    return row === undefined || row.record === null ? undefined : { record: this.decoded(key, row.record) };
  }

  /** Throws for anything that no commit has written. */
  decoded(key: string, record: unknown): unknown {
    if (!(record instanceof Uint8Array)) throw new Error(`the record ${key} is damaged`);
    return decodeRecord(key, record, this.#shared.known);
  }

  listsOf(key: string, lists: unknown): NumberedLists {
    return readLists(lists, baseOf(key));
  }

  keyIn(bytes: Uint8Array): string {
    return decodeKey(bytes, this.#shared.known);
  }

  /** Behind which row the entries behind this one are, among those of its score. */
  placeOf({ key, text }: EntryName): { readonly tie: string; readonly row: number } {
    const own = tieOf(key);
    const tie = text === undefined ? own : tieWith(text, own);
    if (own !== '') return { tie, row: Number.MAX_SAFE_INTEGER };
    const row =
      this.find(key)?.id ?? (this.#statements.nearest.get(keyNumber(key)) as { row: number } | undefined)?.row;
    return { tie, row: row ?? 0 };
  }

  /** The same from the other side: before which row the entries before it are. */
  placeBefore(entry: EntryName): { readonly tie: string; readonly row: number } {
    const { tie, row } = this.placeOf(entry);
    if (tieOf(entry.key) !== '') return { tie, row: 0 };
    return { tie, row: this.find(entry.key) === undefined ? row + 1 : row };
  }
}

const scratch = new ByteWriter();

/** Numbers of rows, in their order, as the change log has them. */
export function packRows(rows: readonly number[]): Buffer {
  scratch.backTo(0);
  let before = 0;
  for (const row of rows) {
    scratch.signed(row - before);
    before = row;
  }
  return scratch.take();
}

export function unpackRows(bytes: Uint8Array): number[] {
  const reader = new ByteReader(bytes);
  const rows: number[] = [];
  while (!reader.isAtEnd) rows.push(reader.signed() + (rows.at(-1) ?? 0));
  return rows;
}

function prepare(database: DatabaseSync) {
  const of = (columns: string) =>
    database.prepare(
      `SELECT ${columns} FROM keys k CROSS JOIN records r ON r.id = k.row WHERE k.number = ? AND r.key = ?`,
    );
  return {
    find: of('r.id, r.version, r.record, r.lists'),
    record: of('r.record'),
    nearest: database.prepare('SELECT row FROM keys WHERE number < ? ORDER BY number DESC, row DESC LIMIT 1'),
  };
}
