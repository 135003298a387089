-- The token check of the nginx + Lua peers: bearer, SHA-256, LRU look-up, state, expiry, one scope, one workspace. What
-- the richer one does beside it stands here too: headers rewritten as scopegate does it, counters, rate limits. Fetches
-- nothing: all facts are read from a file when a worker starts.
local ffi = require 'ffi'
local lrucache = require 'resty.lrucache'

ffi.cdef [[ unsigned char *SHA256(const unsigned char *text, size_t length, unsigned char *digest); ]]

local ANSWERED_NEVER = 1e9 -- a limit that is never full
local BOUNDS = { 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5 }
local OVERRIDES_AND_ADDRESSES = {
  'x-original-url', 'x-rewrite-url', 'x-http-method', 'x-http-method-override', 'x-method-override', 'x-original-uri',
  'forwarded', 'forwarded-for', 'x-request-id', 'client-ip', 'cf-connecting-ip', 'fastly-client-ip', 'true-client-ip',
  'x-client-ip', 'x-cluster-client-ip', 'x-real-ip', 'x-remote-addr', 'x-remote-ip', 'x-true-client-ip',
}

local check = {}
local tokens = lrucache.new(10000)
local environments = {}
local dropped = {} -- by the spelling seen: whether it is dropped
local dropped_count = 0
local counts = { requests = {}, answers = {}, seconds = {}, seconds_sum = 0 }
local digest = ffi.new('unsigned char[32]')

local function sha256(text)
  ffi.C.SHA256(text, #text, digest)
  return ffi.string(digest, 32)
end

local function set_of(list)
  local set = {}
  for name in list:gmatch('[^,]+') do set[name] = true end
  return set
end

-- Lines of fields between tabs, as `luaFacts` in bench/peers/nginx.ts writes them.
function check.load(path)
  for line in io.lines(path) do
    local fields = {}
    for field in (line .. '\t'):gmatch('([^\t]*)\t') do fields[#fields + 1] = field end
    if fields[1] == 'environment' then
      environments[fields[2]] = fields[3]
    else
      local key = fields[2]:gsub('..', function(pair) return string.char(tonumber(pair, 16)) end)
      tokens:set(key, {
        expires_at = tonumber(fields[3]), state = fields[4], scopes = set_of(fields[5]), workspaces = set_of(fields[6]),
        scopes_text = fields[5]:gsub(',', ' '), workspaces_text = fields[6], id = fields[7], owner = fields[8],
        organization = fields[9],
      })
    end
  end
end

function check.token()
  local header = ngx.var.http_authorization
  if not header or header:sub(1, 7) ~= 'Bearer ' then return ngx.exit(401) end
  local token = tokens:get(sha256(header:sub(8)))
  if not token or token.state ~= 'active' or token.expires_at <= ngx.now() then return ngx.exit(401) end
  local environment = ngx.var.arg_environmentId
  local workspace = environment and environments[environment]
  if not token.scopes['workflows:read'] or not workspace or not token.workspaces[workspace] then return ngx.exit(403) end
  return token, workspace, environment
end

local function is_dropped(name)
  local known = dropped[name]
  if known ~= nil then return known end
  local folded = name:lower():gsub('_', '-')
  known = folded:sub(1, 12) == 'x-scopegate-' or folded:sub(1, 12) == 'x-forwarded-'
  for _, other in ipairs(OVERRIDES_AND_ADDRESSES) do known = known or folded == other end
  if dropped_count < 1000 then
    dropped[name] = known
    dropped_count = dropped_count + 1
  end
  return known
end

-- What could be mistaken for ours goes, then who is calling is said. The configuration writes the X-Forwarded lines.
function check.rewrite(token, workspace, environment)
  for name in pairs(ngx.req.get_headers(100, true)) do
    if is_dropped(name) then ngx.req.clear_header(name) end
  end
  local set = ngx.req.set_header
  set('X-Scopegate-Token-Id', token.id)
  set('X-Scopegate-Kind', 'personal')
  set('X-Scopegate-Organization', token.organization)
  set('X-Scopegate-Subject', token.owner)
  set('X-Scopegate-Scopes', token.scopes_text)
  set('X-Scopegate-Workspaces', token.workspaces_text)
  set('X-Scopegate-Workspace', workspace)
  set('X-Scopegate-Environment', environment)
  set('X-Scopegate-Role', 'member')
end

-- Two fixed windows in shared memory, told to the client.
function check.limit(token)
  local windows = ngx.shared.windows
  local second = windows:incr('second:' .. token.id, 1, 0, 1)
  local month = windows:incr('month:' .. token.organization, 1, 0, 2592000)
  if second > ANSWERED_NEVER or month > ANSWERED_NEVER then return ngx.exit(429) end
  ngx.header['RateLimit-Policy'] = '"burst";q=1000000000;w=1, "quota";q=1000000000;w=2592000'
  ngx.header['RateLimit'] = ('"burst";r=%d;t=1, "quota";r=%d;t=2592000'):format(ANSWERED_NEVER - second, ANSWERED_NEVER - month)
end

local function add(family, key)
  family[key] = (family[key] or 0) + 1
end

-- Plain numbers of this worker, as long as nobody asks for them.
function check.count()
  local status = ngx.status
  add(counts.requests, status == 401 and 'unauthorized' or status == 403 and 'forbidden' or 'forwarded')
  add(counts.answers, math.floor(status / 100))
  local seconds = tonumber(ngx.var.request_time)
  local index = 1
  while BOUNDS[index] and seconds > BOUNDS[index] do index = index + 1 end
  add(counts.seconds, index)
  counts.seconds_sum = counts.seconds_sum + seconds
end

return check
