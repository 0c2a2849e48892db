-- The generic cell rate algorithm. A state is the theoretical arrival time
-- (TAT): when the quota will be unused again, in unix microseconds. Each request
-- moves it by pace, a window over its limit in whole microseconds, rounded up.
local limits, pace, was, ahead, used, wait = {}, {}, {}, {}, {}, {}
local refused = 0
for i = 1, quotas do
  local limit = tonumber(ARGV[4 + i])
  limits[i] = limit
  pace[i] = math.ceil(window / limit)
  -- The state's own pace, if the quota is not what it was: what is used stays
  -- used, and leaves as fast as it would have.
  was[i] = pace[i]
  local noted = known[2 + 2 * i]
  if noted and (noted ~= ARGV[4 + i] or known[2] ~= seconds) then
    was[i] = math.ceil(known[2] * 1000000 / noted)
  end
  local tat = redis.call('GET', KEYS[1 + i])
  ahead[i] = tat and math.max(0, tonumber(tat) - now) or 0
  -- Twice as much as can be used: the server's clock was set back. Such a state
  -- would not end in time.
  if ahead[i] > 2 * math.max(limit, tonumber(noted) or 0) * was[i] then
    ahead[i] = 0
  end
  used[i] = math.ceil(ahead[i] / was[i])
  if used[i] >= limit then
    refused = refused + i
  end
end

if refused == 0 then
  for i = 1, quotas do
    local a = ahead[i]
    if was[i] ~= pace[i] then
      a = math.ceil(a * pace[i] / was[i])
    end
    a = a + pace[i]
    redis.call('SET', KEYS[1 + i], now + a, 'PX', math.ceil(a / 1000))
    used[i] = math.ceil(a / pace[i])
    wait[i] = a - (used[i] - 1) * pace[i]
  end
  note_allowed()
else
  for i = 1, quotas do
    wait[i] = window
    if used[i] > 0 then
      wait[i] = ahead[i] - (math.min(used[i], limits[i]) - 1) * was[i]
    end
  end
  note_denied(refused, wait)
end
return {refused, now, used[1], wait[1], used[2] or 0, wait[2] or 0}
