//! The stop.

use testing::{Signal, needs};

use crate::miner::Miner;
use crate::redis::Redis;

#[needs("redis-server")]
#[test]
fn what_is_held_at_sigterm_is_recorded() {
    let mut redis = Redis::absent();
    let settings = [("MINING_SPEED", "unlimited"), ("DIFFICULTY", "2"), ("DRAIN_TIMEOUT", "1m")];
    let mut miner = Miner::start(&redis, &settings);
    let held = miner.pauses().buffered;
    // It takes nothing until the miner is stopping.
    redis.run();
    redis.hang();
    miner.program.signal(Signal::TERM);
    miner.program.log_line("stopping");
    redis.go_on();
    let (code, _, log) = miner.program.output();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("lost"), "{log}");
    // It may have got room for one more scan of each thread when the first batch was taken.
    let blocks = redis.blocks();
    assert!(blocks >= held, "{blocks} of {held} coins");
    assert!(log.contains(&format!(": {blocks} coins found, {blocks} recorded")), "{log}");
    assert_eq!(redis.miners().into_values().sum::<u64>(), blocks);
}

#[needs("redis-server")]
#[test]
fn a_ledger_that_comes_back_during_the_stop_gets_what_is_held() {
    let mut redis = Redis::absent();
    let settings = [("MINING_SPEED", "unlimited"), ("DIFFICULTY", "2"), ("DRAIN_TIMEOUT", "1m")];
    let mut miner = Miner::start(&redis, &settings);
    let held = miner.pauses().buffered;
    miner.program.signal(Signal::TERM);
    miner.program.log_line("stopping");
    redis.run();
    assert_eq!(miner.program.ended().0.code(), Some(0));
    assert_eq!(redis.blocks(), held);
}

#[test]
fn coins_that_are_lost_at_the_stop_are_counted() {
    let redis = Redis::absent();
    let settings = [("MINING_SPEED", "unlimited"), ("DIFFICULTY", "2"), ("DRAIN_TIMEOUT", "100ms")];
    let mut miner = Miner::start(&redis, &settings);
    let held = miner.pauses().buffered;
    miner.program.signal(Signal::INT);
    let line = miner.program.log_line("lost");
    assert!(
        line.contains(&format!("{held} coins are lost, because the ledger has not got them: cannot reach")),
        "{line}"
    );
    assert_eq!(miner.program.ended().0.code(), Some(0));
}

#[needs("redis-server")]
#[test]
fn a_ledger_that_hangs_holds_the_stop_up_for_the_drain_time_only() {
    let redis = Redis::start();
    let settings = [("MINING_SPEED", "unlimited"), ("DIFFICULTY", "2"), ("DRAIN_TIMEOUT", "100ms")];
    let mut miner = Miner::start(&redis, &settings);
    redis.wait_for_blocks(1);
    redis.hang();
    miner.program.signal(Signal::TERM);
    miner.program.log_line("it took them not within 100ms");
    assert_eq!(miner.program.ended().0.code(), Some(0));
    redis.go_on();
}

#[needs("redis-server")]
#[test]
fn sigterm_ends_it_in_every_state() {
    let redis = Redis::start();
    for settings in [
        [("MINING_SPEED", "slow"), ("DIFFICULTY", "16")],
        [("MINING_SPEED", "slow"), ("DIFFICULTY", "60")],
        [("MINING_SPEED", "unlimited"), ("DIFFICULTY", "60")],
    ] {
        let mut miner = Miner::start(&redis, &settings);
        miner.readyz("HTTP/1.1 200 ");
        miner.program.signal(Signal::TERM);
        assert_eq!(miner.program.ended().0.code(), Some(0), "{settings:?}");
    }
}
