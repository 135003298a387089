/**
 * The schemas of the records that there are by the million: tokens, what leads to them, and lines of the trail. RecordField lists
 * are part of what is stored: a field is only ever added at its list's end, and anything else is another schema.
 */
import {
  HASH,
  ID,
  JSON_TEXT,
  listOr,
  NUMBER,
  OF_KEY,
  oneOfWords,
  type RecordField,
  RecordSchema,
  SHARED,
  TEXT,
  type ValueType,
} from './fields.ts';

const EDITION = oneOfWords(['personal', 'team', 'enterprise']);
const KIND = oneOfWords(['personal', 'service', 'oauth', 'access']);
const AUTHORITY = oneOfWords(['live', 'frozen', 'client']);
const STATE = oneOfWords(['active', 'inactive', 'revoked']);
const STATE_REASON = oneOfWords(['owner_removed', 'ownership_transferred', 'rotated']);
const LIST = listOr([]);
const GRANT = listOr(['all-owned', 'all-joined', 'all-organization']);

/** A rotation's: the value before, and until when it works. */
const REPLACED: ValueType = {
  write(writer, value, around) {
    const { hash, endsAtMs, ...rest } = value as { hash?: unknown; endsAtMs?: unknown };
    return Object.keys(rest).length === 0 && HASH.write(writer, hash, around) && NUMBER.write(writer, endsAtMs, around);
  },
  read: (reader, around) => ({ hash: HASH.read(reader, around), endsAtMs: NUMBER.read(reader, around) }),
};

/** What a token is, as a reader of the trail sees it: ids without generations, no hash. */
const SHOWN_FIELDS: readonly RecordField[] = [
  { name: 'organizationId', type: OF_KEY('organizationId') },
  { name: 'id', type: OF_KEY('id') },
  { name: 'edition', type: EDITION },
  { name: 'kind', type: KIND },
  { name: 'scopes', type: SHARED },
  { name: 'workspaces', type: GRANT },
  { name: 'expiresAtMs', type: NUMBER, usual: null },
  { name: 'name', type: TEXT },
  { name: 'createdAtMs', type: NUMBER },
  { name: 'hint', type: TEXT, usual: null },
  { name: 'ownerId', type: SHARED, usual: null },
  { name: 'createdBy', type: SHARED, usual: null },
  { name: 'authority', type: AUTHORITY, usual: 'live' },
  { name: 'state', type: STATE, usual: 'active' },
  { name: 'roles', type: SHARED, usual: [] },
  { name: 'stateReason', type: STATE_REASON, usual: null },
  { name: 'clientId', type: SHARED, usual: null },
  { name: 'allowedAddresses', type: SHARED, usual: null },
  { name: 'description', type: TEXT, usual: null },
  { name: 'apiVersion', type: SHARED, usual: null },
  { name: 'contacts', type: SHARED, usual: null },
];

/** Behind what was there before it. */
const ENVIRONMENTS: RecordField = { name: 'environments', type: LIST, usual: null };

export const TOKEN_SCHEMA = new RecordSchema([
  ...SHOWN_FIELDS,
  { name: 'generation', type: NUMBER },
  { name: 'hash', type: HASH },
  { name: 'ownerGeneration', type: NUMBER, usual: null },
  { name: 'replaced', type: REPLACED, usual: null },
  { name: 'snapshotId', type: SHARED, usual: null },
  ENVIRONMENTS,
]);

export const CREDENTIAL_SCHEMA = new RecordSchema([
  { name: 'organizationId', type: SHARED },
  { name: 'tokenId', type: ID },
  { name: 'imported', type: JSON_TEXT, usual: true },
]);

const SHOWN_TOKEN = new RecordSchema([...SHOWN_FIELDS, ENVIRONMENTS]);
const [NOTHING, ANYTHING, A_TOKEN] = [0, 1, 2];

/** What something was before a change, or is after it. `around` is the event's: the id is its target's. */
const SHOWN: ValueType = {
  write(writer, value, around) {
    if (value === null) {
      writer.byte(NOTHING);
      return true;
    }
    const from = writer.length;
    writer.byte(A_TOKEN);
    if (SHOWN_TOKEN.write(writer, value as Record<string, unknown>, around)) return true;
    writer.backTo(from);
    writer.byte(ANYTHING);
    return JSON_TEXT.write(writer, value, around);
  },
  read(reader, around) {
    const what = reader.byte();
    if (what === NOTHING) return null;
    if (what === ANYTHING) return JSON_TEXT.read(reader, around);
    if (what !== A_TOKEN) throw new Error('an event tells of nothing that anybody knows');
    return SHOWN_TOKEN.read(reader, around);
  },
};

/** What an event is about. What is shown of it is told apart by its id, so it stands before that. */
const TARGET: ValueType = {
  write(writer, value, around) {
    if (value === null) {
      writer.byte(NOTHING);
      return true;
    }
    const { type, id, ...rest } = value as { type?: unknown; id?: unknown };
    if (Object.keys(rest).length > 0 || typeof type !== 'string' || typeof id !== 'string') return false;
    writer.byte(ANYTHING);
    around.id = id;
    return SHARED.write(writer, type, around) && ID.write(writer, id, around);
  },
  read(reader, around) {
    if (reader.byte() === NOTHING) return null;
    const type = SHARED.read(reader, around);
    around.id = ID.read(reader, around) as string;
    return { type, id: around.id };
  },
};

/** A line of the trail. */
export const EVENT_SCHEMA = new RecordSchema([
  { name: 'organizationId', type: OF_KEY('organizationId') },
  { name: 'id', type: OF_KEY('id') },
  { name: 'atMs', type: NUMBER },
  { name: 'actor', type: SHARED },
  { name: 'action', type: SHARED },
  { name: 'generation', type: SHARED },
  { name: 'target', type: TARGET },
  { name: 'before', type: SHOWN, usual: null },
  { name: 'after', type: SHOWN, usual: null },
  { name: 'outcome', type: oneOfWords(['done', 'refused']), usual: 'done' },
  { name: 'code', type: SHARED, usual: null },
  { name: 'detail', type: TEXT, usual: null },
]);
