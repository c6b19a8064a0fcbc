//! What the scripts and the stream answer, made into what the ledger gives.

use redis::streams::StreamId;

use crate::coin::Coin;
use crate::ledger::{Figures, LedgerError, MinerFigures, Origin, RecordedCoin};

/// What `figures.lua` returns: the moment, all coins, retired coins, coins of each second, miners.
pub(super) type FiguresAnswer = (u64, u64, u64, Vec<Option<u64>>, Vec<MinerAnswer>);

/// A miner's id, last nonce, coins, when it was seen, its hashes a second, its name, and its origin.
type MinerAnswer = (String, Option<String>, u64, Option<String>, Option<String>, Option<String>, [Option<String>; 6]);

/// Reads what `figures.lua` returned.
pub(super) fn figures(answer: FiguresAnswer, server: &str) -> Result<Figures, LedgerError> {
    let (milliseconds, blocks, retired_coins, per_second, miners) = answer;
    Ok(Figures {
        blocks,
        milliseconds,
        per_second: per_second.into_iter().map(Option::unwrap_or_default).collect(),
        miners: miners.into_iter().map(|miner| miner_figures(miner, server)).collect::<Result<_, _>>()?,
        retired_coins,
    })
}

fn miner_figures(answer: MinerAnswer, server: &str) -> Result<MinerFigures, LedgerError> {
    let (id, nonce, coins, last_seen, hash_rate, name, origin) = answer;
    let wrong = |what: &str| {
        let text = format!("{server} holds something else: {what}; delete it (ZREM miners, DEL miner:…)");
        LedgerError::Refused(text)
    };
    let miner = id.parse().map_err(|_| wrong(&format!("the key miners has {id:?}, which is no miner's id")))?;
    let last_nonce = nonce.map(|digits| u64::from_str_radix(&digits, 16)).transpose();
    let last_nonce = last_nonce.map_err(|_| wrong(&format!("the key miner:{id} has no hexadecimal nonce")))?;
    // Without these two, or with something else in them, somebody has changed the hash by hand; the miner's next
    // batch sets them.
    let number = |digits: Option<String>| digits.and_then(|digits| digits.parse().ok()).unwrap_or_default();
    let (last_seen, hash_rate) = (number(last_seen), number(hash_rate));
    let [served_by, node, architecture, version, uptime, knobs] =
        origin.map(|text| text.filter(|text| !text.is_empty()));
    let uptime_seconds = uptime.and_then(|digits| digits.parse().ok());
    let origin = Origin { served_by, node, architecture, version, uptime_seconds, knobs };
    Ok(MinerFigures { miner, name: name.unwrap_or(id), coins, last_nonce, last_seen, hash_rate, origin })
}

/// Reads an entry of the stream; nothing when somebody else has put something else there.
pub(super) fn recorded_coin(entry: &StreamId) -> Option<RecordedCoin> {
    let coin: Coin = entry.get::<String>("message")?.parse().ok()?;
    let difficulty = entry.get::<u8>("difficulty")?.try_into().ok()?;
    Some(RecordedCoin { id: entry.id.parse().ok()?, coin, difficulty })
}
