/**
 * Counts of rate limits in Redis, shared by every gateway: one script for all counts of a request, so that it is added to
 * each or to none. `…{scopegate}:limit:ID:SUBJECT` is a number that goes away with its window; `…{scopegate}:limited:ID` is
 * how many of them were made lately, where anybody can make them. Never touches a record.
 */
import { ADDRESSES_MAX, type Taken, type Use } from '../../core/rate-limit.ts';

/**
 * KEYS: of each count its own, and that of how many were made. ARGV: how many requests it allows, for how many
 * milliseconds, and how many may be made; 0: any number. Answers -1, and counts nothing, where these are too many.
 */
export const COUNT = `
local used, full = {}, false
for place = 1, #KEYS / 2 do
  local most = tonumber(ARGV[place * 3])
  used[place] = tonumber(redis.call('GET', KEYS[place * 2 - 1]) or '0')
  if used[place] >= tonumber(ARGV[place * 3 - 2]) then full = true end
  if used[place] == 0 and most > 0 and tonumber(redis.call('GET', KEYS[place * 2]) or '0') >= most then return { -1 } end
end
local reply = { full and 0 or 1 }
for place = 1, #KEYS / 2 do
  local key, window = KEYS[place * 2 - 1], ARGV[place * 3 - 1]
  if not full then
    if used[place] == 0 then
      redis.call('SET', key, '0', 'PX', window)
      if ARGV[place * 3] ~= '0' and redis.call('INCR', KEYS[place * 2]) == 1 then
        redis.call('PEXPIRE', KEYS[place * 2], window)
      end
    end
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
  const args = [String(uses.length * 2)];
  for (const { limit, subject } of uses)
    args.push(`${prefix}limit:${limit.id}:${subject}`, `${prefix}limited:${limit.id}`);
  for (const { limit } of uses) {
    const most = limit.per.includes('address') ? ADDRESSES_MAX : 0;
    args.push(String(limit.requests), String(limit.windowMs), String(most));
  }
  return args;
}

/** Throws where Redis has counted nothing. */
export function readCounts(uses: readonly Use[], [allowed, ...counts]: readonly number[]): Taken {
  if (allowed === -1) throw new Error('too many addresses are counted already');
  const standings = uses.map(({ limit }, index) => ({
    remaining: Math.max(0, limit.requests - counts[index * 2]!),
    resetMs: counts[index * 2 + 1]!,
  }));
  return { allowed: allowed === 1, standings };
}
