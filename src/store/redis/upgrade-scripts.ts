/**
 * What runs inside Redis while records are moved from the first layout to the second (upgrade.ts). Each script is made whole
 * or not at all, and does nothing where another process has done it.
 */
import { WRITING_LUA } from './commit.ts';
import { KEYS_LUA } from './lists.ts';

/**
 * ARGV[2]: the key of the format. From here on a process of an older scopegate can change nothing: its change log is none.
 * One that is started finds a format beyond its own.
 */
export const UPGRADE_BEGIN = `${KEYS_LUA}
if call('GET', P .. 'layout') then return end
local last = call('XREVRANGE', P .. 'log', '+', '-', 'COUNT', 1)[1]
call('SET', P .. 'layout', 'upgrading')
if last then call('XADD', P .. 'changes', last[1], unpack(last[2])) end
call('DEL', P .. 'log')
call('SET', P .. 'log', 'a newer scopegate has moved it')
`;

export const UPGRADE_READ = `${KEYS_LUA}
local found = {}
for place = 2, #ARGV do
  local key = ARGV[place]
  local text = call('GET', P .. 'r:' .. key)
  local parts = {}
  if text then
    parts[1] = text
    local list = string.match(text, '^%d+\\n([^\\n]*)\\n')
    local isRead, indexes = pcall(cjson.decode, list or '')
    if isRead and type(indexes) == 'table' then
      parts[2] = call('HGET', P .. 'touches', key)
      for _, index in ipairs(indexes) do parts[#parts + 1] = call('ZSCORE', P .. 'i:' .. index, key) end
    end
  end
  found[place - 1] = parts
end
return found
`;

/**
 * ARGV[2] and [3]: the key of the format, and what is to stand in its old place. Then as in a commit; each record has its old
 * key, its version (0: it is kept as it was, damaged), when it was last used, and its indexes in the old layout.
 */
export const UPGRADE_RECORDS = `${WRITING_LUA}
if call('GET', P .. 'layout') ~= 'upgrading' then return end
local formatKey, formatText = ARGV[2], ARGV[3]
position = 3
local taken = takeShared()
if taken then return taken end
takeLists()
local moved, versions = {}, {}
for _ = 1, tonumber(take()) do
  local each = { key = take(), version = tonumber(take()), touched = take(), indexes = {} }
  for place = 1, tonumber(take()) do each.indexes[place] = take() end
  each.packed, each.value = take(), take()
  local entries = takeEntries()
  local stands = call('GET', P .. 'r:' .. each.key)
  if stands and not (each.key == formatKey and stands == formatText) then
    moved[#moved + 1] = each
    versions[each.packed] = each.version
    if each.version > 0 then plan(each.packed, each.value, entries) end
  end
end
writeAll(function(write) return versions[write.key] end)
for _, each in ipairs(moved) do
  local bucket = bucketOf(each.packed)
  if each.version == 0 then call('HSET', P .. 'h:' .. bucket, each.packed, each.value) end
  if each.touched ~= '' then call('HSET', P .. 't:' .. bucket, each.packed, each.touched) end
  call('HDEL', P .. 'touches', each.key)
  for _, index in ipairs(each.indexes) do call('ZREM', P .. 'i:' .. index, each.key) end
  if each.key == formatKey then call('SET', P .. 'r:' .. each.key, formatText) else call('DEL', P .. 'r:' .. each.key) end
end
`;

/** Entries of the index ARGV[2] that no record has named: as in a commit, without records. */
export const UPGRADE_ENTRIES = `${WRITING_LUA}
if call('GET', P .. 'layout') ~= 'upgrading' then return end
local index = ARGV[2]
position = 2
takeShared()
takeLists()
local keys = {}
for place = 1, tonumber(take()) do
  local packed
  keys[place], packed = take(), take()
  for _, entry in ipairs(takeEntries()) do
    if call('ZSCORE', P .. 'i:' .. index, keys[place]) then
      planAdd(entry.list.number, entry.code .. string.sub(packed, entry.list.from))
    end
  end
end
writeLists()
for _, key in ipairs(keys) do call('ZREM', P .. 'i:' .. index, key) end
`;

/** ARGV[2] and [3] as above: where there was no record of the format, one stands in its old place all the same. */
export const UPGRADE_END = `${KEYS_LUA}
if call('GET', P .. 'layout') ~= 'upgrading' then return end
call('SET', P .. 'r:' .. ARGV[2], ARGV[3])
call('DEL', P .. 'processes', P .. 'touches')
call('SET', P .. 'layout', '2')
`;
