//! The recent coins, and waiting for the next.

use std::time::Duration;

use devcoin::ledger::{Batch, RECENT_COINS_MAX, RecordedCoin};
use devcoin::{Difficulty, Ledger, MinerId};
use futures_util::future::join;
use testing::{LIMIT, needs};
use tokio::time::timeout;

use crate::batches::{batch, with_each_ledger};
use crate::redis_server::RedisServer;

/// So long a wait that a test has failed before it is over.
const LONG: Duration = LIMIT.saturating_mul(2);

/// Does both at the same time, in less than a long wait.
async fn at_once<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    timeout(LIMIT, join(one, other)).await.unwrap()
}

fn nonces(coins: &[RecordedCoin]) -> Vec<u64> {
    coins.iter().map(|coin| coin.coin.nonce).collect()
}

#[needs("redis-server")]
#[tokio::test]
async fn coins_say_whose_they_are_and_what_they_are_worth() {
    with_each_ledger(async |ledger| {
        let (one, other) = (MinerId::new("one"), MinerId::new("other"));
        let hard = Difficulty::try_from(20).unwrap();
        ledger.record(&batch(&one, [1, u64::MAX])).await.unwrap();
        ledger.record(&Batch { difficulty: hard, ..batch(&other, [7]) }).await.unwrap();
        let coins = ledger.coins(None, 10, LIMIT).await.unwrap();
        let all: Vec<_> = coins.iter().map(|it| (&it.coin.miner, it.coin.nonce, it.difficulty)).collect();
        assert_eq!(all, [(&one, 1, Difficulty::MIN), (&one, u64::MAX, Difficulty::MIN), (&other, 7, hard)]);
        assert!(coins.is_sorted_by(|one, next| one.id < next.id), "{coins:?}");
        assert!(coins[0].id.milliseconds <= ledger.figures().await.unwrap().milliseconds);
    })
    .await;
}

#[needs("redis-server")]
#[tokio::test]
async fn reading_goes_on_after_a_coin_and_stops_at_the_limit() {
    with_each_ledger(async |ledger| {
        ledger.record(&batch(&MinerId::new("pi"), 0..10)).await.unwrap();
        let first = ledger.coins(None, 4, LIMIT).await.unwrap();
        assert_eq!(nonces(&first), [0, 1, 2, 3]);
        let rest = ledger.coins(Some(first[3].id), 100, LIMIT).await.unwrap();
        assert_eq!(nonces(&rest), [4, 5, 6, 7, 8, 9]);
        assert_eq!(ledger.coins(Some(rest[5].id), 100, Duration::ZERO).await, Ok(vec![]));
        assert_eq!(ledger.coins(None, 0, LIMIT).await, Ok(vec![]));
    })
    .await;
}

#[needs("redis-server")]
#[tokio::test]
async fn older_coins_are_forgotten_and_the_rest_is_given() {
    with_each_ledger(async |ledger| {
        let most = RECENT_COINS_MAX as u64;
        let miner = MinerId::new("pi");
        ledger.record(&batch(&miner, 0..most)).await.unwrap();
        let first = ledger.coins(None, 1, LIMIT).await.unwrap();
        ledger.record(&batch(&miner, most..most + 5)).await.unwrap();
        let expected: Vec<_> = (5..most + 5).collect();
        assert_eq!(nonces(&ledger.coins(None, usize::MAX, LIMIT).await.unwrap()), expected);
        // Also for those who know a coin that is forgotten.
        assert_eq!(nonces(&ledger.coins(Some(first[0].id), usize::MAX, LIMIT).await.unwrap()), expected);
        // Of a batch that is larger than what is kept, the last ones are.
        ledger.record(&batch(&miner, most * 2..most * 5)).await.unwrap();
        let expected: Vec<_> = (most * 4..most * 5).collect();
        assert_eq!(nonces(&ledger.coins(None, usize::MAX, LIMIT).await.unwrap()), expected);
        assert_eq!(ledger.figures().await.unwrap().blocks, most * 4 + 5);
    })
    .await;
}

#[needs("redis-server")]
#[tokio::test]
async fn a_reader_waits_for_the_next_coin() {
    with_each_ledger(async |ledger| {
        let miner = MinerId::new("pi");
        let first = batch(&miner, [1]);
        let (first, _) = at_once(ledger.coins(None, 10, LONG), ledger.record(&first)).await;
        let first = first.unwrap();
        assert_eq!(nonces(&first), [1]);
        let next = batch(&miner, [2]);
        let (next, _) = at_once(ledger.coins(Some(first[0].id), 10, LONG), ledger.record(&next)).await;
        assert_eq!(nonces(&next.unwrap()), [2]);
    })
    .await;
}

#[needs("redis-server")]
#[tokio::test]
async fn a_reader_whose_time_is_over_gets_nothing() {
    with_each_ledger(async |ledger| {
        for wait in [Duration::ZERO, Duration::from_micros(1), Duration::from_millis(20)] {
            assert_eq!(ledger.coins(None, 10, wait).await, Ok(vec![]));
        }
    })
    .await;
}

#[needs("redis-server")]
#[tokio::test]
async fn waiting_readers_hold_nobody_up() {
    with_each_ledger(async |ledger| {
        let readers: Vec<_> = (0..5).map(|_| ledger.coins(None, 10, LONG)).collect();
        let readers = futures_util::future::join_all(readers);
        let others = async {
            for _ in 0..100 {
                ledger.figures().await.unwrap();
                assert_eq!(ledger.coins(None, 10, Duration::ZERO).await, Ok(vec![]));
            }
            ledger.record(&batch(&MinerId::new("pi"), [1])).await.unwrap();
        };
        let (readers, ()) = at_once(readers, others).await;
        for coins in readers {
            assert_eq!(nonces(&coins.unwrap()), [1]);
        }
    })
    .await;
}

#[needs("redis-server")]
#[tokio::test]
async fn somebody_elses_entries_are_passed_over() {
    let server = RedisServer::start(&[]);
    let ledger = server.ledger();
    server.command::<String>(&["XADD", "coins", "*", "hello", "world"]);
    server.command::<String>(&["XADD", "coins", "*", "message", "no coin", "difficulty", "3"]);
    assert_eq!(ledger.coins(None, 1, Duration::from_millis(1)).await, Ok(vec![]));
    let coin = batch(&MinerId::new("pi"), [1]);
    let (coins, _) = at_once(ledger.coins(None, 1, LONG), ledger.record(&coin)).await;
    assert_eq!(nonces(&coins.unwrap()), [1]);
}

#[needs("redis-server")]
#[tokio::test]
async fn a_reader_that_is_given_up_leaves_no_connection() {
    let server = RedisServer::start(&[]);
    let ledger = server.ledger();
    let clients = || server.command::<String>(&["CLIENT", "LIST"]);
    let waiting = tokio::spawn(async move { ledger.coins(None, 10, LIMIT).await });
    while !clients().contains("cmd=xread") {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    while clients().contains("cmd=xread") {
        tokio::task::yield_now().await;
    }
}
