--[[ Reads documents of one shop and the record of an op, all at one moment.

KEYS  1   record of the op      2   the shop's sequence number      3…  the documents
ARGV  the revision that the reader knows of each document already, "v r" ("" for none)

Returns {record or "", s, key, v, r, s, b, …} with only those documents that stand otherwise; a document that does not
exist has version "0" and commit id "", so its revision is "0 ". ]]

local found = {redis.call('GET', KEYS[1]) or '', redis.call('GET', KEYS[2]) or '0'}
for i = 3, #KEYS do
  local stored = redis.call('HMGET', KEYS[i], 'v', 'r', 's')
  local v, r = stored[1] or '0', stored[2] or ''
  if v .. ' ' .. r ~= ARGV[i - 2] then
    local body = r ~= '' and redis.call('HGET', KEYS[i], 'b') or ''
    for _, part in ipairs({KEYS[i], v, r, stored[3] or '0', body}) do
      found[#found + 1] = part
    end
  end
end
return found
