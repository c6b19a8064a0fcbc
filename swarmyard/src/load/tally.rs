//! What happened, counted.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::time::Instant;

use super::latency::Latency;
use crate::http_client::{Answer, Failure};

/// Most replicas that are told apart; answers of further ones count as those of [`OTHERS`].
const REPLICAS_MAX: usize = 1000;
const OTHERS: &str = "(others)";

/// Who does not say its name.
const NAMELESS: &str = "(no name)";

/// When a request was to be sent, when it was, and when its answer was whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// Nothing when the next request waits for the answer before, however late that is.
    pub(crate) due: Option<Instant>,
    pub(crate) sent: Instant,
    pub(crate) answered: Instant,
}

/// What is wrong. Its `Display` is a few words for a table.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Fault {
    /// A request has no good answer.
    Http(Failure),
    /// What was due was not sent in time, as no connection was free.
    NotSent,
    /// A message did not come to a member of its room.
    Missing,
    /// It came after a later one.
    OutOfOrder,
    /// It came twice.
    Repeated,
    /// A member got the same messages as another one, in another order.
    OtherOrder,
    /// The node refused a message.
    Refused,
    /// The node said nothing about a message in time.
    Unconfirmed,
    /// A member's connection has ended.
    Lost,
}

/// Counts.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// Good answers.
    pub(crate) answers: u64,
    /// Bytes of their bodies.
    pub(crate) bytes: u64,
    /// From the moment when a request was sent: what the server does to who asks it.
    pub(crate) measured: Latency,
    /// From the moment when it was due, if there was one: what users wait who do not wait for each other.
    pub(crate) felt: Latency,
    pub(crate) faults: BTreeMap<Fault, u64>,
    /// Answers, good or not, by who gave them.
    pub(crate) replicas: Replicas,
}

/// Answers by replica. A name may end in `@` and the node that the replica is on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Replicas(BTreeMap<String, u64>);

impl Tally {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            answers: 0,
            bytes: 0,
            measured: Latency::new(),
            felt: Latency::new(),
            faults: BTreeMap::new(),
            replicas: Replicas::default(),
        }
    }

    /// Counts the outcome of a request.
    pub(crate) fn note(&mut self, timing: Timing, outcome: &Result<Answer, Failure>) {
        match outcome {
            Ok(answer) => {
                self.replicas.count(answer.served_by());
                match answer.failure() {
                    None => self.note_good(timing, answer.size),
                    Some(failure) => self.note_fault(Fault::Http(failure), 1),
                }
            }
            Err(failure) => self.note_fault(Fault::Http(*failure), 1),
        }
    }

    /// Counts a good answer of so many bytes.
    pub(crate) fn note_good(&mut self, timing: Timing, size: u64) {
        self.answers += 1;
        self.bytes += size;
        self.measured.record(timing.answered.saturating_duration_since(timing.sent));
        if let Some(due) = timing.due {
            self.felt.record(timing.answered.saturating_duration_since(due));
        }
    }

    /// Counts the delivery of a chat's message of so many bytes, which was due then, to a member at this node.
    pub(crate) fn note_delivery(&mut self, due: Instant, now: Instant, size: u64, node: &str) {
        self.answers += 1;
        self.bytes += size;
        self.felt.record(now.saturating_duration_since(due));
        self.replicas.count(Some(node));
    }

    /// Counts what is wrong.
    pub(crate) fn note_fault(&mut self, fault: Fault, count: u64) {
        if count > 0 {
            *self.faults.entry(fault).or_default() += count;
        }
    }

    /// What is wrong, in all.
    pub(crate) fn errors(&self) -> u64 {
        self.faults.values().sum()
    }

    /// Adds all counts of another one.
    pub(crate) fn add(&mut self, other: &Self) {
        self.answers += other.answers;
        self.bytes += other.bytes;
        self.measured.add(&other.measured);
        self.felt.add(&other.felt);
        for (fault, count) in &other.faults {
            self.note_fault(*fault, *count);
        }
        self.replicas.add(&other.replicas);
    }

    /// Forgets all counts.
    pub(crate) fn clear(&mut self) {
        (self.answers, self.bytes) = (0, 0);
        self.measured.clear();
        self.felt.clear();
        self.faults.clear();
        self.replicas.0.clear();
    }
}

impl Replicas {
    /// Counts an answer of who calls itself so.
    pub(crate) fn count(&mut self, name: Option<&str>) {
        self.count_many(name.unwrap_or(NAMELESS), 1);
    }

    fn count_many(&mut self, name: &str, answers: u64) {
        // Nearly always it is known, and then nothing is copied.
        if let Some(count) = self.0.get_mut(name) {
            *count += answers;
            return;
        }
        let name = if self.0.len() < REPLICAS_MAX { name } else { OTHERS };
        *self.0.entry(name.to_owned()).or_default() += answers;
    }

