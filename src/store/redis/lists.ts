/**
 * Ordered lists inside Redis, as Lua that the scripts are put together with. A list is a B-tree whose nodes are small sorted
 * sets, so that Redis keeps each of them as one piece of memory: an entry takes what it says and about eight bytes, where
 * one of a large sorted set takes over a hundred. Nothing depends on the server's settings for that but the memory.
 *
 * An entry is the score, so written that its bytes have its order, or the text, between 127 and 0, which no score has; then the packed key (packed-key.ts) without what all keys
 * of that list begin with, its head. So the entries of one index are a list for each head: almost always one. Scores within
 * Redis are all 0: it orders members by their bytes. `l:` the lists of each index, by its name; `L:` the name of each list, by its number; `n:` a leaf; `m:`
 * and `c:` an inner node: from which entry on each of its children has them, and which child that is, with its entries'
 * number. A node that grew too large is cut; one that is empty goes. Counts are exact.
 */

/** Of a leaf: a look-up, and a write, reads half of them. */
const LEAF_MAX = 64;
/** Of an inner node; 128 is what Redis keeps in one piece by default. */
const INNER_MAX = 128;

/** What every script begins with. P: the first characters of every key. */
export const KEYS_LUA = `
local P = ARGV[1]
local call = redis.call
local buckets = {}
local function bucketOf(name)
  local before, last = string.byte(name, -2, -1)
  if not last then before, last = 0, before or 0 end
  local number = last * 16 + before % 16
  local bucket = buckets[number]
  if not bucket then
    bucket = string.format('%03x', number)
    buckets[number] = bucket
  end
  return bucket
end
`;

