//! Asking the ledger, however many clients there are: one task follows its figures and one its coins. While it does
//! not answer, two others ask its replica, if there is one.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use devcoin::Ledger;
use devcoin::ledger::{Figures, LedgerError, RECENT_COINS_MAX, RecordedCoin};
use futures_util::future::{join, join_all};
use metrics::{counter, describe_counter, describe_gauge, gauge};
use service::Readiness;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use crate::answer;
use crate::known::{Known, Source};
use crate::pace::Observed;
use crate::recent::Recent;

/// How often the ledger is asked for its figures, also while it is away.
const FIGURES_INTERVAL: Duration = Duration::from_secs(1);

/// How soon the ledger has to answer; then what is known of it is stale, until it does.
const ANSWER_TIME: Duration = Duration::from_secs(1);

/// Longest wait for the ledger's answer; then it is asked anew. A ledger has its own, shorter limits: only
/// when it is let come to them, it gives up a connection that is dead.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// How long the ledger is asked to wait for the next coin. Below [`ANSWER_TIME`]: no coin is an answer,
/// too.
const COIN_WAIT: Duration = Duration::from_millis(500);

/// Shortest time from one question for coins to the next. When more than [`RECENT_COINS_MAX`] are recorded
/// in that time, some are never seen here: they are counted, and not told.
const COINS_INTERVAL: Duration = Duration::from_millis(200);

/// What is known of the ledger; all who tell of it read it here.
#[derive(Clone, Debug)]
pub(crate) struct Knowledge {
    pub(crate) observed: watch::Receiver<Known<Observed>>,
    pub(crate) recent: watch::Receiver<Known<Recent>>,
}

/// Keeps [`Knowledge`] fresh.
pub(crate) struct Reader {
    primary: Asked,
    replica: Option<Asked>,
    observed: watch::Sender<Known<Observed>>,
    recent: watch::Sender<Known<Recent>>,
    readiness: Readiness,
}

/// One that is asked.
struct Asked {
    ledger: Arc<dyn Ledger>,
    source: Source,
    /// Wakes who follows its coins when it has begun anew.
    reset: Notify,
}

impl Asked {
    fn new(ledger: Arc<dyn Ledger>, source: Source) -> Self {
        Self { ledger, source, reset: Notify::new() }
    }

    /// Whether this one counts now: the replica does while the primary is away.
    fn counts<T>(&self, known: &Known<T>) -> bool {
        self.source == Source::Primary || known.error().is_some()
    }
}

impl Reader {
    pub(crate) fn new(
        primary: Arc<dyn Ledger>,
        replica: Option<Arc<dyn Ledger>>,
        readiness: Readiness,
    ) -> (Self, Knowledge) {
        describe_gauge!("api_blocks", "Coins in the ledger, as it said last");
        describe_gauge!("api_ledger_fresh", "1 while the ledger answers, 0 while the last known figures are given");
        describe_gauge!("api_reads_replica", "1 while figures come from the replica, as the primary does not answer");
        describe_counter!("api_ledger_failures_total", "Questions that the ledger did not answer");
        let (observed, observed_known) = watch::channel(Known::nothing());
        let (recent, recent_known) = watch::channel(Known::nothing());
        let knowledge = Knowledge { observed: observed_known, recent: recent_known };
        let primary = Asked::new(primary, Source::Primary);
        let replica = replica.map(|replica| Asked::new(replica, Source::Replica));
        (Self { primary, replica, observed, recent, readiness }, knowledge)
    }

    /// Reads for ever.
    pub(crate) async fn run(self) {
        let all = self.replica.iter().chain([&self.primary]);
        join_all(all.map(|asked| join(self.read_figures(asked), self.follow_coins(asked)))).await;
    }

    async fn read_figures(&self, asked: &Asked) {
        let mut known = self.observed.subscribe();
        let mut ticks = interval(FIGURES_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // It fails only once nobody is there any more who sends.
            let _ = known.wait_for(|known| asked.counts(known)).await;
            ticks.tick().await;
            let late = |error| {
                // While the primary is away, the reason that is known already is the better one.
                if asked.source == Source::Replica || self.observed.borrow().error().is_none() {
                    self.note_failure(asked, error);
                }
            };
            match ask(asked.ledger.figures(), late).await {
                Ok(figures) => self.take_figures(asked, figures),
                Err(error) => self.note_failure(asked, error),
            }
        }
    }

