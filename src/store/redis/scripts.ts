/**
 * What runs inside Redis: the commit, whole or not at all, the scan of an index, and leases. Redis executes a script without
 * anything in between and hands its effects on as one. Each script checks all that could fail before its first write.
 *
 * Every key stands under one hash tag, so that one node holds them all and a commit can touch any of them:
 * `…{scopegate}:h:123` records, some thousand hashes of them, each by the packed key (records.ts, packed-key.ts);
 * `…{scopegate}:s:12` values that many records have alike, hashes by number (shared.ts);
 * `…{scopegate}:l:`, `L:`, `n:`, `m:`, `c:` the ordered lists (lists.ts); `…{scopegate}:ids` the newest number of one;
 * `…{scopegate}:t:123` when records were last used, as many hashes by packed key;
 * what was used is in a list, too, by the day (`usesList`); no record names that;
 * `…{scopegate}:u:123` with which scopes, and on which day last, as many hashes by packed key;
 * `…{scopegate}:leases` a hash: who holds a lease, until when by the clock of Redis, in microseconds;
 * `…{scopegate}:changes` the change log, a stream whose ids are the revisions; `…{scopegate}:revision` the newest one;
 * `…{scopegate}:layout` the number of all this. What was there before it, and how it becomes this: upgrade.ts.
 */
import type { Redis } from 'ioredis';
import { COMMIT, type CommitReply } from './commit.ts';
import { COUNT } from './counts.ts';
import { KEYS_LUA, READ_LISTS_LUA } from './lists.ts';
import { RECORDS_LUA } from './records.ts';
import { TOUCH } from './touches.ts';
import { UPGRADE_BEGIN, UPGRADE_END, UPGRADE_ENTRIES, UPGRADE_READ, UPGRADE_RECORDS } from './upgrade-scripts.ts';

type Arguments = ReadonlyArray<string | Buffer>;

export type Scripted = Redis & {
  scopegateCommit(args: Arguments): Promise<CommitReply>;
  scopegateTouch(args: Arguments): Promise<unknown>;
  /** How many lists the index has, then of each entry its packed key, its score, and the record. */
  scopegateScanBuffer(args: Arguments): Promise<readonly [number, ...Array<Buffer | null>]>;
  scopegateScanBackBuffer(args: Arguments): Promise<readonly [number, ...Array<Buffer | null>]>;
  scopegateTotal(args: readonly string[]): Promise<number>;
  scopegateCount(args: readonly string[]): Promise<readonly number[]>;
  scopegateRenew(args: readonly string[]): Promise<unknown>;
  /** The newest revision, then what each process said. */
  scopegateLive(args: readonly string[]): Promise<readonly string[]>;
  /** Of each key the record, then the index and the score of each of its entries; the score is empty where it is missing. */
  scopegateExportBuffer(args: Arguments): Promise<ReadonlyArray<ReadonlyArray<Buffer | null>>>;
  scopegateUpgradeBegin(args: readonly string[]): Promise<unknown>;
  /** Of each key its text, when it was last used, and its score in each index that it names; the text alone where it is damaged. */
  scopegateUpgradeRead(args: readonly string[]): Promise<ReadonlyArray<ReadonlyArray<string | null>>>;
  scopegateUpgradeRecords(args: Arguments): Promise<unknown>;
  scopegateUpgradeEntries(args: Arguments): Promise<unknown>;
  scopegateUpgradeEnd(args: readonly string[]): Promise<unknown>;
};

const READING_LUA = KEYS_LUA + READ_LISTS_LUA;

/**
 * ARGV[5] is empty, or the score behind which the entries are; then the key, as its text, and as packed keys of each form are
 * bounded by it. A score is a number, or a text behind a t. ARGV[11]: what texts begin with, behind a t; empty: they are not asked about. An index has a list for each head of its keys; where they are several their entries come one list after the other.
 */
const SCAN_ARGUMENTS = `${READING_LUA}
local index, limit, above, score, key = ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
local prefix = ARGV[11] ~= '' and '\\127' .. string.sub(ARGV[11], 2)
local least = prefix or above ~= '' and nextCode(codeOf(above)) or ''
`;

