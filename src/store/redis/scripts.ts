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
import { StoreUnavailable } from '../store.ts';
import { COMMIT, type CommitReply, RECORD_CHARACTERS_MAX } from './commit.ts';
import { COUNT } from './counts.ts';

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

/** What Redis answered and nobody can make sense of is no answer. */
export async function understoodLater<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    throw cause instanceof StoreUnavailable ? cause : new StoreUnavailable(cause);
  }
}

/** The same, of what is at hand. */
export function understood<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new StoreUnavailable(cause);
  }
}
