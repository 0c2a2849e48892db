-- The generic cell rate algorithm. A state is the theoretical arrival time
-- (TAT): when the quota will be unused again, in unix microseconds. Each request
-- moves it by pace, a window over its limit in whole microseconds, rounded up.

-- look returns a quota's pace, that of its state, how far ahead of now the state
-- is, and how many requests count.
local function look(key, limit, text, noted)
  local pace = ceil(window / limit)
  -- The state's own pace, if the quota is not what it was: what is used stays
  -- used, and leaves as fast as it would have.
  local was = pace
  if noted and (noted ~= text or known[2] ~= seconds) then
    was = ceil(known[2] * 1000000 / noted)
  end
  local tat = call('GET', key)
  if not tat then
    return pace, was, 0, 0
  end
  local ahead = tonumber(tat) - now
  -- Twice as much as can be used: the server's clock was set back. Such a state
  -- would not end in time.
  if ahead <= 0 or ahead > 2 * math.max(limit, noted or 0) * was then
    return pace, was, 0, 0
  end
  return pace, was, ahead, ceil(ahead / was)
end

-- take counts one more request and returns how far ahead the state is now, how
-- many requests count, and the time until one less does.
local function take(key, pace, was, ahead)
  if was ~= pace then
    ahead = ceil(ahead * pace / was)
  end
  ahead = ahead + pace
  local tat = whole(now + ahead)
  call('SET', key, tat, 'PXAT', tat:sub(1, -4)) -- lives on through that millisecond
  local used = ceil(ahead / pace)
  return ahead, used, ahead - (used - 1) * pace
end

-- wait is the time of a quota that stays as it is, see above.
local function wait_of(limit, was, ahead, used)
  if used == 0 then
    return window
  end
  return ahead - (math.min(used, limit) - 1) * was
end

-- The state of both quotas: its pace and that of its quota, how far ahead it is,
-- and how many requests count.
local pace, was, ahead, used
local pace_all, was_all, ahead_all, used_all

local function decide()
  if not again then
    pace, was, ahead, used = look(state, limit, limit_text, known[4])
    used_all = 0
    if limit_all then
      pace_all, was_all, ahead_all, used_all = look(state_all, limit_all, all_text, known[6])
    end
  end
  local wait, wait_all = 0, 0
  local refused = used >= limit and 1 or 0
  if limit_all and used_all >= limit_all then
    refused = refused + 2
  end

  if refused == 0 then
    ahead, used, wait = take(state, pace, was, ahead)
    was = pace
    if limit_all then
      ahead_all, used_all, wait_all = take(state_all, pace_all, was_all, ahead_all)
      was_all = pace_all
    end
    note_allowed()
  else
    wait = wait_of(limit, was, ahead, used)
    if limit_all then
      wait_all = wait_of(limit_all, was_all, ahead_all, used_all)
    end
    note_denied(refused, wait, wait_all)
  end
  return refused, used, wait, used_all, wait_all
end

return answer(decide)
