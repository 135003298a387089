/**
 * The names of a record's fields, written once for all records that have the same ones: a record is stored as the list of
 * its values, beside the number of its shape. Knows no field; a record that fits none of this is stored as it is. No shape
 * is ever taken away, and no number is given twice.
 */
import type { DatabaseSync } from 'node:sqlite';

/** A field that has a value, or one that has fields of its own. */
type Field = string | readonly [name: string, fields: Shape];
type Shape = readonly Field[];
type Fields = Record<string, unknown>;

export interface StoredText {
  readonly text: string;
  /** null: the text is the record's own. */
  readonly shape: number | null;
}

/** Fields within fields within fields. */
const DEPTH_MAX = 3;
/** More names than this are no shape that others will have. */
const TEXT_MAX = 2000;
/** Past it, fields seem to be named at will. */
const SHAPES_MAX = 2000;

export class RecordShapes {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #numbers = new Map<string, number>();
  readonly #shapes = new Map<number, { readonly shape: Shape; readonly size: number }>();

  constructor(database: DatabaseSync) {
    this.#statements = prepare(database);
  }

  /** Within a transaction that writes, since the shape may be new. */
  textOf(record: unknown): StoredText {
    const [shape, values]: [Field[], unknown[]] = [[], []];
    const number = isFields(record) && take(record, shape, values, 1) ? this.#numberOf(JSON.stringify(shape)) : null;
    return { text: JSON.stringify(number === null ? record : values), shape: number };
  }

  /** Throws where it is nothing that was stored. */
  recordOf({ text, shape: number }: StoredText): unknown {
    const stored = JSON.parse(text) as unknown;
    if (number === null) return stored;
    const { shape, size } = this.#shapeOf(number);
    if (!Array.isArray(stored) || stored.length !== size) throw new Error(`a record is not of its shape ${number}`);
    return build(shape, stored[Symbol.iterator]());
  }

  /** What was given in a transaction that was not made is no number. */
  forget(): void {
    this.#numbers.clear();
    this.#shapes.clear();
  }

  /** null: there are too many already. */
  #numberOf(text: string): number | null {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    if (text.length > TEXT_MAX) return null;
    const found = this.#statements.find.get(text) as { id: number } | undefined;
    if (found === undefined && (this.#statements.count.get() as { total: number }).total >= SHAPES_MAX) return null;
    const number = found?.id ?? Number(this.#statements.add.run(text).lastInsertRowid);
    this.#numbers.set(text, number);
    return number;
  }

  #shapeOf(number: number) {
    const known = this.#shapes.get(number);
    if (known !== undefined) return known;
    const found = this.#statements.shape.get(number) as { fields: string } | undefined;
    if (found === undefined) throw new Error(`there is no shape ${number}, which a record has`);
    const shape = JSON.parse(found.fields) as Shape;
    const read = { shape, size: sizeOf(shape) };
    this.#shapes.set(number, read);
    return read;
  }
}

/** In the order in which JSON would have them. false: it would lose something. */
function take(record: Fields, shape: Field[], values: unknown[], depth: number): boolean {
  for (const name of Object.keys(record)) {
    const value = record[name];
    if (value === undefined) continue;
    // Assigning the first would be no field, and JSON leaves out the second.
    if (name === '__proto__' || typeof value === 'function' || typeof value === 'symbol') return false;
    if (depth < DEPTH_MAX && isFields(value)) {
      const fields: Field[] = [];
      if (!take(value, fields, values, depth + 1)) return false;
      shape.push([name, fields]);
    } else {
      shape.push(name);
      values.push(value);
    }
  }
  return true;
}

function build(shape: Shape, values: Iterator<unknown>): Fields {
  const record: Fields = {};
  for (const field of shape) {
    if (typeof field === 'string') record[field] = values.next().value;
    else record[field[0]] = build(field[1], values);
  }
  return record;
}

function sizeOf(shape: Shape): number {
  return shape.reduce((sum, field) => sum + (typeof field === 'string' ? 1 : sizeOf(field[1])), 0);
}

/** Not what would write itself in its own way. */
function isFields(value: unknown): value is Fields {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return false;
  return typeof (value as Fields).toJSON !== 'function';
}

function prepare(database: DatabaseSync) {
  return {
    find: database.prepare('SELECT id FROM shapes WHERE fields = ?'),
    shape: database.prepare('SELECT fields FROM shapes WHERE id = ?'),
    add: database.prepare('INSERT INTO shapes (fields) VALUES (?)'),
    count: database.prepare('SELECT count(*) AS total FROM shapes'),
  };
}
