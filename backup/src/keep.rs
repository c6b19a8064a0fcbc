//! Which copies are kept.

use std::collections::{BTreeMap, BTreeSet};

use crate::copy::CopyName;

/// Copies that are kept for being the newest: two days of them, when one is taken every four hours.
pub const NEWEST_KEPT: usize = 12;

/// Days (UTC) of which the last copy is kept. Days without a copy do not count, so neither a long pause nor a clock that
/// goes wrong makes old copies go.
pub const DAYS_KEPT: usize = 60;

/// Those of one original that are not kept any more: not among the newest, not the last of one of the last days that
/// have one, and not the best.
pub(crate) fn surplus(copies: &[CopyName]) -> BTreeSet<CopyName> {
    let mut surplus: BTreeSet<_> = copies.iter().cloned().collect();
    let newest: Vec<_> = surplus.iter().rev().take(NEWEST_KEPT).cloned().collect();
    // A later copy of the day takes the place of an earlier one.
    let days: BTreeMap<_, _> = surplus.iter().map(|copy| (copy.day(), copy.clone())).collect();
    let daily: Vec<_> = days.into_values().rev().take(DAYS_KEPT).collect();
    for kept in newest.iter().chain(&daily).chain(best(copies)) {
        surplus.remove(kept);
    }
    surplus
}

/// The copy that one would rather have than all others of the same original. Coins never become fewer, so that is the one
/// with the most: one with fewer is of a ledger that has lost some. Otherwise it is the newest.
pub(crate) fn best<'a>(copies: impl IntoIterator<Item = &'a CopyName>) -> Option<&'a CopyName> {
    let worth = |copy: &&CopyName| (if copy.of.only_grows() { copy.count } else { 0 }, copy.taken);
    copies.into_iter().max_by_key(worth)
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::copy::Original;

    /// At hours after some midnight.
    fn at(hour: i64, coins: u64) -> CopyName {
        let start: Timestamp = "2026-11-28T00:00:00Z".parse().unwrap();
        CopyName::new(Original::Ledger, start + SignedDuration::from_hours(hour), coins)
    }

    fn kept(copies: &[CopyName]) -> Vec<CopyName> {
        let surplus = surplus(copies);
        copies.iter().filter(|copy| !surplus.contains(copy)).cloned().collect()
    }

    #[test]
    fn after_a_hundred_days_there_are_two_days_whole_and_58_with_their_last_copy() {
        let mut copies: Vec<CopyName> = Vec::new();
        for round in 0..600 {
            copies.push(at(round * 4, round.unsigned_abs()));
            copies = kept(&copies);
        }
        let hours = (40..98).map(|day| day * 24 + 20).chain((98 * 24..100 * 24).step_by(4));
        let expected: Vec<_> = hours.map(|hour| at(hour, hour.unsigned_abs() / 4)).collect();
        assert_eq!(copies, expected);
    }

    #[test]
    fn the_one_with_the_most_coins_outlives_all_others() {
        let mut copies = vec![at(0, 1000)];
        copies.extend((1..3000).map(|hour| at(hour, 3)));
        assert_eq!(kept(&copies)[0], at(0, 1000));
        assert_eq!(best(&copies), Some(&at(0, 1000)));
        // Of several, the newest.
        copies.push(at(3000, 1000));
        assert_eq!(best(&copies), Some(&at(3000, 1000)));
        assert!(!kept(&copies).contains(&at(0, 1000)));
    }

    #[test]
    fn of_a_journal_the_newest_is_the_best_since_rooms_are_deleted() {
        let journal = |hour, messages| CopyName { of: Original::Journal("node1".to_owned()), ..at(hour, messages) };
        assert_eq!(best(&[journal(1, 1000), journal(2, 3)]), Some(&journal(2, 3)));
    }

    proptest! {
        /// Copies of any times, as a clock gives that is set forth and back.
        #[test]
        fn what_is_kept_is_what_the_rule_says(hours in vec(0_i64..24 * 400, 0..300), coins in vec(0_u64..50, 300)) {
            let copies: BTreeSet<_> = hours.iter().zip(&coins).map(|(hour, coins)| at(*hour, *coins)).collect();
            let copies: Vec<_> = copies.into_iter().collect();
            let kept = kept(&copies);

            let newest = copies.len().saturating_sub(NEWEST_KEPT);
            prop_assert!(copies[newest..].iter().all(|copy| kept.contains(copy)), "one of the newest has gone");
            let days: BTreeSet<_> = copies.iter().map(CopyName::day).collect();
            for day in days.iter().rev().take(DAYS_KEPT) {
                let last = copies.iter().rfind(|copy| copy.day() == *day).unwrap();
                prop_assert!(kept.contains(last), "the last of {day} has gone");
            }
            let most = copies.iter().map(|copy| copy.count).max();
            prop_assert_eq!(kept.iter().map(|copy| copy.count).max(), most);
            prop_assert!(kept.len() <= NEWEST_KEPT + DAYS_KEPT + 1, "{} are kept", kept.len());
            // Nothing more goes, as long as nothing comes.
            prop_assert_eq!(surplus(&kept), BTreeSet::new());
        }

        #[test]
        fn a_copy_that_comes_makes_at_most_one_of_each_kind_go(hours in vec(0_i64..24 * 400, 1..200)) {
            let mut copies = Vec::new();
            for hour in hours {
                let before = kept(&copies);
                copies = before;
                copies.push(at(hour, hour.unsigned_abs()));
                copies.sort_unstable();
                copies.dedup();
                prop_assert!(surplus(&copies).len() <= 3);
            }
        }
    }
}
