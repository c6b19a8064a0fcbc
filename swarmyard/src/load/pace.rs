//! The open loop: requests are due at a rate, whatever became of those before.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::sync::Semaphore;

/// Requests that are due and wait for a connection; further ones are let in when these have gone.
const WAITING_MAX: usize = 1_000_000;

/// Shortest pause between two looks at the clock: at high rates, several requests become due together.
const LOOK_INTERVAL_MIN: Duration = Duration::from_micros(50);

/// Longest such pause, after which a new end is noticed.
const LOOK_INTERVAL_MAX: Duration = Duration::from_millis(20);

/// Longest time, after the end, for requests that were due before it to find a connection.
const LAST_REQUESTS_LIMIT: Duration = Duration::from_secs(1);

/// When requests are due: at equal distances.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    start: Instant,
    /// Requests a second.
    rate: f64,
}

/// Gives each request to the first connection that is free when it is due, or after that.
#[derive(Debug)]
pub(crate) struct Pacer {
    pace: Pace,
    end: Mutex<Instant>,
    /// One for each request that is due and has no connection yet.
    waiting: Semaphore,
    /// Requests that have a connection, or had one.
    taken: AtomicU64,
}

impl Pace {
    /// When a request is due; they count from 0.
    pub(crate) fn due(self, number: u64) -> Instant {
        #[allow(clippy::cast_precision_loss)]
        let seconds = number as f64 / self.rate;
        // Not long after the end of a run, whose length has a limit.
        self.start + Duration::from_secs_f64(seconds)
    }

    /// How many requests were due before this moment.
    pub(crate) fn due_before(self, moment: Instant) -> u64 {
        let seconds = moment.saturating_duration_since(self.start).as_secs_f64();
        // Time does not go back, and no run is long enough for the end of the range.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let number = (seconds * self.rate).ceil() as u64;
        number
    }
}

impl Pacer {
    /// Lets so many requests a second be due from `start` to `end`, in a thread of its own: a runtime's clock is too
    /// coarse, and what it were late by would look like the server's fault.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(rate: f64, start: Instant, end: Instant) -> anyhow::Result<Arc<Self>> {
        let pacer = Arc::new(Self::new(rate, start, end));
        let shared = pacer.clone();
        let thread = thread::Builder::new().name("pace".to_owned()).spawn(move || shared.run());
        thread.context("the system gives no thread")?;
        Ok(pacer)
    }

    fn new(rate: f64, start: Instant, end: Instant) -> Self {
        let (waiting, taken) = (Semaphore::new(0), AtomicU64::new(0));
        Self { pace: Pace { start, rate }, end: Mutex::new(end), waiting, taken }
    }

    /// Waits for the next request that is due, and gives the time when it was; nothing at the end.
    pub(crate) async fn next(&self) -> Option<Instant> {
        self.waiting.acquire().await.ok()?.forget();
        Some(self.pace.due(self.taken.fetch_add(1, Relaxed)))
    }

    /// Lets no request be due from now on.
    pub(crate) fn end_now(&self) {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        *end = Instant::now().min(*end);
    }

    /// How many requests were due, and had no connection.
    pub(crate) fn not_sent(&self) -> u64 {
        self.pace.due_before(self.end()).saturating_sub(self.taken.load(Relaxed))
    }

    /// Lets requests be due, each at its time, to the end.
    fn run(&self) {
        let mut let_in = 0;
        loop {
            let (now, end) = (Instant::now(), self.end());
            let due = self.pace.due_before(now.min(end));
            let room = WAITING_MAX.saturating_sub(self.waiting.available_permits());
            // At most the room, which is a usize.
            let more = usize::try_from(due.saturating_sub(let_in)).unwrap_or(room).min(room);
            self.waiting.add_permits(more);
            let_in += more as u64;
            let is_over = now >= end && self.taken.load(Relaxed) >= due;
            if is_over || now >= end + LAST_REQUESTS_LIMIT {
                return self.waiting.close();
            }
            let pause = self.pace.due(let_in).min(end).saturating_duration_since(now);
            thread::sleep(pause.clamp(LOOK_INTERVAL_MIN, LOOK_INTERVAL_MAX));
        }
    }

    fn end(&self) -> Instant {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::load::latency::Latency;
    use crate::load::tally::{Tally, Timing};

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn requests_are_due_at_equal_distances_and_none_at_the_end() {
        let start = Instant::now();
        let pace = Pace { start, rate: 100.0 };
        assert_eq!([0, 1, 250].map(|number| pace.due(number) - start), [0, 10, 2500].map(Duration::from_millis));
        let due_before = |milliseconds| pace.due_before(start + Duration::from_millis(milliseconds));
        assert_eq!([0, 1, 10, 11, 10_000].map(due_before), [0, 1, 1, 2, 1000]);
        assert_eq!(pace.due_before(start.checked_sub(MILLISECOND).unwrap()), 0);
    }

    /// The clock is a number here: one connection asks a server that takes a millisecond for each answer, and once
    /// stops for a second. What users wait who ask at their own times, and wait for nobody else, is known.
    #[test]
    fn at_100_a_second_the_felt_p99_is_right_about_a_pause_of_a_second_and_the_measured_one_is_not() {
        let start = Instant::now();
        let pace = Pace { start, rate: 100.0 };
        let pause = start + Duration::from_secs(4)..start + Duration::from_secs(5);
        let answered = |sent: Instant| if pause.contains(&sent) { pause.end } else { sent } + MILLISECOND;

        let (mut tally, mut free, mut truth) = (Tally::new(), start, Vec::new());
        for number in 0..pace.due_before(start + Duration::from_secs(10)) {
            let due = pace.due(number);
            let sent = due.max(free);
            free = answered(sent);
            tally.note_good(Timing { due: Some(due), sent, answered: free }, 0);
            truth.push(answered(due) - due);
        }
        truth.sort();
        let true_p99 = truth[truth.len() * 99 / 100 - 1].as_secs_f64();

        let p99 = |latency: &Latency| latency.quantile(0.99).as_secs_f64();
        let (felt, measured) = (p99(&tally.felt), p99(&tally.measured));
        assert!((felt / true_p99 - 1.0).abs() < 0.05, "felt {felt} s, in truth {true_p99} s");
        assert!(measured < true_p99 / 100.0, "measured {measured} s, in truth {true_p99} s");
    }

    #[tokio::test]
    async fn each_request_is_given_once_and_not_before_its_time() {
        let start = Instant::now();
        let pacer = Pacer::start(10_000.0, start, start + 20 * MILLISECOND).unwrap();
        let mut dues = Vec::new();
        while let Some(due) = pacer.next().await {
            assert!(due <= Instant::now());
            dues.push(due - start);
        }
        assert_eq!(dues, (0..200).map(|number| Duration::from_micros(100 * number)).collect::<Vec<_>>());
        assert_eq!(pacer.not_sent(), 0);
    }

    #[test]
    fn what_no_connection_took_was_not_sent() {
        let start = Instant::now();
        let pacer = Pacer::new(1000.0, start.checked_sub(Duration::from_secs(3)).unwrap(), start);
        pacer.run();
        assert_eq!(pacer.not_sent(), 3000);
    }
}
