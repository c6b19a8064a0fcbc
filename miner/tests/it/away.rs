//! The ledger goes away, and each coin is still recorded exactly once.

use std::fs;
use std::path::Path;

use tempfile::NamedTempFile;
use testing::needs;

use crate::miner::Miner;
use crate::redis::Redis;
use crate::wait_for;

/// So many coins that batches are always under way.
const MANY: &str = "mining_speed = \"unlimited\"\ndifficulty = 2\n";
/// So hard that none is found.
const NONE: &str = "mining_speed = \"unlimited\"\ndifficulty = 60\n";

fn start(redis: &Redis, file: &Path) -> Miner {
    fs::write(file, MANY).unwrap();
    Miner::start(redis, &[("MINER_CONFIG", file.to_str().unwrap()), ("MINER_THREADS", "2")])
}

/// Has no more coins found, and compares what all count.
fn compare(miner: &mut Miner, redis: &Redis, file: &Path) {
    fs::write(file, NONE).unwrap();
    miner.reload();
    let found = miner.settled();
    assert_eq!(redis.blocks(), found);
    assert_eq!(redis.miners().into_values().collect::<Vec<_>>(), [found]);
}

#[needs("redis-server")]
#[test]
fn no_coin_is_lost_or_doubled_when_redis_is_killed_and_started_again() {
    let (mut redis, file) = (Redis::start(), NamedTempFile::new().unwrap());
    let mut miner = start(&redis, file.path());
    for _ in 0..4 {
        let before = redis.blocks();
        redis.wait_for_blocks(before + 1);
        redis.kill();
        miner.readyz("HTTP/1.1 503 ");
        redis.run();
        miner.readyz("HTTP/1.1 200 ");
    }
    compare(&mut miner, &redis, file.path());
}

#[needs("redis-server")]
#[test]
fn no_coin_is_lost_or_doubled_when_redis_hangs_with_a_batch_and_goes_on() {
    let (redis, file) = (Redis::start(), NamedTempFile::new().unwrap());
    let mut miner = start(&redis, file.path());
    redis.wait_for_blocks(1);
    redis.hang();
    let answer = miner.readyz("HTTP/1.1 503 ");
    assert!(answer.contains("no answer within"), "{answer}");
    redis.go_on();
    miner.readyz("HTTP/1.1 200 ");
    compare(&mut miner, &redis, file.path());
}

#[needs("redis-server")]
#[test]
fn without_a_ledger_the_miner_goes_on_until_it_holds_enough_and_says_so() {
    let (mut redis, file) = (Redis::absent(), NamedTempFile::new().unwrap());
    let mut miner = start(&redis, file.path());
    let line = miner.program.log_line("waiting for the ledger");
    assert!(line.contains("connection refused (is Redis running?); coins are kept, next try in "), "{line}");
    let counts = miner.pauses();
    assert_eq!((counts.found, counts.recorded), (counts.buffered, 0));
    // A scan that was under way then adds its quarter of 65536.
    let most = miner::HELD_COINS_MAX as u64 + 2 * 20_000;
    assert!((miner::HELD_COINS_MAX as u64..most).contains(&counts.buffered), "{counts:?}");
    redis.run();
    miner.program.log_line("the ledger is there again: ");
    // More than waited: mining has gone on.
    redis.wait_for_blocks(most);
    compare(&mut miner, &redis, file.path());
}

#[test]
fn an_absent_ledger_is_told_of_once_not_at_every_try() {
    let redis = Redis::absent();
    let miner = Miner::start(&redis, &[]);
    let tries = || {
        let metrics = miner.get("/metrics");
        metrics.lines().find(|line| *line == r#"miner_batches_total{result="away"} 3"#).map(drop)
    };
    wait_for("a third try", tries);
    miner.program.signal(testing::Signal::TERM);
    let (code, _, log) = miner.program.output();
    assert_eq!((code, log.matches("waiting for the ledger: ").count()), (Some(0), 1), "{log}");
}

#[needs("redis-server")]
#[test]
fn a_wrong_password_is_said_and_the_miner_waits_unready() {
    let redis = Redis::with_password("right");
    let miner = Miner::start(&redis, &[("REDIS_PASSWORD", "wrong")]);
    let answer = miner.readyz("password");
    assert!(answer.starts_with("HTTP/1.1 503 ") && !answer.contains("wrong"), "{answer}");
}

#[needs("redis-server")]
#[test]
fn the_password_may_be_in_a_file() {
    let (redis, file) = (Redis::with_password("right"), NamedTempFile::new().unwrap());
    fs::write(file.path(), "right\n").unwrap();
    let miner = Miner::start(&redis, &[("REDIS_PASSWORD_FILE", file.path().to_str().unwrap())]);
    miner.readyz("HTTP/1.1 200 ");
}
