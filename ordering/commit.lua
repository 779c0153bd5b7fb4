--[[ Commits changes to documents of one shop: all of them, or nothing.

KEYS  1   record of the op            2   the shop's sequence number    3   the shop's log (a stream)
      4…  the documents; each one's key is also the name of its channel
ARGV  1   lines: the fingerprint of what was meant; this commit's id; how many documents are changed, the first ones (the
          others are only checked); then for each document the revision that the rules saw, "v r" ("0 " where there
          was none). One word, as each takes the sender as long as four lines
      2   the answer to remember                        3   entry for the log
      4…  for each document that is changed its new body

A document is a hash: v version, r id of the commit that wrote it, s sequence number of that commit, b body.
A message is "v r s\nbody". The record of an op is "fingerprint s answer".

Returns {"done", record}                          this op took effect before
        {"conflict", s, key, v, r, s, b, …}       documents that do not stand where the rules saw them
        {"ok", s}                                 committed as number s
        the error NOPERM                          the user may not do all of it

A script has no roll-back: everything is checked before the first write. The first write is XADD, whose id is the
sequence number, so that it is also the one that refuses when the store is full or read-only. What the user may do is
asked first: the server itself would find out in the middle, with the op remembered and the documents not written. ]]

local OP_REMEMBERED = 24 * 60 * 60 -- seconds; a phone can sleep through dinner
local LOG_KEPT = 100000 -- entries, about a month of a busy restaurant

local record = redis.call('GET', KEYS[1])
if record then
  return {'done', record}
end

local seen = {}
for line in string.gmatch(ARGV[1], '[^\n]+') do
  seen[#seen + 1] = line
end
local meant, commit, changed = seen[1], seen[2], tonumber(seen[3])

local documents = {}
local conflict = {'conflict', redis.call('GET', KEYS[2]) or '0'}
for i = 4, #KEYS do
  local stored = redis.call('HMGET', KEYS[i], 'v', 'r')
  local v, r = stored[1] or '0', stored[2] or ''
  if v .. ' ' .. r ~= seen[i] then
    local rest = redis.call('HMGET', KEYS[i], 's', 'b')
    for _, part in ipairs({KEYS[i], v, r, rest[1] or '0', rest[2] or ''}) do
      conflict[#conflict + 1] = part
    end
  end
  if i - 3 <= changed then
    documents[i - 3] = {key = KEYS[i], v = v + 1, body = ARGV[i]}
  end
end
if #conflict > 2 then
  return conflict
end

local may = redis.acl_check_cmd
local allowed = may('XADD', KEYS[3], '*', 'entry', '') and may('SET', KEYS[2], '') and may('SET', KEYS[1], '')
for _, document in ipairs(documents) do
  allowed = allowed and may('HSET', document.key, 'v', '') and may('SPUBLISH', document.key, '')
end
if not allowed then
  return redis.error_reply('NOPERM the user may not use XADD, SET, HSET and SPUBLISH on all keys of the shop')
end

local s = tonumber(redis.call('GET', KEYS[2]) or '0') + 1
redis.call('XADD', KEYS[3], 'MAXLEN', '~', LOG_KEPT, s .. '-0', 'entry', ARGV[3])
redis.call('SET', KEYS[2], s)
redis.call('SET', KEYS[1], meant .. ' ' .. s .. ' ' .. ARGV[2], 'EX', OP_REMEMBERED)
for _, document in ipairs(documents) do
  redis.call('HSET', document.key, 'v', document.v, 'r', commit, 's', s, 'b', document.body)
  redis.call('SPUBLISH', document.key, document.v .. ' ' .. commit .. ' ' .. s .. '\n' .. document.body)
end
return {'ok', tostring(s)}
