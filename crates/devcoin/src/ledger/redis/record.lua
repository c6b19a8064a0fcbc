-- Records a batch. Everything is checked before the first write, so that it is done whole or not at all;
-- and the first write needs memory, so that Redis refuses it when there is none.
--
-- Nonces are 16 hexadecimal digits each, ascending, one after the other. They are compared as texts: as
-- numbers, those above 2^53 would be rounded.
local miner, message_start, nonces, difficulty, hash_rate, name = unpack(ARGV, 1, 6)
local recent_max, rate_seconds, alive_time, miners_max, retirements_max = unpack(ARGV, 7, 11)
local served_by, node, architecture, version, uptime, knobs = unpack(ARGV, 12, 17)

local time = redis.call('TIME')
local second = tonumber(time[1])
local now = second * 1000 + math.floor(time[2] / 1000)
local record = miner_key(miner)

local problem = wrong_count_key(BLOCKS) or wrong_count_key(second_key(second)) or wrong_count_key(RETIRED)
  or wrong_type(COINS, 'stream') or wrong_type(MINERS, 'zset') or wrong_type(record, 'hash')
if problem then return problem end

local last_nonce, coins = unpack(redis.call('HMGET', record, 'nonce', 'coins'))
problem = wrong_count(record, coins) or wrong_nonce(record, last_nonce)
if problem then return problem end

-- The first of the nonces are known: those up to the last that was counted.
local count = #nonces / 16
local function nonce(index)
  return string.sub(nonces, index * 16 - 15, index * 16)
end
local known, unknown = 0, count + 1
while last_nonce and unknown - known > 1 do
  local middle = math.floor((known + unknown) / 2)
  if nonce(middle) <= last_nonce then known = middle else unknown = middle end
end
local new = count - known

-- Who is to be retired: the longest silent, when there are too many.
local excess = redis.call('ZCARD', MINERS) - miners_max
if not redis.call('ZSCORE', MINERS, miner) then excess = excess + 1 end
excess = math.min(excess, retirements_max)
local retiring, retiring_coins = {}, 0
if excess > 0 then
  local silent_since = string.format('%.0f', now - alive_time)
  for _, silent in ipairs(redis.call('ZRANGEBYSCORE', MINERS, '-inf', silent_since, 'LIMIT', 0, excess + 1)) do
    if silent ~= miner and #retiring < excess then
      local key = miner_key(silent)
      problem = wrong_type(key, 'hash') or wrong_count(key, redis.call('HGET', key, 'coins'))
      if problem then return problem end
      retiring_coins = retiring_coins + (redis.call('HGET', key, 'coins') or 0)
      table.insert(retiring, silent)
    end
  end
end

for index = math.max(known, count - recent_max) + 1, count do
  redis.call('XADD', COINS, '*', 'message', message_start .. nonce(index), 'difficulty', difficulty)
end
local blocks = redis.call('INCRBY', BLOCKS, new)
if new > 0 then
  redis.call('XTRIM', COINS, 'MAXLEN', recent_max)
  redis.call('INCRBY', second_key(second), new)
  -- A second more than it is asked for.
  redis.call('EXPIRE', second_key(second), rate_seconds + 2)
  redis.call('HSET', record, 'nonce', nonce(count))
end
local seen = string.format('%.0f', now)
local all_coins = string.format('%.0f', (coins or 0) + new)
redis.call('HSET', record, 'coins', all_coins, 'seen', seen, 'hash_rate', hash_rate, 'name', name,
  'served_by', served_by, 'node', node, 'architecture', architecture, 'version', version, 'uptime', uptime,
  'knobs', knobs)
redis.call('ZADD', MINERS, seen, miner)
if #retiring > 0 then
  redis.call('INCRBY', RETIRED, string.format('%.0f', retiring_coins))
  for _, silent in ipairs(retiring) do
    redis.call('DEL', miner_key(silent))
    redis.call('ZREM', MINERS, silent)
  end
end
return { new, blocks }
