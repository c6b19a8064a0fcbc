//! Reading the stream of recent coins, and waiting for the next.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::streams::{StreamId, StreamReadReply};
use redis::{Cmd, RedisResult};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout};

use super::answer::recorded_coin;
use super::connection::{RESPONSE_TIMEOUT, Server};
use super::error::{explain, is_broken};
use crate::ledger::{CoinId, LedgerError, RECENT_COINS_MAX, RecordedCoin};

/// Readers that wait in Redis at the same time. More than these look only once, when their time is over.
const READERS_WAITING_MAX: usize = 16;

/// Longest wait; then there is nothing. Redis takes no number, but nobody waits for so long.
const WAIT_MAX: Duration = Duration::from_hours(24);

/// Waiting readers, each with a connection of its own: Redis answers nothing else on it meanwhile.
#[derive(Debug)]
pub(super) struct Readers {
    places: Semaphore,
    /// The connection of the last who waited, for the next.
    idle: Mutex<Option<MultiplexedConnection>>,
}

impl Default for Readers {
    fn default() -> Self {
        Self { places: Semaphore::new(READERS_WAITING_MAX), idle: Mutex::default() }
    }
}

impl Readers {
    /// The coins after `after`; when there are none, it waits for the next.
    pub(super) async fn read(
        &self,
        server: &Server,
        after: CoinId,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<RecordedCoin>, LedgerError> {
        let until = Instant::now() + wait.min(WAIT_MAX);
        let limit = limit.min(RECENT_COINS_MAX);
        let mut after = after.to_string();
        if limit == 0 {
            // For Redis it would be no limit.
            return Ok(Vec::new());
        }
        loop {
            let entries = self.read_entries(server, &after, limit, until).await?;
            let Some(last) = entries.last() else { return Ok(Vec::new()) };
            let coins: Vec<_> = entries.iter().filter_map(recorded_coin).collect();
            if !coins.is_empty() {
                return Ok(coins);
            }
            // Somebody else's entries are passed over.
            after.clone_from(&last.id);
        }
    }

    async fn read_entries(
        &self,
        server: &Server,
        after: &str,
        limit: usize,
        until: Instant,
    ) -> Result<Vec<StreamId>, LedgerError> {
        let wait = until.saturating_duration_since(Instant::now());
        if !wait.is_zero() {
            if let Ok(_place) = self.places.try_acquire() {
                return self.wait_for_entries(server, after, limit, wait).await;
            }
            sleep_until(until).await;
        }
        let command = read_command(after, limit, Duration::ZERO);
        let command = &command;
        server.ask(|mut connection| async move { query(command, &mut connection).await }).await
    }

    async fn wait_for_entries(
        &self,
        server: &Server,
        after: &str,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<StreamId>, LedgerError> {
        let command = read_command(after, limit, wait);
        let idle = self.idle().take();
        let (mut connection, is_new) = match idle {
            Some(connection) => (connection, false),
            None => (server.connect().await?, true),
        };
        let limit = wait + RESPONSE_TIMEOUT;
        // A connection that is not put back is closed.
        let mut result = timeout(limit, query(&command, &mut connection)).await.map_err(|_| server.silent(limit))?;
        if !is_new && result.as_ref().is_err_and(is_broken) {
            // It may have been broken for long.
            connection = server.connect().await?;
            result = timeout(limit, query(&command, &mut connection)).await.map_err(|_| server.silent(limit))?;
        }
        let entries = result.map_err(|error| explain(server.name(), &error))?;
        *self.idle() = Some(connection);
        Ok(entries)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Option<MultiplexedConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_command(after: &str, limit: usize, wait: Duration) -> Cmd {
    let mut command = redis::cmd("XREAD");
    command.arg("COUNT").arg(limit);
    if !wait.is_zero() {
        // For Redis, 0 is for ever.
        command.arg("BLOCK").arg(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1));
    }
    command.arg("STREAMS").arg("coins").arg(after);
    command
}

async fn query(command: &Cmd, connection: &mut MultiplexedConnection) -> RedisResult<Vec<StreamId>> {
    let reply: Option<StreamReadReply> = command.query_async(connection).await?;
    Ok(reply.into_iter().flat_map(|reply| reply.keys).flat_map(|stream| stream.ids).collect())
}
