//! Not a test: prints how fast coins are recorded.
//!
//! `cargo test --release -p devcoin --test it -- --ignored --nocapture coins_recorded_a_second`
#![allow(clippy::print_stderr, reason = "it prints figures")]

use std::time::{Duration, Instant};

use devcoin::ledger::BATCH_COINS_MAX;
use devcoin::{Ledger, MinerId};
use futures_util::future::join_all;

use crate::batches::batch;
use crate::redis_server::RedisServer;

const SIZES: [u64; 4] = [10, 100, 1000, BATCH_COINS_MAX as u64];

const TIME: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures, judges nothing"]
async fn coins_recorded_a_second() {
    for (file, options) in [
        ("no append-only file", vec![]),
        ("append-only file, everysec", vec!["--appendonly", "yes", "--appendfsync", "everysec"]),
        ("append-only file, always", vec!["--appendonly", "yes", "--appendfsync", "always"]),
    ] {
        for (miners, size) in [1, 4].into_iter().flat_map(|miners| SIZES.map(|size| (miners, size))) {
            let server = RedisServer::start(&options);
            let start = Instant::now();
            let coins: u64 = join_all((0..miners).map(|_| mine(&server, size))).await.into_iter().sum();
            let rate = u128::from(coins) * 1000 / start.elapsed().as_millis();
            assert_eq!(server.command::<u64>(&["GET", "blocks"]), coins);
            eprintln!("{file}; miners: {miners}; coins in a batch: {size}; coins/s: {rate}");
        }
    }
}

/// Records for a while; gives how many coins.
async fn mine(server: &RedisServer, size: u64) -> u64 {
    let (ledger, miner) = (server.ledger(), MinerId::new("pi"));
    let (mut nonce, start) = (0, Instant::now());
    while start.elapsed() < TIME {
        ledger.record(&batch(&miner, nonce..nonce + size)).await.unwrap();
        nonce += size;
    }
    nonce
}
