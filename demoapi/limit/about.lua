-- What both algorithms begin with: the requests, the time, and the hash about
-- a subject, which viewers read and which this script keeps.
--
-- Many requests go in one call. They are decided on one after the other, at one
-- instant. Those on the same terms share these.
--
-- KEYS    for each request: hash about the subject; state of the quota of the
--         request's class; state of the subject's quota over all classes, or the
--         one before again if it has none
-- ARGV    for each request: where its terms begin in ARGV. After that the terms:
--         tier, class, window in microseconds, the same in seconds as text,
--         limit of the class, limit over all classes or 0
--
-- returns {now in microseconds, and for each request: refused, used, wait in
--          microseconds; used and wait over all classes}
--
-- refused is 0 when the request was let through and counted, 1 when the class is
-- used up, 2 when the quota over all is, 3 when both are. wait is the time until
-- one more may pass, where the quota is used up; else until one that counts now
-- is counted no longer; the whole window where nothing counts. A request that
-- cannot be decided on has the error's text for refused, and zeros; it fails
-- alone.
--
-- Every request runs this: about 9 microseconds of the server each in a batch of
-- 16, 6 in a burst of one subject, 15 alone, most of it for the calls of commands.
-- So there are no tables and no loops over the two quotas, and no call that can be
-- spared.
local call, ceil, format = redis.call, math.ceil, string.format
local KEYS, ARGV = KEYS, ARGV

local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]

-- The request's keys and terms, those that are numbers as such too. limit_all is
-- nil if there is no such quota.
local about, state, state_all
local tier, class, seconds, limit_text, all_text
local window, limit, limit_all
local limit_field, allowed_field -- of the class, in the hash

-- known is the hash; known[4] and [6] are the limits as noted last, [5] and [7]
-- how many requests were let through. The counts are what these become.
local known, count, count_all

-- again says that the request before was of the same subject on the same terms, and
-- succeeded: nobody came between, so what is known is not read again. Bursts of one
-- client are what limits are for.
local again = false

-- whole writes a whole number. A number as an argument would be written by the
-- server with 17 digits, as any other, which takes it several times as long.
local function whole(n) return format('%d', n) end

-- note_allowed counts a request that was let through. The rest of the hash is
-- written when it changed, and its expiry now and then: it is due one to one and
-- a sixteenth windows after the last such request, never before the states.
local function note_allowed()
  local renewed = tonumber(known[3]) or 0
  count, count_all = count + 1, count_all + 1
  local counted, counted_all = whole(count), whole(count_all)
  if known[1] == tier and known[2] == seconds and known[4] == limit_text
    and (not limit_all or known[6] == all_text) and now >= renewed and now - renewed < window / 16 then
    if limit_all then
      call('HSET', about, allowed_field, counted, 'allowed:all', counted_all)
    else
      call('HSET', about, allowed_field, counted)
    end
    return
  end
  call('HSET', about, 'tier', tier, 'window', seconds, 'renewed', whole(now),
    limit_field, limit_text, allowed_field, counted)
  if limit_all then
    call('HSET', about, 'limit:all', all_text, 'allowed:all', counted_all)
  end
  call('PEXPIRE', about, ceil(window * 17 / 16000))
  known[1], known[2], known[3], known[4] = tier, seconds, now, limit_text
  if limit_all then
    known[6] = all_text
  end
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

-- agree reads the terms that begin there.
local function agree(at)
  tier, class, seconds, limit_text, all_text = ARGV[at], ARGV[at + 1], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]
  window, limit, limit_all = tonumber(ARGV[at + 2]), tonumber(limit_text), nil
  if all_text ~= '0' then
    limit_all = tonumber(all_text)
  end
  limit_field, allowed_field = 'limit:' .. class, 'allowed:' .. class
end

-- answer is the script: decide returns what is returned for each request.
local function answer(decide)
  local function one(key)
    if not again then
      about, state, state_all = KEYS[key], KEYS[key + 1], KEYS[key + 2]
      known = call('HMGET', about, 'tier', 'window', 'renewed', limit_field, allowed_field, 'limit:all', 'allowed:all')
      count, count_all = known[5] or 0, known[7] or 0
    end
    return decide()
  end
  local reply, n, terms = {now}, 1, nil
  for i = 1, #KEYS / 3 do
    again = again and ARGV[i] == terms and KEYS[3 * i - 2] == about
    if ARGV[i] ~= terms then
      terms = ARGV[i]
      agree(tonumber(terms))
    end
    local ok, refused, used, wait, used_all, wait_all = pcall(one, 3 * i - 2)
    again = ok
    if not ok then
      refused = type(refused) == 'table' and refused.err or tostring(refused)
      used, wait, used_all, wait_all = 0, 0, 0, 0
    end
    reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4], reply[n + 5] = refused, used, wait, used_all, wait_all
    n = n + 5
  end
  return reply
end
