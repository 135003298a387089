/**
 * A commit as one script: whole or not at all, everything that could fail checked before its first write. What stands
 * where is told in redis-scripts.ts.
 */
import type { Change, Write } from '../store.ts';

/** Changes kept for followers that were away; past it they flush. */
const LOG_LENGTH = 100_000;

/** A record beyond this is not one of ours. */
export const RECORD_CHARACTERS_MAX = 16 * 1024 * 1024;

/**
 * Revision, wall clock and connected replicas; or that a version differs; or what of the memory is used, and what there
 * is; or that there are too few replicas.
 */
export type CommitReply =
  | readonly ['done', string, string, number]
  | readonly ['conflict']
  | readonly ['full', string, string]
  | readonly ['replicas', number];

export const COMMIT = `
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
