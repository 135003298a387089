/**
 * What runs inside Redis: the commit, whole or not at all, the scan of an index, and leases. Redis executes a script without
 * anything in between and hands its effects on as one. Each script checks all that could fail before its first write.
 *
 * Every key stands under one hash tag, so that one node holds them all and a commit can touch any of them:
 * `…{scopegate}:r:KEY` a record, as three parts on lines of their own: version, names of its indexes, the record;
 * `…{scopegate}:i:INDEX` an index, a sorted set: Redis orders it by score, then by the bytes of the member;
 * `…{scopegate}:touches` when records were last used, a hash by key;
 * `…{scopegate}:processes` a hash: who holds a lease, until when by the clock of Redis, in microseconds;
 * `…{scopegate}:log` the change log, a stream whose ids are the revisions; `…{scopegate}:revision` the newest one.
 */
import type { Redis } from 'ioredis';
import { COUNT } from './redis-counts.ts';
import type { Change, Write } from './store.ts';

/** Changes kept for followers that were away; past it they flush. */
const LOG_LENGTH = 100_000;

/** A record beyond this is not one of ours. */
const RECORD_CHARACTERS_MAX = 16 * 1024 * 1024;

export type Scripted = Redis & {
  scopegateCommit(args: readonly string[]): Promise<CommitReply>;
  scopegateTouch(args: readonly string[]): Promise<unknown>;
  scopegateScan(args: readonly string[]): Promise<ReadonlyArray<string | null>>;
  scopegateCount(args: readonly string[]): Promise<readonly number[]>;
  scopegateRenew(args: readonly string[]): Promise<unknown>;
  /** The newest revision, then what each process said. */
  scopegateLive(args: readonly string[]): Promise<readonly string[]>;
  scopegateExport(args: readonly string[]): Promise<ReadonlyArray<ReadonlyArray<string | null>>>;
};

/**
 * Revision, wall clock and connected replicas; or that a version differs; or what of the memory is used, and what there
 * is; or that there are too few replicas.
 */
export type CommitReply =
  | readonly ['done', string, string, number]
  | readonly ['conflict']
  | readonly ['full', string, string]
  | readonly ['replicas', number];

const COMMIT = `
local prefix, mark, wanted, keys, length = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local ends, reserve = ARGV[6] == '1', tonumber(ARGV[7])
local position = 7
local function take()
  position = position + 1
  return ARGV[position]
end

local before = {}
local function look(key)
  if before[key] == nil then
    local text = redis.call('GET', prefix .. 'r:' .. key)
    if text then
      local version, names = string.match(text, '^(%d+)\\n([^\\n]*)\\n')
      if not version then error('the record of ' .. key .. ' is damaged') end
      before[key] = { version = version, names = cjson.decode(names) }
    else
      before[key] = { version = '0', names = {} }
    end
  end
  return before[key]
end

local sets = {}
local function checkSet(name)
  if sets[name] then return end
  local kind = redis.call('TYPE', prefix .. 'i:' .. name).ok
  if kind ~= 'none' and kind ~= 'zset' then error('the index ' .. name .. ' is damaged') end
  sets[name] = true
end

for _ = 1, tonumber(take()) do
  local key, version = take(), take()
  if look(key).version ~= version then return { 'conflict' } end
end

local writes = {}
for number = 1, tonumber(take()) do
  local write = { key = take(), names = take(), entries = {} }
  if write.names ~= '' then
    write.record = take()
    for entry = 1, tonumber(take()) do
      write.entries[entry] = { name = take(), score = take() }
      checkSet(write.entries[entry].name)
    end
  end
  for _, name in ipairs(look(write.key).names) do checkSet(name) end
  writes[number] = write
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

local revision = string.format('%.0f', tonumber(redis.call('GET', prefix .. 'revision') or '0') + 1)
local time = redis.call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))

-- Redis asks for room at the first write of a script only, and removing needs none: so an end is made in a full memory.
if ends then redis.call('DEL', prefix .. 'room') end
-- First what Redis refuses when it is full, a replica, or cannot write its file; from here on nothing fails.
redis.call('XADD', prefix .. 'log', 'MAXLEN', '~', length, revision .. '-0', 'keys', keys, 'mark', mark, 'at', now)
redis.call('SET', prefix .. 'revision', revision)
for _, write in ipairs(writes) do
  local old = look(write.key)
  for _, name in ipairs(old.names) do redis.call('ZREM', prefix .. 'i:' .. name, write.key) end
  local names = {}
  if write.record then
    redis.call('SET', prefix .. 'r:' .. write.key, revision .. '\\n' .. write.names .. '\\n' .. write.record)
    for index, entry in ipairs(write.entries) do
      redis.call('ZADD', prefix .. 'i:' .. entry.name, entry.score, write.key)
      names[index] = entry.name
    end
  else
    redis.call('DEL', prefix .. 'r:' .. write.key)
    redis.pcall('HDEL', prefix .. 'touches', write.key)
  end
  before[write.key] = { version = revision, names = names }
end
return { 'done', revision, now, online }
`;

const TOUCH = `
local prefix = ARGV[1]
for place = 2, #ARGV, 2 do
  local key, at = ARGV[place], tonumber(ARGV[place + 1])
  local known = tonumber(redis.call('HGET', prefix .. 'touches', key) or '0')
  if at > known and redis.call('EXISTS', prefix .. 'r:' .. key) == 1 then
    redis.call('HSET', prefix .. 'touches', key, string.format('%.0f', at))
  end
end
`;

