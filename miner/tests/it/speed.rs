//! How fast coins come.

use std::time::{Duration, Instant};

use testing::needs;

use crate::miner::Miner;
use crate::redis::Redis;

#[needs("redis-server")]
#[test]
fn a_named_speed_is_kept_however_easy_the_coins_are() {
    let redis = Redis::start();
    let start = Instant::now();
    // One scan at this difficulty finds thousands of coins.
    let miner = Miner::start(&redis, &[("MINING_SPEED", "super-fast"), ("DIFFICULTY", "4")]);
    redis.wait_for_blocks(30);
    // The thirtieth is due after 2.95 seconds.
    let time = start.elapsed();
    assert!(time > Duration::from_millis(2940), "{time:?}");
    let found = miner.counts().found;
    let due = start.elapsed().as_secs() * 10 + 10;
    assert!(found <= due, "{found} coins, {due} were due");
}

#[needs("redis-server")]
#[test]
fn two_miners_share_a_ledger_without_a_coordinator() {
    let redis = Redis::start();
    let settings = [("MINING_SPEED", "super-fast"), ("DIFFICULTY", "4")];
    let _miners = [(); 2].map(|()| Miner::start(&redis, &settings));
    redis.wait_for_blocks(20);
    let miners = redis.miners();
    assert!(miners.len() == 2 && miners.values().all(|coins| *coins > 0), "{miners:?}");
}

#[needs("redis-server")]
#[test]
fn a_line_tells_a_learner_what_happened() {
    let redis = Redis::start();
    let mut miner = Miner::start(&redis, &[("MINING_SPEED", "super-fast"), ("DIFFICULTY", "4")]);
    let line = miner.program.log_line("in the ledger");
    assert!(line.contains(" coins in 5 s ("), "{line}");
    assert!(line.contains("all recorded; ") || line.contains(" on the way to the ledger; "), "{line}");
}

#[test]
fn coins_that_nobody_will_see_are_warned_of() {
    let mut miner = Miner::start(&Redis::absent(), &[("DIFFICULTY", "60")]);
    let line = miner.program.log_line("hashes tried");
    assert!(line.contains(" years here), the ledger is away"), "{line}");
    let line = miner.program.log_line("WARN");
    assert!(
        line.contains("a coin of difficulty 60 takes ") && line.ends_with("set DIFFICULTY lower to see some"),
        "{line}"
    );
}

#[needs("redis-server")]
#[test]
fn a_miner_that_finds_nothing_is_alive_in_the_ledger() {
    let redis = Redis::start();
    let miner = Miner::start(&redis, &[("MINING_SPEED", "unlimited"), ("DIFFICULTY", "60")]);
    miner.readyz("HTTP/1.1 200 ");
    assert_eq!(redis.miners().into_values().collect::<Vec<_>>(), [0]);
    let batches =
        || miner.get("/metrics").lines().find(|line| *line == r#"miner_batches_total{result="ok"} 3"#).map(drop);
    crate::wait_for("a second and a third heartbeat", batches);
}