    fn take_figures(&self, asked: &Asked, figures: Figures) {
        self.observed.send_if_modified(|known| {
            // The primary may have answered meanwhile.
            if !asked.counts(known) {
                return false;
            }
            if known.source() != Some(asked.source) || known.staleness().is_some() {
                let count = figures.blocks;
                match asked.source {
                    Source::Primary => tracing::info!(count, "the ledger answers: {count} coins"),
                    Source::Replica => tracing::warn!(count, "reading the ledger's replica: {count} coins"),
                }
            }
            let mut before = known.take();
            // Coins never become fewer: it was emptied, or has lost its last moments; or it is the other Redis.
            if before.as_ref().is_some_and(|(before, _)| figures.blocks < before.figures.blocks) {
                if before.is_some_and(|(_, source)| source == asked.source) {
                    tracing::warn!(count = figures.blocks, "the ledger has begun anew, with {} coins", figures.blocks);
                    asked.reset.notify_one();
                }
                before = None;
            }
            let mut pace = before.map(|(before, _)| before.pace).unwrap_or_default();
            pace.note(&figures);
            self.readiness.set_ready();
            show(asked.source, &figures);
            known.learn(asked.source, Observed { figures, pace });
            true
        });
    }

    fn note_failure(&self, asked: &Asked, error: LedgerError) {
        self.observed.send_modify(|known| {
            if asked.source == Source::Primary && known.error() != Some(&error) {
                let delay_seconds = FIGURES_INTERVAL.as_secs_f64();
                tracing::warn!(
                    dependency = "ledger",
                    delay_seconds,
                    "waiting for the ledger: {error}, next try in {FIGURES_INTERVAL:?}"
                );
            }
            known.fail(asked.source, error);
            if let Some(error) = known.staleness() {
                self.readiness.set_unready(error.to_string());
                gauge!("api_ledger_fresh").set(0);
            }
        });
    }

    async fn follow_coins(&self, asked: &Asked) {
        let mut known = self.recent.subscribe();
        let mut last = None;
        // After a failure it is another ledger, perhaps: all recent coins are read again.
        let mut anew = true;
        loop {
            if !asked.counts(&known.borrow()) {
                let _ = known.wait_for(|known| asked.counts(known)).await;
                (last, anew) = (None, true);
            }
            let start = Instant::now();
            let wait = if anew { Duration::ZERO } else { COIN_WAIT };
            let late = |error| self.note_missing_coins(asked, error);
            let answer = tokio::select! {
                answer = ask(asked.ledger.coins(last, RECENT_COINS_MAX, wait), late) => answer,
                () = asked.reset.notified() => { (last, anew) = (None, true); continue }
            };
            match answer {
                Ok(coins) => {
                    last = coins.last().map(|coin| coin.id).or(last);
                    self.take_coins(asked, &coins, anew);
                    anew = false;
                }
                Err(error) => {
                    self.note_missing_coins(asked, error);
                    (last, anew) = (None, true);
                }
            }
            let pause = if anew { FIGURES_INTERVAL } else { COINS_INTERVAL };
            sleep_until(start + pause).await;
        }
    }

    /// Adds coins to those that are known, or has them for all when they were read `anew`.
    fn take_coins(&self, asked: &Asked, coins: &[RecordedCoin], anew: bool) {
        self.recent.send_if_modified(|known| {
            if !asked.counts(known) {
                return false;
            }
            let mut recent = known.take().map(|(recent, _)| recent).unwrap_or_default();
            if anew {
                recent.clear();
            }
            recent.add(coins, coins.len() < RECENT_COINS_MAX);
            known.learn(asked.source, recent);
            true
        });
    }

    fn note_missing_coins(&self, asked: &Asked, error: LedgerError) {
        // Who reads the figures tells everybody of it.
        tracing::debug!("cannot follow the coins: {error}");
        self.recent.send_modify(|known| known.fail(asked.source, error));
    }
}

