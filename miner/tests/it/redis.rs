//! A real Redis that can be killed, stopped and started again.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use redis::{Client, Commands, Connection};
use testing::RedisServer;

use crate::wait_for;

/// A Redis on a port of its own that keeps what it acknowledged also when it is killed.
#[derive(Debug)]
pub(crate) struct Redis {
    server: RedisServer,
    password: &'static str,
}

impl Redis {
    /// A port for a Redis that does not run yet.
    pub(crate) fn absent() -> Self {
        // What it acknowledges is on the disk, so that a kill at any time loses nothing.
        let server = RedisServer::absent(&["--appendonly", "yes", "--appendfsync", "always"]);
        Self { server, password: "" }
    }

    pub(crate) fn start() -> Self {
        let mut redis = Self::absent();
        redis.run();
        redis
    }

    pub(crate) fn with_password(password: &'static str) -> Self {
        Self { server: RedisServer::start(&["--requirepass", password]), password }
    }

    fn connection(&self) -> Connection {
        let address = format!("redis://:{}@127.0.0.1:{}", self.password, self.port());
        let address = if self.password.is_empty() { self.url() } else { address };
        Client::open(address).unwrap().get_connection().unwrap()
    }

    /// The number of all coins, as `redis-cli GET blocks` shows it.
    pub(crate) fn blocks(&self) -> u64 {
        self.connection().get::<_, Option<u64>>("blocks").unwrap().unwrap_or_default()
    }

    /// Each miner's coins.
    pub(crate) fn miners(&self) -> BTreeMap<String, u64> {
        let mut connection = self.connection();
        let miners: Vec<String> = connection.zrange("miners", 0, -1).unwrap();
        let coins = |miner: &String| connection.hget::<_, _, Option<u64>>(format!("miner:{miner}"), "coins").unwrap();
        let coins: Vec<_> = miners.iter().map(coins).map(Option::unwrap_or_default).collect();
        miners.into_iter().zip(coins).collect()
    }

    /// What the only miner is called.
    pub(crate) fn name_of_miner(&self) -> Option<String> {
        let mut connection = self.connection();
        let miners: Vec<String> = connection.zrange("miners", 0, -1).unwrap();
        let [miner] = &miners[..] else { return None };
        connection.hget(format!("miner:{miner}"), "name").unwrap()
    }

    /// Waits until so many coins are recorded.
    pub(crate) fn wait_for_blocks(&self, blocks: u64) -> u64 {
        wait_for("coins in the ledger", || Some(self.blocks()).filter(|there| *there >= blocks))
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
