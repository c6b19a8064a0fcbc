//! While Redis is away, or gives no copy.

use jiff::SignedDuration;
use tempfile::tempdir;
use testing::{RedisServer, Signal, needs};

use crate::backup::{Backup, arguments, get, names, start, until};
use crate::clock::{TestClock, asleep};
use crate::ledger::Ledger;

#[needs("redis-server", "redis-cli")]
#[tokio::test(flavor = "multi_thread")]
async fn without_redis_it_says_why_there_is_no_copy_and_takes_one_when_redis_is_there() {
    let mut ledger = Ledger::start();
    ledger.mine(7).await;
    ledger.command::<()>(&["SAVE"]);
    ledger.server.kill();
    let (clock, mut sleepers) = TestClock::new("2026-11-28T00:00:00Z");
    let backup = Backup::start(&ledger, clock.clone(), tempdir().unwrap(), &[]);
    for _ in 0..3 {
        let sleeping = asleep(&mut sleepers).await;
        let reason = backup.unready().await.unwrap();
        assert!(reason.contains("there is no copy of the ledger yet: cannot reach 127.0.0.1:"), "{reason}");
        // The process works all the same: starting it anew would help nobody.
        assert!(backup.get("/healthz", "").await.starts_with("HTTP/1.1 200 "));
        clock.pass(sleeping, SignedDuration::from_mins(1));
    }
    let sleeping = asleep(&mut sleepers).await;
    ledger.server.run();
    clock.pass(sleeping, SignedDuration::from_mins(1));
    drop(asleep(&mut sleepers).await);
    assert_eq!(backup.unready().await, None);
    assert_eq!(backup.copies()[0].to_string(), "ledger-20261128T000400Z-7.rdb");
}

#[needs("redis-server", "redis-cli")]
#[tokio::test]
async fn what_goes_on_is_logged_at_its_changes_and_counted() {
    let mut ledger = Ledger::start();
    ledger.mine(7).await;
    ledger.command::<()>(&["SAVE"]);
    ledger.server.kill();
    let folder = tempdir().unwrap();
    let settings = arguments(&ledger, folder.path());
    let settings = settings.iter().map(String::as_str).chain(["--backup-interval=100ms"]);
    let mut backup = start(&settings.collect::<Vec<_>>());
    let address = backup.address();
    backup.log_line("no copy of the ledger: cannot reach 127.0.0.1:");
    let counted = |result: &str| {
        let name = format!("backup_attempts_total{{of=\"ledger\",result=\"{result}\"}} ");
        let metrics = get(address, "/metrics", "");
        metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse::<u64>().ok()).unwrap_or_default()
    };
    until(|| counted("away") >= 3).await;
    ledger.server.run();
    // One line for all that failed.
    let line = backup.log_line("-7.rdb was restored, and has 7 coins; ");
    assert!(line.contains(" tries failed before"), "{line}");
    assert!(backup.lines_so_far().is_empty());
    until(|| counted("good") >= 2).await;
    ledger.command::<()>(&["FLUSHALL"]);
    let line = backup.log_line("the ledger has lost coins: ");
    assert!(line.contains("-7.rdb has 7, and ledger-") && line.contains("-0.rdb 0"), "{line}");
    // Of two copies in one second, the one with more coins counts as the newer.
    until(|| get(address, "/metrics", "").contains("backup_newest_count{of=\"ledger\"} 0\n")).await;
}

#[needs("redis-server", "redis-cli")]
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_gives_no_copy_is_named_with_its_reason() {
    let ledger = Ledger::start();
    // A replica that has lost the Redis that it copies.
    ledger.command::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
    let (clock, mut sleepers) = TestClock::new("2026-11-28T00:00:00Z");
    let backup = Backup::start(&ledger, clock, tempdir().unwrap(), &[]);
    drop(asleep(&mut sleepers).await);
    let reason = backup.unready().await.unwrap();
    assert!(reason.contains("redis-cli got no copy: ") && reason.contains("NOMASTERLINK"), "{reason}");
    assert!(names(backup.folder.path()).is_empty());
}

#[needs("redis-server", "redis-cli")]
#[tokio::test]
async fn a_stop_while_a_copy_comes_leaves_nothing_behind() {
    // It lets who wants a copy wait.
    let ledger = Ledger::with(RedisServer::start(&["--repl-diskless-sync-delay", "1000"]));
    let folder = tempdir().unwrap();
    let settings = arguments(&ledger, folder.path());
    let mut backup = start(&settings.iter().map(String::as_str).collect::<Vec<_>>());
    let waits = || ledger.command::<String>(&["CLIENT", "LIST", "TYPE", "replica"]).contains("cmd=");
    until(waits).await;
    assert!(names(folder.path())[0].starts_with(".attempt-"));
    backup.signal(Signal::TERM);
    assert_eq!(backup.ended().0.code(), Some(0));
    assert!(names(folder.path()).is_empty());
    // What it has started is gone, too.
    until(|| !waits()).await;
}
