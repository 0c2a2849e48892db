-- Begins a load: says what is there, which deletion was the last, and takes the
-- lock if it is free and the value still the one that the caller has seen.
--
-- KEYS    value, lock, mark of the last deletion
-- ARGV    token for the lock ('': it is not wanted), its life in milliseconds,
--         the value that the caller has seen ('': none)
-- returns the value or '', 1 if the lock was taken, the mark or ''
local value = redis.call('GET', KEYS[1]) or ''
local mark = redis.call('GET', KEYS[3]) or ''
local taken = 0
if ARGV[1] ~= '' and value == ARGV[3] and redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then
  taken = 1
end
return {value, taken, mark}
