//! What was answered in a second, or in all of them, and how it is told.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::figures::thousands;

/// Replicas and kinds of failures that are told apart; further ones count as [`OTHERS`].
const KINDS_MAX: usize = 1000;
const OTHERS: &str = "(others)";

/// Replicas of a version that a line names; further ones are only counted.
const NAMES_MAX: usize = 8;

/// Colours of versions: cyan, yellow, green, magenta, blue; red is what failed.
const COLOURS: [u8; 5] = [36, 33, 32, 35, 34];
const RED: u8 = 31;

/// Who gave an answer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Source {
    /// Nothing where it is not known.
    pub(crate) version: Option<String>,
    /// Its name, if it has said one.
    pub(crate) replica: Option<String>,
}

/// What was answered, and what failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Counts {
    /// The second, counted from 1; for a sum, how many there were.
    #[serde(rename = "second")]
    pub(crate) number: u64,
    pub(crate) answers: u64,
    pub(crate) failed: u64,
    /// By version, and there by replica; a version that is not known is the empty text.
    versions: BTreeMap<String, BTreeMap<String, u64>>,
    /// By what was asked and how it failed.
    failures: BTreeMap<String, u64>,
}

impl Counts {
    /// Nothing yet in that second.
    pub(crate) fn of_second(number: u64) -> Self {
        Self { number, ..Self::default() }
    }

    /// Counts a good answer.
    pub(crate) fn count_answer(&mut self, source: Source) {
        self.count_answers(source.version.unwrap_or_default(), source.replica.unwrap_or_else(|| "(no name)".into()), 1);
    }

    /// Counts a failure of what was asked.
    pub(crate) fn count_failure(&mut self, what: String) {
        self.count_failures(what, 1);
    }

    /// Adds another second.
    pub(crate) fn add(&mut self, other: &Self) {
        for (version, replicas) in &other.versions {
            for (replica, count) in replicas {
                self.count_answers(version.clone(), replica.clone(), *count);
            }
        }
        for (what, count) in &other.failures {
            self.count_failures(what.clone(), *count);
        }
    }

    fn count_answers(&mut self, version: String, replica: String, count: u64) {
        self.answers += count;
        let known: usize = self.versions.values().map(BTreeMap::len).sum();
        let is_known = self.versions.get(&version).is_some_and(|replicas| replicas.contains_key(&replica));
        let (version, replica) =
            if is_known || known < KINDS_MAX { (version, replica) } else { (String::new(), OTHERS.to_owned()) };
        *self.versions.entry(version).or_default().entry(replica).or_default() += count;
    }

    fn count_failures(&mut self, what: String, count: u64) {
        self.failed += count;
        let is_known = self.failures.contains_key(&what) || self.failures.len() < KINDS_MAX;
        *self.failures.entry(if is_known { what } else { OTHERS.to_owned() }).or_default() += count;
    }

    /// One line: a version is in a colour of its own, and what failed in red, if colours are wanted.
    pub(crate) fn line(&self, has_colours: bool) -> String {
        let paint = |colour: u8, text: String| if has_colours { format!("\x1b[{colour}m{text}\x1b[0m") } else { text };
        let mut parts = vec![format!("{:>5} s  {:>7} answers", thousands(self.number), thousands(self.answers))];
        let failed = format!("{} failed", thousands(self.failed));
        parts.push(if self.failed == 0 { failed } else { paint(RED, failed) });
        for (version, replicas) in &self.versions {
            let name = if version.is_empty() { "version unknown" } else { version };
            parts.push(format!("{}: {}", paint(colour(version), name.to_owned()), names(replicas)));
        }
        for (what, count) in &self.failures {
            parts.push(paint(RED, format!("{} × {what}", thousands(*count))));
        }
        parts.join("  ")
    }
}

/// Replicas with their counts.
fn names(replicas: &BTreeMap<String, u64>) -> String {
    let shown = replicas.iter().take(NAMES_MAX).map(|(name, count)| format!("{name} {}", thousands(*count)));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match replicas.len().saturating_sub(NAMES_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Always the same for the same version.
fn colour(version: &str) -> u8 {
    let sum = version.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    COLOURS[sum % COLOURS.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(version: &str, replica: &str) -> Source {
        Source { version: Some(version.to_owned()), replica: Some(replica.to_owned()) }
    }

    fn second() -> Counts {
        let mut second = Counts::of_second(12);
        for (version, replica) in
            [("0.1.0", "producer.1@pi1"), ("0.2.0", "producer.2@pi2"), ("0.1.0", "producer.1@pi1")]
        {
            second.count_answer(source(version, replica));
        }
        second.count_failure("http://pi1:5000/number: connection refused".to_owned());
        second
    }

    #[test]
    fn a_second_is_one_line_with_versions_replicas_and_failures() {
        let expected = "   12 s        3 answers  1 failed  0.1.0: producer.1@pi1 2  0.2.0: producer.2@pi2 1  \
                        1 × http://pi1:5000/number: connection refused";
        assert_eq!(second().line(false), expected);
        let mut unknown = Counts::of_second(1);
        unknown.count_answer(Source::default());
        assert_eq!(unknown.line(false), "    1 s        1 answers  0 failed  version unknown: (no name) 1");
    }

    #[test]
    fn a_version_keeps_its_colour_and_a_failure_is_red() {
        let (one, later) = (second().line(true), Counts { number: 13, ..second() }.line(true));
        let painted = |line: &str| {
            let (_, rest) = line.split_once("0.2.0").unwrap();
            line[..line.len() - rest.len()].rsplit_once('\x1b').unwrap().1.to_owned()
        };
        assert_eq!(painted(&one), painted(&later));
        assert!(one.contains("\x1b[31m1 failed\x1b[0m") && one.contains("\x1b[31m1 × http"), "{one}");
    }

    #[test]
    fn the_sum_of_seconds_has_all_their_counts() {
        let mut sum = Counts::of_second(2);
        (0..2).for_each(|_| sum.add(&second()));
        assert_eq!((sum.answers, sum.failed), (6, 2));
        assert_eq!(sum.versions["0.1.0"]["producer.1@pi1"], 4);
        assert_eq!(sum.failures.values().sum::<u64>(), 2);
    }

    #[test]
    fn a_server_of_ever_new_names_fills_neither_memory_nor_line() {
        let mut second = Counts::of_second(1);
        for number in 0..3 * KINDS_MAX {
            second.count_answer(source("1", &format!("replica-{number:04}")));
            second.count_failure(format!("{number}"));
        }
        assert_eq!(second.answers, 3 * KINDS_MAX as u64);
        let line = second.line(false);
        assert!(line.contains(" and 992 more  "), "{line}");
        assert_eq!((second.versions["1"].len(), second.versions[""][OTHERS]), (KINDS_MAX, 2 * KINDS_MAX as u64));
        assert_eq!(second.failures.len(), KINDS_MAX + 1);
    }
}
