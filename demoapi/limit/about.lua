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
--
-- Every request runs this: no tables and no loops over the two quotas, which
-- would make it a fifth slower.
local call, ceil = redis.call, math.ceil
local about, tier, class, seconds = KEYS[1], ARGV[1], ARGV[2], ARGV[4]
local window, limit, limit_all = tonumber(ARGV[3]), tonumber(ARGV[5]), tonumber(ARGV[6])

local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]

-- known is the hash; known[4] and [6] are the limits as noted last, [5] and [7]
-- how many requests were let through.
local known = call('HMGET', about, 'tier', 'window', 'renewed',
  'limit:' .. class, 'allowed:' .. class, 'limit:all', 'allowed:all')
local count, count_all = (known[5] or 0) + 1, (known[7] or 0) + 1

-- note_allowed counts a request that was let through. The rest of the hash is
-- written when it changed, and its expiry now and then: it is due one to one and
-- a sixteenth windows after the last such request, never before the states.
local function note_allowed()
  local renewed = tonumber(known[3]) or 0
  if known[1] == tier and known[2] == seconds and known[4] == ARGV[5]
    and (not limit_all or known[6] == ARGV[6]) and now >= renewed and now - renewed < window / 16 then
    if limit_all then
      call('HSET', about, 'allowed:' .. class, count, 'allowed:all', count_all)
    else
      call('HSET', about, 'allowed:' .. class, count)
    end
    return
  end
  call('HSET', about, 'tier', tier, 'window', seconds, 'renewed', now,
    'limit:' .. class, ARGV[5], 'allowed:' .. class, count)
  if limit_all then
    call('HSET', about, 'limit:all', ARGV[6], 'allowed:all', count_all)
  end
  call('PEXPIRE', about, ceil(window * 17 / 16000))
end

-- note_denied counts a request that was turned away, once: for the quota that
-- will do so for longer.
local function note_denied(refused, wait, wait_all)
  if refused == 2 or refused == 3 and wait_all > wait then
    call('HINCRBY', about, 'denied:all', 1)
  else
    call('HINCRBY', about, 'denied:' .. class, 1)
  end
end
