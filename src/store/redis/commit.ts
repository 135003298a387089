/**
 * A commit as one script: whole or not at all, everything that could fail checked before its first write. What stands
 * where is told in scripts.ts.
 */
import { DAY_MS } from '../../core/policy.ts';
import { encodeRecord } from '../codec/record-codec.ts';
import { type Change, type IndexEntry, usesList } from '../store.ts';
import { KEYS_LUA, READ_LISTS_LUA, WRITE_LISTS_LUA } from './lists.ts';
import { headOf, packKey, unpackKey } from './packed-key.ts';
import { RECORD_BYTES_MAX, RECORDS_LUA } from './records.ts';
import { type RedisShared, sharedKey } from './shared.ts';

/** Changes kept for followers that were away; past it they flush. */
const LOG_LENGTH = 100_000;
/** Of changes with so many keys as this; fewer, where they have more. */
const LOG_KEYS = 10;
const LOG_LENGTH_MIN = 5000;
/** Of what an index and a score are written with: scores nearer to nothing have no place between others. */
const SCORE_MIN = 1e-300;

/**
 * Revision, wall clock and connected replicas; or that a version differs; or what of the memory is used, and what there
 * is; or that there are too few replicas; or that what is there is of another layout; or that a number is another value's.
 */
export type CommitReply =
  | readonly ['done', string, string, number]
  | readonly ['conflict']
  | readonly ['full', string, string]
  | readonly ['replicas', number]
  | readonly ['layout']
  | readonly ['taken', string];

/**
 * What all that write records take: shared values, of each its hash, its number and its JSON; lists, of each its index and its
 * head; and records, of each its packed key, what is encoded ('' where it goes; then
 * come the index and the head of its list of uses), how many entries, and of each the place of
 * its list and the score. Plans what becomes of them, then makes it.
 */
const WRITE_RECORDS_LUA = `
local position
local function take()
  position = position + 1
  return ARGV[position]
end
local missing = {}
local function takeShared()
  for _ = 1, tonumber(take()) do
    local hash, number, json = take(), take(), take()
    local known = call('HGET', P .. hash, number)
    if not known then missing[#missing + 1] = { hash, number, json }
    elseif known ~= json then return number end
  end
end
-- A number beyond three bytes has five.
local function bytesOf(number)
  number = tonumber(number)
  return struct.pack(number > 16777215 and '>I5' or '>I3', number)
end
local lists = {}
local function beginIds()
  lastId = tonumber(call('GET', P .. 'ids') or '0')
  firstId = lastId
end
local function takeLists()
  beginIds()
  for place = 1, tonumber(take()) do
    local index, head = take(), take()
    local number = listOf(index, head)
    lists[place] = { number = number, from = #head + 1, bytes = bytesOf(number) }
  end
end
local function takeEntries()
  local entries = {}
  for place = 1, tonumber(take()) do
    local list, score = lists[tonumber(take())], take()
    entries[place] = { list = list, code = codes[score] or codeOf(score) }
  end
  return entries
end

local writes = {}
local function packed(entries)
  local parts, from = {}, 1
  -- Each score with its lists; JavaScript names those of a score one after the other.
  while entries[from] do
    local code, width, to = entries[from].code, #entries[from].list.bytes, from
    while entries[to + 1] and entries[to + 1].code == code and #entries[to + 1].list.bytes == width and to - from < 126 do to = to + 1 end
    parts[#parts + 1] = code
    parts[#parts + 1] = string.char(to - from + 1 + (width == 5 and 128 or 0))
    for place = from, to do parts[#parts + 1] = entries[place].list.bytes end
    from = to + 1
  end
  return table.concat(parts)
end
local function plan(key, record, entries)
  local old = look(key)
  local write = { key = key, record = record, packed = packed(entries) }
  writes[#writes + 1] = write
  if write.packed == old.packed then return end
  if old.packed ~= '' then
    local stands = {}
    for _, entry in ipairs(entries) do stands[entry.list.number .. ' ' .. entry.code] = entry end
    for _, entry in ipairs(entriesOf(key, old.packed)) do
      local same = stands[entry.number .. ' ' .. entry.code]
      if same then same.stays = true
      else
        local name = nameOf(entry.number)
        if name then
          listsOf(name.index)
          planRemove(entry.number, entry.code .. string.sub(key, #name.head + 1))
        end
      end
    end
  end
  for _, entry in ipairs(entries) do
    if not entry.stays then planAdd(entry.list.number, entry.code .. string.sub(key, entry.list.from)) end
  end
end
local function dayCode(at) return codeOf(string.format('%.0f', math.floor(at / ${DAY_MS}))) end
local function planUnused(key, index, head)
  local at = redis.pcall('HGET', P .. 't:' .. bucketOf(key), key)
  local number = type(at) == 'string' and tonumber(at) and listsOf(index).heads[head]
  if number then planRemove(number, dayCode(tonumber(at)) .. string.sub(key, #head + 1)) end
end
local function writeAll(versionOf)
  local starts = {}
  for _, each in ipairs(missing) do call('HSET', P .. each[1], each[2], each[3]) end
  for _, write in ipairs(writes) do
    local bucket = P .. 'h:' .. bucketOf(write.key)
    if write.record then
      local version = versionOf(write)
      starts[version] = starts[version] or '\\2' .. struct.pack('>I5', version)
      call('HSET', bucket, write.key, starts[version] .. struct.pack('>I3', #write.packed) .. write.packed .. write.record)
    else
      call('HDEL', bucket, write.key)
      redis.pcall('HDEL', P .. 't:' .. bucketOf(write.key), write.key)
      redis.pcall('HDEL', P .. 'u:' .. bucketOf(write.key), write.key)
    end
  end
  writeLists()
end
`;

