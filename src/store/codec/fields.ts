/**
 * Records with a schema: which fields a record of some kind has is said here in the program, so that only their values are
 * kept, and of those only what is not as it usually is. What does not fit its schema is not encoded at all. Judges no value.
 */
import type { ByteReader, ByteWriter } from './bytes.ts';
import { readId, writeId } from './ids.ts';
import { readNumber, type SharedValues, writeNumber } from './shared-values.ts';

/** What values are told by, beside themselves. */
export interface Surroundings {
  readonly shared: SharedValues;
  /** Of the organization that the key names. */
  readonly organizationId: string;
  /** The id that the key names; behind the target of an event, the target's. */
  id: string;
  /** A time that most times of the record are near. */
  readonly baseMs: number;
}

/** How one kind of value is written. */
export interface ValueType {
  /** false: it is none of this kind; what was written of it by then is no good. */
  write(writer: ByteWriter, value: unknown, around: Surroundings): boolean;
  /** Throws where it is none that was written. */
  read(reader: ByteReader, around: Surroundings): unknown;
}

export interface RecordField {
  readonly name: string;
  readonly type: ValueType;
  /** What it nearly always is, told by its JSON: then nothing is written. */
  readonly usual?: unknown;
}

type Values = Readonly<Record<string, unknown>>;

/** The greatest whole number of either sign that ByteWriter takes. */
const SIGNED_MAX = 2 ** 51;
/** Masks of fields stay among the machine's small integers. */
const FIELDS_MAX = 30;

export class RecordSchema {
  readonly #fields: readonly RecordField[];
  readonly #usual: ReadonlyArray<string | undefined>;
  readonly #names: ReadonlySet<string>;

  /** Their order is part of the format; so is what is usual. Fields are only ever added, at the end. */
  constructor(fields: readonly RecordField[]) {
    if (fields.length > FIELDS_MAX) throw new RangeError('too many fields for one mask');
    this.#fields = fields;
    this.#usual = fields.map(({ usual }) => (usual === undefined ? undefined : JSON.stringify(usual)));
    this.#names = new Set(fields.map(({ name }) => name));
  }

