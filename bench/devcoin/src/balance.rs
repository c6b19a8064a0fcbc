//! Whether the ledger has counted each coin once.

use std::fmt::{self, Display, Formatter};

use anyhow::ensure;
use devcoin::ledger::Figures;

/// Coins as the ledger counts them in two ways.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Balance {
    /// All coins.
    pub(crate) blocks: u64,
    /// The sum over the miners.
    miners: u64,
    /// Coins of miners that have no record any more.
    retired: u64,
}

impl Balance {
    /// The ledger's balance.
    ///
    /// # Errors
    /// When the two ways give different numbers.
    pub(crate) fn of(figures: &Figures) -> anyhow::Result<Self> {
        let miners = figures.miners.iter().map(|miner| miner.coins).sum();
        let balance = Self { blocks: figures.blocks, miners, retired: figures.retired_coins };
        ensure!(balance.blocks == balance.miners + balance.retired, "the ledger has counted wrongly: {balance}");
        Ok(balance)
    }
}

impl Display for Balance {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self { blocks, miners, retired } = self;
        write!(formatter, "blocks {blocks}, sum over miners {miners}, retired {retired}")
    }
}

#[cfg(test)]
mod tests {
    use devcoin::MinerId;
    use devcoin::ledger::{MinerFigures, Origin};

    use super::*;

    #[test]
    fn blocks_are_those_of_the_miners_and_the_retired() {
        let miner = |coins| MinerFigures {
            miner: MinerId::new("pi"),
            name: "pi".to_owned(),
            coins,
            last_nonce: None,
            last_seen: 0,
            hash_rate: 0,
            origin: Origin::default(),
        };
        let figures =
            |blocks| Figures { blocks, miners: vec![miner(3), miner(4)], retired_coins: 5, ..Figures::default() };
        assert_eq!(Balance::of(&figures(12)).unwrap().to_string(), "blocks 12, sum over miners 7, retired 5");
        for wrong in [11, 13] {
            assert!(Balance::of(&figures(wrong)).is_err());
        }
    }
}
