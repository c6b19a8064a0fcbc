-- What the ledger knows, all at one moment. It only reads, so that a replica can answer too.
local rate_seconds = tonumber(ARGV[1])

local time = redis.call('TIME')
local second = tonumber(time[1])
local now = second * 1000 + math.floor(time[2] / 1000)

local problem = wrong_count_key(BLOCKS) or wrong_count_key(RETIRED) or wrong_type(MINERS, 'zset')
if problem then return problem end

local seconds = {}
for ago = rate_seconds, 1, -1 do
  table.insert(seconds, second_key(second - ago))
end

local miners = {}
for _, miner in ipairs(redis.call('ZREVRANGE', MINERS, 0, -1)) do
  local key = miner_key(miner)
  problem = wrong_type(key, 'hash')
  if problem then return problem end
  local record = redis.call('HMGET', key, 'nonce', 'coins', 'seen', 'hash_rate', 'name')
  local nonce, coins, seen, hash_rate, name = unpack(record)
  local origin = redis.call('HMGET', key, 'served_by', 'node', 'architecture', 'version', 'uptime', 'knobs')
  problem = wrong_count(key, coins) or wrong_nonce(key, nonce)
  if problem then return problem end
  -- Somebody may have deleted the hash by hand: then the miner begins again with its next batch.
  if coins then
    table.insert(miners, { miner, nonce, coins, seen, hash_rate, name, origin })
  end
end

return {
  now,
  redis.call('GET', BLOCKS) or '0',
  redis.call('GET', RETIRED) or '0',
  redis.call('MGET', unpack(seconds)),
  miners,
}
