/**
 * Reads the fields that a route names out of a whole body, by its type, in steps: a long body must not hold up whatever
 * else the process does. Decides nothing, and keeps none of the body's bytes.
 */
import { ParameterReader } from '../selector.ts';
import type { BodyType } from './body-type.ts';
import type { BodyField, FieldValue, InspectedBody } from './inspected-body.ts';
import { JsonMembersReader } from './json-members.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const BOM = '\ufeff';

interface FieldsReader {
  /** Goes on for `characters` or somewhat more. undefined: more is to be read; null: it is not well formed. */
  goOn(characters: number): ReadonlyMap<string, FieldValue> | null | undefined;
}

export class BodyInspection {
  readonly #kind: BodyType;
  readonly #reader: FieldsReader;

  constructor(type: BodyType, bytes: Buffer, fields: readonly BodyField[]) {
    this.#kind = type;
    this.#reader = type === 'json' ? new JsonMembersReader(bytes, fields) : new FormFieldsReader(bytes, fields);
  }

  /** As `FieldsReader` says. An empty body is not well formed: one was announced, and is not there. */
  goOn(characters: number): InspectedBody | null | undefined {
    const values = this.#reader.goOn(characters);
    return values ? { kind: this.#kind, values } : values;
  }
}

/** Names are compared as those in a query are: one too many is refused, one too few would be a way in. */
class FormFieldsReader implements FieldsReader {
  readonly #isWellFormed: boolean;
  readonly #values = new Map<string, FieldValue>();
  readonly #unread: [name: string, reader: ParameterReader][];

  constructor(bytes: Buffer, fields: readonly BodyField[]) {
    this.#isWellFormed = bytes.length > 0 && isWellFormed(bytes);
    const query = this.#isWellFormed ? `?${bytes.toString('latin1')}` : '';
    this.#unread = fields.map(({ name }) => [name, new ParameterReader(name, query)]);
  }

  goOn(characters: number): ReadonlyMap<string, FieldValue> | null | undefined {
    if (!this.#isWellFormed) return null;
    const next = this.#unread[0];
    if (next === undefined) return this.#values;
    const [name, reader] = next;
    if (reader.goOn(characters)) {
      this.#values.set(name, reader.value);
      this.#unread.shift();
    }
    return this.#unread.length === 0 ? this.#values : undefined;
  }
}

/** UTF-8 as it stands and as its escapes say it. */
function isWellFormed(bytes: Buffer): boolean {
  try {
    const text = utf8.decode(bytes);
    return !text.startsWith(BOM) && !decodeURIComponent(text).startsWith(BOM);
  } catch {
    return false;
  }
}
