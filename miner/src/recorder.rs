//! Having coins recorded: batch after batch, each until the ledger has got it.

use std::sync::Arc;
use std::time::Duration;

use backon::BackoffBuilder;
use devcoin::ledger::{Batch, LedgerError, Origin};
use devcoin::{Ledger, MinerId};
use metrics::{Counter, counter, histogram};
use service::identity::architecture;
use service::retry::{self, RETRY_DELAY_MAX};
use service::{Chaos, Identity, Readiness};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use devcoin::ledger::BATCH_COINS_MAX;

use crate::ground::{Ground, Tally};
use crate::hash_rate::HashRate;

/// How often the ledger hears of this miner when there are no coins. The ledger counts it as alive for
/// three times as long.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);

/// Least time between two batches, unless one is full: a fast miner does not ask the ledger for each coin.
pub const BATCH_INTERVAL: Duration = Duration::from_millis(50);

/// What is known of the ledger.
#[derive(Clone, Debug, Default)]
pub(crate) struct Status {
    /// All coins of all miners, when the ledger last said so.
    pub(crate) blocks: Option<u64>,
    /// Why it took nothing at the last try.
    pub(crate) problem: Option<LedgerError>,
}

/// Sends coins to the ledger.
pub(crate) struct Recorder {
    miner: MinerId,
    name: String,
    identity: Identity,
    ledger: Arc<dyn Ledger>,
    ground: Ground,
    readiness: Readiness,
    chaos: Chaos,
    status: watch::Sender<Status>,
    recorded_total: Counter,
    hash_rate: HashRate,
    last: Instant,
}

impl Recorder {
    pub(crate) fn new(
        miner: MinerId,
        name: String,
        identity: Identity,
        ledger: Arc<dyn Ledger>,
        ground: Ground,
        readiness: Readiness,
        chaos: Chaos,
    ) -> Self {
        Self {
            miner,
            name,
            identity,
            ledger,
            ground,
            readiness,
            chaos,
            status: watch::Sender::default(),
            recorded_total: counter!("miner_coins_recorded_total"),
            hash_rate: HashRate::new(std::time::Instant::now()),
            last: Instant::now(),
        }
    }

    /// What is known of the ledger, also later.
    pub(crate) fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Records coins until `stop`; then it has the search stop, and tries for up to `drain_timeout` to
    /// record what is held.
    pub(crate) async fn run(mut self, stop: &CancellationToken, drain_timeout: Duration) {
        // An empty batch says that this miner is there, and finds out whether the ledger is.
        let mut batch = self.batch();
        // What is dropped here at the stop is still held by the ground: the ledger counts nothing twice.
        while stop.run_until_cancelled(self.record(&batch)).await.is_some() {
            match stop.run_until_cancelled(self.next_batch()).await {
                Some(next) => batch = next,
                None => break,
            }
        }
        self.ground.stop().await;
        // Whether it gets all or time is over, what is still held tells.
        let _ = timeout(drain_timeout, self.drain()).await;
        let Tally { found, held, .. } = self.ground.tally();
        if held > 0 {
            let reason = match &self.status.borrow().problem {
                Some(error) => error.to_string(),
                None => format!("it took them not within {drain_timeout:?}"),
            };
            let coins = if held == 1 { "coin is" } else { "coins are" };
            tracing::error!(count = held, "{held} {coins} lost, because the ledger has not got them: {reason}");
        }
        let coins = if found == 1 { "coin" } else { "coins" };
        let recorded = found - held as u64;
        tracing::info!(found, recorded, "miner {}: {found} {coins} found, {recorded} recorded", self.miner);
    }

    /// Waits until there is something to record, or nothing for so long that the ledger should hear so.
    async fn next_batch(&mut self) -> Batch {
        // Whether coins came or time is over, a batch is next.
        let _ = timeout_at(self.last + HEARTBEAT_INTERVAL, self.ground.wait_for_coins(1)).await;
        let _ = timeout_at(self.last + BATCH_INTERVAL, self.ground.wait_for_coins(BATCH_COINS_MAX)).await;
        self.batch()
    }

    fn batch(&mut self) -> Batch {
        let hash_rate = self.hash_rate.update(std::time::Instant::now(), self.ground.tally().hashes);
        let (difficulty, nonces) = self.ground.batch();
        let origin = origin(&self.identity, &self.chaos);
        Batch { miner: self.miner.clone(), name: self.name.clone(), difficulty, nonces, hash_rate, origin }
    }

