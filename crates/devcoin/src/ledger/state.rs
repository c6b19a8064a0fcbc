//! What a ledger holds, and how a batch changes it: the rules, without clock and waiting.
//!
//! `record.lua` has the same rules for Redis.

use std::collections::{BTreeMap, VecDeque};

use super::{
    Batch, CoinId, Figures, MINERS_MAX, MinerFigures, Origin, RATE_SECONDS, RECENT_COINS_MAX, RETIREMENTS_MAX,
    Recorded, RecordedCoin,
};
use crate::coin::{Coin, MinerId};

/// All that a ledger knows. Times are in milliseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct State {
    blocks: u64,
    retired_coins: u64,
    miners: BTreeMap<MinerId, MinerFigures>,
    recent: VecDeque<RecordedCoin>,
    last: CoinId,
    /// Coins of each second since 1970, of those that [`Figures::per_second`] may ask for.
    per_second: BTreeMap<u64, u64>,
}

impl State {
    /// Counts what is new in a batch at this moment.
    pub(super) fn record(&mut self, batch: &Batch, now: u64) -> Recorded {
        let Batch { miner, name, difficulty, nonces, hash_rate, origin } = batch;
        let record = self.miners.entry(miner.clone()).or_insert_with(|| MinerFigures {
            miner: miner.clone(),
            name: name.clone(),
            coins: 0,
            last_nonce: None,
            last_seen: now,
            hash_rate: 0,
            origin: Origin::default(),
        });
        let known = nonces.partition_point(|nonce| Some(*nonce) <= record.last_nonce);
        let nonces = &nonces[known..];
        let new = count(nonces.len());
        record.coins += new;
        record.last_nonce = nonces.last().copied().or(record.last_nonce);
        record.last_seen = now;
        record.hash_rate = *hash_rate;
        record.origin = origin.cut();
        self.blocks += new;
        *self.per_second.entry(now / 1000).or_default() += new;
        self.per_second.retain(|second, _| *second + count(RATE_SECONDS) >= now / 1000);
        for nonce in &nonces[nonces.len().saturating_sub(RECENT_COINS_MAX)..] {
            self.last = after(self.last, now);
            let coin = Coin { miner: miner.clone(), nonce: *nonce };
            self.recent.push_back(RecordedCoin { id: self.last, coin, difficulty: *difficulty });
        }
        self.recent.drain(..self.recent.len().saturating_sub(RECENT_COINS_MAX));
        self.retire(miner, now);
        Recorded { new, blocks: self.blocks }
    }

    /// Adds the longest silent miners to the retired ones' sum, when there are too many.
    fn retire(&mut self, but: &MinerId, now: u64) {
        let excess = self.miners.len().saturating_sub(MINERS_MAX).min(RETIREMENTS_MAX);
        if excess == 0 {
            return;
        }
        let silent = self.miners.values().filter(|miner| !miner.is_alive(now) && miner.miner != *but);
        let mut silent: Vec<_> = silent.map(|miner| (miner.last_seen, miner.miner.clone())).collect();
        silent.sort();
        for (_, miner) in silent.into_iter().take(excess) {
            self.retired_coins += self.miners.remove(&miner).map_or(0, |miner| miner.coins);
        }
    }

    /// What is known at this moment.
    pub(super) fn figures(&self, now: u64) -> Figures {
        let mut miners: Vec<_> = self.miners.values().cloned().collect();
        miners.sort_by(|one, other| (other.last_seen, &other.miner).cmp(&(one.last_seen, &one.miner)));
        let second = now / 1000;
        let seconds = second.saturating_sub(count(RATE_SECONDS))..second;
        Figures {
            blocks: self.blocks,
            milliseconds: now,
            per_second: seconds.map(|second| self.per_second.get(&second).copied().unwrap_or(0)).collect(),
            miners,
            retired_coins: self.retired_coins,
        }
    }

    /// Whether there are recent coins after this place.
    pub(super) fn has_coins(&self, after: Option<CoinId>) -> bool {
        self.recent.back().is_some_and(|coin| Some(coin.id) > after)
    }

