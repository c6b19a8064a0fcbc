//! Who is there, who has fallen silent, and who is gone: the rules, without clock and network.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::report::Report;

/// Rounds without an answer, one after the other, after which an instance counts as gone. One may be lost to a busy
/// machine.
const MISSES_MAX: u32 = 2;

/// So long those that are gone are told of.
const GONE_KEPT: Duration = Duration::from_mins(1);

/// Most of those; the ones that are gone for longest are forgotten first.
const GONE_MAX: usize = 50;

/// All instances, by what tells one from every other.
pub(super) type ById = BTreeMap<String, Instance>;

/// An instance, as it was last heard of.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) report: Report,
    pub(super) address: SocketAddr,
    misses: u32,
    /// When it did not answer for the first time.
    pub(super) silent_since: Option<Instant>,
}

/// Whether an instance answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Answers,
    /// It did not, this time.
    Silent,
    /// It did not for so long that it is not waited for.
    Gone,
}

/// What there is to see at one moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) instances: ById,
    /// The places at which nobody answers.
    pub(super) absent: Vec<String>,
    /// Addresses that are not asked, as there are too many.
    pub(super) beyond: usize,
    pub(super) at: Instant,
}

impl Instance {
    pub(super) fn state(&self) -> State {
        match self.misses {
            0 => State::Answers,
            misses if misses < MISSES_MAX => State::Silent,
            _ => State::Gone,
        }
    }
}

/// The instances that are known.
#[derive(Debug, Default)]
pub(super) struct Instances {
    known: ById,
}

impl Instances {
    /// Where those are that may answer again.
    pub(super) fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.known.values().filter(|instance| instance.state() != State::Gone).map(|instance| instance.address)
    }

    /// Notes a round: what was said at which address.
    pub(super) fn note(&mut self, answers: impl IntoIterator<Item = (SocketAddr, Report)>, now: Instant) {
        for instance in self.known.values_mut() {
            instance.misses = instance.misses.saturating_add(1);
            instance.silent_since.get_or_insert(now);
        }
        for (address, report) in answers {
            // Whoever has two addresses is one instance.
            self.known.insert(id(address, &report), Instance { report, address, misses: 0, silent_since: None });
        }
        self.forget(now);
    }

    /// Forgets those that are gone for long, and the oldest of too many.
    fn forget(&mut self, now: Instant) {
        let gone = self.known.iter().filter(|(_, instance)| instance.state() == State::Gone);
        let mut gone: Vec<_> = gone.map(|(id, instance)| (instance.silent_since, id.clone())).collect();
        gone.sort_unstable();
        let excess = gone.len().saturating_sub(GONE_MAX);
        for (index, (since, id)) in gone.into_iter().enumerate() {
            if index < excess || since.is_some_and(|since| now - since >= GONE_KEPT) {
                self.known.remove(&id);
            }
        }
    }

    pub(super) fn all(&self) -> ById {
        self.known.clone()
    }
}

/// A container's host name is its own; on one machine, instances have different ports.
fn id(address: SocketAddr, report: &Report) -> String {
    let facts = &report.facts;
    format!("{} {} {} {}", facts.name, facts.served_by, facts.host, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yard::report::tests::report;

    fn address(last: u8) -> SocketAddr {
        ([10, 0, 1, last], 5000).into()
    }

    fn states(instances: &Instances) -> Vec<(String, State)> {
        let all = instances.all();
        all.values().map(|instance| (instance.report.facts.served_by.clone(), instance.state())).collect()
    }

    #[test]
    fn one_that_misses_a_round_is_silent_and_one_that_misses_two_is_gone_until_it_answers() {
        let (mut instances, start) = (Instances::default(), Instant::now());
        let both = || [(address(1), report("one")), (address(2), report("two"))];
        let is = |instances: &Instances, state| {
            assert_eq!(states(instances), [("one".to_owned(), State::Answers), ("two".to_owned(), state)]);
        };
        instances.note(both(), start);
        is(&instances, State::Answers);
        instances.note(both().into_iter().take(1), start + Duration::from_secs(1));
        is(&instances, State::Silent);
        assert_eq!(instances.addresses().count(), 2);
        instances.note(both().into_iter().take(1), start + Duration::from_secs(2));
        is(&instances, State::Gone);
        assert_eq!(instances.addresses().collect::<Vec<_>>(), [address(1)]);
        let two = &instances.all()["producer two 4f1c2a9be07d 5000"];
        assert_eq!(two.silent_since, Some(start + Duration::from_secs(1)));
        instances.note(both(), start + Duration::from_secs(3));
        is(&instances, State::Answers);
    }

    #[test]
    fn who_is_gone_is_forgotten_after_a_minute_or_when_there_are_too_many() {
        let (mut instances, start) = (Instances::default(), Instant::now());
        let second = |second| start + Duration::from_secs(second);
        for number in 0..=GONE_MAX as u64 {
            instances.note([(address(1), report(&number.to_string()))], second(number));
        }
        instances.note([], second(100));
        instances.note([], second(101));
        // Those of more than a minute ago went by and by.
        let left: Vec<_> = instances.all().into_values().map(|instance| instance.report.facts.served_by).collect();
        assert!(!left.contains(&"0".to_owned()) && left.contains(&"50".to_owned()), "{left:?}");

        let mut crowd = Instances::default();
        crowd.note((0..=100).map(|number| (address(number), report(&number.to_string()))), start);
        crowd.note([(address(0), report("0"))], second(1));
        crowd.note([], second(2));
        crowd.note([], second(3));
        let left = crowd.all();
        assert!(left.len() == GONE_MAX && left.values().any(|one| one.report.facts.served_by == "0"), "{left:?}");
    }

    #[test]
    fn an_address_that_another_instance_has_got_is_that_ones() {
        let (mut instances, now) = (Instances::default(), Instant::now());
        instances.note([(address(1), report("old"))], now);
        instances.note([(address(1), report("new"))], now);
        assert_eq!(states(&instances), [("new".to_owned(), State::Answers), ("old".to_owned(), State::Silent)]);
    }

    #[test]
    fn one_instance_at_two_addresses_is_one() {
        let mut instances = Instances::default();
        instances.note([(address(1), report("one")), (address(2), report("one"))], Instant::now());
        assert_eq!(states(&instances), [("one".to_owned(), State::Answers)]);
    }
}
