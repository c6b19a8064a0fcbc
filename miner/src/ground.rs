//! The ground that the threads search, and the coins from it: one lock, and signals for who waits.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use devcoin::ledger::BATCH_COINS_MAX;
use devcoin::{Difficulty, Search};
use metrics::{Counter, Gauge, counter, gauge};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::plan::{Next, Plan};
use crate::speed::Mining;

/// Longest wait at the stop for scans under way; what they find is left then. A scan takes milliseconds,
/// on a Raspberry Pi a tenth of a second.
const SCAN_END_TIMEOUT: Duration = Duration::from_millis(500);

/// A cloneable handle on the search.
#[derive(Clone, Debug)]
pub(crate) struct Ground(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Threads wait for it when they have nothing to do.
    work: Condvar,
    /// The recorder waits for it when there is nothing to record.
    coins: Notify,
}

#[derive(Debug)]
struct State {
    plan: Plan,
    /// Which crew is to work: threads of an earlier one end. None at the stop.
    crew: Option<u64>,
    hashes_total: Counter,
    found_total: Counter,
    buffered: Gauge,
}

/// What a report tells of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    /// What is searched for now.
    pub(crate) difficulty: Difficulty,
    /// Coins found so far.
    pub(crate) found: u64,
    /// Hashes computed so far.
    pub(crate) hashes: u64,
    /// Coins that the ledger has not got yet.
    pub(crate) held: usize,
    /// Coins of the speed that were left out so far, because they were too late.
    pub(crate) left_out: u64,
}

impl Ground {
    pub(crate) fn new(mining: Mining) -> Self {
        let plan = Plan::new(mining, Instant::now());
        let (hashes_total, found_total) = (counter!("miner_hashes_total"), counter!("miner_coins_found_total"));
        let buffered = gauge!("miner_coins_buffered");
        let state = Mutex::new(State { plan, crew: Some(0), hashes_total, found_total, buffered });
        Self(Arc::new(Shared { state, work: Condvar::new(), coins: Notify::new() }))
    }

    /// Begins anew, with other settings: threads of the crew that worked so far end after the scan at
    /// hand. Gives the number of the crew that is to work now; none at the stop.
    pub(crate) fn change(&self, mining: Mining) -> Option<u64> {
        let mut state = self.lock();
        state.crew = state.crew.map(|crew| crew + 1);
        self.update(&mut state, |plan| plan.change(mining, Instant::now()));
        self.0.work.notify_all();
        state.crew
    }

    /// The work of a thread of this crew, for as long as the crew is to work.
    pub(crate) fn work(&self, crew: u64, search: &Search) {
        let mut nonces = Vec::new();
        while let Some((scan, difficulty)) = self.next_scan(crew) {
            search.scan(scan, difficulty, &mut nonces);
            self.update(&mut self.lock(), |plan| plan.finish(scan, difficulty, &nonces));
            nonces.clear();
        }
    }