    /// The recent coins after this place, the oldest first.
    pub(super) fn coins(&self, after: Option<CoinId>, limit: usize) -> Vec<RecordedCoin> {
        let known = self.recent.partition_point(|coin| Some(coin.id) <= after);
        self.recent.range(known..).take(limit).cloned().collect()
    }
}

/// The next place, also while the clock goes backwards.
fn after(last: CoinId, now: u64) -> CoinId {
    if now > last.milliseconds {
        return CoinId { milliseconds: now, number: 0 };
    }
    CoinId { number: last.number + 1, ..last }
}

/// A number of things in memory fits.
fn count(number: usize) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Difficulty;
    use crate::ledger::ALIVE_TIME;

    fn batch(miner: &MinerId, nonces: &[u64]) -> Batch {
        Batch {
            miner: miner.clone(),
            name: "pi".to_owned(),
            difficulty: Difficulty::MIN,
            nonces: nonces.to_vec(),
            hash_rate: 0,
            origin: Origin::default(),
        }
    }

    #[test]
    fn the_longest_silent_miners_retire_and_their_coins_stay() {
        let alive = u64::try_from(ALIVE_TIME.as_millis()).unwrap();
        let mut state = State::default();
        let miners: Vec<_> = (0..MINERS_MAX).map(|_| MinerId::new("pi")).collect();
        for (miner, now) in miners.iter().zip(0..) {
            state.record(&batch(miner, &[1, 2, 3]), now);
        }
        // As long as all are alive, there may be more.
        let last = alive - 1;
        state.record(&batch(&MinerId::new("new"), &[1]), last);
        assert_eq!(state.figures(last).miners.len(), MINERS_MAX + 1);
        // The first is silent, but heard of just now; the second gives its place, and the third is alive.
        state.record(&batch(&miners[0], &[4]), alive + 1);
        let figures = state.figures(alive + 1);
        let is_there = |miner: &MinerId| figures.miners.iter().any(|record| record.miner == *miner);
        assert_eq!([0, 1, 2].map(|number: usize| is_there(&miners[number])), [true, false, true]);
        assert_eq!((figures.miners.len(), figures.retired_coins), (MINERS_MAX, 3));
        assert_eq!((figures.blocks, figures.sum()), (MINERS_MAX as u64 * 3 + 2, figures.blocks));
    }

    #[test]
    fn a_batch_retires_a_limited_number() {
        let mut state = State::default();
        for now in 0..1200 {
            state.record(&batch(&MinerId::new("pi"), &[1]), now);
        }
        let now = 1_000_000;
        for left in [1101, 1002, MINERS_MAX, MINERS_MAX] {
            state.record(&batch(&MinerId::new("pi"), &[1]), now);
            let figures = state.figures(now);
            assert_eq!((figures.miners.len(), figures.sum()), (left, figures.blocks));
        }
    }

    #[test]
    fn seconds_are_counted_until_they_are_too_old() {
        let (mut state, miner) = (State::default(), MinerId::new("pi"));
        state.record(&batch(&miner, &[1, 2]), 100_999);
        state.record(&batch(&miner, &[3]), 101_000);
        let at = |now| state.figures(now).per_second;
        // This second is not over.
        assert_eq!(at(100_999)[59], 0);
        assert_eq!(at(101_000)[59], 2);
        assert_eq!(at(102_500)[58..], [2, 1]);
        assert_eq!(at(160_999)[..2], [2, 1]);
        assert_eq!(at(161_000)[..2], [1, 0]);
        assert_eq!(at(162_000), [0; RATE_SECONDS]);
        state.record(&batch(&miner, &[4]), 500_000);
        assert_eq!(state.per_second.len(), 1);
    }

    #[test]
    fn places_ascend_also_while_the_clock_goes_backwards() {
        let (mut state, miner) = (State::default(), MinerId::new("pi"));
        state.record(&batch(&miner, &[1, 2]), 50);
        state.record(&batch(&miner, &[3]), 40);
        state.record(&batch(&miner, &[4]), 51);
        let places: Vec<_> = state.coins(None, 10).iter().map(|coin| coin.id.to_string()).collect();
        assert_eq!(places, ["50-0", "50-1", "50-2", "51-0"]);
    }
}
