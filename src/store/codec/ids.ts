/**
 * Ids in few bytes: those that we make are a time and random characters, and are kept as such; any other id as its text.
 * An id that was packed comes back as it was, to the letter.
 */
import type { ByteReader, ByteWriter } from './bytes.ts';

const TEXT = 0;
const HEX = 1;
const BASE62 = 2;
/** `tok_`, a time in base 36, 20 hexadecimal digits (manage/tokens/token-id). */
const TOKEN_ID = /^tok_([0-9a-z]{9})([0-9a-f]{20})$/;
/** `evt_`, a time in base 36, 12 characters of base 62 (manage/audit). */
const EVENT_ID = /^evt_([0-9a-z]{9})([0-9A-Za-z]{12})$/;
/** Every character of base 62 is one of base64url, so 12 of them are nine bytes. */
const [TOKEN_BYTES, EVENT_BYTES] = [10, 9];

/** The time that an id of ours begins with, milliseconds since 1970; null: it is no id of ours. */
export function timeOf(id: string): number | null {
  const time = (TOKEN_ID.exec(id) ?? EVENT_ID.exec(id))?.[1];
  return time === undefined ? null : Number.parseInt(time, 36);
}

/** `baseMs`: a time that its own is probably near. */
export function writeId(writer: ByteWriter, id: string, baseMs: number): void {
  const token = TOKEN_ID.exec(id);
  const found = token ?? EVENT_ID.exec(id);
  if (found === null) {
    writer.byte(TEXT);
    writer.text(id);
    return;
  }
  writer.byte(token === null ? BASE62 : HEX);
  writer.signed(Number.parseInt(found[1]!, 36) - baseMs);
  if (token === null) writer.encoded(found[2]!, 'base64url', EVENT_BYTES);
  else writer.encoded(found[2]!, 'hex', TOKEN_BYTES);
}

/** Throws where it is none that was written. */
export function readId(reader: ByteReader, baseMs: number): string {
  const form = reader.byte();
  if (form === TEXT) return reader.text();
  if (form !== HEX && form !== BASE62) throw new Error('an id in a record is of no known form');
  const time = (reader.signed() + baseMs).toString(36).padStart(9, '0');
  if (form === HEX) return `tok_${time}${reader.encoded('hex', TOKEN_BYTES)}`;
  return `evt_${time}${reader.encoded('base64url', EVENT_BYTES)}`;
}
