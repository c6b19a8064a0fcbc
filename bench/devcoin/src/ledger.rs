//! A real Redis with a ledger of its own, and what it tells of itself.

use std::time::Duration;

use anyhow::Context;
use devcoin::ledger::{Figures, RedisSettings};
use devcoin::{Ledger as _, RedisLedger};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, InfoDict};
use testing::RedisServer;

use crate::programs;

/// Redis as `docker-compose.yml` runs it: what it acknowledges is on the disk.
const OPTIONS: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// Longest wait for Redis to connect or to answer; then the measurement fails.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A Redis that nobody else uses, with its data in a temporary folder. It ends when this is dropped, and the
/// folder goes with it.
pub(crate) struct Ledger {
    client: RedisLedger,
    connection: MultiplexedConnection,
    server: RedisServer,
}

/// What Redis has counted, at one moment of its clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Seconds since 1970.
    pub(crate) seconds: f64,
    /// The key `blocks`.
    pub(crate) coins: u64,
    /// Scripts called since the start: a batch is one.
    pub(crate) scripts: u64,
    /// Processor time since the start, in seconds.
    pub(crate) processor: f64,
}

impl Ledger {
    /// Starts a Redis with nothing in it.
    ///
    /// # Errors
    /// When it is not installed, or does not answer.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        programs::need("redis-server", "redis-server")?;
        let server = RedisServer::start(&OPTIONS);
        let client = RedisLedger::new(RedisSettings { url: server.url().into(), password: None })?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_TIMEOUT))
            .set_response_timeout(Some(ANSWER_TIMEOUT));
        let connection = Client::open(server.url())?.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(Self { client, connection, server })
    }

    /// Where it is, as `REDIS_URL` has it.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Which Redis it is, and where it has its data.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) async fn description(&self) -> anyhow::Result<String> {
        let info: InfoDict = redis::cmd("INFO").arg("server").query_async(&mut self.connection.clone()).await?;
        let version: String = info.get("redis_version").context("INFO server has no redis_version")?;
        let folder = self.server.folder().parent().unwrap_or_else(|| self.server.folder());
        Ok(format!("Redis {version} ({}, data in {})", OPTIONS.join(" "), folder.display()))
    }

    /// What it has counted, all at one moment.
    ///
    /// # Errors
    /// When it does not answer, or does not tell.
    pub(crate) async fn moment(&self) -> anyhow::Result<Moment> {
        let mut commands = redis::pipe();
        commands.atomic().cmd("TIME").cmd("GET").arg("blocks");
        commands.cmd("INFO").arg("commandstats").cmd("INFO").arg("cpu");
        let answer = commands.query_async(&mut self.connection.clone()).await.context("Redis does not answer")?;
        let ((seconds, microseconds), coins, scripts, processor): ((f64, f64), Option<u64>, InfoDict, InfoDict) =
            answer;
        let cpu = |key| processor.get::<f64>(key).with_context(|| format!("INFO cpu has no {key}"));
        Ok(Moment {
            seconds: seconds + microseconds / 1e6,
            coins: coins.unwrap_or_default(),
            scripts: scripts.get::<String>("cmdstat_evalsha").as_deref().and_then(calls).unwrap_or_default(),
            processor: cpu("used_cpu_user")? + cpu("used_cpu_sys")?,
        })
    }

    /// What the ledger knows.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) async fn figures(&self) -> anyhow::Result<Figures> {
        Ok(self.client.figures().await?)
    }
}

/// `calls=21,usec=175,…`
fn calls(statistics: &str) -> Option<u64> {
    statistics.strip_prefix("calls=")?.split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_stand_first_in_the_statistics_of_a_command() {
        assert_eq!(calls("calls=21,usec=175,usec_per_call=8.33,rejected_calls=0,failed_calls=0"), Some(21));
        assert_eq!(calls("usec=175"), None);
    }
}
