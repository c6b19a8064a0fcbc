//! The knobs, in a service that answers nobody.

use testing::knobs::{CHAOS_TOKEN, take_back, turn_on};
use testing::needs;

use crate::miner::Miner;
use crate::redis::Redis;
use crate::wait_for;

/// More than a batch has at this speed.
const COINS: u64 = 5;

#[needs("redis-server")]
#[test]
fn coins_wait_in_a_miner_that_hangs_and_none_is_lost() {
    let mut redis = Redis::absent();
    redis.run();
    let miner = Miner::start(&redis, &[CHAOS_TOKEN, ("MINING_SPEED", "super-fast"), ("DIFFICULTY", "2")]);
    wait_for("a coin", || (redis.blocks() > 0).then_some(()));
    turn_on(miner.ops(), "hang", r#"{"for_seconds":600}"#);
    let held = wait_for("coins that wait", || Some(miner.counts()).filter(|counts| counts.buffered >= COINS));
    take_back(miner.ops(), "hang");
    wait_for("those coins", || (redis.blocks() >= held.found).then_some(()));
}
