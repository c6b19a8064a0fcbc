//! A ledger in Redis.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use redis::Script;
use secrecy::SecretString;

use self::answer::FiguresAnswer;
use self::connection::Server;
use self::stream::Readers;
use super::{
    ALIVE_TIME, Batch, CoinId, Figures, Ledger, LedgerError, MINERS_MAX, Origin, RATE_SECONDS, RECENT_COINS_MAX,
    RETIREMENTS_MAX, Recorded, RecordedCoin,
};
use crate::coin::{Coin, MinerId};

mod address;
mod answer;
mod connection;
mod error;
mod stream;

pub use address::RedisAddress;

/// Longest wait until replicas have what was recorded; then it counts as recorded without them, as a lost replica is
/// not to stop the miners. Below what an answer may take.
const REPLICAS_TIMEOUT: Duration = Duration::from_millis(500);

/// Digits of a nonce in a coin's text, and in Redis.
const NONCE_DIGITS: usize = 16;

/// Where the ledger is, and how to get in.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// `redis://HOST:PORT` or `redis://HOST:PORT/DATABASE`; some have their password in it.
    pub url: SecretString,
    /// Its password, if it has one.
    pub password: Option<SecretString>,
}

/// The ledger in Redis, which any number of miners and APIs share. What is in which key: `redis/keys.lua`.
///
/// A miner that was retired, or whose hash somebody deleted, begins again with what it sends next; so does
/// everybody after `FLUSHALL`.
#[derive(Debug)]
pub struct RedisLedger {
    server: Server,
    readers: Readers,
    record: Script,
    figures: Script,
    replicas: u8,
}

impl RedisLedger {
    /// A ledger that connects when it is needed, and again after every loss.
    ///
    /// # Errors
    /// When the URL is none of Redis's.
    pub fn new(settings: RedisSettings) -> Result<Self, LedgerError> {
        Ok(Self::on(Server::new(settings.try_into()?)))
    }

    /// The same in that database of the Redis at a socket of this file system, which asks for no password.
    #[must_use]
    pub fn at_socket(socket: &Path, database: i64) -> Self {
        Self::on(Server::at_socket(socket, database))
    }

    fn on(server: Server) -> Self {
        Self {
            server,
            readers: Readers::default(),
            record: Script::new(concat!(include_str!("redis/keys.lua"), include_str!("redis/record.lua"))),
            figures: Script::new(concat!(include_str!("redis/keys.lua"), include_str!("redis/figures.lua"))),
            replicas: 0,
        }
    }

    /// What is recorded is on so many replicas, too, when it is said to be recorded; if they take it within
    /// [`REPLICAS_TIMEOUT`], else it is not waited for.
    #[must_use]
    pub fn with_replicas(mut self, replicas: u8) -> Self {
        self.replicas = replicas;
        self
    }

    async fn record_batch(&self, batch: &Batch) -> Result<Recorded, LedgerError> {
        batch.check()?;
        let Origin { served_by, node, architecture, version, uptime_seconds, knobs } = batch.origin.cut();
        let mut call = self.record.prepare_invoke();
        call.arg(batch.miner.as_str())
            .arg(message_start(&batch.miner))
            .arg(hexadecimal(&batch.nonces))
            .arg(batch.difficulty.bits())
            .arg(batch.hash_rate)
            .arg(&batch.name)
            .arg(RECENT_COINS_MAX)
            .arg(RATE_SECONDS)
            .arg(ALIVE_TIME.as_millis().to_string())
            .arg(MINERS_MAX)
            .arg(RETIREMENTS_MAX)
            .arg(served_by.unwrap_or_default())
            .arg(node.unwrap_or_default())
            .arg(architecture.unwrap_or_default())
            .arg(version.unwrap_or_default())
            .arg(uptime_seconds.map(|seconds| seconds.to_string()).unwrap_or_default())
            .arg(knobs.unwrap_or_default());
        let (call, replicas) = (&call, self.replicas);
        let (new, blocks) = self
            .server
            .ask(|mut connection| async move {
                let recorded = call.invoke_async(&mut connection).await?;
                if replicas > 0 {
                    // How many have it by then changes nothing.
                    redis::cmd("WAIT")
                        .arg(replicas)
                        .arg(REPLICAS_TIMEOUT.as_millis().to_string())
                        .exec_async(&mut connection)
                        .await?;
                }
                Ok(recorded)
            })
            .await?;
        Ok(Recorded { new, blocks })
    }

    async fn read_figures(&self) -> Result<Figures, LedgerError> {
        let mut call = self.figures.prepare_invoke();
        call.arg(RATE_SECONDS);
        let call = &call;
        let answer: FiguresAnswer =
            self.server.ask(|mut connection| async move { call.invoke_async(&mut connection).await }).await?;
        answer::figures(answer, self.server.name())
    }
}

impl Ledger for RedisLedger {
    fn record<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<Recorded, LedgerError>> {
        self.record_batch(batch).boxed()
    }

    fn figures(&self) -> BoxFuture<'_, Result<Figures, LedgerError>> {
        self.read_figures().boxed()
    }

    fn coins(
        &self,
        after: Option<CoinId>,
        limit: usize,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<RecordedCoin>, LedgerError>> {
        self.readers.read(&self.server, after.unwrap_or_default(), limit, wait).boxed()
    }
}

/// A coin's text without its nonce.
fn message_start(miner: &MinerId) -> String {
    let mut message = Coin { miner: miner.clone(), nonce: 0 }.message();
    message.truncate(message.len() - NONCE_DIGITS);
    message
}

/// All nonces in one text, 16 digits each: one argument is cheaper than thousands.
fn hexadecimal(nonces: &[u64]) -> String {
    let mut text = String::with_capacity(nonces.len() * NONCE_DIGITS);
    for nonce in nonces {
        // Writing to a string cannot fail.
        let _ = write!(text, "{nonce:0NONCE_DIGITS$x}");
    }
    text
}