/** All that a script needs that writes records. */
export const WRITING_LUA = KEYS_LUA + READ_LISTS_LUA + WRITE_LISTS_LUA + RECORDS_LUA + WRITE_RECORDS_LUA;

export const COMMIT = `${WRITING_LUA}
local mark, wanted, keys, length = ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local ends, reserve = ARGV[6] == '1', tonumber(ARGV[7])
position = 7

local layout = call('GET', P .. 'layout')
if layout ~= '2' and (layout or call('EXISTS', P .. 'revision') == 1) then return { 'layout' } end
for _ = 1, tonumber(take()) do
  local key, version = take(), take()
  if look(key).version ~= version then return { 'conflict' } end
end
local taken = takeShared()
if taken then return { 'taken', taken } end
takeLists()
for _ = 1, tonumber(take()) do
  local key, record = take(), take()
  if record ~= '' then plan(key, record, takeEntries())
  else
    plan(key, false, {})
    local index, head = take(), take()
    planUnused(key, index, head)
  end
end

local online = 0
if wanted ~= 0 then
  local info = redis.pcall('INFO', 'replication')
  if type(info) ~= 'string' then error('the user needs +info to count replicas; or set store.waitReplicas to 0') end
  for _ in string.gmatch(info, 'state=online') do online = online + 1 end
  if online < wanted then return { 'replicas', online } end
end

if not ends and reserve > 0 then
  -- Not text: the user may not ask, and Redis itself refuses when there is no room at all.
  local info = redis.pcall('INFO', 'memory')
  local function of(name) return tonumber(type(info) == 'string' and string.match(info, '\\n' .. name .. ':(%d+)') or 0) end
  local used, most = of('used_memory') - of('mem_not_counted_for_evict'), of('maxmemory')
  if most > 0 and used > most * (1 - reserve / 100) then
    return { 'full', string.format('%.0f', used), string.format('%.0f', most) }
  end
end

local number = tonumber(call('GET', P .. 'revision') or '0') + 1
local revision = string.format('%.0f', number)
local time = call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))

-- Redis asks for room at the first write of a script only, and removing needs none: so an end is made in a full memory.
if ends then call('DEL', P .. 'room') end
-- First what Redis refuses when it is full, a replica, or cannot write its file; from here on nothing fails.
call('XADD', P .. 'changes', 'MAXLEN', '~', length, revision .. '-0', 'packed', keys, 'mark', mark, 'at', now)
call('SET', P .. 'revision', revision)
if not layout then call('SET', P .. 'layout', '2') end
writeAll(function() return number end)
return { 'done', revision, now, online }
`;

export interface CommitTerms {
  /** Tells this commit from every other one. */
  readonly mark: string;
  /** -1 stands for all that are connected. */
  readonly waitReplicas: number;
  /** The part of the memory in which nothing new is taken. */
  readonly reservePercent: number;
}

/** A record to be written. `encoded` null: it goes. */
interface EncodedWrite {
  readonly packed: Buffer;
  readonly encoded: Buffer | null;
  /** Where it goes from, if it was used: the list, and the head of its keys. */
  readonly uses?: readonly [index: string, head: string];
  readonly entries: ReadonlyArray<readonly [list: number, order: string]>;
}

/** The records of one script, with the lists and the shared values that they need. */
export class EncodedWrites {
  readonly writes: EncodedWrite[] = [];
  readonly #prefix: string;
  readonly #shared: ReturnType<RedisShared['forWriting']>;
  readonly #lists = new Map<string, number>();
  readonly #listNames: string[] = [];

  constructor(prefix: string, shared: ReturnType<RedisShared['forWriting']>) {
    this.#prefix = prefix;
    this.#shared = shared;
  }

