/**
 * A record as it stands in Redis: `h:` and three digits, some thousand hashes of records, each by its packed key. Each record is
 * a head, which says its version and its lists, and what it is encoded as. Reads, and asks nobody.
 */
import { decodeRecord } from '../codec/record-codec.ts';
import type { SharedValues } from '../codec/shared-values.ts';
import { StoreUnavailable } from '../store.ts';

/** A record beyond this is not one of ours. */
export const RECORD_BYTES_MAX = 16 * 1024 * 1024;

/** The first byte of every record, which no other value begins with. */
const MARK = 2;
const VERSION_BYTES = 5;
const SIZE_BYTES = 3;
const HEAD_MIN_BYTES = 1 + VERSION_BYTES + SIZE_BYTES;

/**
 * The mark, the version, how long what follows is, the lists; then the record. Lists stand by score: its code, how many they
 * are, and their numbers, in three bytes each; past 128 in five. `look` reads a record's head once for all that a script does.
 */
export const RECORDS_LUA = `
local function damaged(key) error('the record of ' .. string.gsub(string.sub(key, 2), '[^%w_/.-]', '?') .. ' is damaged') end
local function headOfRecord(key, value)
  if #value < ${HEAD_MIN_BYTES} or string.byte(value, 1) ~= ${MARK} then damaged(key) end
  local version = struct.unpack('>I${VERSION_BYTES}', value, 2)
  local size = struct.unpack('>I${SIZE_BYTES}', value, ${VERSION_BYTES + 2})
  if version == 0 or #value < ${HEAD_MIN_BYTES} + size then damaged(key) end
  return { version = string.format('%.0f', version), packed = string.sub(value, ${HEAD_MIN_BYTES + 1}, ${HEAD_MIN_BYTES} + size) }
end
local before = {}
local function look(key)
  local found = before[key]
  if found then return found end
  local value = call('HGET', P .. 'h:' .. bucketOf(key), key)
  found = value and headOfRecord(key, value) or { version = '0', packed = '' }
  before[key] = found
  return found
end
local function entriesOf(key, packed)
  local entries, from = {}, 1
  while from <= #packed do
    local last = codeEnd(packed, from)
    local code = string.sub(packed, from, last)
    local count, width, form = string.byte(packed, last + 1), 3, '>I3'
    if count and count > 128 then count, width, form = count - 128, 5, '>I5' end
    from = last + 2
    if not count or from + count * width - 1 > #packed then damaged(key) end
    for _ = 1, count do
      entries[#entries + 1] = { code = code, number = string.format('%.0f', struct.unpack(form, packed, from)) }
      from = from + width
    end
  end
  return entries
end
`;

/** Throws for anything that no commit has written. */
export function readRecord(
  key: string,
  value: Buffer,
  shared: SharedValues,
): { readonly version: number; readonly record: unknown } {
  const size =
    value.length < HEAD_MIN_BYTES || value[0] !== MARK ? null : value.readUIntBE(1 + VERSION_BYTES, SIZE_BYTES);
  const start = HEAD_MIN_BYTES + (size ?? 0);
  const version = size === null ? 0 : value.readUIntBE(1, VERSION_BYTES);
  if (version === 0 || value.length <= start || value.length - start > RECORD_BYTES_MAX) {
    throw new Error(`what stands in the place of the record ${key} is none`);
  }
  return { version, record: decodeRecord(key, value.subarray(start), shared) };
}

/** What Redis answered and nobody can make sense of is no answer. */
export async function understood<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    throw cause instanceof StoreUnavailable ? cause : new StoreUnavailable(cause);
  }
}
