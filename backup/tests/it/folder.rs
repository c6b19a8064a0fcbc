//! What is in the folder besides the newest copy.

use std::fs;
use std::path::Path;

use backup::{CopyName, DAYS_KEPT, NEWEST_KEPT, Original};
use jiff::{SignedDuration, Timestamp};
use tempfile::tempdir;
use testing::needs;

use crate::backup::{Backup, arguments, get, names, start};
use crate::clock::{TestClock, asleep};
use crate::ledger::Ledger;

/// A line as `sha256sum` prints it, of an empty file.
const SUM_OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Puts an empty file there that counts as a copy.
fn put(folder: &Path, taken: Timestamp, coins: u64) -> CopyName {
    let copy = CopyName::new(Original::Ledger, taken, coins);
    fs::write(folder.join(copy.to_string()), "").unwrap();
    fs::write(folder.join(format!("{copy}.sha256")), format!("{SUM_OF_NOTHING}  {copy}\n")).unwrap();
    copy
}

#[needs("redis-server", "redis-cli")]
#[tokio::test(flavor = "multi_thread")]
async fn old_copies_go_when_a_new_one_has_come_and_not_before() {
    let ledger = Ledger::start();
    let (clock, mut sleepers) = TestClock::new("2026-11-28T03:00:00Z");
    let (folder, midnight) = (tempdir().unwrap(), "2026-11-28T00:00:00Z".parse::<Timestamp>().unwrap());
    let all: Vec<_> =
        (0..600).map(|round| put(folder.path(), midnight - SignedDuration::from_hours(4) * round, 0)).collect();
    let backup = Backup::start(&ledger, clock.clone(), folder, &[]);
    // The newest is three hours old.
    let sleeping = asleep(&mut sleepers).await;
    assert_eq!(backup.copies().len(), all.len());
    clock.pass(sleeping, SignedDuration::from_hours(1));
    drop(asleep(&mut sleepers).await);
    // Today has two, yesterday six and the day before four of the newest; then there is one a day.
    let copies = backup.copies();
    assert_eq!(copies.len(), NEWEST_KEPT + DAYS_KEPT - 3);
    assert_eq!(
        (copies[0].taken, copies[copies.len() - 1].taken),
        (midnight - day(59) + hours(20), midnight + hours(4))
    );
    assert_eq!(names(backup.folder.path()).len(), 2 * copies.len());
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn day(days: i64) -> SignedDuration {
    hours(days * 24)
}

#[needs("redis-server", "redis-cli")]
#[test]
fn a_copy_that_was_damaged_in_its_place_does_not_count_and_is_not_removed() {
    let (ledger, folder) = (Ledger::start(), tempdir().unwrap());
    let damaged = put(folder.path(), Timestamp::now(), 0);
    let path = folder.path().join(damaged.to_string());
    fs::write(&path, "not nothing").unwrap();
    let settings = arguments(&ledger, folder.path());
    let mut backup = start(&settings.iter().map(String::as_str).collect::<Vec<_>>());
    let address = backup.address();
    backup.log_line(&format!("{damaged} is damaged: "));
    // So there was none, and the next was due at once.
    backup.log_line("-0.rdb was restored, and has 0 coins");
    assert_eq!(fs::read(path.with_extension("rdb.damaged")).unwrap(), b"not nothing");
    assert!(get(address, "/metrics", "").contains("backup_damaged_total{of=\"ledger\"} 1\n"));
}