/** Byte by byte: Lua's own comparison depends on the locale of the server. */
const SCAN = `
local prefix, set, limit, above, score, key = ARGV[1], ARGV[1] .. 'i:' .. ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
local function isBehind(left, right)
  for place = 1, math.min(#left, #right) do
    local one, other = string.byte(left, place), string.byte(right, place)
    if one ~= other then return one > other end
  end
  return #left > #right
end

local first = 0
if above ~= '' then first = redis.call('ZCOUNT', set, '-inf', above) end
if score ~= '' then
  local low = redis.call('ZCOUNT', set, '-inf', '(' .. score)
  local high = low + redis.call('ZCOUNT', set, score, score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if isBehind(redis.call('ZRANGE', set, middle, middle)[1], key) then high = middle else low = middle + 1 end
  end
  first = math.max(first, low)
end
local page = redis.call('ZRANGE', set, first, first + limit - 1, 'WITHSCORES')
local found = {}
for place = 1, #page, 2 do
  found[#found + 1] = page[place]
  found[#found + 1] = page[place + 1]
  found[#found + 1] = redis.call('GET', prefix .. 'r:' .. page[place])
end
return found
`;

const NOW = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
`;

/** A lease takes the place of the one before, so it needs no room: see COMMIT. */
const RENEW = `${NOW}
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now + tonumber(ARGV[2])) .. ' ' .. ARGV[3])
`;

const LIVE = `${NOW}
local found = { redis.call('GET', KEYS[2]) or '0' }
local all = redis.call('HGETALL', KEYS[1])
for place = 1, #all, 2 do
  local untilTime, said = string.match(all[place + 1], '^(%d+) (.*)$')
  if tonumber(untilTime) > now then found[#found + 1] = said
  else redis.call('HDEL', KEYS[1], all[place]) end
end
return found
`;

/** Of each record its text, then its score in each of its indexes. */
const EXPORT = `
local prefix = ARGV[1]
local found = {}
for place = 2, #ARGV do
  local text = redis.call('GET', prefix .. 'r:' .. ARGV[place])
  local parts = {}
  if text then
    local names = string.match(text, '^%d+\\n([^\\n]*)\\n')
    if not names then error('the record of ' .. ARGV[place] .. ' is damaged') end
    parts[1] = text
    for number, name in ipairs(cjson.decode(names)) do
      parts[number + 1] = redis.call('ZSCORE', prefix .. 'i:' .. name, ARGV[place])
    end
  end
  found[place - 1] = parts
end
return found
`;

export const SCRIPTS = {
  scopegateCommit: { lua: COMMIT, numberOfKeys: 1 },
  scopegateTouch: { lua: TOUCH, numberOfKeys: 1 },
  scopegateScan: { lua: SCAN, numberOfKeys: 1 },
  /** How many keys comes first. */
  scopegateCount: { lua: COUNT },
  scopegateRenew: { lua: RENEW, numberOfKeys: 1 },
  scopegateLive: { lua: LIVE, numberOfKeys: 2 },
  scopegateExport: { lua: EXPORT, numberOfKeys: 1 },
};

export interface CommitTerms {
  /** Tells this commit from every other one. */
  readonly mark: string;
  /** -1 stands for all that are connected. */
  readonly waitReplicas: number;
  /** The part of the memory in which nothing new is taken. */
  readonly reservePercent: number;
}

/** Throws, before anything is sent, for what cannot be written. */
export function commitArguments(
  prefix: string,
  change: Change,
  { mark, waitReplicas, reservePercent }: CommitTerms,
): string[] {
  const keys = JSON.stringify(change.writes.map((write) => write.key));
  // The first is the key by which a cluster finds the node.
  const args = [`${prefix}revision`, prefix, mark, String(waitReplicas), keys, String(LOG_LENGTH)];
  args.push(change.ends === true ? '1' : '0', String(reservePercent));
  args.push(String(change.expects.length));
  for (const { key, version } of change.expects) args.push(key, String(version));
  args.push(String(change.writes.length));
  for (const write of change.writes) pushWrite(args, write);
  return args;
}

function pushWrite(args: string[], { key, record, indexes = [] }: Write): void {
  if (record === null) {
    args.push(key, '');
    return;
  }
  const text = JSON.stringify(record);
  if (text.length > RECORD_CHARACTERS_MAX) throw new RangeError(`the record of ${key} is too large for the store`);
  args.push(key, JSON.stringify(indexes.map(({ index }) => index)), text, String(indexes.length));
  for (const { index, score } of indexes) {
    if (!Number.isFinite(score)) throw new RangeError(`the score of ${key} in ${index} is not a number`);
    args.push(index, String(score));
  }
}

const HEAD = /^([1-9]\d{0,15})\n(\[[^\n]*\])\n/;

/** Throws for anything that no commit has written. */
export function readText(key: string, text: string): { readonly version: number; readonly record: unknown } {
  const head = HEAD.exec(text);
  if (head === null || text.length - head[0].length > RECORD_CHARACTERS_MAX) {
    throw new Error(`what stands in the place of the record ${key} is none`);
  }
  return { version: Number(head[1]), record: JSON.parse(text.slice(head[0].length)) as unknown };
}

/** The names of a record's indexes, of a text that `readText` has understood. */
export function readNames(text: string): string[] {
  return JSON.parse(HEAD.exec(text)![2]!) as string[];
}
