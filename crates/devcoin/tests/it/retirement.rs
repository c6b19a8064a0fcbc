//! Miners of which the ledger keeps a record, and those whose coins are only in a sum.

use devcoin::ledger::{ALIVE_TIME, MINERS_MAX};
use devcoin::{Ledger, MinerId};

use crate::batches::{batch, recorded};
use crate::redis_server::RedisServer;

#[tokio::test]
async fn the_longest_silent_miners_retire_and_their_coins_stay() {
    let server = RedisServer::start(&[]);
    let ledger = server.ledger();
    let miners: Vec<_> = (0..MINERS_MAX).map(|_| MinerId::new("pi")).collect();
    for miner in &miners {
        ledger.record(&batch(miner, [1, 2, 3])).await.unwrap();
    }
    // All are alive: there is one too many now.
    ledger.record(&batch(&MinerId::new("new"), [1])).await.unwrap();
    let figures = ledger.figures().await.unwrap();
    assert_eq!((figures.miners.len(), figures.retired_coins), (MINERS_MAX + 1, 0));
    // Three fall silent, each longer than the one before.
    let silent = u128::from(figures.milliseconds) - ALIVE_TIME.as_millis();
    for (miner, ago) in [(&miners[7], 1), (&miners[5], 2), (&miners[9], 3)] {
        server.command::<u64>(&["ZADD", "miners", &(silent - ago).to_string(), miner.as_str()]);
    }
    // The longest silent one is heard of again; the other two give their places to a new one.
    ledger.record(&batch(&miners[9], [2, 3])).await.unwrap();
    ledger.record(&batch(&MinerId::new("new"), [1])).await.unwrap();
    let figures = ledger.figures().await.unwrap();
    assert_eq!((figures.miners.len(), figures.retired_coins), (MINERS_MAX, 6));
    let is_there = |miner: &MinerId| figures.miners.iter().any(|record| record.miner == *miner);
    assert_eq!([7, 5, 9].map(|number: usize| is_there(&miners[number])), [false, false, true]);
    let all = MINERS_MAX as u64 * 3 + 2;
    assert_eq!((figures.blocks, recorded(&figures)), (all, all));
    for number in [7, 5] {
        assert_eq!(server.command::<u64>(&["EXISTS", &format!("miner:{}", miners[number])]), 0);
    }
}
