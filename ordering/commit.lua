--[[ Commits changes to documents of one shop: all of them, or nothing.

KEYS  1   record of the op            2   the shop's sequence number    3   the shop's log (a stream)
      4…  the documents; each one's key is also the name of its channel
ARGV  1   fingerprint of what was meant                 2   the answer to remember
      3   seconds for which the op is remembered        4   entry for the log
      5   entries that the log keeps, about
      then for each document four: the version and the commit id that the rules saw ("0" and "" where there
      was none), the new commit id ("" where the document is only checked), the new body

A document is a hash: v version, r id of the commit that wrote it, s sequence number of that commit, b body.
A message is "v r s\nbody". The record of an op is "fingerprint s answer".

Returns {"done", record}                          this op took effect before
        {"conflict", s, key, v, r, s, b, …}       documents that do not stand where the rules saw them
        {"ok", s}                                 committed as number s
        the error NOPERM                          the user may not do all of it

A script has no roll-back: everything is checked before the first write. The first write is XADD, whose id is the
sequence number, so that it is also the one that refuses when the store is full or read-only. What the user may do is
asked first: the server itself would find out in the middle, with the op remembered and the documents not written. ]]

local record = redis.call('GET', KEYS[1])
if record then
  return {'done', record}
end

local documents = {}
local conflict = {'conflict', redis.call('GET', KEYS[2]) or '0'}
for i = 4, #KEYS do
  local at = 6 + (i - 4) * 4
  local stored = redis.call('HMGET', KEYS[i], 'v', 'r')
  local v, r = stored[1] or '0', stored[2] or ''
  if v ~= ARGV[at] or r ~= ARGV[at + 1] then
    local rest = redis.call('HMGET', KEYS[i], 's', 'b')
    for _, part in ipairs({KEYS[i], v, r, rest[1] or '0', rest[2] or ''}) do
      conflict[#conflict + 1] = part
    end
  end
  documents[#documents + 1] = {key = KEYS[i], v = v + 1, r = ARGV[at + 2], body = ARGV[at + 3]}
end
if #conflict > 2 then
  return conflict
end

local may = redis.acl_check_cmd
local allowed = may('XADD', KEYS[3], '*', 'entry', '') and may('SET', KEYS[2], '') and may('SET', KEYS[1], '')
for _, document in ipairs(documents) do
  if document.r ~= '' then
    allowed = allowed and may('HSET', document.key, 'v', '') and may('SPUBLISH', document.key, '')
  end
end
if not allowed then
  return redis.error_reply('NOPERM the user may not use XADD, SET, HSET and SPUBLISH on all keys of the shop')
end

local s = tonumber(redis.call('GET', KEYS[2]) or '0') + 1
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[5], s .. '-0', 'entry', ARGV[4])
redis.call('SET', KEYS[2], s)
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. s .. ' ' .. ARGV[2], 'EX', ARGV[3])
for _, document in ipairs(documents) do
  if document.r ~= '' then
    redis.call('HSET', document.key, 'v', document.v, 'r', document.r, 's', s, 'b', document.body)
    redis.call('SPUBLISH', document.key, document.v .. ' ' .. document.r .. ' ' .. s .. '\n' .. document.body)
  end
end
return {'ok', tostring(s)}
