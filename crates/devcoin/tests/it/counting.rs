//! What is counted, and what the figures say.

use devcoin::ledger::{BATCH_COINS_MAX, Batch, LedgerError, Origin, RATE_SECONDS, Recorded};
use devcoin::{Ledger, MinerId, RedisLedger};

use crate::batches::{batch, with_each_ledger};
use crate::redis_server::{GLANCE, RedisServer};
use testing::{LIMIT, needs};

#[needs("redis-server")]
#[tokio::test]
async fn a_batch_that_comes_again_changes_nothing() {
    with_each_ledger(async |ledger| {
        let batch = batch(&MinerId::new("pi"), [3, 5, 8]);
        assert_eq!(ledger.record(&batch).await, Ok(Recorded { new: 3, blocks: 3 }));
        assert_eq!(ledger.record(&batch).await, Ok(Recorded { new: 0, blocks: 3 }));
        assert_eq!(ledger.figures().await.unwrap().blocks, 3);
        assert_eq!(ledger.coins(None, 10, LIMIT).await.unwrap().len(), 3);
    })
    .await;
}

#[needs("redis-server")]
#[tokio::test]
async fn of_a_batch_that_overlaps_another_only_the_rest_is_counted() {
    with_each_ledger(async |ledger| {
        let miner = MinerId::new("pi");
        assert_eq!(ledger.record(&batch(&miner, [3, 5])).await, Ok(Recorded { new: 2, blocks: 2 }));
        assert_eq!(ledger.record(&batch(&miner, [3, 5, 8, 9])).await, Ok(Recorded { new: 2, blocks: 4 }));
        assert_eq!(ledger.record(&batch(&miner, [1, 9, 10])).await, Ok(Recorded { new: 1, blocks: 5 }));
    })
    .await;
}

#[needs("redis-server")]
#[tokio::test]
async fn the_first_and_the_greatest_nonces_count_as_all_others() {
    with_each_ledger(async |ledger| {
        let miner = MinerId::new("pi");
        assert_eq!(ledger.record(&batch(&miner, [0])).await.unwrap().new, 1);
        assert_eq!(ledger.record(&batch(&miner, [0])).await.unwrap().new, 0);
        // Beyond 2⁵³ a floating-point number could not tell neighbours apart.
        for nonce in [(1 << 53) - 1, 1 << 53, (1 << 53) + 1, (1 << 53) + 2, u64::MAX - 1, u64::MAX] {
            assert_eq!(ledger.record(&batch(&miner, [nonce])).await.unwrap().new, 1, "{nonce}");
            assert_eq!(ledger.record(&batch(&miner, [nonce])).await.unwrap().new, 0, "{nonce}");
        }
        assert_eq!(ledger.figures().await.unwrap().miners[0].last_nonce, Some(u64::MAX));
    })
    .await;
}

#[needs("redis-server")]
#[tokio::test]
async fn a_miner_that_tells_where_it_runs_is_known_to_run_there_and_another_not() {
    with_each_ledger(async |ledger| {
        let (one, other) = (MinerId::new("one"), MinerId::new("other"));
        let text = |text: &str| Some(text.to_owned());
        let origin = Origin {
            served_by: text("yard_miner.2@pi4"),
            node: text(&"ü".repeat(80)),
            architecture: text("arm64"),
            version: text(""),
            uptime_seconds: Some(61),
            knobs: text("latency, memory"),
        };
        ledger.record(&Batch { origin: origin.clone(), ..batch(&one, 0..7) }).await.unwrap();
        ledger.record(&batch(&other, [])).await.unwrap();
        let figures = ledger.figures().await.unwrap();
        let of = |id: &MinerId| figures.miners.iter().find(|miner| miner.miner == *id).unwrap().origin.clone();
        // What is too long is cut, between two letters.
        assert_eq!(of(&one), Origin { node: text(&"ü".repeat(50)), version: None, ..origin });
        assert_eq!(of(&other), Origin::default());
    })
    .await;
}

#[needs("redis-server")]
#[tokio::test]
async fn figures_tell_of_each_miner_the_last_heard_of_first() {
    with_each_ledger(async |ledger| {
        let (one, other) = (MinerId::new("one"), MinerId::new("other"));
        ledger.record(&batch(&one, 0..7)).await.unwrap();
        until_later(ledger).await;
        ledger.record(&batch(&other, 5..7)).await.unwrap();
        until_later(ledger).await;
        // Without coins it is still a sign of life.
        ledger.record(&Batch { hash_rate: u64::MAX, ..batch(&one, []) }).await.unwrap();
        let figures = ledger.figures().await.unwrap();
        assert_eq!((figures.blocks, figures.retired_coins, figures.sum()), (9, 0, 9));
        let [first, second] = &figures.miners[..] else { panic!("{figures:?}") };
        assert_eq!((&first.miner, first.coins, first.last_nonce, first.hash_rate), (&one, 7, Some(6), u64::MAX));
        assert_eq!((&second.miner, second.coins, second.last_nonce, second.hash_rate), (&other, 2, Some(6), 1000));
        assert!(first.last_seen > second.last_seen && first.last_seen <= figures.milliseconds, "{figures:?}");
        assert_eq!(first.name, "miner.2 on pi4");
        assert!(first.is_alive(figures.milliseconds), "{figures:?}");
    })
    .await;
}

#[needs("redis-server")]
#[tokio::test]
async fn a_miner_without_coins_is_known() {
    with_each_ledger(async |ledger| {
        let miner = MinerId::new("pi");
        assert_eq!(ledger.record(&batch(&miner, [])).await, Ok(Recorded { new: 0, blocks: 0 }));
        let figures = ledger.figures().await.unwrap();
        assert_eq!((figures.miners[0].coins, figures.miners[0].last_nonce), (0, None));
        assert_eq!(ledger.record(&batch(&miner, [0])).await, Ok(Recorded { new: 1, blocks: 1 }));
    })
    .await;
}

