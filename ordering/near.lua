--[[ Notes a sign of life of one guest, or that the guest has gone, and publishes who is at the table.

KEYS  1   the document      2   the shop's sequence number
ARGV  1   the new commit id                     2   the guest
      3   when (ms since 1970), "" for gone     4   where on the menu
      5   signs before this are dropped (ms)    6   seconds after which the document is forgotten

The document is kept and published like every other (see commit.lua), but not logged and not counted: it is no
command. Its version is the time, so that it also rises when the document was forgotten meanwhile. ]]

local stored = redis.call('HMGET', KEYS[1], 'v', 'b')
local signs = stored[2] and cjson.decode(stored[2]).signs or {}
for guest, sign in pairs(signs) do
  if sign.at < tonumber(ARGV[5]) then
    signs[guest] = nil
  end
end
local was = signs[ARGV[2]]
local at = tonumber(ARGV[3])
if at then
  local stays = was and was.where == ARGV[4]
  signs[ARGV[2]] = {at = at, where = ARGV[4], since = stays and was.since or at}
elseif not was then
  return 0
else
  signs[ARGV[2]] = nil
end

local v = string.format('%.0f', math.max(tonumber(stored[1] or '0') + 1, at or 0))
local s = redis.call('GET', KEYS[2]) or '0'
local body = cjson.encode({signs = signs})
redis.call('HSET', KEYS[1], 'v', v, 'r', ARGV[1], 's', s, 'b', body)
redis.call('EXPIRE', KEYS[1], ARGV[6])
redis.call('SPUBLISH', KEYS[1], v .. ' ' .. ARGV[1] .. ' ' .. s .. '\n' .. body)
return 1
