//! How long things took, in a histogram.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Longest time that is told from longer ones.
const LATENCY_MAX: Duration = Duration::from_hours(1);

/// Digits that count: a time is known to a thousandth of itself.
const DIGITS: u8 = 3;

/// Where rows of a histogram end, in microseconds, as parts of a power of ten: finely, and else coarsely.
const EDGES: [&[u64]; 2] = [&[1, 2, 5], &[1]];

/// Times, from a microsecond to [`LATENCY_MAX`].
#[derive(Clone, Debug)]
pub(crate) struct Latency(Histogram<u64>);

/// Some of the times: those up to a limit, but above the row before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Row {
    pub(crate) up_to: Duration,
    /// How many there are in each of the histograms.
    pub(crate) counts: Vec<u64>,
}

impl Latency {
    /// No times yet.
    pub(crate) fn new() -> Self {
        #[expect(clippy::unwrap_used, reason = "the bounds are more than a factor of two apart, the digits below 6")]
        Self(Histogram::new_with_bounds(1, microseconds(LATENCY_MAX), DIGITS).unwrap())
    }

    /// Adds a time.
    pub(crate) fn record(&mut self, time: Duration) {
        self.0.saturating_record(microseconds(time.min(LATENCY_MAX)));
    }

    /// Adds all times of another one.
    pub(crate) fn add(&mut self, other: &Self) {
        // It fails only for times that do not fit, and both have the same bounds.
        let _ = self.0.add(&other.0);
    }

    /// Forgets all times.
    pub(crate) fn clear(&mut self) {
        self.0.reset();
    }

    /// How many times there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The time that this share of all did not exceed, from 0 to 1; zero if there are none.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        Duration::from_micros(self.0.value_at_quantile(share))
    }

    /// The mean; zero if there are none.
    pub(crate) fn mean(&self) -> Duration {
        Duration::from_secs_f64(self.0.mean() / 1e6)
    }
}

/// The times of several histograms, in at most so many rows (at least one): as fine as fits, and the shortest
/// together where even coarse ones are too many. Rows between the first and the last are there also when empty.
pub(crate) fn rows(latencies: &[&Latency], rows_max: usize) -> Vec<Row> {
    let fits = |rows: &Vec<Row>| rows.len() <= rows_max;
    let mut rows = rows_with(latencies, EDGES[0]);
    if !fits(&rows) {
        rows = rows_with(latencies, EDGES[1]);
    }
    let too_many = rows.len().saturating_sub(rows_max.max(1));
    for row in rows.drain(..too_many).collect::<Vec<_>>() {
        for (sum, count) in rows[0].counts.iter_mut().zip(row.counts) {
            *sum += count;
        }
    }
    rows
}

fn rows_with(latencies: &[&Latency], parts: &[u64]) -> Vec<Row> {
    let powers = (0..).map_while(|power| 10_u64.checked_pow(power));
    let edges: Vec<_> =
        powers.flat_map(|power| parts.iter().filter_map(move |part| power.checked_mul(*part))).collect();
    let mut rows = BTreeMap::<usize, Vec<u64>>::new();
    for (index, latency) in latencies.iter().enumerate() {
        for value in latency.0.iter_recorded() {
            // What the histogram cannot tell from an edge is at the edge.
            let time = latency.0.lowest_equivalent(value.value_iterated_to());
            let edge = edges.partition_point(|edge| *edge < time);
            rows.entry(edge).or_insert_with(|| vec![0; latencies.len()])[index] += value.count_at_value();
        }
    }
    let (Some((&first, _)), Some((&last, _))) = (rows.first_key_value(), rows.last_key_value()) else {
        return Vec::new();
    };
    let row = |edge: usize| Row {
        up_to: Duration::from_micros(edges[edge]),
        counts: rows.remove(&edge).unwrap_or_else(|| vec![0; latencies.len()]),
    };
    (first..=last).map(row).collect()
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latency(milliseconds: impl IntoIterator<Item = u64>) -> Latency {
        let mut latency = Latency::new();
        milliseconds.into_iter().for_each(|time| latency.record(Duration::from_millis(time)));
        latency
    }

    /// Rows as milliseconds and counts.
    fn shown(latencies: &[&Latency], rows_max: usize) -> Vec<(u128, Vec<u64>)> {
        rows(latencies, rows_max).into_iter().map(|row| (row.up_to.as_millis(), row.counts)).collect()
    }

    #[test]
    fn quantiles_are_right_to_a_thousandth() {
        let latency = latency(1..=1000);
        for (share, time) in [(0.5, 500.0), (0.99, 990.0), (0.999, 999.0), (1.0, 1000.0)] {
            let found = latency.quantile(share).as_secs_f64() * 1000.0;
            assert!((found / time - 1.0).abs() < 0.002, "{share}: {found} ms");
        }
        assert_eq!(Latency::new().quantile(0.99), Duration::ZERO);
        assert_eq!(Latency::new().mean(), Duration::ZERO);
    }

    #[test]
    fn a_time_beyond_the_last_one_counts_as_that() {
        let mut latency = Latency::new();
        latency.record(Duration::MAX);
        latency.record(Duration::ZERO);
        assert_eq!(latency.count(), 2);
        assert!(latency.quantile(1.0).abs_diff(LATENCY_MAX) < LATENCY_MAX / 1000, "{:?}", latency.quantile(1.0));
    }

    #[test]
    fn what_is_added_is_as_if_it_had_been_recorded() {
        let mut sum = latency(1..=500);
        sum.add(&latency(501..=1000));
        assert_eq!(sum.0, latency(1..=1000).0);
        sum.clear();
        assert_eq!((sum.count(), sum.quantile(1.0)), (0, Duration::ZERO));
    }

    #[test]
    fn rows_are_as_fine_as_fits_and_every_time_is_in_one() {
        let (one, other) = (latency([1, 2, 2, 5, 50]), latency([3, 200]));
        let fine = [(1, [1, 0]), (2, [2, 0]), (5, [1, 1]), (10, [0, 0]), (20, [0, 0]), (50, [1, 0]), (100, [0, 0])];
        let fine: Vec<_> =
            fine.into_iter().chain([(200, [0, 1])]).map(|(time, counts)| (time, counts.into())).collect();
        assert_eq!(shown(&[&one, &other], 8), fine);
        let coarse = [(1, vec![1, 0]), (10, vec![3, 1]), (100, vec![1, 0]), (1000, vec![0, 1])];
        assert_eq!(shown(&[&one, &other], 7), coarse);
        assert_eq!(shown(&[&one, &other], 2), [(100, vec![5, 1]), (1000, vec![0, 1])]);
        assert!(shown(&[&Latency::new()], 5).is_empty());
    }
}