/** Reads lists; never writes. */
export const READ_LISTS_LUA = `
local codes = {}
local function codeOf(text)
  local code = codes[text]
  if code then return code end
  if string.byte(text, 1) == 116 then
    code = '\\127' .. string.sub(text, 2) .. '\\0'
    codes[text] = code
    return code
  end
  local score = tonumber(text)
  if score == 0 then code = '\\128'
  else
    local bytes = struct.pack('>d', score)
    if score > 0 then code = string.char(string.byte(bytes, 1) + 128) .. string.sub(bytes, 2)
    else code = string.gsub(bytes, '.', function(byte) return string.char(255 - string.byte(byte)) end) end
  end
  codes[text] = code
  return code
end
local function codeEnd(bytes, from)
  local first = string.byte(bytes, from)
  if first == 127 then return string.find(bytes, '\\0', from, true) or #bytes end
  return first == 128 and from or from + 7
end
local function scoreOf(code)
  if code == '\\128' then return '0' end
  local first = string.byte(code, 1)
  if first == 127 then return 't' .. string.sub(code, 2, -2) end
  local bytes
  if first > 128 then bytes = string.char(first - 128) .. string.sub(code, 2)
  else bytes = string.gsub(code, '.', function(byte) return string.char(255 - string.byte(byte)) end) end
  return string.format('%.17g', struct.unpack('>d', bytes))
end
local function nextCode(code)
  if code == '\\128' then return '\\129' end
  local place = #code
  while place > 0 and string.byte(code, place) == 255 do place = place - 1 end
  return string.sub(code, 1, place - 1) .. string.char(string.byte(code, place) + 1)
end
-- Byte by byte: Lua's own comparison depends on the locale of the server.
local function isBehind(left, right)
  for place = 1, math.min(#left, #right) do
    local one, other = string.byte(left, place), string.byte(right, place)
    if one ~= other then return one > other end
  end
  return #left > #right
end

local indexes = {}
local function listsOf(index)
  local found = indexes[index]
  if found then return found end
  found = { count = 0, heads = {} }
  local text = call('HGET', P .. 'l:' .. bucketOf(index), index)
  if text then
    for number, head in string.gmatch(text, '(%d+) ([^\\n]*)\\n') do
      found.heads[head] = number
      found.count = found.count + 1
    end
  end
  indexes[index] = found
  return found
end
local names = {}
local function nameOf(number)
  local found = names[number]
  if found ~= nil then return found end
  local index, head = string.match(call('HGET', P .. 'L:' .. bucketOf(number), number) or '', '^([^\\n]*)\\n([^\\n]*)$')
  found = index and { index = index, head = head } or false
  names[number] = found
  return found
end
-- A server that evicts may have lost any key. Then some entries are lost with it, and no more than that.
local function lost() return { inner = false, id = 'lost', count = 0 } end
-- The children of inner nodes that were looked at: node, then separator, to { inner, id, count }.
local children = {}
local function childOf(node, separator)
  local known = children[node]
  if not known then
    known = {}
    children[node] = known
  end
  local child = known[separator]
  if not child then
    local kind, id, count = string.match(call('HGET', P .. 'c:' .. node, separator) or '', '^([nm])(%d+) (%d+)$')
    child = kind and { inner = kind == 'm', id = id, count = tonumber(count) } or lost()
    known[separator] = child
  end
  return child
end
local inner = {}
local function isInner(number)
  if inner[number] == nil then inner[number] = call('EXISTS', P .. 'm:' .. number) == 1 end
  return inner[number]
end
local function separatorOf(node, member)
  return call('ZRANGE', P .. 'm:' .. node, '[' .. member, '-', 'BYLEX', 'REV', 'LIMIT', '0', '1')[1] or ''
end

-- from: the way ZRANGE has it, '-' or with '[' or '(' before it.
local function collect(isNode, id, from, limit, found)
  if not isNode then
    for _, member in ipairs(call('ZRANGE', P .. 'n:' .. id, from, '+', 'BYLEX', 'LIMIT', '0', limit - #found)) do
      found[#found + 1] = member
    end
    return
  end
  local first = separatorOf(id, string.sub(from, 2))
  for place, separator in ipairs(call('ZRANGE', P .. 'm:' .. id, '[' .. first, '+', 'BYLEX')) do
    local child = childOf(id, separator)
    collect(child.inner, child.id, place == 1 and from or '-', limit, found)
    if #found >= limit then return end
  end
end
-- The same from the last to the first, down to least. to: '+' or with '[' or '(' before it.
local function collectBack(isNode, id, to, least, limit, found)
  if not isNode then
    local from = least == '' and '-' or '[' .. least
    for _, member in ipairs(call('ZRANGE', P .. 'n:' .. id, to, from, 'BYLEX', 'REV', 'LIMIT', '0', limit - #found)) do
      found[#found + 1] = member
    end
    return
  end
  local last = to == '+' and '+' or '[' .. separatorOf(id, string.sub(to, 2))
  local first = least == '' and '-' or '[' .. separatorOf(id, least)
  for place, separator in ipairs(call('ZRANGE', P .. 'm:' .. id, last, first, 'BYLEX', 'REV')) do
    local child = childOf(id, separator)
    collectBack(child.inner, child.id, place == 1 and to or '+', least, limit, found)
    if #found >= limit then return end
  end
end
local function countFrom(isNode, id, from)
  if not isNode then return #call('ZRANGE', P .. 'n:' .. id, from, '+', 'BYLEX') end
  local first = separatorOf(id, string.sub(from, 2))
  local child = childOf(id, first)
  local total = countFrom(child.inner, child.id, from)
  local others = call('ZRANGE', P .. 'm:' .. id, '(' .. first, '+', 'BYLEX')
  if #others == 0 then return total end
  for _, text in ipairs(call('HMGET', P .. 'c:' .. id, unpack(others))) do
    total = total + (text and tonumber(string.match(text, ' (%d+)$')) or 0)
  end
  return total
end
local function has(number, member)
  local node, isNode = number, isInner(number)
  while isNode do
    local child = childOf(node, separatorOf(node, member))
    node, isNode = child.id, child.inner
  end
  return call('ZSCORE', P .. 'n:' .. node, member)
end
`;

