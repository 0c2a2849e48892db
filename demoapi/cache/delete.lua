-- Deletes values, marks their keys so that loads which began before store
-- nothing, frees their locks for new loads, and tells the other processes.
--
-- KEYS    value, lock, mark; value, lock, mark; ...
-- ARGV    a mark that was never used before, its life in milliseconds,
--         channel, message
for i = 1, #KEYS, 3 do
  redis.call('SET', KEYS[i + 2], ARGV[1], 'PX', ARGV[2])
  redis.call('UNLINK', KEYS[i], KEYS[i + 1])
end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return #KEYS / 3
