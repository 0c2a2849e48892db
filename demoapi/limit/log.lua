-- The sliding log. A state is a sorted set with a member for each request that
-- was let through, whose score is its time in unix seconds. A request that is
-- turned away leaves it as it is, down to its expiry.

-- As text, since a fraction loses digits as a plain number.
local function text(us) return string.format('%.6f', us / 1000000) end

local edge = text(now - window) -- what is as old counts no longer
local function used_of(log) return call('ZCOUNT', log, '(' .. edge, '+inf') end

local function take(log, count)
  call('ZREMRANGEBYSCORE', log, '-inf', edge)
  -- The count makes members unique within one microsecond.
  call('ZADD', log, text(now), string.format('%.0f-%.0f', now, count))
  call('PEXPIRE', log, ceil(window / 1000))
end

-- wait_of is the time until the entry leaves that frees a place: the oldest in the
-- window, or a younger one if the limit was lowered since and several must leave.
local function wait_of(log, limit, used)
  if used == 0 then
    return window
  end
  local rank = -math.min(used, limit)
  local entry = call('ZRANGE', log, rank, rank, 'WITHSCORES')
  return math.floor(entry[2] * 1000000 + 0.5) + window - now
end

local used, used_all = used_of(KEYS[2]), 0
local wait, wait_all = 0, 0
local refused = used >= limit and 1 or 0
if limit_all then
  used_all = used_of(KEYS[3])
  if used_all >= limit_all then
    refused = refused + 2
  end
end

if refused == 0 then
  take(KEYS[2], count)
  used = used + 1
  if limit_all then
    take(KEYS[3], count_all)
    used_all = used_all + 1
  end
end
wait = wait_of(KEYS[2], limit, used)
if limit_all then
  wait_all = wait_of(KEYS[3], limit_all, used_all)
end
if refused == 0 then
  note_allowed()
else
  note_denied(refused, wait, wait_all)
end
return {refused, now, used, wait, used_all, wait_all}
