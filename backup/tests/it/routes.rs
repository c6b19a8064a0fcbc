//! Who may have the copies.

use std::fs;

use tempfile::tempdir;
use testing::needs;

use crate::backup::Backup;
use crate::clock::{TestClock, asleep};
use crate::ledger::Ledger;

#[needs("redis-server", "redis-cli")]
#[tokio::test(flavor = "multi_thread")]
async fn copies_are_for_who_has_the_clusters_secret() {
    let ledger = Ledger::start();
    ledger.mine(5).await;
    let (clock, mut sleepers) = TestClock::new("2026-11-28T03:00:00Z");
    let backup = Backup::start(&ledger, clock, tempdir().unwrap(), &["--cluster-secret=open-sesame"]);
    drop(asleep(&mut sleepers).await);
    let name = "ledger-20261128T030000Z-5.rdb";
    let path = format!("/copies/{name}");
    for header in ["", "x-cluster-secret: open-sesame!\r\n"] {
        for path in ["/copies", &path] {
            let answer = backup.get(path, header).await;
            assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("CLUSTER_SECRET"), "{path}: {answer}");
        }
    }
    let secret = "x-cluster-secret: open-sesame\r\n";
    let sum = fs::read_to_string(backup.folder.path().join(format!("{name}.sha256"))).unwrap();
    let (sum, _) = sum.split_once(' ').unwrap();
    let list = backup.get("/copies", secret).await;
    let expected = format!(r#"{{"copies":[{{"name":"{name}","sha256":"{sum}"}}]}}"#);
    assert!(list.ends_with(&expected), "{list}");
    let bytes = fs::read(backup.folder.path().join(name)).unwrap();
    let copy = backup.get(&path, secret).await;
    assert!(copy.contains(&format!("content-length: {}\r\n", bytes.len())), "{copy}");
    assert!(copy.ends_with(&*String::from_utf8_lossy(&bytes)), "{copy}");
    for nothing in ["/copies/ledger-20261128T040000Z-5.rdb", "/copies/..%2Fpasswd", "/copies/x"] {
        let answer = backup.get(nothing, secret).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    }
    // Health is for everybody.
    assert!(backup.get("/healthz", "").await.starts_with("HTTP/1.1 200 "));
    assert_eq!(backup.unready().await, None);
}
