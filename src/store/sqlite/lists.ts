/**
 * The names of ordered lists, each written once: records and entries have its number. A list that is empty has no name any
 * more, and no number is given twice. Numbers are told and given only within a transaction that writes; what is known of them
 * is true until another connection writes.
 */
import type { DatabaseSync } from 'node:sqlite';
import { ByteReader, ByteWriter } from '../codec/bytes.ts';
import type { IndexEntry } from '../store.ts';

/** Names that are remembered; past it all are read again. */
const REMEMBERED_MAX = 20_000;

/** What an entry is ordered by: its score, or its text. */
export type EntryOrder = number | string;
/** An order, and the numbers of the lists in which a record has it. */
export type NumberedLists = ReadonlyArray<readonly [order: EntryOrder, ...lists: number[]]>;

export class ListNumbers {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #numbers = new Map<string, number>();

  constructor(database: DatabaseSync) {
    this.#statements = prepare(database);
  }

  /** What was given in a transaction that was not made is no number. */
  forget(): void {
    this.#numbers.clear();
  }

  /** Gives numbers to lists that have none yet. */
  numberedOf(indexes: readonly IndexEntry[]): NumberedLists {
    const byOrder = new Map<EntryOrder, [EntryOrder, ...number[]]>();
    for (const { index, score, text } of indexes) {
      const order = text ?? score;
      const place = byOrder.get(order);
      if (place === undefined) byOrder.set(order, [order, this.numberOf(index)]);
      else place.push(this.numberOf(index));
    }
    return [...byOrder.values()];
  }

  /** After the last entry of a list may have gone. */
  tidy(lists: Iterable<number>): void {
    for (const list of lists) {
      if (this.#statements.removeEmpty.run(list, list).changes === 0) continue;
      // Rare, and so it need not be found by its number.
      this.forget();
    }
  }

  /** Gives it one if it has none yet. */
  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const found = this.#statements.find.get(name) as { id: number } | undefined;
    const number = found?.id ?? Number(this.#statements.add.run(name).lastInsertRowid);
    if (this.#numbers.size >= REMEMBERED_MAX) this.forget();
    this.#numbers.set(name, number);
    return number;
  }
}

/** How a score is written: not at all, as the distance from a time that it is near, or in full. */
const [ZERO, NEAR, FULL] = [0, 1, 2];
const FORMS = 3;
/** No list has a score: what follows is a text, the one list that it orders, and the next. */
const TEXT = 0;
const NEAR_MAX = 2 ** 50;

const scratch = new ByteWriter();

/** `baseMs`: a time that most scores are near. */
export function writeLists(places: NumberedLists, baseMs: number): Buffer {
  scratch.backTo(0);
  for (const [score, ...lists] of places) {
    if (typeof score === 'string') {
      for (const list of lists) {
        scratch.whole(TEXT);
        scratch.text(score);
        scratch.whole(list);
      }
      continue;
    }
    // A minus zero has its own eight bytes.
    const isNear = Number.isSafeInteger(score) && Math.abs(score) < NEAR_MAX && !Object.is(score, -0);
    const form = !isNear ? FULL : score === 0 ? ZERO : NEAR;
    scratch.whole(FORMS * lists.length + form);
    if (form === NEAR) scratch.signed(score - baseMs);
    if (form === FULL) scratch.double(score);
    for (const list of lists) scratch.whole(list);
  }
  return scratch.take();
}

/** Throws where it is nothing that was written as such. */
export function readLists(bytes: unknown, baseMs: number): NumberedLists {
  if (!(bytes instanceof Uint8Array)) throw new Error('it is not told in which lists a record stands');
  const reader = new ByteReader(bytes);
  const places: Array<[EntryOrder, ...number[]]> = [];
  while (!reader.isAtEnd) {
    const first = reader.whole();
    if (first === TEXT) {
      places.push([reader.text(), reader.whole()]);
      continue;
    }
    const [form, count] = [first % FORMS, Math.floor(first / FORMS)];
    const place: [EntryOrder, ...number[]] = [
      form === ZERO ? 0 : form === NEAR ? reader.signed() + baseMs : reader.double(),
    ];
    // Each takes a byte at least, so a count that is none ends with the bytes.
    for (let nth = 0; nth < count; nth++) place.push(reader.whole());
    places.push(place);
  }
  return places;
}

function prepare(database: DatabaseSync) {
  return {
    find: database.prepare('SELECT id FROM lists WHERE name = ?'),
    add: database.prepare('INSERT INTO lists (name) VALUES (?)'),
    removeEmpty: database.prepare(
      'DELETE FROM lists WHERE id = ? AND NOT EXISTS (SELECT 1 FROM entries WHERE list = ?)',
    ),
  };
}
