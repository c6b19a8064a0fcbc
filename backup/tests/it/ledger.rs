//! A ledger in a real Redis, and miners who find coins.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use devcoin::ledger::{Batch, Figures, Origin, RedisSettings};
use devcoin::{Difficulty, Ledger as _, MinerId, RedisLedger};
use redis::FromRedisValue;
use testing::RedisServer;

/// By itself, Redis waits some seconds before it makes a copy.
const AT_ONCE: [&str; 2] = ["--repl-diskless-sync-delay", "0"];

pub(crate) struct Ledger {
    pub(crate) server: RedisServer,
    client: RedisLedger,
    miner: MinerId,
    nonce: AtomicU64,
}

impl Ledger {
    pub(crate) fn start() -> Self {
        Self::with(RedisServer::start(&AT_ONCE))
    }

    /// A ledger in this Redis, which has no password.
    pub(crate) fn with(server: RedisServer) -> Self {
        let client = RedisLedger::new(RedisSettings { url: server.url().into(), password: None }).unwrap();
        Self { server, client, miner: MinerId::new("pi"), nonce: AtomicU64::new(0) }
    }

    /// A ledger of what a copy holds: another Redis than the backup's reads it, at its start.
    pub(crate) fn of(copy: &Path) -> Self {
        let mut server = RedisServer::absent(&[]);
        fs::copy(copy, server.folder().join("dump.rdb")).unwrap();
        server.run();
        Self::with(server)
    }

    /// Finds so many coins.
    pub(crate) async fn mine(&self, coins: u64) {
        let first = self.nonce.fetch_add(coins, Relaxed);
        self.find(&self.miner, first..first + coins).await;
    }

    /// Each of so many new miners finds a coin.
    pub(crate) async fn mine_by_many(&self, miners: usize) {
        for _ in 0..miners {
            self.find(&MinerId::new("pi"), 0..1).await;
        }
    }

    async fn find(&self, miner: &MinerId, nonces: std::ops::Range<u64>) {
        let name = "miner.1 on pi4".to_owned();
        let (nonces, origin) = (nonces.collect(), Origin::default());
        let batch = Batch { miner: miner.clone(), name, difficulty: Difficulty::MIN, nonces, hash_rate: 1000, origin };
        self.client.record(&batch).await.unwrap();
    }

    pub(crate) async fn figures(&self) -> Figures {
        self.client.figures().await.unwrap()
    }

    pub(crate) async fn blocks(&self) -> u64 {
        self.figures().await.blocks
    }

    /// Carries out one command, as `redis-cli` would.
    pub(crate) fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut connection = redis::Client::open(self.server.url()).unwrap().get_connection().unwrap();
        redis::cmd(words[0]).arg(&words[1..]).query(&mut connection).unwrap()
    }
}
