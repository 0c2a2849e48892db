-- Adds reads to the counts of keys and keeps the `most` highest.
--
-- KEYS[1] sorted set: member = cache key, score = reads so far
-- ARGV    most, expiry in milliseconds, then key, reads, key, reads ...
-- returns the lowest count in a full set, else 0, and then the indexes (from 0)
--         of the keys whose reads were not added
--
-- A full set takes a new key only above its lowest score. Otherwise the caller
-- keeps the reads until they suffice: if a newcomer's few reads were added and
-- trimmed again each time, it could never get in.
local set, most = KEYS[1], tonumber(ARGV[1])
local room = most - redis.call('ZCARD', set)
local lowest = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]
lowest = tonumber(lowest) or 0
local kept = {}
for i = 3, #ARGV, 2 do
  local key, reads = ARGV[i], tonumber(ARGV[i + 1])
  if redis.call('ZSCORE', set, key) then
    redis.call('ZINCRBY', set, reads, key)
  elseif room > 0 or reads > lowest then
    redis.call('ZINCRBY', set, reads, key)
    room = room - 1
  else
    kept[#kept + 1] = (i - 3) / 2
  end
end
redis.call('ZREMRANGEBYRANK', set, 0, -(most + 1))
redis.call('PEXPIRE', set, ARGV[2])
lowest = 0
if redis.call('ZCARD', set) >= most then
  lowest = tonumber(redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2])
end
table.insert(kept, 1, lowest)
return kept
