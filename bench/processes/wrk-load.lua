-- What wrk sends and says: requests from a file, byte for byte, one after the other; a line of JSON at the end. The first
-- argument is the file, each request behind its length and a line feed. With a second one, `statuses`, the statuses are
-- counted, which costs wrk so much that no measured round does it.
local requests = {}
local next_one = 0
local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  local file = assert(io.open(args[1], 'rb'))
  while true do
    local length = file:read('*n')
    if not length then break end
    file:read(1)
    requests[#requests + 1] = file:read(length)
  end
  file:close()
  if args[2] ~= 'statuses' then return end
  statuses = {}
  response = function(status)
    local name = tostring(status)
    statuses[name] = (statuses[name] or 0) + 1
  end
end

function request()
  next_one = next_one % #requests + 1
  return requests[next_one]
end

function done(summary, latency)
  local counted = {}
  for _, thread in ipairs(threads) do
    for name, count in pairs(thread:get('statuses') or {}) do counted[#counted + 1] = ('"%s":%d'):format(name, count) end
  end
  local errors = summary.errors
  io.write(('\n{"answers":%d,"bytes":%d,"seconds":%.6f,"refused":%d,"failed":%d,"p50Us":%.1f,"p99Us":%.1f,"statuses":{%s}}\n'):format(
    summary.requests, summary.bytes, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(50), latency:percentile(99),
    table.concat(counted, ',')))
end
