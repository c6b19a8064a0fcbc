//! Putting what several threads found back into order.
//!
//! The ledger counts a nonce only when it is higher than the miner's last one. So a later scan's coins
//! wait until every earlier scan is over.

use std::collections::BTreeMap;

use devcoin::Difficulty;

/// A coin that was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Found {
    pub(crate) nonce: u64,
    /// What it was searched for as; what is set may be another one by now.
    pub(crate) difficulty: Difficulty,
}

/// The scans that are not in order yet.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// The first scan that is not over.
    first_open: u64,
    /// What the later ones found that are over.
    early: BTreeMap<u64, Vec<Found>>,
    coins: usize,
}

impl Order {
    /// The first scan that is not over.
    pub(crate) fn first_open(&self) -> u64 {
        self.first_open
    }

    /// Coins that wait for an earlier scan.
    pub(crate) fn coins(&self) -> usize {
        self.coins
    }

    /// Takes what a scan found; gives what is in order now.
    pub(crate) fn put(&mut self, scan: u64, found: Vec<Found>) -> Vec<Found> {
        self.coins += found.len();
        self.early.insert(scan, found);
        let mut in_order = Vec::new();
        while let Some(found) = self.early.remove(&self.first_open) {
            self.first_open += 1;
            self.coins -= found.len();
            in_order.extend(found);
        }
        in_order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(nonces: &[u64]) -> Vec<Found> {
        nonces.iter().map(|nonce| Found { nonce: *nonce, difficulty: Difficulty::MIN }).collect()
    }

    #[test]
    fn coins_of_a_later_scan_wait_for_the_earlier_ones() {
        let mut order = Order::default();
        assert_eq!(order.put(2, found(&[20, 21])), []);
        assert_eq!(order.put(1, found(&[])), []);
        assert_eq!((order.coins(), order.first_open()), (2, 0));
        assert_eq!(order.put(0, found(&[5])), found(&[5, 20, 21]));
        assert_eq!((order.coins(), order.first_open()), (0, 3));
        assert_eq!(order.put(3, found(&[30])), found(&[30]));
    }
}
