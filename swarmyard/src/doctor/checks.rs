//! The tables of checks, a file a subject.

mod engine;
mod kernel;
mod network;
mod ports;
mod rules;
mod swarm;
mod time;

use super::check::Check;
use super::facts::{Facts, FileFacts};

/// What is looked at of a machine.
pub(super) fn of_machine() -> impl Iterator<Item = &'static Check<Facts>> {
    [engine::CHECKS, ports::CHECKS, kernel::CHECKS, swarm::CHECKS, network::CHECKS, time::CHECKS].into_iter().flatten()
}

/// What is looked at of a Compose or stack file.
pub(super) fn of_file() -> impl Iterator<Item = &'static Check<FileFacts>> {
    rules::all()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    const PAGE: &str = "../docs/troubleshooting.md";

    /// The sections that are for what is found here, and for nothing else.
    const OURS: [&str; 2] = ["## The machine and its Docker", "## Rules for a stack file"];

    /// The anchor that GitHub gives a heading.
    fn anchor(heading: &str) -> String {
        let kept = |sign: char| match sign {
            ' ' => Some('-'),
            _ => (sign.is_alphanumeric() || sign == '-' || sign == '_').then_some(sign),
        };
        heading.trim_start_matches(['#', ' ']).to_lowercase().chars().filter_map(kept).collect()
    }

    fn wanted() -> BTreeSet<String> {
        let anchors = of_machine().map(|check| check.anchor).chain(of_file().map(|check| check.anchor));
        anchors.map(str::to_owned).collect()
    }

    #[test]
    fn each_check_refers_to_a_heading_and_each_heading_for_them_is_referred_to() {
        let page = fs::read_to_string(PAGE).unwrap();
        let (mut all, mut ours, mut is_ours) = (BTreeSet::new(), BTreeSet::new(), false);
        for line in page.lines().filter(|line| line.starts_with('#')) {
            if line.starts_with("## ") {
                is_ours = OURS.contains(&line);
            } else if is_ours {
                ours.insert(anchor(line));
            }
            all.insert(anchor(line));
        }
        assert!(ours.len() > 20, "{ours:?}");
        assert_eq!(wanted().difference(&all).collect::<Vec<_>>(), Vec::<&String>::new());
        assert_eq!(ours.difference(&wanted()).collect::<Vec<_>>(), Vec::<&String>::new());
    }

    fn assert_in_order<F: 'static>(checks: impl Iterator<Item = &'static Check<F>>) {
        let mut seen = BTreeSet::new();
        for check in checks {
            assert!(check.needs.iter().all(|need| seen.contains(need)), "{}", check.id);
            assert!(seen.insert(check.id), "{} is there twice", check.id);
        }
    }

    #[test]
    fn what_a_check_needs_comes_before_it() {
        assert_in_order(of_machine());
        assert_in_order(of_file());
    }
}
