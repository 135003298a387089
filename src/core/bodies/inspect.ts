/** Reads the fields that a route names out of a whole body, by its type. Decides nothing, and keeps none of its bytes. */
import { queryValue } from '../selector.ts';
import type { BodyType } from './body-type.ts';
import type { BodyField, FieldValue, InspectedBody } from './inspected-body.ts';
import { readJsonMembers } from './json-members.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const BOM = '\ufeff';

/** null: it is not well formed. */
export function inspectBody(type: BodyType, bytes: Buffer, fields: readonly BodyField[]): InspectedBody | null {
  // One was announced, and is not there.
  if (bytes.length === 0) return null;
  const values = type === 'json' ? readJsonMembers(bytes, fields) : readFormFields(bytes, fields);
  return values === null ? null : { kind: type, values };
}

/** Names are compared as those in a query are: one too many is refused, one too few would be a way in. */
function readFormFields(bytes: Buffer, fields: readonly BodyField[]): ReadonlyMap<string, FieldValue> | null {
  if (!isWellFormed(bytes)) return null;
  const query = `?${bytes.toString('latin1')}`;
  return new Map(fields.map(({ name }) => [name, queryValue(name, query)]));
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
