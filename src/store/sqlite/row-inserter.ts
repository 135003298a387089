/** Adds many rows of one table by few statements: a call into the engine costs as much as a row. Knows no column. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

/** Rows that one statement adds. */
const TOGETHER = 32;

export class RowInserter {
  readonly #database: DatabaseSync;
  readonly #insert: string;
  readonly #row: string;
  /** By how many rows each adds, prepared when so many are first added. */
  readonly #statements: StatementSync[] = [];

  /** `insert`: as SQL has it, up to the columns. */
  constructor(database: DatabaseSync, insert: string, columns: number) {
    this.#database = database;
    this.#insert = insert;
    this.#row = `(${new Array(columns).fill('?').join(', ')})`;
  }

  add(rows: ReadonlyArray<readonly SQLInputValue[]>): void {
    for (let from = 0; from < rows.length; from += TOGETHER) {
      const some = rows.length <= TOGETHER ? rows : rows.slice(from, from + TOGETHER);
      this.#of(some.length).run(...some.flat());
    }
  }

  #of(count: number): StatementSync {
    const known = this.#statements[count];
    if (known !== undefined) return known;
    const rows = new Array(count).fill(this.#row).join(', ');
    const made = this.#database.prepare(`${this.#insert} VALUES ${rows}`);
    this.#statements[count] = made;
    return made;
  }
}
