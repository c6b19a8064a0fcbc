//! Redis is killed while batches come, and comes back with its append-only file.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use devcoin::ledger::LedgerError;
use devcoin::{Ledger, MinerId, RedisLedger};
use testing::needs;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::batches::batch;
use crate::redis_server::RedisServer;

const MINERS: usize = 4;

/// Coins of each batch; each begins with half of the last.
const BATCH: u64 = 50;

/// How often Redis is killed, each time after so many more confirmed batches.
const KILLS: u64 = 5;
const BATCHES_BETWEEN: u64 = 40;

/// A miner: how many of its coins were confirmed. Its nonces are odd.
struct Miner {
    id: MinerId,
    confirmed: AtomicU64,
}

impl Miner {
    fn batch(&self, first: u64, end: u64) -> devcoin::ledger::Batch {
        batch(&self.id, (first..end).map(|coin| coin * 2 + 1))
    }
}

#[needs("redis-server")]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_confirmed_is_lost_and_nothing_counts_twice_when_redis_is_killed() {
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let miners: &'static [Miner] =
        Box::leak(Box::new([(); MINERS].map(|()| Miner { id: MinerId::new("pi"), confirmed: AtomicU64::new(0) })));
    let is_over: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
    let mut mining = JoinSet::new();
    for miner in miners {
        mining.spawn(mine(server.ledger(), miner, is_over));
    }
    let ledger = server.ledger();
    for kill in 1..=KILLS {
        while confirmed(miners) < kill * BATCHES_BETWEEN * BATCH {
            assert!(mining.try_join_next().is_none(), "a miner has given up");
            sleep(Duration::from_millis(1)).await;
        }
        server.kill();
        server.run();
        let before: Vec<_> = miners.iter().map(|miner| miner.confirmed.load(SeqCst)).collect();
        let figures = ledger.figures().await.unwrap();
        assert_eq!(figures.sum(), figures.blocks);
        for (miner, before) in miners.iter().zip(before) {
            let record = figures.miners.iter().find(|record| record.miner == miner.id);
            assert!(record.is_some_and(|record| record.coins >= before), "{record:?} of {before}");
        }
    }
    is_over.store(true, SeqCst);
    mining.join_all().await;
    for miner in miners {
        let all = miner.confirmed.load(SeqCst);
        for first in (0..all).step_by(1000) {
            assert_eq!(ledger.record(&miner.batch(first, all.min(first + 1000))).await.unwrap().new, 0);
        }
    }
    let figures = ledger.figures().await.unwrap();
    assert_eq!((figures.blocks, figures.sum()), (confirmed(miners), confirmed(miners)));
    assert_eq!(server.command::<u64>(&["GET", "blocks"]), confirmed(miners));
}

fn confirmed(miners: &[Miner]) -> u64 {
    miners.iter().map(|miner| miner.confirmed.load(SeqCst)).sum()
}

/// Sends batch after batch, each until it is confirmed.
async fn mine(ledger: RedisLedger, miner: &'static Miner, is_over: &'static AtomicBool) {
    while !is_over.load(SeqCst) {
        let confirmed = miner.confirmed.load(SeqCst);
        let batch = miner.batch(confirmed.saturating_sub(BATCH / 2), confirmed + BATCH);
        loop {
            match ledger.record(&batch).await {
                Ok(_) => break,
                Err(LedgerError::Away(_)) => sleep(Duration::from_millis(1)).await,
                Err(error) => panic!("{error}"),
            }
        }
        miner.confirmed.store(confirmed + BATCH, SeqCst);
    }
}