  /** false: it does not fit. Fields without a value are as JSON takes them: not there. */
  write(writer: ByteWriter, record: Values, around: Surroundings): boolean {
    for (const name of Object.keys(record)) if (!this.#names.has(name)) return false;
    let [absent, written] = [0, 0];
    const count = this.#fields.length;
    for (let place = 0; place < count; place++) {
      const value = record[this.#fields[place]!.name];
      if (value === undefined) absent |= 1 << place;
      else if (!this.#isUsual(place, value)) written |= 1 << place;
    }
    writer.whole(absent);
    writer.whole(written);
    for (let place = 0; place < count; place++) {
      const { name, type } = this.#fields[place]!;
      if ((written >> place) & 1 && !type.write(writer, record[name], around)) return false;
    }
    return true;
  }

  read(reader: ByteReader, around: Surroundings): Record<string, unknown> {
    const [absent, written] = [reader.whole(), reader.whole()];
    const count = this.#fields.length;
    if (absent >= 2 ** count || written >= 2 ** count) throw new Error('a record has a field that nobody knows');
    const record: Record<string, unknown> = {};
    for (let place = 0; place < count; place++) {
      if ((absent >> place) & 1) continue;
      const { name, type } = this.#fields[place]!;
      record[name] = (written >> place) & 1 ? type.read(reader, around) : this.#usualOf(place);
    }
    return record;
  }

  #isUsual(place: number, value: unknown): boolean {
    const usual = this.#usual[place];
    if (usual === undefined) return false;
    const plain = this.#fields[place]!.usual;
    return typeof plain === 'object' && plain !== null ? JSON.stringify(value) === usual : value === plain;
  }

  #usualOf(place: number): unknown {
    const { name, usual } = this.#fields[place]!;
    if (usual === undefined) throw new Error(`a record is without its field ${name}`);
    return typeof usual === 'object' && usual !== null ? JSON.parse(this.#usual[place]!) : usual;
  }
}

/** What the key says already. */
export const OF_KEY = (name: 'organizationId' | 'id'): ValueType => ({
  write: (_, value, around) => value === around[name],
  read: (_, around) => around[name],
});

/** A whole number, mostly a time: as the distance from the time that is near. */
export const NUMBER: ValueType = {
  write(writer, value, { baseMs }) {
    if (!Number.isSafeInteger(value) || Math.abs(value as number) > SIGNED_MAX) return false;
    writer.signed((value as number) - baseMs);
    return true;
  },
  read: (reader, { baseMs }) => reader.signed() + baseMs,
};

export const TEXT: ValueType = {
  write(writer, value) {
    if (typeof value !== 'string' || !value.isWellFormed()) return false;
    writer.text(value);
    return true;
  },
  read: (reader) => reader.text(),
};

export const ID: ValueType = {
  write(writer, value, { baseMs }) {
    if (typeof value !== 'string' || !value.isWellFormed()) return false;
    writeId(writer, value, baseMs);
    return true;
  },
  read: (reader, { baseMs }) => readId(reader, baseMs),
};

/** Anything, as its JSON. */
export const JSON_TEXT: ValueType = {
  write(writer, value) {
    const json = JSON.stringify(value) as string | undefined;
    if (json !== undefined) writer.text(json);
    return json !== undefined;
  },
  read: (reader) => JSON.parse(reader.text()) as unknown,
};

/** Stands in place of a number: what follows is the value itself. */
const INLINE = 0;
/** Before a number that is not counted. */
const BY_NUMBER = 1;

/** Anything that other records have as well. */
export const SHARED: ValueType = {
  write(writer, value, { shared }) {
    const json = JSON.stringify(value) as string | undefined;
    if (json === undefined) return false;
    const number = shared.numberOf(json);
    if (number === null) {
      writer.byte(INLINE);
      writer.text(json);
      return true;
    }
    if (!shared.counted) writer.byte(BY_NUMBER);
    writeNumber(writer, number, shared);
    return true;
  },
  read(reader, { shared }) {
    const first = shared.counted ? reader.whole() : reader.byte();
    if (first === INLINE) return JSON.parse(reader.text()) as unknown;
    return shared.valueOf(shared.counted ? first : readNumber(reader, shared));
  },
};

const HASH_BYTES = 32;
const HASH_LENGTH = 43;
/** The last of 43 characters carries four bits. */
const HASH_FORM = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/** Is it a SHA-256 in base64url, which comes back from its bytes as it was? */
export function isHash(text: unknown): text is string {
  return typeof text === 'string' && text.length === HASH_LENGTH && HASH_FORM.test(text);
}

export const HASH: ValueType = {
  write(writer, value) {
    if (!isHash(value)) return false;
    writer.encoded(value, 'base64url', HASH_BYTES);
    return true;
  },
  read: (reader) => reader.encoded('base64url', HASH_BYTES),
};

/** One of a few, or any other text. New ones are only ever added, at the end. */
export function oneOfWords(words: readonly string[]): ValueType {
  return {
    write(writer, value, around) {
      if (typeof value !== 'string') return false;
      const place = words.indexOf(value) + 1;
      writer.byte(place);
      return place > 0 || SHARED.write(writer, value, around);
    },
    read(reader, around) {
      const place = reader.byte();
      if (place === 0) return SHARED.read(reader, around);
      if (place > words.length) throw new Error('a record has a word that nobody knows');
      return words[place - 1];
    },
  };
}

/** A list of things that others have as well, each by itself, or one of a few words in its place. */
export function listOr(words: readonly string[]): ValueType {
  return {
    write(writer, value, around) {
      if (!Array.isArray(value)) {
        const place = words.indexOf(value as string);
        if (place !== -1) writer.whole(place);
        return place !== -1;
      }
      writer.whole(words.length + value.length);
      return value.every((item) => item !== undefined && SHARED.write(writer, item, around));
    },
    read(reader, around) {
      const count = reader.whole();
      if (count < words.length) return words[count];
      return Array.from({ length: count - words.length }, () => SHARED.read(reader, around));
    },
  };
}