    /// Sends the same batch again and again, until the ledger has got it.
    async fn record(&mut self, batch: &Batch) {
        let mut delays = retry::delays().build();
        while let Err(error) = self.send(batch).await {
            // The delays never end.
            let delay = delays.next().unwrap_or(RETRY_DELAY_MAX);
            self.tell_of(&error, delay);
            sleep(delay).await;
        }
    }

    /// Sends all that is held.
    async fn drain(&mut self) {
        while self.ground.tally().held > 0 {
            let batch = self.batch();
            self.record(&batch).await;
        }
    }

    /// One try.
    async fn send(&mut self, batch: &Batch) -> Result<(), LedgerError> {
        self.chaos.wait().await;
        let start = Instant::now();
        let result = self.ledger.record(batch).await;
        histogram!("miner_ledger_seconds").record(start.elapsed());
        let outcome = match result {
            Ok(_) => "ok",
            Err(LedgerError::Away(_)) => "away",
            Err(LedgerError::Refused(_)) => "refused",
        };
        counter!("miner_batches_total", "result" => outcome).increment(1);
        match result {
            Ok(recorded) => {
                self.last = Instant::now();
                self.ground.note_recorded(batch.nonces.len());
                self.recorded_total.increment(batch.nonces.len() as u64);
                self.readiness.set_ready();
                let before = self.status.send_replace(Status { blocks: Some(recorded.blocks), problem: None });
                if before.problem.is_some() {
                    let coins = batch.nonces.len() + self.ground.tally().held;
                    tracing::info!(count = coins, "the ledger is there again: {coins} coins waited for it");
                }
                Ok(())
            }
            Err(error) => {
                self.readiness.set_unready(error.to_string());
                Err(error)
            }
        }
    }

    /// One line at the first failed try, and when the reason changes.
    fn tell_of(&self, error: &LedgerError, delay: Duration) {
        let is_new = self.status.send_if_modified(|status| {
            let is_new = status.problem.as_ref() != Some(error);
            status.problem = Some(error.clone());
            is_new
        });
        if is_new {
            let delay_seconds = delay.as_secs_f64();
            tracing::warn!(
                dependency = "ledger",
                delay_seconds,
                "waiting for the ledger: {error}; coins are kept, next try in {delay_seconds:.1} s"
            );
        }
    }
}

/// What others can ask their replicas at `/whoami`: a miner is on the ledger's network alone.
fn origin(identity: &Identity, chaos: &Chaos) -> Origin {
    let knobs: Vec<_> = chaos.list().unwrap_or_default().into_iter().map(|turned| turned.knob).collect();
    Origin {
        served_by: Some(identity.served_by().to_owned()),
        node: identity.node().map(str::to_owned),
        architecture: Some(architecture().to_owned()),
        version: Some(identity.version().to_owned()),
        uptime_seconds: Some(identity.uptime().as_secs()),
        knobs: Some(knobs.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::tests::MINING;
    use crate::{ABOUT, Config};
    use devcoin::MemoryLedger;

    #[tokio::test(start_paused = true)]
    async fn a_full_batch_comes_at_once_another_soon_and_one_without_coins_in_time_to_be_alive() {
        for (coins, time) in
            [(BATCH_COINS_MAX, Duration::ZERO), (1, BATCH_INTERVAL), (2, BATCH_INTERVAL), (0, HEARTBEAT_INTERVAL)]
        {
            let ground = Ground::new(MINING);
            let ledger = Arc::new(MemoryLedger::default());
            let config = service::config::parse_arguments::<Config>(&ABOUT, ["miner"]).unwrap();
            let identity = Identity::new(&ABOUT, &config.service);
            let (id, name, chaos) = (MinerId::new("pi"), "pi".to_owned(), Chaos::default());
            let mut recorder = Recorder::new(id, name, identity, ledger, ground.clone(), Readiness::ready(), chaos);
            let find = async {
                for nonce in 0..coins as u64 {
                    ground.find(&[nonce]);
                    tokio::task::yield_now().await;
                }
            };
            let (batch, ()) = tokio::join!(recorder.next_batch(), find);
            assert_eq!((batch.nonces.len(), recorder.last.elapsed()), (coins, time));
        }
    }
}
