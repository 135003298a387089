/**
 * Counts of rate limits in Redis, shared by every gateway: one script for all counts of a request, so that it is added to
 * each or to none. `…{scopegate}:limit:ID:SUBJECT` is a number that goes away with its window. Never touches a record.
 */
import type { Taken, Use } from '../core/rate-limit.ts';

/** KEYS: the counts. ARGV: of each how many requests it allows, and for how many milliseconds. */
export const COUNT = `
local used, full = {}, false
for place, key in ipairs(KEYS) do
  used[place] = tonumber(redis.call('GET', key) or '0')
  if used[place] >= tonumber(ARGV[place * 2 - 1]) then full = true end
end
local reply = { full and 0 or 1 }
for place, key in ipairs(KEYS) do
  local window = ARGV[place * 2]
  if not full then
    if used[place] == 0 then redis.call('SET', key, '0', 'PX', window) end
    used[place] = redis.call('INCR', key)
  end
  local left = redis.call('PTTL', key)
  if left == -1 then redis.call('PEXPIRE', key, window) end
  if left < 0 then left = tonumber(window) end
  reply[#reply + 1] = used[place]
  reply[#reply + 1] = left
end
return reply
`;

export function countArguments(prefix: string, uses: readonly Use[]): string[] {
  const args = [String(uses.length)];
  for (const { limit, subject } of uses) args.push(`${prefix}limit:${limit.id}:${subject}`);
  for (const { limit } of uses) args.push(String(limit.requests), String(limit.windowMs));
  return args;
}

export function readCounts(uses: readonly Use[], [allowed, ...counts]: readonly number[]): Taken {
  const standings = uses.map(({ limit }, index) => ({
    remaining: Math.max(0, limit.requests - counts[index * 2]!),
    resetMs: counts[index * 2 + 1]!,
  }));
  return { allowed: allowed === 1, standings };
}