#[needs("redis-server")]
#[tokio::test]
async fn an_empty_ledger_has_figures_too() {
    with_each_ledger(async |ledger| {
        let figures = ledger.figures().await.unwrap();
        assert_eq!((figures.blocks, figures.miners.len(), figures.retired_coins), (0, 0, 0));
        assert_eq!(figures.per_second, vec![0; RATE_SECONDS]);
        assert!(figures.milliseconds > 1_700_000_000_000);
    })
    .await;
}

#[needs("redis-server")]
#[tokio::test]
async fn coins_of_a_second_are_in_its_place_once_it_is_over() {
    with_each_ledger(async |ledger| {
        let miner = MinerId::new("pi");
        ledger.record(&batch(&miner, 0..4)).await.unwrap();
        ledger.record(&batch(&miner, 2..6)).await.unwrap();
        let second = ledger.coins(None, 1, LIMIT).await.unwrap()[0].id.milliseconds / 1000;
        loop {
            let figures = ledger.figures().await.unwrap();
            // The two batches may have come in two seconds.
            if figures.milliseconds / 1000 > second + 1 {
                let ago = usize::try_from(figures.milliseconds / 1000 - second).unwrap();
                let both: u64 = figures.per_second[RATE_SECONDS - ago..][..2].iter().sum();
                assert_eq!((both, figures.per_second.iter().sum()), (6, 6), "{ago}: {figures:?}");
                return;
            }
            tokio::time::sleep(GLANCE).await;
        }
    })
    .await;
}

#[needs("redis-server")]
#[tokio::test]
async fn the_count_of_a_second_goes_by_itself_but_not_before_nobody_asks_for_it() {
    let server = RedisServer::start(&[]);
    server.ledger().record(&batch(&MinerId::new("pi"), 0..4)).await.unwrap();
    let seconds: Vec<String> = server.command(&["KEYS", "blocks:*"]);
    let [second] = &seconds[..] else { panic!("{seconds:?}") };
    // Without an end it would be -1.
    let time_left = server.command::<i64>(&["TTL", second]);
    assert!(
        usize::try_from(time_left).is_ok_and(|left| (RATE_SECONDS..2 * RATE_SECONDS).contains(&left)),
        "{time_left}"
    );
}

#[needs("redis-server")]
#[tokio::test]
async fn what_would_be_counted_wrongly_is_refused_whole() {
    with_each_ledger(async |ledger| {
        let miner = MinerId::new("pi");
        let too_many = 0..=BATCH_COINS_MAX as u64;
        for wrong in [batch(&miner, [1, 3, 2]), batch(&miner, [1, 1]), batch(&miner, too_many)] {
            assert!(matches!(ledger.record(&wrong).await, Err(LedgerError::Refused(_))));
        }
        let most = 1..=BATCH_COINS_MAX as u64;
        assert_eq!(ledger.record(&batch(&miner, most)).await.unwrap().new, BATCH_COINS_MAX as u64);
    })
    .await;
}

#[needs("redis-server")]
#[tokio::test]
async fn two_ledgers_in_one_redis_see_the_same() {
    let server = RedisServer::start(&[]);
    let (one, other) = (server.ledger(), server.ledger());
    one.record(&batch(&MinerId::new("pi"), 0..7)).await.unwrap();
    assert_eq!(other.record(&batch(&MinerId::new("pi"), 0..4)).await, Ok(Recorded { new: 4, blocks: 11 }));
    let (seen, also_seen) = (one.figures().await.unwrap(), other.figures().await.unwrap());
    assert_eq!((seen.blocks, &seen.miners), (also_seen.blocks, &also_seen.miners));
    assert_eq!(one.coins(None, 100, LIMIT).await, other.coins(None, 100, LIMIT).await);
    assert_eq!(server.command::<u64>(&["GET", "blocks"]), 11);
}

#[needs("redis-server")]
#[tokio::test]
async fn after_flushall_miners_begin_again_with_what_they_send() {
    let server = RedisServer::start(&[]);
    let ledger = server.ledger();
    let miner = MinerId::new("pi");
    ledger.record(&batch(&miner, 0..7)).await.unwrap();
    server.command::<()>(&["FLUSHALL"]);
    server.command::<()>(&["SCRIPT", "FLUSH"]);
    assert_eq!(ledger.record(&batch(&miner, 5..9)).await, Ok(Recorded { new: 4, blocks: 4 }));
    assert_eq!(ledger.figures().await.unwrap().sum(), 4);
}

/// Waits until the ledger's clock has moved.
async fn until_later(ledger: &dyn Ledger) {
    let start = ledger.figures().await.unwrap().milliseconds;
    while ledger.figures().await.unwrap().milliseconds == start {}
}

#[needs("redis-server")]
#[tokio::test]
async fn a_ledger_at_a_socket_is_that_of_the_port_in_the_database_that_is_named() {
    let server = RedisServer::start(&["--unixsocket", "redis.sock"]);
    let socket = server.folder().join("redis.sock");
    server.ledger().record(&batch(&MinerId::new("pi"), [1, 2])).await.unwrap();
    assert_eq!(RedisLedger::at_socket(&socket, 0).figures().await.unwrap().blocks, 2);
    assert_eq!(RedisLedger::at_socket(&socket, 1).figures().await.unwrap().blocks, 0);
    let error = RedisLedger::at_socket(&socket.with_extension("gone"), 0).figures().await.unwrap_err();
    assert!(matches!(&error, LedgerError::Away(reason) if reason.contains("redis.gone")), "{error:?}");
}
