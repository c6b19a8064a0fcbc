//! Asking the ledger: two tasks do it, however many clients there are.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use devcoin::Ledger;
use devcoin::ledger::{Figures, LedgerError, RECENT_COINS_MAX};
use metrics::{counter, describe_counter, describe_gauge, gauge};
use service::Readiness;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use crate::answer;
use crate::known::Known;
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
    ledger: Arc<dyn Ledger>,
    observed: watch::Sender<Known<Observed>>,
    recent: watch::Sender<Known<Recent>>,
    readiness: Readiness,
    /// Wakes who follows the coins when the ledger has begun anew.
    reset: Notify,
}

impl Reader {
    pub(crate) fn new(ledger: Arc<dyn Ledger>, readiness: Readiness) -> (Self, Knowledge) {
        describe_gauge!("api_blocks", "Coins in the ledger, as it said last");
        describe_gauge!("api_ledger_fresh", "1 while the ledger answers, 0 while the last known figures are given");
        describe_counter!("api_ledger_failures_total", "Questions that the ledger did not answer");
        let (observed, observed_known) = watch::channel(Known::nothing());
        let (recent, recent_known) = watch::channel(Known::nothing());
        let knowledge = Knowledge { observed: observed_known, recent: recent_known };
        (Self { ledger, observed, recent, readiness, reset: Notify::new() }, knowledge)
    }

    /// Reads for ever.
    pub(crate) async fn run(self) {
        tokio::join!(self.read_figures(), self.follow_coins());
    }

    async fn read_figures(&self) {
        let mut ticks = interval(FIGURES_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let late = |error| {
                // While it is away, the reason that is known already is the better one.
                if self.observed.borrow().error().is_none() {
                    self.note_failure(error);
                }
            };
            match ask(self.ledger.figures(), late).await {
                Ok(figures) => self.take_figures(figures),
                Err(error) => self.note_failure(error),
            }
        }
    }

    fn take_figures(&self, figures: Figures) {
        self.readiness.set_ready();
        gauge!("api_ledger_fresh").set(1);
        // A float holds coins far beyond what is ever found.
        #[allow(clippy::cast_precision_loss)]
        gauge!("api_blocks").set(figures.blocks as f64);
        gauge!("api_miners_alive").set(u32::try_from(answer::alive(&figures).count()).unwrap_or(u32::MAX));
        self.observed.send_modify(|known| {
            if known.error().is_some() || known.value().is_none() {
                tracing::info!(count = figures.blocks, "the ledger answers: {} coins", figures.blocks);
            }
            let mut before = known.take();
            // Coins never become fewer: it was emptied, or has lost its last moments.
            if before.as_ref().is_some_and(|before| figures.blocks < before.figures.blocks) {
                tracing::warn!(count = figures.blocks, "the ledger has begun anew, with {} coins", figures.blocks);
                self.reset.notify_one();
                before = None;
            }
            let mut pace = before.map(|before| before.pace).unwrap_or_default();
            pace.note(&figures);
            known.learn(Observed { figures, pace });
        });
    }

    fn note_failure(&self, error: LedgerError) {
        self.readiness.set_unready(error.to_string());
        gauge!("api_ledger_fresh").set(0);
        self.observed.send_modify(|known| {
            if known.error() != Some(&error) {
                let delay_seconds = FIGURES_INTERVAL.as_secs_f64();
                tracing::warn!(
                    dependency = "ledger",
                    delay_seconds,
                    "waiting for the ledger: {error}, next try in {FIGURES_INTERVAL:?}"
                );
            }
            known.fail(error);
        });
    }

    async fn follow_coins(&self) {
        let mut last = None;
        // After a failure it is another ledger, perhaps: all recent coins are read again.
        let mut anew = true;
        loop {
            let start = Instant::now();
            let wait = if anew { Duration::ZERO } else { COIN_WAIT };
            let asked = tokio::select! {
                asked = ask(self.ledger.coins(last, RECENT_COINS_MAX, wait), |late| self.note_missing_coins(late)) => asked,
                () = self.reset.notified() => { (last, anew) = (None, true); continue }
            };
            match asked {
                Ok(coins) => {
                    last = coins.last().map(|coin| coin.id).or(last);
                    self.recent.send_modify(|known| {
                        let mut recent = known.take().unwrap_or_default();
                        if anew {
                            recent.clear();
                        }
                        recent.add(&coins, coins.len() < RECENT_COINS_MAX);
                        known.learn(recent);
                    });
                    anew = false;
                }
                Err(error) => {
                    self.note_missing_coins(error);
                    (last, anew) = (None, true);
                }
            }
            let pause = if anew { FIGURES_INTERVAL } else { COINS_INTERVAL };
            sleep_until(start + pause).await;
        }
    }

    fn note_missing_coins(&self, error: LedgerError) {
        // Who reads the figures tells everybody of it.
        tracing::debug!("cannot follow the coins: {error}");
        self.recent.send_modify(|known| known.fail(error));
    }
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

    use devcoin::ledger::{Batch, CoinId, Recorded, RecordedCoin};
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
            Reader::new(Arc::new(Slow::default()), readiness.clone());
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
