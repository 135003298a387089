/**
 * The names of ordered lists, each written once: records and entries have its number. A list that is empty has no name any
 * more, and no number is given twice. Numbers are told and given only within a transaction that writes.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { IndexEntry } from '../store.ts';

/** Names that are remembered; past it all are read again. */
const REMEMBERED_MAX = 20_000;

/** A score, and the numbers of the lists in which a record has it. */
export type NumberedLists = ReadonlyArray<readonly [score: number, ...lists: number[]]>;

export class ListNumbers {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #numbers = new Map<string, number>();
  #dataVersion = 0;

  constructor(database: DatabaseSync) {
    this.#statements = prepare(database);
  }

  /** At the begin of a transaction: another process may have given other numbers meanwhile. */
  begin(): void {
    const { data_version: version } = this.#statements.dataVersion.get() as { data_version: number };
    if (version !== this.#dataVersion || this.#numbers.size > REMEMBERED_MAX) this.forget();
    this.#dataVersion = version;
  }

  /** What was given in a transaction that was not made is no number. */
  forget(): void {
    this.#numbers.clear();
  }

  /** Gives numbers to lists that have none yet. */
  numberedOf(indexes: readonly IndexEntry[]): NumberedLists {
    const byScore = new Map<number, [number, ...number[]]>();
    for (const { index, score } of indexes) {
      const place = byScore.get(score);
      if (place === undefined) byScore.set(score, [score, this.#numberOf(index)]);
      else place.push(this.#numberOf(index));
    }
    return [...byScore.values()];
  }

  /** After the last entry of a list may have gone. */
  tidy(lists: Iterable<number>): void {
    for (const list of lists) {
      if (this.#statements.removeEmpty.run(list, list).changes === 0) continue;
      // Rare, and so it need not be found by its number.
      this.forget();
    }
  }

  #numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const found = this.#statements.find.get(name) as { id: number } | undefined;
    const number = found?.id ?? Number(this.#statements.add.run(name).lastInsertRowid);
    this.#numbers.set(name, number);
    return number;
  }
}

/** Throws where it is nothing that was written as such. */
export function readNumberedLists(text: string): NumberedLists {
  const places = JSON.parse(text) as NumberedLists;
  const isSound =
    Array.isArray(places) &&
    places.every((place) => Array.isArray(place) && place.every((number) => Number.isFinite(number)));
  if (!isSound) throw new Error('it is not told in which lists a record stands');
  return places;
}

function prepare(database: DatabaseSync) {
  return {
    dataVersion: database.prepare('PRAGMA data_version'),
    find: database.prepare('SELECT id FROM lists WHERE name = ?'),
    add: database.prepare('INSERT INTO lists (name) VALUES (?)'),
    removeEmpty: database.prepare(
      'DELETE FROM lists WHERE id = ? AND NOT EXISTS (SELECT 1 FROM entries WHERE list = ?)',
    ),
  };
}
