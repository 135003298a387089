/**
 * Records and their keys as bytes: a schema where there is one for their kind and they fit it, else their JSON. What a key
 * says is not said again by its record. Every encoded record ends with a checksum over both, so that one that was damaged,
 * or stands under another key, is never read as something else. Keeps nothing, and asks nobody but for shared values.
 */
import { crc32 } from 'node:zlib';
import { kindOf } from '../../core/facts.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { isHash, type RecordSchema } from './fields.ts';
import { readId, timeOf, writeId } from './ids.ts';
import { CREDENTIAL_SCHEMA, EVENT_SCHEMA, TOKEN_SCHEMA } from './schemas.ts';
import { readNumber, type SharedValues, writeNumber } from './shared-values.ts';

/** The first byte of a key, and of a record. Below every byte that JSON may begin with, so that both can be told apart. */
const TEXT_KEY = 0;
const TEXT_RECORD = 0;
const CREDENTIAL = 1;
const TOKEN = 2;
const EVENT = 3;
const SCHEMAS: Readonly<Record<number, RecordSchema>> = {
  [CREDENTIAL]: CREDENTIAL_SCHEMA,
  [TOKEN]: TOKEN_SCHEMA,
  [EVENT]: EVENT_SCHEMA,
};
const KINDS: ReadonlyMap<string, number> = new Map([
  ['credential', CREDENTIAL],
  ['token', TOKEN],
  ['audit', EVENT],
]);
const NAMES: Readonly<Record<number, string>> = { [TOKEN]: 'token', [EVENT]: 'audit' };

const HASH_BYTES = 32;
/** Two bytes of a CRC-32. */
const SUM_BYTES = 2;

const scratch = new ByteWriter();

/** What its key says of a record. */
interface Named {
  readonly kind: number;
  readonly organizationId: string;
  readonly id: string;
  readonly baseMs: number;
}

export function encodeKey(key: string, shared: SharedValues): Buffer {
  scratch.backTo(0);
  writeKey(scratch, key, shared);
  return scratch.take();
}

/** Throws where it is none that was encoded. */
export function decodeKey(bytes: Uint8Array, shared: SharedValues): string {
  return keyIn(new ByteReader(bytes), shared);
}

export function encodeRecord(key: string, record: unknown, shared: SharedValues): Buffer {
  scratch.backTo(0);
  if (!writeFitting(scratch, key, record, shared)) {
    const json = JSON.stringify(record) as string | undefined;
    if (json === undefined) throw new TypeError(`${key}: what JSON has no word for is no record`);
    scratch.backTo(0);
    scratch.byte(TEXT_RECORD);
    scratch.raw(Buffer.from(json));
  }
  scratch.fixed(sumOf(key, scratch.view()), SUM_BYTES);
  return scratch.take();
}

/** Throws where it is not what was encoded under this key, or a shared value is lost. */
export function decodeRecord(key: string, bytes: Uint8Array, shared: SharedValues): unknown {
  const encoded = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = encoded.length - SUM_BYTES;
  if (end < 1 || encoded.readUIntBE(end, SUM_BYTES) !== sumOf(key, encoded.subarray(0, end)))
    throw new Error(`the record ${key} is damaged`);
  const [kind] = encoded;
  if (kind === TEXT_RECORD) return JSON.parse(encoded.toString('utf8', 1, end));
  const named = namedBy(key);
  if (kind !== named.kind) throw new Error(`the record ${key} is of another kind`);
  const reader = new ByteReader(encoded.subarray(0, end), 1);
  const record = SCHEMAS[kind!]!.read(reader, { ...named, shared });
  if (!reader.isAtEnd) throw new Error(`the record ${key} has something behind it`);
  return record;
}

/** The bytes of a key with those of what follows it: where that begins. */
export function splitKey(bytes: Uint8Array, shared: SharedValues): { readonly key: string; readonly rest: Uint8Array } {
  const reader = new ByteReader(bytes);
  const key = keyIn(reader, shared);
  return { key, rest: bytes.subarray(reader.at) };
}

function writeFitting(writer: ByteWriter, key: string, record: unknown, shared: SharedValues): boolean {
  const named = namedBy(key);
  if (named.kind === TEXT_KEY || !isPlain(record)) return false;
  writer.byte(named.kind);
  return SCHEMAS[named.kind]!.write(writer, record, { ...named, shared });
}

/** Not what would write itself in its own way. */
function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return false;
  return typeof (value as { toJSON?: unknown }).toJSON !== 'function';
}

const UNNAMED = { organizationId: '', id: '', baseMs: 0 };

/** Of a key of any other form nothing is said but that it is one. */
function namedBy(key: string): Named {
  const kind = KINDS.get(kindOf(key)) ?? TEXT_KEY;
  if (kind === CREDENTIAL) return isHash(key) ? { kind, ...UNNAMED } : { kind: TEXT_KEY, ...UNNAMED };
  const parts = kind === TEXT_KEY ? [] : key.split('/');
  if (parts.length !== 3 || !key.isWellFormed()) return { kind: TEXT_KEY, ...UNNAMED };
  const [, organizationId, id] = parts as [string, string, string];
  return { kind, organizationId, id, baseMs: timeOf(id) ?? 0 };
}

function writeKey(writer: ByteWriter, key: string, shared: SharedValues): void {
  const { kind, organizationId, id } = namedBy(key);
  const organization = kind === TOKEN || kind === EVENT ? shared.numberOf(JSON.stringify(organizationId)) : null;
  if (kind === CREDENTIAL) {
    writer.byte(CREDENTIAL);
    writer.encoded(key, 'base64url', HASH_BYTES);
  } else if (organization !== null) {
    writer.byte(kind);
    writeNumber(writer, organization, shared);
    writeId(writer, id, 0);
  } else {
    writer.byte(TEXT_KEY);
    // As JSON, which has a form for every text, also for one that is no Unicode.
    writer.text(JSON.stringify(key));
  }
}

function keyIn(reader: ByteReader, shared: SharedValues): string {
  const kind = reader.byte();
  if (kind === TEXT_KEY) return JSON.parse(reader.text()) as string;
  if (kind === CREDENTIAL) return reader.encoded('base64url', HASH_BYTES);
  const name = NAMES[kind];
  if (name === undefined) throw new Error('a key is of no known kind');
  return `${name}/${String(shared.valueOf(readNumber(reader, shared)))}/${readId(reader, 0)}`;
}

function sumOf(key: string, bytes: Uint8Array): number {
  return crc32(bytes, crc32(key)) & 0xffff;
}
