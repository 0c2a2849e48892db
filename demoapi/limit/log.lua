-- The sliding log. A state is a sorted set with a member for each request that
-- was let through, whose score is its time in unix seconds. A request that is
-- turned away leaves it as it is, down to its expiry.

-- As text, since a fraction loses digits as a plain number.
local function text(us) return format('%.6f', us / 1000000) end

local edge -- what is as old counts no longer
local function used_of(log) return call('ZCOUNT', log, '(' .. edge, '+inf') end

local function take(log, n)
  call('ZREMRANGEBYSCORE', log, '-inf', edge)
  -- The count makes members unique within one microsecond.
  call('ZADD', log, text(now), format('%d-%d', now, n))
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

local function decide()
  edge = text(now - window)
  local used, used_all = used_of(state), 0
  local wait_all = 0
  local refused = used >= limit and 1 or 0
  if limit_all then
    used_all = used_of(state_all)
    if used_all >= limit_all then
      refused = refused + 2
    end
  end

  if refused == 0 then
    take(state, count + 1)
    used = used + 1
    if limit_all then
      take(state_all, count_all + 1)
      used_all = used_all + 1
    end
  end
  local wait = wait_of(state, limit, used)
  if limit_all then
    wait_all = wait_of(state_all, limit_all, used_all)
  end
  if refused == 0 then
    note_allowed()
  else
    note_denied(refused, wait, wait_all)
  end
  return refused, used, wait, used_all, wait_all
end

return answer(decide)
