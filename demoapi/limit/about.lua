-- What both algorithms begin with: the arguments, the time, and the hash about
-- the subject, which viewers read and which this script keeps.
--
-- KEYS[1] hash about the subject
-- KEYS[2] state of the quota of the request's class
-- KEYS[3] state of the subject's quota over all classes, if it has one
-- ARGV    tier, class, window in microseconds, the same in seconds as text,
--         limit of the class, limit over all classes if there is one
--
-- returns {refused, now in microseconds, used, wait in microseconds; used and
--          wait over all classes}
--
-- refused is 0 when the request was let through and counted, 1 when the class is
-- used up, 2 when the quota over all is, 3 when both are. wait is the time until
-- one more may pass, where the quota is used up; else until one that counts now
-- is counted no longer; the whole window where nothing counts.
local about, tier, class = KEYS[1], ARGV[1], ARGV[2]
local window, seconds = tonumber(ARGV[3]), ARGV[4]
local quotas = #KEYS - 1
local names = {class, 'all'}

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

-- known[2 + 2 * i] is the limit of the i-th quota as noted last, the next one
-- how often it let through.
local known
if quotas == 2 then
  known = redis.call('HMGET', about, 'tier', 'window', 'renewed',
    'limit:' .. class, 'allowed:' .. class, 'limit:all', 'allowed:all')
else
  known = redis.call('HMGET', about, 'tier', 'window', 'renewed', 'limit:' .. class, 'allowed:' .. class)
end
local counts = {(tonumber(known[5]) or 0) + 1, (tonumber(known[7]) or 0) + 1}

-- note_allowed counts a request that was let through. The rest of the hash is
-- written when it changed, and its expiry now and then: it is due one to one and
-- a sixteenth windows after the last such request, never before the states.
local function note_allowed()
  local same = known[1] == tier and known[2] == seconds and known[4] == ARGV[5]
    and (quotas == 1 or known[6] == ARGV[6])
  local renewed = tonumber(known[3]) or 0
  if same and now >= renewed and now - renewed < window / 16 then
    if quotas == 2 then
      redis.call('HSET', about, 'allowed:' .. class, counts[1], 'allowed:all', counts[2])
    else
      redis.call('HSET', about, 'allowed:' .. class, counts[1])
    end
    return
  end
  redis.call('HSET', about, 'tier', tier, 'window', seconds, 'renewed', now)
  for i = 1, quotas do
    redis.call('HSET', about, 'limit:' .. names[i], ARGV[4 + i], 'allowed:' .. names[i], counts[i])
  end
  redis.call('PEXPIRE', about, math.ceil(window * 17 / 16000))
end

-- note_denied counts a request that was turned away, once: for the quota that
-- will do so for longer.
local function note_denied(refused, wait)
  local by = refused
  if refused == 3 then
    by = wait[2] > wait[1] and 2 or 1
  end
  redis.call('HINCRBY', about, 'denied:' .. names[by], 1)
end
