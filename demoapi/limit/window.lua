-- One decision of a sliding log: at most `limit` requests in any `window`.
--
-- KEYS[1] sorted set, one member per allowed request, score = unix seconds
-- KEYS[2] hash about the subject, for viewers
-- ARGV    limit, window in microseconds, tier, class
-- returns {allowed 0|1, used, now in microseconds, wait in microseconds}
--
-- A denied request leaves the log as it is: a client that keeps knocking does
-- not lock itself out.
local log, about = KEYS[1], KEYS[2]
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local tier, class = ARGV[3], ARGV[4]

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
-- As text, since plain numbers lose digits on their way to the server.
local function seconds(us) return string.format('%.6f', us / 1000000) end

redis.call('ZREMRANGEBYSCORE', log, '-inf', seconds(now - window))
local used = redis.call('ZCARD', log)
local allowed = used < limit

if allowed then
  -- The counter makes members unique within one microsecond.
  local n = redis.call('HINCRBY', about, 'allowed:' .. class, 1)
  redis.call('ZADD', log, seconds(now), string.format('%.0f-%.0f', now, n))
  redis.call('PEXPIRE', log, math.ceil(window / 1000))
  used = used + 1
else
  redis.call('HINCRBY', about, 'denied:' .. class, 1)
end
redis.call('HSET', about, 'tier', tier, 'window', string.format('%.10g', window / 1000000), 'limit:' .. class, limit)
redis.call('PEXPIRE', about, math.ceil(window / 1000))

-- The entry whose leaving frees a place: the oldest, or a younger one if the
-- limit was lowered since and several must leave.
local rank = math.max(0, used - limit)
local entry = redis.call('ZRANGE', log, rank, rank, 'WITHSCORES')
local wait = math.floor(entry[2] * 1000000 + 0.5) + window - now
return {allowed and 1 or 0, used, now, wait}
