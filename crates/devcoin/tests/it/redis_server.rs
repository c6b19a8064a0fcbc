//! A real Redis for each test, and what is in it.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use devcoin::RedisLedger;
use devcoin::ledger::{LedgerError, RedisSettings};
use redis::FromRedisValue;

/// How often a state that has no event is looked at.
pub(crate) const GLANCE: Duration = Duration::from_millis(5);

pub(crate) struct RedisServer(testing::RedisServer);

impl RedisServer {
    /// Starts one with nothing in it. Each option is one of `redis-server`'s.
    pub(crate) fn start(options: &[&str]) -> Self {
        let debug = ["--enable-debug-command", "local"];
        Self(testing::RedisServer::start(&[&debug, options].concat()))
    }

    pub(crate) fn name(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    /// A ledger in it, which shares nothing with others but Redis.
    pub(crate) fn ledger(&self) -> RedisLedger {
        ledger(&self.url(), None).unwrap()
    }

    /// Carries out one command, as `redis-cli` would.
    pub(crate) fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut connection = redis::Client::open(self.url()).unwrap().get_connection().unwrap();
        redis::cmd(words[0]).arg(&words[1..]).query(&mut connection).unwrap()
    }

    /// A text that is another one whenever anything in Redis is.
    pub(crate) fn digest(&self) -> String {
        self.command(&["DEBUG", "DIGEST"])
    }
}

impl Deref for RedisServer {
    type Target = testing::RedisServer;

    fn deref(&self) -> &testing::RedisServer {
        &self.0
    }
}

impl DerefMut for RedisServer {
    fn deref_mut(&mut self) -> &mut testing::RedisServer {
        &mut self.0
    }
}

pub(crate) fn ledger(url: &str, password: Option<&str>) -> Result<RedisLedger, LedgerError> {
    RedisLedger::new(RedisSettings { url: url.into(), password: password.map(Into::into) })
}
