-- One client a thread: hold a seat, then book it, each unit by the next citizen of its file.
-- Arguments: the folder of the citizens' files, the file of slots, the service's id, and seconds
-- that are not measured, in which the server's connections plan their statements.

local ffi = require("ffi")
ffi.cdef [[
  struct moment { long seconds; long nanoseconds; };
  int clock_gettime(int clock, struct moment *now);
]]
local MONOTONIC = 1
local moment = ffi.new("struct moment")
local threads = {}

local function now()
  ffi.C.clock_gettime(MONOTONIC, moment)
  return tonumber(moment.seconds) + tonumber(moment.nanoseconds) / 1e9
end

function setup(thread)
  thread:set("number", #threads)
  threads[#threads + 1] = thread
end

local function lines_of(path)
  local lines = {}
  for line in io.lines(path) do lines[#lines + 1] = line end
  return lines
end

function init(args)
  citizens = lines_of(args[1] .. "/citizens-" .. number)
  slots = lines_of(args[2])
  service, starting = args[3], tonumber(args[4])
  math.randomseed(number + 1)
  at, booked, measured, held = 0, 0, 0, nil
  began = now()
end

local function post(path, key, body)
  local headers = {
    ["Authorization"] = "Bearer " .. token,
    ["Content-Type"] = "application/json",
    ["Idempotency-Key"] = key,
  }
  return wrk.format("POST", path, headers, body)
end

function request()
  if held then
    local body = '{"bookings":[{"id":"' .. held.booking .. '","reason":"Khám thử"}]}'
    return post("/v1/holds/" .. held.hold .. "/booking", "book-" .. number .. "-" .. at, body)
  end
  -- who comes round once more is refused, and the run with them
  at = at % #citizens + 1
  token, profile = citizens[at]:match("(%S+) (%S+)")
  local slot = slots[math.random(#slots)]
  local body = '{"serviceId":"' .. service .. '","slotId":"' .. slot
    .. '","people":["' .. profile .. '"]}'
  return post("/v1/holds", "hold-" .. number .. "-" .. at, body)
end

function response(status, _, body)
  if held then
    if status == 201 then
      booked = booked + 1
      if now() - began >= starting then measured = measured + 1 end
    end
    held = nil
  elseif status == 201 then
    local bookings = body:match('"bookings":%s*(%b[])')
    local rest = body:gsub('"bookings":%s*%b[]', "")
    held = {
      hold = rest:match('"id":%s*"([^"]+)"'),
      booking = bookings:gsub('"slot":%s*%b{}', ""):match('"id":%s*"([^"]+)"'),
    }
  else
    refused = status .. " " .. body
  end
end

function done(summary)
  local booked, measured, why = 0, 0, nil
  for _, thread in ipairs(threads) do
    booked = booked + thread:get("booked")
    measured = measured + thread:get("measured")
    why = thread:get("refused") or why
  end
  if why then print("Refused: " .. why) end
  local seconds = summary.duration / 1e6 - threads[1]:get("starting")
  print(string.format("Booked: %d, %.3f a second", booked, measured / seconds))
end
