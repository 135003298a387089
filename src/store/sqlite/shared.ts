/**
 * Values that many records have alike, as the file keeps them: by a number that is counted, beside what is made of the value,
 * by which one is found, and one that was altered noticed. None is ever changed or taken away, so what is known stays true.
 * Numbers are given only within a transaction that writes.
 */
import type { DatabaseSync } from 'node:sqlite';
import { readShared, type SharedValues, sharedNumber } from '../codec/shared-values.ts';

const REMEMBERED_MAX = 50_000;

export class SqliteShared {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #numbers = new Map<string, number | null>();
  readonly #values = new Map<number, unknown>();
  /** For what is written. */
  readonly giving: SharedValues = {
    counted: true,
    numberOf: (json) => this.#numberOf(json, true),
    valueOf: (number) => this.#valueOf(number),
  };
  /** For what is read: what has no number yet stands nowhere. */
  readonly known: SharedValues = {
    counted: true,
    numberOf: (json) => this.#numberOf(json, false),
    valueOf: (number) => this.#valueOf(number),
  };

  constructor(database: DatabaseSync) {
    this.#statements = prepare(database);
  }

  /** What was given in a transaction that was not made is no number. */
  forget(): void {
    this.#numbers.clear();
    this.#values.clear();
  }

  #numberOf(json: string, gives: boolean): number | null {
    const known = this.#numbers.get(json);
    if (known !== undefined) return known;
    const made = sharedNumber(json);
    const found = this.#statements.find.get(made) as { id: number; value: string } | undefined;
    if (found === undefined && !gives) return null;
    const number = found?.id ?? Number(this.#statements.add.run(made, json).lastInsertRowid);
    // Of two values of which the same is made, the second has no number.
    const own = found === undefined || found.value === json ? number : null;
    if (this.#numbers.size >= REMEMBERED_MAX) this.#numbers.clear();
    this.#numbers.set(json, own);
    return own;
  }

  #valueOf(number: number): unknown {
    const known = this.#values.get(number);
    if (known !== undefined) return known;
    const found = this.#statements.value.get(number) as { made: number; value: string } | undefined;
    if (found === undefined) throw new Error(`the shared value ${number}, which a record needs, is lost`);
    const value = readShared(found.made, found.value);
    if (this.#values.size >= REMEMBERED_MAX) this.#values.clear();
    this.#values.set(number, value);
    return value;
  }
}

function prepare(database: DatabaseSync) {
  return {
    find: database.prepare('SELECT id, value FROM shared WHERE made = ?'),
    value: database.prepare('SELECT made, value FROM shared WHERE id = ?'),
    add: database.prepare('INSERT INTO shared (made, value) VALUES (?, ?)'),
  };
}
