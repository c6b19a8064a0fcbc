//! What the report and the screen both show.

use std::time::Duration;

use super::progress::Progress;
use super::tally::Replicas;
use crate::figures::{per_second, percent, thousands, whole};

/// The latencies that are shown: names, and the share of answers that took no longer.
pub(crate) const QUANTILES: [(&str, f64); 5] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];

/// A replica or a node, and how much it does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// What its bar is as long as.
    pub(crate) count: u64,
    /// The same for people.
    pub(crate) figure: String,
}

/// What each replica, and each node, has done since the beginning.
pub(crate) fn parts(progress: &Progress) -> Vec<Part> {
    let replicas = &progress.total.replicas;
    parts_of(replicas, replicas, thousands)
}

/// What they have done in the last second; who has done something before is there with nothing.
pub(crate) fn parts_now(progress: &Progress) -> Vec<Part> {
    let time = progress.last_time;
    parts_of(&progress.total.replicas, &progress.last.replicas, |count| format!("{}/s", whole(per_second(count, time))))
}

/// How much of `counted` each of `known` is: first the replicas, then the nodes that their names tell.
fn parts_of(known: &Replicas, counted: &Replicas, shown: impl Fn(u64) -> String) -> Vec<Part> {
    let sum = counted.sum();
    let part = |name: String, count| {
        let figure = format!("{:>11} {:>5.1} %", shown(count), percent(count, sum));
        Part { name, count, figure }
    };
    let (known_nodes, counted_nodes) = (known.nodes(), counted.nodes());
    let replicas = known.iter().map(|(name, _)| part(name.to_owned(), counted.of(name)));
    let nodes = known_nodes.iter().map(|(node, _)| part(format!("@{node}"), counted_nodes.of(node)));
    replicas.chain(nodes).collect()
}

/// The end of a histogram's row, which is a round time: `≤ 500 µs`, `≤ 20 ms`, `≤ 1 s`.
pub(crate) fn up_to(time: Duration) -> String {
    match (time.as_micros(), time.as_millis()) {
        (microseconds @ ..1000, _) => format!("≤ {microseconds} µs"),
        (_, milliseconds @ ..1000) => format!("≤ {milliseconds} ms"),
        _ => format!("≤ {} s", time.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_ends_at_a_round_time() {
        let shown = [1, 500, 1000, 20_000, 500_000, 1_000_000, 20_000_000].map(|end| up_to(Duration::from_micros(end)));
        assert_eq!(shown, ["≤ 1 µs", "≤ 500 µs", "≤ 1 ms", "≤ 20 ms", "≤ 500 ms", "≤ 1 s", "≤ 20 s"]);
    }

    #[test]
    fn who_is_gone_is_shown_with_nothing() {
        let mut progress = Progress::new();
        let mut news = crate::load::tally::Tally::new();
        for name in ["producer.1@pi1", "producer.2@pi2", "producer.2@pi2"] {
            news.replicas.count(Some(name));
        }
        progress.take(&news, Duration::from_secs(1));
        news.clear();
        news.replicas.count(Some("producer.1@pi1"));
        progress.take(&news, Duration::from_secs(2));
        let now: Vec<_> = parts_now(&progress).into_iter().map(|part| (part.name, part.count)).collect();
        let expected = [("producer.1@pi1", 1), ("producer.2@pi2", 0), ("@pi1", 1), ("@pi2", 0)];
        assert_eq!(now, expected.map(|(name, count)| (name.to_owned(), count)));
        let in_all: Vec<_> = parts(&progress).into_iter().map(|part| part.figure.trim().to_owned()).collect();
        assert_eq!(in_all, ["2  50.0 %", "2  50.0 %", "2  50.0 %", "2  50.0 %"]);
    }
}
