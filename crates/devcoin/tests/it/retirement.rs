//! Miners of which the ledger keeps a record, and those whose coins are only in a sum.

use devcoin::ledger::{ALIVE_TIME, MINERS_MAX};
use devcoin::{Ledger, MinerId};
use testing::needs;

use crate::batches::batch;
use crate::redis_server::RedisServer;

#[needs("redis-server")]
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
    assert_eq!((figures.blocks, figures.sum()), (all, all));
    for number in [7, 5] {
        assert_eq!(server.command::<u64>(&["EXISTS", &format!("miner:{}", miners[number])]), 0);
    }
}

/// Puts so many miners with a coin each into the ledger, which were all heard of in 1970.
fn put_silent_miners(server: &RedisServer, miners: u64) {
    let script = "for number = 1, ARGV[1] do
        local miner = string.format('silent-%020d', number)
        redis.call('ZADD', 'miners', number, miner)
        redis.call('HSET', 'miner:' .. miner, 'coins', 1)
    end
    redis.call('INCRBY', 'blocks', ARGV[1])";
    server.command::<()>(&["EVAL", script, "0", &miners.to_string()]);
}

#[needs("redis-server")]
#[tokio::test]
async fn a_batch_retires_a_limited_number() {
    let server = RedisServer::start(&[]);
    let ledger = server.ledger();
    put_silent_miners(&server, MINERS_MAX as u64 + 149);
    let miner = MinerId::new("pi");
    for (nonce, miners) in [(1, MINERS_MAX + 50), (2, MINERS_MAX), (3, MINERS_MAX)] {
        ledger.record(&batch(&miner, [nonce])).await.unwrap();
        let figures = ledger.figures().await.unwrap();
        assert_eq!((figures.miners.len(), figures.sum()), (miners, figures.blocks));
    }
}

#[needs("redis-server")]
#[tokio::test]
async fn a_miner_that_cannot_retire_is_named_and_nothing_is_written() {
    let server = RedisServer::start(&[]);
    let ledger = server.ledger();
    put_silent_miners(&server, MINERS_MAX as u64 + 1);
    let (key, batch) = ("miner:silent-00000000000000000002", batch(&MinerId::new("pi"), [1]));
    for (wrong, reason) in [
        (["HSET", key, "coins", "many"].as_slice(), "has something where the ledger needs a count"),
        (&["RENAME", "aside", key], "is a list, the ledger needs a hash"),
    ] {
        server.command::<u64>(&["DEL", "aside"]);
        server.command::<u64>(&["RPUSH", "aside", "wrong"]);
        server.command::<()>(wrong);
        let before = server.digest();
        let error = ledger.record(&batch).await.unwrap_err().to_string();
        assert!(error.contains(&format!("the key {key} {reason}")), "{error}");
        assert_eq!(server.digest(), before);
    }
    server.command::<u64>(&["DEL", key]);
    assert_eq!(ledger.record(&batch).await.unwrap().new, 1);
}
