-- The ledger's keys, and what is in them. Both scripts begin with this.
--
-- blocks         number of all coins
-- blocks:SECOND  coins of one second since 1970; gone after a while
-- coins          stream of the recent coins: message, difficulty
-- miners         the miners' ids, sorted by when they were heard of, in milliseconds since 1970
-- miner:ID       hash of a miner: nonce (of its last coin), coins, seen (as in miners), hash_rate, name; and where it
--                runs: served_by, node, architecture, version, uptime (in seconds, when it was seen), knobs (what
--                breaks it on purpose). What it does not tell is empty
-- retired        coins of miners that have no hash any more
local BLOCKS, COINS, MINERS, RETIRED = 'blocks', 'coins', 'miners', 'retired'

-- Lua counts exactly up to 2^53. A count of more digits than this is nobody's work.
local COUNT_DIGITS_MAX = 15

local function second_key(second)
  return BLOCKS .. ':' .. string.format('%.0f', second)
end

local function miner_key(miner)
  return 'miner:' .. miner
end

-- An error reply when the key is of another type, else nil.
local function wrong_type(key, type)
  local found = redis.call('TYPE', key).ok
  if found ~= type and found ~= 'none' then
    return redis.error_reply('WRONGKEY the key ' .. key .. ' is a ' .. found .. ', the ledger needs a ' .. type)
  end
end

-- An error reply when the value, found in that key, is there and no count, else nil.
local function wrong_count(key, value)
  if value and (value == '' or #value > COUNT_DIGITS_MAX or value:find('%D')) then
    return redis.error_reply('WRONGKEY the key ' .. key .. ' has something where the ledger needs a count')
  end
end

-- An error reply when the value, found in that key, is there and no nonce, else nil.
local function wrong_nonce(key, value)
  if value and (#value ~= 16 or value:find('[^0-9a-f]')) then
    return redis.error_reply('WRONGKEY the key ' .. key .. ' has something where the ledger needs a nonce')
  end
end

-- The same as wrong_count for a key that is a count itself.
local function wrong_count_key(key)
  return wrong_type(key, 'string') or wrong_count(key, redis.call('GET', key))
end
