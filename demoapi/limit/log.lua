-- The sliding log. A state is a sorted set with a member for each request that
-- was let through, whose score is its time in unix seconds. A request that is
-- turned away leaves it as it is, down to its expiry.

-- As text, since a fraction loses digits as a plain number.
local function text(us) return string.format('%.6f', us / 1000000) end

local limits, used, wait = {}, {}, {}
local refused = 0
for i = 1, quotas do
  limits[i] = tonumber(ARGV[4 + i])
  used[i] = redis.call('ZCOUNT', KEYS[1 + i], '(' .. text(now - window), '+inf')
  if used[i] >= limits[i] then
    refused = refused + i
  end
end

if refused == 0 then
  for i = 1, quotas do
    local log = KEYS[1 + i]
    redis.call('ZREMRANGEBYSCORE', log, '-inf', text(now - window))
    -- The count makes members unique within one microsecond.
    redis.call('ZADD', log, text(now), string.format('%.0f-%.0f', now, counts[i]))
    redis.call('PEXPIRE', log, math.ceil(window / 1000))
    used[i] = used[i] + 1
  end
end

for i = 1, quotas do
  wait[i] = window
  if used[i] > 0 then
    -- Whose leaving frees a place: the oldest in the window, or a younger one if
    -- the limit was lowered since and several must leave.
    local rank = -math.min(used[i], limits[i])
    local entry = redis.call('ZRANGE', KEYS[1 + i], rank, rank, 'WITHSCORES')
    wait[i] = math.floor(entry[2] * 1000000 + 0.5) + window - now
  end
end
if refused == 0 then
  note_allowed()
else
  note_denied(refused, wait)
end
return {refused, now, used[1], wait[1], used[2] or 0, wait[2] or 0}
