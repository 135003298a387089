/**
 * When records were last used and with which scopes, as Redis notes it: beside the records, and in the lists of uses by day.
 * One script for many; what stands where is told in scripts.ts. Moves no version, and tells nobody.
 */
import { dayOf, type Touch } from '../store.ts';
import { usesOf, WRITING_LUA } from './commit.ts';
import { packKey } from './packed-key.ts';

/**
 * How many lists of uses, of each its index and its head; then of each use the packed key, when it was, with which scopes, on
 * which day, and the place of its list. Plans all before its first write.
 */
export const TOUCH = `${WRITING_LUA}
-- Pairs of a scope and its last day; the first is that of the first day, whose scope is "-".
local function withScopes(known, scopes, day)
  local days, names = {}, {}
  for scope, last in string.gmatch(known or ('- ' .. day), '(%S+) (%d+)') do
    names[#names + 1], days[scope] = scope, tonumber(last)
  end
  for scope in string.gmatch(scopes, '%S+') do
    if not days[scope] then names[#names + 1], days[scope] = scope, day
    elseif day > days[scope] then days[scope] = day end
  end
  for place, scope in ipairs(names) do names[place] = scope .. ' ' .. string.format('%.0f', days[scope]) end
  return table.concat(names, ' ')
end
position = 1
beginIds()
local usesLists = {}
for place = 1, tonumber(take()) do
  local index, head = take(), take()
  usesLists[place] = { index = index, head = head }
end
local uses, byKey = {}, {}
local function useOf(key, list)
  local use = byKey[key]
  if not use then
    local bucket = bucketOf(key)
    local before = tonumber(call('HGET', P .. 't:' .. bucket, key) or '')
    use = { key = key, bucket = bucket, list = list, before = before, at = before }
    byKey[key] = use
  end
  return use
end
while position < #ARGV do
  local key, at, scopes, day, list = take(), tonumber(take()), take(), tonumber(take()), usesLists[tonumber(take())]
  local use = useOf(key, list)
  if not use.at or at >= use.at or scopes ~= '' then
    if use.isThere == nil then
      use.isThere = call('HGET', P .. 'h:' .. use.bucket, key) and true or false
      if use.isThere then uses[#uses + 1] = use end
    end
    if not use.at or at >= use.at then use.at, use.isNoted = at, true end
    if scopes ~= '' then
      use.scopes = withScopes(use.scopes or call('HGET', P .. 'u:' .. use.bucket, key) or nil, scopes, day)
    end
  end
end
for _, use in ipairs(uses) do
  local now, before = use.isNoted and dayCode(use.at), use.before and dayCode(use.before)
  -- Also where it should be already: it may have been noted before there were such lists.
  if now and (now ~= before or use.at == use.before) then
    local number, rest = listOf(use.list.index, use.list.head), string.sub(use.key, #use.list.head + 1)
    if before and now ~= before then planRemove(number, before .. rest) end
    planAdd(number, now .. rest)
  end
end
for _, use in ipairs(uses) do
  if use.at ~= use.before then call('HSET', P .. 't:' .. use.bucket, use.key, string.format('%.0f', use.at)) end
  if use.scopes then call('HSET', P .. 'u:' .. use.bucket, use.key, use.scopes) end
end
writeLists()
`;

export function touchArguments(prefix: string, touches: readonly Touch[]): Array<string | Buffer> {
  const lists = new Map<string, number>();
  const names: string[] = [];
  const uses: Array<string | Buffer> = [];
  for (const { key, atMs, scopes = [] } of touches) {
    const packed = packKey(key);
    const [index, head] = usesOf(key, packed);
    const name = `${index}\n${head}`;
    if (!lists.has(name)) {
      lists.set(name, lists.size + 1);
      names.push(index, head);
    }
    uses.push(packed, String(atMs), scopes.join(' '), String(dayOf(atMs)), String(lists.get(name)));
  }
  return [`${prefix}revision`, prefix, String(lists.size), ...names, ...uses];
}

/** As the script writes them. */
export function* scopeDays(text: string): Generator<readonly [scope: string, day: number]> {
  for (const [, scope, day] of text.matchAll(/(\S+) (\d+)/g)) yield [scope === '-' ? '' : scope!, Number(day)];
}
