-- Ends a load: stores its value unless the key was deleted since the load began,
-- and releases the lock if it is still the caller's.
--
-- KEYS    value, lock, mark of the last deletion
-- ARGV    token of the lock ('': not held), the mark when the load began,
--         the value ('': nothing to store), its life in milliseconds
-- returns 1 if the value was stored
local stored = 0
if ARGV[3] ~= '' and (redis.call('GET', KEYS[3]) or '') == ARGV[2] then
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
  stored = 1
end
if ARGV[1] ~= '' and redis.call('GET', KEYS[2]) == ARGV[1] then
  redis.call('DEL', KEYS[2])
end
return stored
