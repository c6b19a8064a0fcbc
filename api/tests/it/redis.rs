//! A real Redis on a free port, and a miner that records coins in it.

use std::ops::{Deref, DerefMut, Range};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use devcoin::ledger::{Batch, Origin, RecordedCoin, RedisSettings};
use devcoin::{Difficulty, Ledger, MinerId, RedisLedger};
use testing::RedisServer;
use tokio::runtime::Runtime;

/// A Redis that keeps what it was told over a restart.
pub(crate) struct Redis {
    server: RedisServer,
    password: Option<&'static str>,
    runtime: Runtime,
}

impl Redis {
    pub(crate) fn start() -> Self {
        Self::new(None)
    }

    pub(crate) fn start_with_password(password: &'static str) -> Self {
        Self::new(Some(password))
    }

    /// One that copies this one, and has its coins by now.
    pub(crate) fn replica(&self) -> Self {
        let replica = Self::with_options(None, &["--replicaof", &format!("127.0.0.1 {}", self.port())]);
        let (start, coins) = (Instant::now(), self.coins());
        while replica.coins() != coins {
            assert!(start.elapsed() < testing::LIMIT, "the replica copies nothing");
            thread::sleep(Duration::from_millis(5));
        }
        replica
    }

    fn new(password: Option<&'static str>) -> Self {
        let options: Vec<_> = password.iter().flat_map(|password| ["--requirepass", *password]).collect();
        Self::with_options(password, &options)
    }

    fn with_options(password: Option<&'static str>, further: &[&str]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let options = [&["--appendonly", "yes", "--appendfsync", "always"], further].concat();
        Self { server: RedisServer::start(&options), password, runtime }
    }

    /// Carries out a command.
    pub(crate) fn command(&self, words: &[&str]) {
        let status =
            Command::new("redis-cli").args(["-p", &self.port().to_string()]).args(words).output().unwrap().status;
        assert!(status.success(), "{words:?}");
    }

    /// Records coins with these nonces; what they are worth is nothing that the ledger looks at.
    pub(crate) fn record(&self, miner: &MinerId, nonces: Range<u64>) {
        let batch = Batch {
            miner: miner.clone(),
            name: format!("{} on pi4", &miner.as_str()[..3]),
            difficulty: Difficulty::try_from(12).unwrap(),
            nonces: nonces.collect(),
            hash_rate: 250,
            origin: Origin {
                served_by: Some("yard_miner.2@pi4".to_owned()),
                node: Some("pi4".to_owned()),
                architecture: Some("arm64".to_owned()),
                version: None,
                uptime_seconds: Some(61),
                knobs: Some("latency".to_owned()),
            },
        };
        self.runtime.block_on(async { self.ledger().record(&batch).await }).unwrap();
    }

    /// The recent coins, as the ledger has them.
    pub(crate) fn coins(&self) -> Vec<RecordedCoin> {
        self.runtime.block_on(async { self.ledger().coins(None, usize::MAX, Duration::ZERO).await }).unwrap()
    }

    fn ledger(&self) -> RedisLedger {
        let password = self.password.map(Into::into);
        RedisLedger::new(RedisSettings { url: self.url().into(), password }).unwrap()
    }
}

impl Deref for Redis {
    type Target = RedisServer;

    fn deref(&self) -> &RedisServer {
        &self.server
    }
}

impl DerefMut for Redis {
    fn deref_mut(&mut self) -> &mut RedisServer {
        &mut self.server
    }
}
