//! The recent coins, as this replica has followed them.

use std::collections::VecDeque;
use std::sync::Arc;

use devcoin::ledger::{CoinId, RECENT_COINS_MAX, RecordedCoin};

use crate::coin::Coin;

/// The recent coins, the oldest first; [`RECENT_COINS_MAX`] at most, as older ones go.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    coins: VecDeque<(CoinId, Arc<Coin>)>,
    catch_ups: u64,
}

impl Recent {
    /// Adds coins that the ledger gave, the oldest first. `is_all`: it had no more.
    pub(crate) fn add(&mut self, coins: &[RecordedCoin], is_all: bool) {
        self.coins.extend(coins.iter().map(|coin| (coin.id, Arc::new(Coin::new(coin)))));
        self.coins.drain(..self.coins.len().saturating_sub(RECENT_COINS_MAX));
        self.catch_ups += u64::from(is_all);
    }

    /// Forgets all coins, as the ledger may have others now.
    pub(crate) fn clear(&mut self) {
        self.coins.clear();
    }

    /// The place of the last coin.
    pub(crate) fn last(&self) -> Option<CoinId> {
        self.coins.back().map(|(id, _)| *id)
    }

    /// How often all coins of the ledger were known.
    pub(crate) fn catch_ups(&self) -> u64 {
        self.catch_ups
    }

    /// The coins after this place, the oldest first, `limit` at most.
    pub(crate) fn after(&self, place: CoinId, limit: usize) -> impl Iterator<Item = &(CoinId, Arc<Coin>)> {
        let known = self.coins.partition_point(|(id, _)| *id <= place);
        self.coins.range(known..).take(limit)
    }

    /// The coins, the newest first, `limit` at most.
    pub(crate) fn newest(&self, limit: usize) -> Vec<Arc<Coin>> {
        self.coins.iter().rev().take(limit).map(|(_, coin)| coin.clone()).collect()
    }

    /// The coin with this hash.
    pub(crate) fn find(&self, hash: &str) -> Option<Arc<Coin>> {
        self.coins.iter().rev().find(|(_, coin)| coin.hash == hash).map(|(_, coin)| coin.clone())
    }
}

#[cfg(test)]
mod tests {
    use devcoin::{Coin, Difficulty, MinerId};

    use super::*;

    fn coin(number: u64) -> RecordedCoin {
        let coin = Coin { miner: MinerId::new("pi"), nonce: number };
        RecordedCoin { id: CoinId { milliseconds: 1, number }, coin, difficulty: Difficulty::MIN }
    }

    #[test]
    fn the_newest_coins_are_kept_and_given_in_the_order_asked_for() {
        let mut recent = Recent::default();
        let number = RECENT_COINS_MAX as u64 + 2;
        recent.add(&(0..number).map(coin).collect::<Vec<_>>(), true);
        assert_eq!(recent.last(), Some(CoinId { milliseconds: 1, number: number - 1 }));
        let newest: Vec<_> = recent.newest(2).iter().map(|coin| coin.nonce).collect();
        assert_eq!(newest, [number - 1, number - 2]);
        let after = |place| recent.after(place, 2).map(|(_, coin)| coin.nonce).collect::<Vec<_>>();
        assert_eq!(after(CoinId::default()), [2, 3]);
        assert_eq!(after(CoinId { milliseconds: 1, number: number - 2 }), [number - 1]);
        assert_eq!(after(CoinId { milliseconds: 2, number: 0 }), [0; 0]);
        assert_eq!(recent.newest(usize::MAX).len(), RECENT_COINS_MAX);
    }

    #[test]
    fn a_coin_is_found_by_its_hash() {
        let mut recent = Recent::default();
        let coins = [coin(1), coin(2)];
        recent.add(&coins, true);
        assert_eq!(recent.find(&coins[0].coin.hash().to_string()).map(|coin| coin.nonce), Some(1));
        assert_eq!(recent.find(&coin(1).coin.hash().to_string()), None);
    }
}