/** Plans changes of lists, which changes nothing and finds all that is wrong with them; then makes them, which cannot fail. */
export const WRITE_LISTS_LUA = `
local LEAF_MAX, INNER_MAX = ${LEAF_MAX}, ${INNER_MAX}
local lastId, firstId
local function newId()
  local id
  repeat
    lastId = lastId + 1
    id = string.format('%.0f', lastId)
  until call('EXISTS', P .. 'n:' .. id, P .. 'm:' .. id) == 0
  return id
end
lost = function() return { inner = false, id = newId(), count = 0 } end

local named = {}
local function listOf(index, head)
  local lists = listsOf(index)
  local number = lists.heads[head]
  if not number then
    number = newId()
    lists.heads[head] = number
    lists.count = lists.count + 1
    names[number] = { index = index, head = head }
    inner[number] = false
    named[number] = true
  end
  return number
end

local leaves, byLeaf = {}, {}
local function leafOf(number, member)
  local node, child = number, nil
  local path
  if isInner(number) then
    path = {}
    repeat
      local separator = separatorOf(node, member)
      child = childOf(node, separator)
      path[#path + 1] = { node = node, separator = separator, child = child }
      node = child.id
    until not child.inner
  end
  local leaf = byLeaf[node]
  if leaf then return leaf end
  local count
  if child then
    count = child.count
    local kind = call('TYPE', P .. 'n:' .. node).ok
    if kind ~= 'none' and kind ~= 'zset' then error('WRONGTYPE of the list node ' .. node) end
  else count = named[number] and 0 or call('ZCOUNT', P .. 'n:' .. node, '-inf', '+inf') end
  leaf = { list = number, id = node, path = path or {}, count = count, adds = {}, removes = {} }
  byLeaf[node] = leaf
  leaves[#leaves + 1] = leaf
  return leaf
end
local function planAdd(number, member)
  local leaf = leafOf(number, member)
  leaf.adds[#leaf.adds + 1] = member
end
local function planRemove(number, member)
  local leaf = leafOf(number, member)
  leaf.removes[#leaf.removes + 1] = member
end

-- As many at a time as Lua can hand over.
local function each(members, from, to, work)
  for start = from, to, 500 do work(start, math.min(start + 499, to)) end
end
local function put(id, members, from, to)
  local added = 0
  each(members, from, to, function(first, last)
    local args = {}
    for place = first, last do
      args[#args + 1] = '0'
      args[#args + 1] = members[place]
    end
    added = added + call('ZADD', P .. 'n:' .. id, unpack(args))
  end)
  return added
end
local function take(id, members, from, to)
  local taken = 0
  each(members, from, to, function(first, last) taken = taken + call('ZREM', P .. 'n:' .. id, unpack(members, first, last)) end)
  return taken
end
local function writeChild(node, separator, child)
  call('HSET', P .. 'c:' .. node, separator, (child.inner and 'm' or 'n') .. child.id .. ' ' .. child.count)
end

-- New children beside a leaf or an inner node: what its parent is to be told of.
local grown, grownOrder = {}, {}
local function beside(list, path, first, additions)
  local level = #path
  local node = level == 0 and list or path[level].node
  local growing = grown[node]
  if not growing then
    growing = { list = list, node = node, level = level, path = path, additions = {} }
    grown[node] = growing
    grownOrder[#grownOrder + 1] = growing
  end
  if level == 0 then growing.first = first end
  for _, addition in ipairs(additions) do growing.additions[#growing.additions + 1] = addition end
end

local function writeLeaf(leaf)
  local before = leaf.count
  local total = before
  if #leaf.removes > 0 then total = total - take(leaf.id, leaf.removes, 1, #leaf.removes) end
  if #leaf.adds > 0 then total = total + put(leaf.id, leaf.adds, 1, #leaf.adds) end
  local kept = total
  if total > LEAF_MAX then
    local all = call('ZRANGE', P .. 'n:' .. leaf.id, '0', '-1')
    local last, isLast = all[#all], false
    for _, member in ipairs(leaf.adds) do isLast = isLast or member == last end
    -- Entries that come in their order fill their leaves.
    local pieces = math.ceil(total / LEAF_MAX)
    local size = isLast and LEAF_MAX or math.ceil(total / pieces)
    kept = size
    if total <= INNER_MAX then take(leaf.id, all, size + 1, total)
    else
      -- A set that was large once stays so kept; this one is made anew.
      call('DEL', P .. 'n:' .. leaf.id)
      put(leaf.id, all, 1, size)
    end
    local additions = {}
    for from = size + 1, total, size do
      local to = math.min(from + size - 1, total)
      local child = { inner = false, id = newId(), count = to - from + 1 }
      put(child.id, all, from, to)
      additions[#additions + 1] = { separator = all[from], child = child }
    end
    beside(leaf.list, leaf.path, { inner = false, id = leaf.id, count = kept }, additions)
  end
  leaf.count = kept
  for level, step in ipairs(leaf.path) do
    local isLeaf = level == #leaf.path
    step.child.count = isLeaf and kept or step.child.count + total - before
    step.child.changed = true
  end
end

local function dropChain(child)
  while child.inner do
    local below = childOf(child.id, '')
    call('DEL', P .. 'm:' .. child.id, P .. 'c:' .. child.id)
    child = below
  end
end
local function dropList(number)
  local name = nameOf(number)
  if not name then return end
  local lists = listsOf(name.index)
  lists.heads[name.head] = nil
  lists.count = lists.count - 1
  lists.changed = true
  call('HDEL', P .. 'L:' .. bucketOf(number), number)
end
local function prune(leaf)
  for level = #leaf.path, 1, -1 do
    local step = leaf.path[level]
    if step.child.count > 0 then return end
    if step.separator ~= '' and not step.child.gone then
      step.child.gone = true
      call('ZREM', P .. 'm:' .. step.node, step.separator)
      call('HDEL', P .. 'c:' .. step.node, step.separator)
      children[step.node][step.separator] = nil
      dropChain(step.child)
    end
  end
  if not inner[leaf.list] then return dropList(leaf.list) end
  if call('ZCOUNT', P .. 'm:' .. leaf.list, '-inf', '+inf') ~= 1 then return end
  local child = childOf(leaf.list, '')
  if child.count > 0 then return end
  dropChain({ inner = true, id = leaf.list })
  dropList(leaf.list)
end

local function addChildren(node, additions)
  for _, addition in ipairs(additions) do
    call('ZADD', P .. 'm:' .. node, '0', addition.separator)
    writeChild(node, addition.separator, addition.child)
  end
end
local function cutInner(growing)
  local node, total = growing.node, call('ZCOUNT', P .. 'm:' .. growing.node, '-inf', '+inf')
  if total <= INNER_MAX then return end
  local separators = call('ZRANGE', P .. 'm:' .. node, '0', '-1')
  local pieces = math.ceil(total / INNER_MAX)
  local size = math.ceil(total / pieces)
  -- Who adds to its end goes on doing so.
  if growing.additions[#growing.additions].separator == separators[total] then size = INNER_MAX end
  local texts = {}
  for place, separator in ipairs(separators) do
    texts[place] = call('HGET', P .. 'c:' .. node, separator) or 'n' .. newId() .. ' 0'
  end
  local additions, isRoot = {}, node == growing.list
  local kept = 0
  for from = isRoot and 1 or size + 1, total, size do
    local child = { inner = true, id = newId(), count = 0 }
    for place = from, math.min(from + size - 1, total) do
      call('ZADD', P .. 'm:' .. child.id, '0', separators[place])
      call('HSET', P .. 'c:' .. child.id, separators[place], texts[place])
      child.count = child.count + tonumber(string.match(texts[place], ' (%d+)$'))
    end
    additions[#additions + 1] = { separator = separators[from], child = child }
  end
  if isRoot then
    call('DEL', P .. 'm:' .. node, P .. 'c:' .. node)
    return addChildren(node, additions)
  end
  for place = size + 1, total do
    call('ZREM', P .. 'm:' .. node, separators[place])
    call('HDEL', P .. 'c:' .. node, separators[place])
  end
  for place = 1, size do kept = kept + tonumber(string.match(texts[place], ' (%d+)$')) end
  local above = {}
  for level = 1, growing.level - 1 do above[level] = growing.path[level] end
  local parent = above[#above]
  parent.child.count = kept
  writeChild(parent.node, parent.separator, parent.child)
  beside(growing.list, above, nil, additions)
end

local function writeLists()
  for _, leaf in ipairs(leaves) do writeLeaf(leaf) end
  for _, leaf in ipairs(leaves) do
    for _, step in ipairs(leaf.path) do
      if step.child.changed then
        step.child.changed = nil
        writeChild(step.node, step.separator, step.child)
      end
    end
  end
  for _, leaf in ipairs(leaves) do if leaf.count == 0 then prune(leaf) end end
  -- From below: what is cut adds to its parent.
  local deepest = 0
  for _, growing in ipairs(grownOrder) do deepest = math.max(deepest, growing.level) end
  for level = deepest, 0, -1 do
    local place = 1
    while grownOrder[place] do
      local growing = grownOrder[place]
      if growing.level == level then
        if level == 0 and not inner[growing.list] then
          addChildren(growing.node, { { separator = '', child = growing.first } })
          inner[growing.list] = true
        end
        addChildren(growing.node, growing.additions)
        cutInner(growing)
      end
      place = place + 1
    end
  end
  for number in pairs(named) do
    local name = nameOf(number)
    call('HSET', P .. 'L:' .. bucketOf(number), number, name.index .. '\\n' .. name.head)
    listsOf(name.index).changed = true
  end
  for index, lists in pairs(indexes) do
    if lists.changed then
      local field, text = P .. 'l:' .. bucketOf(index), ''
      for head, number in pairs(lists.heads) do text = text .. number .. ' ' .. head .. '\\n' end
      if text == '' then call('HDEL', field, index) else call('HSET', field, index, text) end
    end
  end
  if lastId ~= firstId then call('SET', P .. 'ids', string.format('%.0f', lastId)) end
end
`;