/// Shows the figures as metrics.
fn show(source: Source, figures: &Figures) {
    gauge!("api_ledger_fresh").set(1);
    gauge!("api_reads_replica").set(u8::from(source == Source::Replica));
    // A float holds coins far beyond what is ever found.
    #[allow(clippy::cast_precision_loss)]
    gauge!("api_blocks").set(figures.blocks as f64);
    gauge!("api_miners_alive").set(u32::try_from(answer::alive(figures).count()).unwrap_or(u32::MAX));
}

/// Waits for the ledger's answer, and calls `late` with what is to be said meanwhile when it does not come soon.
async fn ask<T>(
    answer: impl Future<Output = Result<T, LedgerError>>,
    late: impl FnOnce(LedgerError),
) -> Result<T, LedgerError> {
    let mut answer = pin!(answer);
    let no_answer = |time| LedgerError::Away(format!("the ledger takes longer than {time:?} to answer"));
    let answer = if let Ok(answer) = timeout(ANSWER_TIME, &mut answer).await {
        answer
    } else {
        late(no_answer(ANSWER_TIME));
        timeout(ANSWER_TIMEOUT, answer).await.unwrap_or_else(|_| Err(no_answer(ANSWER_TIMEOUT)))
    };
    if answer.is_err() {
        counter!("api_ledger_failures_total").increment(1);
    }
    answer
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    use devcoin::ledger::{Batch, CoinId, Recorded};
    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;
    use tokio::time::sleep;
    use tokio_util::task::AbortOnDropHandle;

    use super::*;

    /// Longer than [`ANSWER_TIME`], and an answer all the same.
    const LONG: Duration = Duration::from_secs(10);

    /// A ledger that answers each kind of question once at once, and then late.
    #[derive(Default)]
    struct Slow {
        figures_given: AtomicBool,
        coins_given: AtomicBool,
    }

    impl Ledger for Slow {
        fn record<'a>(&'a self, _: &'a Batch) -> BoxFuture<'a, Result<Recorded, LedgerError>> {
            unreachable!("an API records nothing")
        }

        fn figures(&self) -> BoxFuture<'_, Result<Figures, LedgerError>> {
            let time = if self.figures_given.swap(true, Relaxed) { LONG } else { Duration::ZERO };
            sleep(time).map(|()| Ok(Figures::default())).boxed()
        }

        fn coins(
            &self,
            _: Option<CoinId>,
            _: usize,
            _: Duration,
        ) -> BoxFuture<'_, Result<Vec<RecordedCoin>, LedgerError>> {
            let time = if self.coins_given.swap(true, Relaxed) { LONG } else { Duration::ZERO };
            sleep(time).map(|()| Ok(Vec::new())).boxed()
        }
    }

    /// Waits until it is so, by a clock that stands still but for what is waited for: times are exact.
    async fn wait<T>(known: &mut watch::Receiver<Known<T>>, is_stale: bool) {
        let is_so = known.wait_for(|known| known.error().is_some() == is_stale);
        drop(timeout(Duration::from_hours(1), is_so).await.unwrap().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_ledger_that_takes_long_makes_all_stale_meanwhile_and_its_answer_counts() {
        let readiness = Readiness::unready("not yet");
        let (reader, Knowledge { mut observed, mut recent }) =
            Reader::new(Arc::new(Slow::default()), None, readiness.clone());
        let _reading = AbortOnDropHandle::new(tokio::spawn(reader.run()));
        let start = Instant::now();
        wait(&mut observed, true).await;
        assert_eq!(start.elapsed().as_secs(), (FIGURES_INTERVAL + ANSWER_TIME).as_secs());
        assert!(readiness.check().is_err());
        wait(&mut recent, true).await;
        assert_eq!(start.elapsed().as_secs(), (FIGURES_INTERVAL + ANSWER_TIME).as_secs());
        assert!(observed.borrow().value().is_some() && recent.borrow().value().is_some());
        wait(&mut observed, false).await;
        assert_eq!(start.elapsed().as_secs(), (FIGURES_INTERVAL + LONG).as_secs());
        assert!(readiness.check().is_ok() && recent.borrow().error().is_none());
    }
}
