//! Figures of rounds, and figures as text.

use std::time::Duration;

use bench_rounds::{median_and_range, processors};
use rustix::time::{ClockId, clock_gettime};

/// Works for this long at least, and gives hashes a second of this thread's processor time: what else runs
/// on the machine takes time, but none of that. `work` gives the hashes that it computed.
pub(crate) fn hashes_per_second(slice: Duration, mut work: impl FnMut() -> u64) -> f64 {
    let (start, mut hashes) = (processor_time(), 0);
    loop {
        hashes += work();
        let time = processor_time().saturating_sub(start);
        if time >= slice {
            return hashes as f64 / time.as_secs_f64();
        }
    }
}

fn processor_time() -> Duration {
    // Neither number is below zero.
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

/// Millions, with the lowest and the highest of the rounds.
pub(crate) fn millions(figures: &[f64]) -> String {
    let [middle, lowest, highest] = median_and_range(figures).map(|figure| figure / 1e6);
    format!("{middle:8.2} ({lowest:.2} to {highest:.2})")
}

/// What the figures of a table are; `time` is that of a round.
pub(crate) fn rounds(rounds: u32, time: &str) -> String {
    let processors = processors();
    format!("rounds: {rounds} of {time}; processors for all programs: {processors}; median (lowest to highest)")
}