    fn add(&mut self, other: &Self) {
        other.iter().for_each(|(name, count)| self.count_many(name, count));
    }

    /// Each with its answers, in the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// How many answers one has given.
    pub(crate) fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// How many answers all have given.
    pub(crate) fn sum(&self) -> u64 {
        self.0.values().sum()
    }

    /// Answers by node, of those replicas whose names tell it.
    pub(crate) fn nodes(&self) -> Self {
        let mut nodes = Self::default();
        for (name, count) in self.iter() {
            if let Some((_, node)) = name.rsplit_once('@') {
                nodes.count_many(node, count);
            }
        }
        nodes
    }
}

impl Display for Fault {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Http(failure) => return failure.fmt(formatter),
            Self::NotSent => "not sent: no connection was free",
            Self::Missing => "not delivered",
            Self::OutOfOrder => "delivered out of order",
            Self::Repeated => "delivered twice",
            Self::OtherOrder => "delivered in another order to others",
            Self::Refused => "refused by the node",
            Self::Unconfirmed => "not confirmed in time",
            Self::Lost => "connection lost",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use hyper::StatusCode;
    use hyper::header::{HeaderMap, HeaderValue};
    use service::identity::X_SERVED_BY;

    fn answer(status: u16, served_by: &str) -> Answer {
        let headers = HeaderMap::from_iter([(X_SERVED_BY, HeaderValue::from_str(served_by).unwrap())]);
        Answer { status: StatusCode::from_u16(status).unwrap(), headers, size: 10 }
    }

    fn timing() -> Timing {
        let sent = Instant::now();
        Timing { due: None, sent, answered: sent + Duration::from_millis(3) }
    }

    #[test]
    fn good_answers_have_latencies_and_others_are_errors_of_their_kind() {
        let mut tally = Tally::new();
        for outcome in [answer(200, "a@pi1"), answer(304, "a@pi1"), answer(404, "a@pi1"), answer(503, "b@pi2")] {
            tally.note(timing(), &Ok(outcome));
        }
        tally.note(timing(), &Err(Failure::TimedOut));
        tally.note(timing(), &Ok(answer(503, "c@pi2")));
        assert_eq!((tally.answers, tally.bytes, tally.measured.count(), tally.errors()), (2, 20, 2, 4));
        let faults: Vec<_> = tally.faults.iter().map(|(fault, count)| (fault.to_string(), *count)).collect();
        let expected = [("HTTP 404", 1), ("HTTP 503", 2), ("no answer in time", 1)];
        assert_eq!(faults, expected.map(|(fault, count)| (fault.to_owned(), count)));
    }

    #[test]
    fn answers_are_counted_by_replica_and_by_node_also_bad_ones() {
        let mut tally = Tally::new();
        for name in ["producer.1@pi1", "producer.2@pi2", "producer.3@pi2", "producer.1@pi1"] {
            tally.note(timing(), &Ok(answer(200, name)));
        }
        tally.note(timing(), &Ok(answer(500, "producer.3@pi2")));
        tally.note(timing(), &Ok(answer(200, "here")));
        tally.note(timing(), &Ok(answer(200, "nørd")));
        let replicas: Vec<_> = tally.replicas.iter().collect();
        let expected =
            [("(no name)", 1), ("here", 1), ("producer.1@pi1", 2), ("producer.2@pi2", 1), ("producer.3@pi2", 2)];
        assert_eq!(replicas, expected);
        assert_eq!(tally.replicas.nodes().iter().collect::<Vec<_>>(), [("pi1", 2), ("pi2", 3)]);
        assert_eq!(tally.replicas.sum(), 7);
    }

    #[test]
    fn a_server_of_ever_new_names_fills_no_memory_and_loses_no_count() {
        let mut replicas = Replicas::default();
        for number in 0..3 * REPLICAS_MAX {
            replicas.count(Some(&number.to_string()));
        }
        assert_eq!(replicas.0.len(), REPLICAS_MAX + 1);
        assert_eq!((replicas.of(OTHERS), replicas.sum()), (2 * REPLICAS_MAX as u64, 3 * REPLICAS_MAX as u64));
    }

    #[test]
    fn a_sum_is_that_of_its_parts_and_what_is_cleared_is_new() {
        let mut part = Tally::new();
        part.note(Timing { due: Some(Instant::now()), ..timing() }, &Ok(answer(200, "a")));
        part.note(timing(), &Ok(answer(500, "b")));
        let mut sum = part.clone();
        sum.add(&part);
        assert_eq!((sum.answers, sum.bytes, sum.errors(), sum.replicas.of("b")), (2, 20, 2, 2));
        assert_eq!((sum.measured.count(), sum.felt.count()), (2, 2));
        sum.clear();
        assert_eq!((sum.answers, sum.bytes, sum.errors(), sum.replicas.sum()), (0, 0, 0, 0));
        assert_eq!((sum.measured.count(), sum.felt.count()), (0, 0));
    }
}
