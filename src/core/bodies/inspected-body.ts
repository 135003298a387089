/** What checks 8 and 10 may know of a request's body: the values of the fields that its route names. Types only. */

/** A field that a route names, as in `body.data.bot_id`. */
export interface BodyField {
  /** What stands behind `body.`; of a form, the name of the field. */
  readonly name: string;
  /** Of JSON, the members on the way to it. */
  readonly path: readonly string[];
}

/** undefined: it is not there. null: there, but not as one value that every parser reads alike. */
export type FieldValue = string | null | undefined;

export interface InspectedBody {
  /** `none`: the request has no body, so nothing is in it. */
  readonly kind: 'none' | 'json' | 'form';
  /** By the name of the field; of fields that were looked for. */
  readonly values: ReadonlyMap<string, FieldValue>;
}

export const NO_FIELDS: InspectedBody = { kind: 'none', values: new Map() };

/** Was each of these looked for? */
export function answersFor({ kind, values }: InspectedBody, fields: readonly BodyField[]): boolean {
  return kind === 'none' || fields.every(({ name }) => values.has(name));
}
