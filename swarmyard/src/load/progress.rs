//! How far a run has come: what happened in all, and second by second.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use super::tally::Tally;
use crate::figures::per_second;

/// What one step of the picture stands for.
const SECOND: Duration = Duration::from_secs(1);

/// Seconds that are remembered for the picture; older ones are forgotten.
const SECONDS_MAX: usize = 300;

/// How far a run has come.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) elapsed: Duration,
    pub(crate) total: Tally,
    /// What happened in the last whole second, and how long that was in truth.
    pub(crate) last: Tally,
    pub(crate) last_time: Duration,
    /// Good answers a second, of each whole second, the newest last.
    pub(crate) rates: VecDeque<f64>,
    /// The second that is not over.
    current: Tally,
    current_start: Duration,
}

impl Progress {
    /// The beginning.
    pub(crate) fn new() -> Self {
        Self {
            elapsed: Duration::ZERO,
            total: Tally::new(),
            last: Tally::new(),
            last_time: Duration::ZERO,
            rates: VecDeque::new(),
            current: Tally::new(),
            current_start: Duration::ZERO,
        }
    }

    /// Takes in what is new until `elapsed`; true when a second has ended, which is the last one then.
    pub(crate) fn take(&mut self, news: &Tally, elapsed: Duration) -> bool {
        self.elapsed = elapsed;
        self.total.add(news);
        self.current.add(news);
        let time = elapsed.saturating_sub(self.current_start);
        if time < SECOND {
            return false;
        }
        self.current_start = elapsed;
        self.last_time = time;
        mem::swap(&mut self.last, &mut self.current);
        self.current.clear();
        if self.rates.len() == SECONDS_MAX {
            self.rates.pop_front();
        }
        self.rates.push_back(per_second(self.last.answers, time));
        true
    }

    /// Good answers a second, since the beginning.
    pub(crate) fn rate(&self) -> f64 {
        per_second(self.total.answers, self.elapsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(count: u64) -> Tally {
        Tally { answers: count, ..Tally::new() }
    }

    #[test]
    fn a_second_is_over_when_it_is_and_the_sum_keeps_all() {
        let mut progress = Progress::new();
        assert!(!progress.take(&answers(10), Duration::from_millis(400)));
        assert!(progress.take(&answers(30), Duration::from_secs(1)));
        assert_eq!((progress.last.answers, progress.last_time), (40, Duration::from_secs(1)));
        assert!(!progress.take(&answers(7), Duration::from_millis(1990)));
        // The machine was busy: the second took twice as long, and its rate knows.
        assert!(progress.take(&answers(13), Duration::from_secs(3)));
        assert_eq!((progress.last.answers, progress.total.answers), (20, 60));
        assert_eq!(progress.rates, [40.0, 10.0]);
        assert!((progress.rate() - 20.0).abs() < 1e-9);
    }

    #[test]
    fn a_day_takes_no_more_memory_than_a_few_minutes() {
        let mut progress = Progress::new();
        for second in 1..=1000 {
            progress.take(&answers(second), Duration::from_secs(second));
        }
        assert_eq!((progress.rates.len(), progress.rates.back()), (SECONDS_MAX, Some(&1000.0)));
    }
}
