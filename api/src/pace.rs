//! How fast each miner is now, by what the ledger said in the last seconds.

use std::collections::{HashMap, VecDeque};

use devcoin::MinerId;
use devcoin::ledger::{Figures, MinerFigures};

/// The time over which a miner's speed is taken, in milliseconds: the same as that of all miners together.
const WINDOW: u64 = 10_000;

/// What the ledger said last, and how fast the miners were until then.
#[derive(Debug)]
pub(crate) struct Observed {
    pub(crate) figures: Figures,
    pub(crate) pace: Pace,
}

/// Each miner's coins at the moments of the last [`WINDOW`], the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    moments: VecDeque<(u64, HashMap<MinerId, u64>)>,
}

impl Pace {
    /// Notes what the ledger says now.
    pub(crate) fn note(&mut self, figures: &Figures) {
        let now = figures.milliseconds;
        self.moments.retain(|(moment, _)| *moment < now && now - *moment <= WINDOW);
        let coins = figures.miners.iter().map(|miner| (miner.miner.clone(), miner.coins)).collect();
        self.moments.push_back((now, coins));
    }

    /// Coins a second of this miner, from the first moment of the window to the last; nothing as long as there is
    /// but one. Who was not known at the first had no coin then.
    pub(crate) fn of(&self, miner: &MinerFigures) -> Option<f64> {
        let ((first, coins), (last, _)) = (self.moments.front()?, self.moments.back()?);
        let before = coins.get(&miner.miner).copied().unwrap_or_default();
        // Both stay far below the 2⁵³ that a float holds exactly.
        #[allow(clippy::cast_precision_loss)]
        let (new, milliseconds) = (miner.coins.saturating_sub(before) as f64, (last - first) as f64);
        (milliseconds > 0.0).then(|| new * 1000.0 / milliseconds)
    }
}

#[cfg(test)]
mod tests {
    use devcoin::ledger::Origin;

    use super::*;

    #[test]
    fn a_miner_is_as_fast_as_in_the_last_10_s_and_nobody_knows_at_the_first_moment() {
        let figures = |milliseconds, coins: &[(&MinerId, u64)]| {
            let miner = |(miner, coins): &(&MinerId, u64)| MinerFigures {
                miner: (*miner).clone(),
                name: String::new(),
                coins: *coins,
                last_nonce: None,
                last_seen: milliseconds,
                hash_rate: 0,
                origin: Origin::default(),
            };
            Figures { milliseconds, miners: coins.iter().map(miner).collect(), ..Figures::default() }
        };
        let (one, new) = (MinerId::new("one"), MinerId::new("new"));
        let mut pace = Pace::default();
        let mut paces = |figures: Figures| {
            pace.note(&figures);
            figures.miners.iter().map(|miner| pace.of(miner)).collect::<Vec<_>>()
        };
        assert_eq!(paces(figures(1000, &[(&one, 500)])), [None]);
        assert_eq!(paces(figures(5000, &[(&one, 502)])), [Some(0.5)]);
        assert_eq!(paces(figures(11_000, &[(&one, 530), (&new, 5)])), [Some(3.0), Some(0.5)]);
        // The first moment is out of the window.
        assert_eq!(paces(figures(15_000, &[(&one, 530), (&new, 5)])), [Some(2.8), Some(0.5)]);
        // And after a while without the ledger, all are.
        assert_eq!(paces(figures(60_000, &[(&one, 900)])), [None]);
    }
}
