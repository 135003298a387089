/**
 * Values that many records have alike (a set of scopes, an organization's id): each is kept once, beside the records, and
 * records have its number. Where processes cannot ask each other, the number is made of the value itself; where they share a
 * file, it is counted, and takes a byte or two. A value that was lost or altered is noticed by whoever reads it. Keeps
 * nothing itself.
 */
import { hash } from 'node:crypto';
import type { ByteReader, ByteWriter } from './bytes.ts';

/** Of bytes in a number that is made of its value. */
const NUMBER_BYTES = 5;

/** What records are encoded and decoded with. A value is told by its JSON. */
export interface SharedValues {
  /** Numbers are counted, from 1; else they are made of their values. Part of the format of what is encoded. */
  readonly counted: boolean;
  /** The number of this value, which is kept from now on; null: the number is another value's. */
  numberOf(json: string): number | null;
  /** Throws where there is none of this number, or another one. The same object for all who ask, and nobody can change it. */
  valueOf(number: number): unknown;
}

export function writeNumber(writer: ByteWriter, number: number, { counted }: SharedValues): void {
  if (counted) writer.whole(number);
  else writer.fixed(number, NUMBER_BYTES);
}

export function readNumber(reader: ByteReader, { counted }: SharedValues): number {
  return counted ? reader.whole() : reader.fixed(NUMBER_BYTES);
}

/** What is made of a value: of 40 bits. */
export function sharedNumber(json: string): number {
  return Number.parseInt(hash('sha256', json, 'hex').slice(0, 2 * NUMBER_BYTES), 16);
}

/** What stands under this number. Throws where it is not what the number was made of. */
export function readShared(number: number, json: string | undefined): unknown {
  if (json === undefined || sharedNumber(json) !== number)
    throw new Error(`the shared value ${number}, which a record needs, is ${json === undefined ? 'lost' : 'damaged'}`);
  return frozen(JSON.parse(json));
}

function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}