    /// Waits until there is something to search.
    fn next_scan(&self, crew: u64) -> Option<(u64, Difficulty)> {
        let mut state = self.lock();
        while state.crew == Some(crew) {
            let work = &self.0.work;
            state = match self.update(&mut state, |plan| plan.next(Instant::now())) {
                Next::Scan(scan, difficulty) => return Some((scan, difficulty)),
                Next::Wait(time) => work.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0,
                Next::Idle => work.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        None
    }

    /// Changes the plan, and tells the figures and those who wait for what came of it.
    fn update<T>(&self, state: &mut State, change: impl FnOnce(&mut Plan) -> T) -> T {
        let plan = &mut state.plan;
        let (found, hashes, held) = (plan.found(), plan.hashes(), plan.held());
        let result = change(plan);
        state.found_total.increment(plan.found() - found);
        if plan.hashes() != hashes {
            state.hashes_total.increment(plan.hashes() - hashes);
            // A thread may have waited for this scan to be over.
            self.0.work.notify_all();
        }
        if plan.held() != held {
            // A float holds far more than are ever held.
            #[allow(clippy::cast_precision_loss)]
            state.buffered.set(plan.held() as f64);
        }
        let coins_came = plan.held() > held && (held == 0 || plan.held() >= BATCH_COINS_MAX);
        if coins_came || !plan.is_searching() {
            self.0.coins.notify_one();
        }
        result
    }

    /// Waits until so many coins are held, [`BATCH_COINS_MAX`] at most, or one at least.
    pub(crate) async fn wait_for_coins(&self, coins: usize) {
        self.until(|plan| plan.held() >= coins).await;
    }

    /// Has the threads stop, and waits until the last scan is over, so that no coin comes any more.
    pub(crate) async fn stop(&self) {
        self.end();
        if timeout(SCAN_END_TIMEOUT, self.until(|plan| !plan.is_searching())).await.is_err() {
            tracing::debug!("a scan did not end within {SCAN_END_TIMEOUT:?}");
        }
    }

    /// Has the threads stop.
    pub(crate) fn end(&self) {
        self.lock().crew = None;
        self.0.work.notify_all();
    }

    /// Only one task may wait at a time: the recorder.
    async fn until(&self, condition: impl Fn(&Plan) -> bool) {
        while !condition(&self.lock().plan) {
            self.0.coins.notified().await;
        }
    }

    /// The next coins for the ledger, all of one difficulty; they stay held until
    /// [`Ground::note_recorded`].
    pub(crate) fn batch(&self) -> (Difficulty, Vec<u64>) {
        self.lock().plan.batch(BATCH_COINS_MAX)
    }

    /// The ledger has got the first so many coins.
    pub(crate) fn note_recorded(&self, coins: usize) {
        self.update(&mut self.lock(), |plan| plan.note_recorded(coins));
        // Threads may have waited for room.
        self.0.work.notify_all();
    }

    pub(crate) fn tally(&self) -> Tally {
        let plan = &self.lock().plan;
        Tally {
            difficulty: plan.difficulty(),
            found: plan.found(),
            hashes: plan.hashes(),
            held: plan.held(),
            left_out: plan.left_out(),
        }
    }

    /// Whether mining had to pause since the last call, because too many coins are held.
    pub(crate) fn take_paused(&self) -> bool {
        self.lock().plan.take_paused()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::speed::Speed;

    /// Every second hash will do, and no time is waited for.
    pub(crate) const MINING: Mining =
        Mining { speed: Speed::Unlimited, difficulty: Difficulty::MIN, threads_wanted: None };

    impl Ground {
        /// Does what a thread of the first crew does, and finds these.
        pub(crate) fn find(&self, nonces: &[u64]) {
            let (scan, difficulty) = self.next_scan(0).unwrap();
            self.update(&mut self.lock(), |plan| plan.finish(scan, difficulty, nonces));
        }
    }

    #[test]
    fn threads_of_an_earlier_crew_end_and_at_the_stop_all_do() {
        let ground = Ground::new(MINING);
        assert_eq!(ground.next_scan(0), Some((0, Difficulty::MIN)));
        assert_eq!(ground.change(MINING), Some(1));
        assert_eq!((ground.next_scan(0), ground.next_scan(1)), (None, Some((1, Difficulty::MIN))));
        ground.end();
        assert_eq!((ground.next_scan(1), ground.change(MINING)), (None, None));
    }

    #[tokio::test]
    async fn the_stop_waits_for_a_scan_that_is_under_way() {
        let ground = Ground::new(MINING);
        let (scan, difficulty) = ground.next_scan(0).unwrap();
        let stop = async {
            ground.stop().await;
            ground.tally().found
        };
        let finish = async { ground.update(&mut ground.lock(), |plan| plan.finish(scan, difficulty, &[1, 2])) };
        assert_eq!(tokio::join!(stop, finish).0, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn the_stop_does_not_wait_for_a_scan_that_does_not_end() {
        let ground = Ground::new(MINING);
        ground.next_scan(0).unwrap();
        timeout(SCAN_END_TIMEOUT * 2, ground.stop()).await.unwrap();
    }
}
