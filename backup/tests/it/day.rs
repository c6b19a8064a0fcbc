//! A day of a backup, with a real Redis and a clock of the test's own.

use jiff::{SignedDuration, Timestamp};
use tempfile::tempdir;
use testing::needs;

use crate::backup::Backup;
use crate::clock::{TestClock, asleep};
use crate::ledger::Ledger;
use backup::{Clock, CopyName, Original};

const MIDNIGHT: &str = "2026-11-28T00:00:00Z";

/// Minutes of the day.
fn minute(time: &str) -> i64 {
    let (hours, minutes) = time.split_once(':').unwrap();
    hours.parse::<i64>().unwrap() * 60 + minutes.parse::<i64>().unwrap()
}

fn copy(time: &str, coins: u64) -> CopyName {
    let midnight: Timestamp = MIDNIGHT.parse().unwrap();
    CopyName::new(Original::Ledger, midnight + SignedDuration::from_mins(minute(time)), coins)
}

/// Each minute somebody finds a coin, and so each copy has as many coins as minutes of the day are over. From 11:00 to
/// 13:30 something is wrong with the ledger: its count is one too high.
#[needs("redis-server", "redis-cli")]
#[tokio::test(flavor = "multi_thread")]
async fn every_copy_of_a_day_was_restored_and_added_up_before_it_counted() {
    let ledger = Ledger::start();
    let (clock, mut sleepers) = TestClock::new(MIDNIGHT);
    let backup = Backup::start(&ledger, clock.clone(), tempdir().unwrap(), &[]);
    for now in 0..24 * 60 {
        let sleeping = asleep(&mut sleepers).await;
        // At noon a copy is due, and refused; at 12:15 the one of 8:00 is 4 h 15 min old, which may be.
        let is_stale = (minute("12:16")..minute("13:30")).contains(&now);
        let unready = backup.unready().await;
        assert_eq!(unready.is_some(), is_stale, "at minute {now}: {unready:?}");
        if let Some(reason) = unready {
            assert!(reason.contains("the newest copy of the ledger is "), "{reason}");
            let why = format!("its miners have {now} coins together, and its count says {}", now + 1);
            assert!(reason.contains(&why), "at minute {now}: {reason}");
        }
        ledger.mine(1).await;
        if now + 1 == minute("11:00") {
            ledger.command::<u64>(&["INCR", "blocks"]);
        }
        if now + 1 == minute("13:30") {
            ledger.command::<u64>(&["DECR", "blocks"]);
        }
        let time = SignedDuration::try_from(sleeping.time).unwrap();
        assert_eq!(time, SignedDuration::from_mins(1));
        clock.pass(sleeping, time);
    }
    let taken = ["00:00", "04:00", "08:00", "13:30", "17:30", "21:30"];
    let expected = taken.map(|time| copy(time, minute(time).unsigned_abs()));
    assert_eq!(backup.copies(), expected);
    // Another Redis finds in each what its name says.
    let folder = backup.stop().await;
    for copy in expected {
        let restored = Ledger::of(&folder.path().join(copy.to_string())).figures().await;
        assert_eq!((restored.blocks, restored.sum()), (copy.count, copy.count), "{copy}");
    }
}

#[needs("redis-server", "redis-cli")]
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_forth_and_back_neither_stops_the_copies_nor_removes_any() {
    let ledger = Ledger::start();
    let (clock, mut sleepers) = TestClock::new(MIDNIGHT);
    let backup = Backup::start(&ledger, clock.clone(), tempdir().unwrap(), &[]);
    // To another year, back to the day before, and then on as it should: past the first copy, until the next is due.
    let day = SignedDuration::from_hours(24);
    let mut expected = Vec::new();
    for (step, is_due) in [
        (SignedDuration::ZERO, true),
        (day * 400, true),
        (-day * 401, true),
        (SignedDuration::from_mins(1), false),
        (day, false),
        (SignedDuration::from_hours(3), false),
        (SignedDuration::from_hours(1), true),
    ] {
        if step != SignedDuration::ZERO {
            ledger.mine(1).await;
            let sleeping = asleep(&mut sleepers).await;
            clock.pass(sleeping, step);
        }
        let sleeping = asleep(&mut sleepers).await;
        if is_due {
            expected.push(CopyName::new(Original::Ledger, clock.now(), ledger.blocks().await));
        }
        assert_eq!(backup.unready().await, None, "after {step:?}");
        let mut sorted = expected.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(backup.copies(), sorted, "after {step:?}");
        clock.pass(sleeping, SignedDuration::ZERO);
    }
}