const SCAN_FORWARDS = `
local function startOf(head)
  if score == '' then return least == '' and '-' or '[' .. least end
  local code = codeOf(score)
  if least ~= '' and isBehind(least, code) then return '[' .. least end
  local bound = ARGV[7 + tonumber(string.sub(head, 1, 1))]
  if string.sub(bound, 2, #head + 1) == head then return string.sub(bound, 1, 1) .. code .. string.sub(bound, #head + 2) end
  return '[' .. (isBehind(string.sub(head, 2), key) and code or nextCode(code))
end
local function walk(head, number, members) collect(isInner(number), number, startOf(head), limit, members) end
`;

/** From the last to the first: the keys are bounded from the other side. */
const SCAN_BACKWARDS = `
local function endOf(head)
  if score == '' then return '+' end
  local code = codeOf(score)
  local bound = ARGV[7 + tonumber(string.sub(head, 1, 1))]
  if string.sub(bound, 2, #head + 1) == head then return string.sub(bound, 1, 1) .. code .. string.sub(bound, #head + 2) end
  return '(' .. (isBehind(string.sub(head, 2), key) and code or nextCode(code))
end
local function walk(head, number, members) collectBack(isInner(number), number, endOf(head), least, limit, members) end
`;

const SCAN_RESULT = `
local lists = listsOf(index)
local found = { lists.count }
for head, number in pairs(lists.heads) do
  local members = {}
  walk(head, number, members)
  for _, member in ipairs(members) do
    if prefix and string.sub(member, 1, #prefix) ~= prefix then break end
    local last = codeEnd(member, 1)
    local packed = head .. string.sub(member, last + 1)
    found[#found + 1] = packed
    found[#found + 1] = scoreOf(string.sub(member, 1, last))
    found[#found + 1] = call('HGET', P .. 'h:' .. bucketOf(packed), packed)
  end
end
return found
`;

const SCAN = SCAN_ARGUMENTS + SCAN_FORWARDS + SCAN_RESULT;
const SCAN_BACK = SCAN_ARGUMENTS + SCAN_BACKWARDS + SCAN_RESULT;

const TOTAL = `${READING_LUA}
local from = ARGV[3] == '' and '-' or '[' .. nextCode(codeOf(ARGV[3]))
local behind = ARGV[4] ~= '' and '[' .. nextCode(codeOf(ARGV[4]))
if ARGV[5] ~= '' then
  from = '[\\127' .. string.sub(ARGV[5], 2)
  -- No text has this byte.
  behind = from .. '\\255'
end
local total = 0
for _, number in pairs(listsOf(ARGV[2]).heads) do
  local deep = isInner(number)
  local found = countFrom(deep, number, from)
  total = total + (behind and math.max(0, found - countFrom(deep, number, behind)) or found)
end
return total
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

const EXPORT = `${READING_LUA}${RECORDS_LUA}
local found = {}
for place = 2, #ARGV do
  local key, parts = ARGV[place], {}
  local value = call('HGET', P .. 'h:' .. bucketOf(key), key)
  if value then
    parts[1] = value
    for _, entry in ipairs(entriesOf(key, headOfRecord(key, value).packed)) do
      local name = nameOf(entry.number)
      parts[#parts + 1] = name and name.index or entry.number
      parts[#parts + 1] = name and has(entry.number, entry.code .. string.sub(key, #name.head + 1)) and scoreOf(entry.code) or ''
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
  scopegateScanBack: { lua: SCAN_BACK, numberOfKeys: 1 },
  scopegateTotal: { lua: TOTAL, numberOfKeys: 1 },
  /** How many keys comes first. */
  scopegateCount: { lua: COUNT },
  scopegateRenew: { lua: RENEW, numberOfKeys: 1 },
  scopegateLive: { lua: LIVE, numberOfKeys: 2 },
  scopegateExport: { lua: EXPORT, numberOfKeys: 1 },
  scopegateUpgradeBegin: { lua: UPGRADE_BEGIN, numberOfKeys: 1 },
  scopegateUpgradeRead: { lua: UPGRADE_READ, numberOfKeys: 1 },
  scopegateUpgradeRecords: { lua: UPGRADE_RECORDS, numberOfKeys: 1 },
  scopegateUpgradeEntries: { lua: UPGRADE_ENTRIES, numberOfKeys: 1 },
  scopegateUpgradeEnd: { lua: UPGRADE_END, numberOfKeys: 1 },
};
