--[[ Takes, keeps or gives back the right to do something alone.

KEYS  1   the lease
ARGV  1   who asks      2   for how long (ms; 0: gives it back)

Returns 1 when the asker has it (or has given it back), 0 when somebody else has. ]]

local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then
  return 0
end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 1
