//! The search for coins: the fastest way that this processor has.

use crate::coin::{Coin, Difficulty, MinerId};

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod block;
mod lanes;
#[cfg(test)]
mod tests;
mod way;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use block::{Block, PAIRS};
use way::Way;

/// Nonces of one scan: those that differ in their last four digits.
pub const SCAN_NONCES: u64 = 1 << 16;

/// Tries a miner's nonces.
#[derive(Clone, Debug)]
pub struct Search {
    miner: MinerId,
    way: Way,
}

impl Search {
    /// A search with the fastest way that this processor has.
    #[must_use]
    pub fn new(miner: MinerId) -> Self {
        Self { miner, way: way::fastest() }
    }

    /// A search with each way that this processor has, the fastest first. All find the same.
    #[must_use]
    pub fn all(miner: &MinerId) -> Vec<Self> {
        way::all().map(|way| Self { miner: miner.clone(), way }).collect()
    }

    /// What computes the hashes, for people: `SHA instructions, 4 at once`.
    #[must_use]
    pub fn way(&self) -> &'static str {
        self.way.name
    }

    /// Tries the [`SCAN_NONCES`] nonces from `scan * SCAN_NONCES` on, and appends those that are coins,
    /// ascending. `scan` is below 2⁴⁸.
    pub fn scan(&self, scan: u64, difficulty: Difficulty, found: &mut Vec<u64>) {
        let mut coin = Coin { miner: self.miner.clone(), nonce: scan * SCAN_NONCES };
        let block = Block::new(&coin.message());
        let bits = u32::from(difficulty.bits());
        let greatest = u32::MAX.checked_shr(bits).unwrap_or(0);
        let mut hashes = [0; PAIRS.len()];
        for (high, pair) in (0..).zip(PAIRS) {
            (self.way.row)(&block, pair << 16, &mut hashes);
            // They are counted first: that takes no branch for each, so it can be done for several at once.
            if hashes.iter().map(|hash| u32::from(*hash <= greatest)).sum::<u32>() == 0 {
                continue;
            }
            for (low, _) in (0..).zip(hashes).filter(|(_, hash)| *hash <= greatest) {
                coin.nonce = (scan * SCAN_NONCES) | (high << 8) | low;
                // The first word of the hash says all about its first 32 bits.
                if bits <= u32::BITS || coin.is_worth(difficulty) {
                    found.push(coin.nonce);
                }
            }
        }
    }
}
