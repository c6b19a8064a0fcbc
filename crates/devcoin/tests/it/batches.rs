//! What the tests say to ledgers.

use devcoin::ledger::{Batch, Origin};
use devcoin::{Difficulty, Ledger, MemoryLedger, MinerId};

use crate::redis_server::RedisServer;

/// Runs a test with each kind of ledger, empty.
pub(crate) async fn with_each_ledger(test: impl AsyncFn(&dyn Ledger)) {
    test(&MemoryLedger::default()).await;
    test(&RedisServer::start(&[]).ledger()).await;
}

pub(crate) fn batch(miner: &MinerId, nonces: impl IntoIterator<Item = u64>) -> Batch {
    Batch {
        miner: miner.clone(),
        name: "miner.2 on pi4".to_owned(),
        difficulty: Difficulty::MIN,
        nonces: nonces.into_iter().collect(),
        hash_rate: 1000,
        origin: Origin::default(),
    }
}
