//! Figures of rounds, and figures as text.

use std::thread;
use std::time::Duration;

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

/// The one in the middle.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    let upper = figures.len() / 2;
    match figures.get(upper) {
        Some(figure) if figures.len() % 2 == 1 => *figure,
        Some(figure) => f64::midpoint(figures[upper - 1], *figure),
        None => f64::NAN,
    }
}

/// The median, the lowest and the highest.
fn middle_and_range(figures: &[f64]) -> [f64; 3] {
    let lowest = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = figures.iter().copied().fold(0.0, f64::max);
    [median(figures), lowest, highest]
}

/// Millions, with the lowest and the highest of the rounds.
pub(crate) fn millions(figures: &[f64]) -> String {
    let [middle, lowest, highest] = middle_and_range(figures).map(|figure| figure / 1e6);
    format!("{middle:8.2} ({lowest:.2} to {highest:.2})")
}

/// So many decimals, with the lowest and the highest of the rounds: `1,234 (987 to 2,345)`.
pub(crate) fn spread(figures: &[f64], decimals: usize) -> String {
    let [middle, lowest, highest] = middle_and_range(figures).map(|figure| thousands(figure, decimals));
    format!("{middle} ({lowest} to {highest})")
}

/// A number, not below zero, with so many decimals and its thousands apart.
pub(crate) fn thousands(figure: f64, decimals: usize) -> String {
    let text = format!("{figure:.decimals$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let groups: Vec<_> = whole.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",") + rest
}

/// What the figures of a table are; `time` is that of a round.
pub(crate) fn rounds(rounds: u32, time: &str) -> String {
    let processors = thread::available_parallelism().map_or(0, usize::from);
    format!("rounds: {rounds} of {time}; processors for all programs: {processors}; median (lowest to highest)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!([0.0, 999.0, 1000.0, 1_234_567.0].map(|it| thousands(it, 0)), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(spread(&[1234.5, 987.25, 2345.0], 1), "1,234.5 (987.2 to 2,345.0)");
    }
}