  /** `encoded` instead of a record: it is written as it is. Throws for what cannot be written. */
  add(key: string, record: unknown, indexes: readonly IndexEntry[], encoded?: Buffer): void {
    const packed = packKey(key);
    if (record === null && encoded === undefined) {
      this.writes.push({ packed, encoded: null, uses: usesOf(key, packed), entries: [] });
      return;
    }
    const bytes = encoded ?? encodeRecord(key, record, this.#shared);
    if (bytes.length > RECORD_BYTES_MAX) throw new RangeError(`the record of ${key} is too large for the store`);
    const entries = new Map<number, string>();
    for (const { index, score, text } of indexes) {
      if (!Number.isFinite(score) || (score !== 0 && Math.abs(score) < SCORE_MIN))
        throw new RangeError(`the score of ${key} in ${index} is not a number that a list can be ordered by`);
      // A record stands in an index once.
      entries.set(this.#listOf(index, headOf(index, key, packed)), orderOf({ score, text }));
    }
    // Those of one order stand together.
    const sorted = [...entries].sort(([, left], [, right]) => (left === right ? 0 : left < right ? -1 : 1));
    this.writes.push({ packed, encoded: bytes, entries: sorted });
  }

  /** The shared values and the lists, for a script. */
  get around(): string[] {
    const { needed } = this.#shared;
    const args = [String(needed.size)];
    for (const [number, json] of needed)
      args.push(sharedKey(this.#prefix, number).slice(this.#prefix.length), String(number), json);
    args.push(String(this.#lists.size), ...this.#listNames);
    return args;
  }

  /** Redis says that this number is another value's: what needs it is to be encoded again. */
  isTaken(shared: RedisShared, number: string): void {
    shared.isTaken(this.#shared.needed.get(Number(number))!);
  }

  #listOf(index: string, head: string): number {
    const name = `${index}\n${head}`;
    const known = this.#lists.get(name);
    if (known !== undefined) return known;
    if (index.includes('\n')) throw new RangeError('the name of an index has a line break');
    this.#lists.set(name, this.#lists.size + 1);
    this.#listNames.push(index, head);
    return this.#lists.size;
  }
}

/** Throws, before anything is sent, for what cannot be written. */
export function commitArguments(
  prefix: string,
  change: Change,
  { mark, waitReplicas, reservePercent }: CommitTerms,
  shared: ReturnType<RedisShared['forWriting']>,
): Array<string | Buffer> {
  // Of a key that is written twice the last counts.
  const writes = [...new Map(change.writes.map((write) => [write.key, write])).values()];
  const encoded = new EncodedWrites(prefix, shared);
  for (const { key, record, indexes = [] } of writes) encoded.add(key, record, indexes);
  const length = Math.max(LOG_LENGTH_MIN, Math.round(LOG_LENGTH / Math.max(1, writes.length / LOG_KEYS)));
  const keys = joinKeys(encoded.writes.map(({ packed }) => packed));
  // The first is the key by which a cluster finds the node.
  const args: Array<string | Buffer> = [`${prefix}revision`, prefix, mark, String(waitReplicas), keys, String(length)];
  args.push(change.ends === true ? '1' : '0', String(reservePercent));
  args.push(String(change.expects.length));
  for (const { key, version } of change.expects) args.push(packKey(key), String(version));
  args.push(...encoded.around, String(encoded.writes.length));
  for (const write of encoded.writes) pushWrite(args, write);
  return args;
}

/** The list of its uses, and the head of the keys in it. */
export function usesOf(key: string, packed: Buffer): readonly [index: string, head: string] {
  const index = usesList(key);
  return [index, headOf(index, key, packed)];
}

export function pushWrite(args: Array<string | Buffer>, { packed, encoded, uses, entries }: EncodedWrite): void {
  if (uses !== undefined) {
    args.push(packed, '', ...uses);
    return;
  }
  args.push(packed, encoded ?? '', String(entries.length));
  for (const [list, order] of entries) args.push(String(list), order);
}

/** What an entry is ordered by, as scripts take it: its score, or its text behind a `t`. */
export function orderOf({ score, text }: { readonly score: number; readonly text?: string | undefined }): string {
  return text === undefined ? String(score) : markedText(text);
}

/** The same of a text that may be missing. */
export function markedText(text: string | undefined): string {
  return text === undefined ? '' : `t${text}`;
}

/** As scripts tell it. */
export function readOrder(order: string): { readonly score: number; readonly text?: string } {
  return order.startsWith('t') ? { score: 0, text: order.slice(1) } : { score: Number(order) };
}

/** Packed keys one behind the other, as the change log has them: each after its length. */
function joinKeys(keys: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  for (const key of keys) parts.push(lengthOf(key.length), key);
  return Buffer.concat(parts);
}

const LONG = 255;

function lengthOf(bytes: number): Buffer {
  if (bytes < LONG) return Buffer.of(bytes);
  const long = Buffer.of(LONG, 0, 0, 0, 0);
  long.writeUInt32BE(bytes, 1);
  return long;
}

/** Throws where it is none that was joined. */
export function splitKeys(joined: Buffer): string[] {
  const keys: string[] = [];
  for (let at = 0; at < joined.length; ) {
    const isLong = joined[at] === LONG;
    const length = isLong ? joined.readUInt32BE(at + 1) : joined[at]!;
    at += isLong ? 5 : 1;
    if (at + length > joined.length) throw new Error('an entry of the change log is cut off');
    keys.push(unpackKey(joined.subarray(at, at + length)));
    at += length;
  }
  return keys;
}
