//! Copies that are brought back.

use std::fs;
use std::path::Path;

use tempfile::tempdir;
use testing::needs;

use crate::backup::{arguments, command, get, names, start, until};
use crate::ledger::Ledger;

/// A backup with copies of a ledger that has lost coins since: the one with 30 coins is not the newest.
struct Scene {
    ledger: Ledger,
    backup: testing::Program,
    folder: tempfile::TempDir,
    /// The folder of Redis's data, and what `restore` is told of both.
    data: tempfile::TempDir,
    settings: Vec<String>,
}

impl Scene {
    async fn new() -> Self {
        let (ledger, folder, data) = (Ledger::start(), tempdir().unwrap(), tempdir().unwrap());
        let mut settings = arguments(&ledger, folder.path());
        settings.push("--cluster-secret=open-sesame".to_owned());
        for coins in [10, 20] {
            ledger.mine(coins).await;
            take(&settings);
        }
        ledger.command::<()>(&["FLUSHALL"]);
        ledger.mine(2).await;
        take(&settings);
        let arguments: Vec<&str> = settings.iter().map(String::as_str).collect();
        let mut backup = start(&arguments);
        let address = backup.address();
        // By then it has looked at its copies.
        until(|| get(address, "/readyz", "").starts_with("HTTP/1.1 200 ")).await;
        settings.push(format!("--backup-peers={address}"));
        Self { ledger, backup, folder, data, settings }
    }

    fn restore(&self, more: &[&str]) -> (Option<i32>, String, String) {
        let data = format!("--data={}", self.data.path().display());
        let all = [&self.settings[..], &[data], &more.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()];
        command("restore", &all.concat())
    }

    /// What is there for Redis, as another one reads it.
    async fn restored(&self) -> u64 {
        assert_eq!(names(self.data.path()), ["restore"]);
        let folder = self.data.path().join("restore");
        assert_eq!(names(&folder), ["appendonly.aof.1.base.rdb"]);
        Ledger::of(&folder.join("appendonly.aof.1.base.rdb")).blocks().await
    }
}

fn take(settings: &[String]) -> String {
    let (code, copy, log) = command("take", settings);
    assert_eq!(code, Some(0), "{log}");
    copy
}

#[needs("redis-server", "redis-cli")]
#[tokio::test]
async fn the_copy_with_the_most_coins_is_brought_back_or_the_one_that_is_named() {
    let scene = Scene::new().await;
    let (code, list, _) = command("list", &scene.settings);
    let mut coins: Vec<_> = list.lines().map(|line| line.split(['-', '.']).nth(2).unwrap()).collect();
    coins.sort_unstable();
    assert_eq!((code, coins), (Some(0), vec!["10", "2", "30"]), "{list}");

    let (code, told, log) = scene.restore(&[]);
    assert_eq!(code, Some(0), "{log}");
    assert!(told.contains("-30.rdb of ") && told.contains(": 30 coins of 1 miners, each counted once; "), "{told}");
    assert_eq!(scene.restored().await, 30);

    // Redis has not taken it yet: another one takes its place.
    let first = list.split_whitespace().find(|word| word.ends_with("-10.rdb")).unwrap();
    let (code, told, log) = scene.restore(&[first]);
    assert_eq!(code, Some(0), "{log}");
    assert!(told.starts_with(first), "{told}");
    assert_eq!(scene.restored().await, 10);

    // As a file, from wherever it comes.
    let path = scene.folder.path().join(first);
    let elsewhere = scene.folder.path().join("brought.rdb");
    fs::rename(path, &elsewhere).unwrap();
    let (code, told, log) = scene.restore(&[elsewhere.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{log}");
    assert!(told.contains("/brought.rdb: 10 coins"), "{told}");
    assert_eq!(scene.restored().await, 10);
}

#[needs("redis-server", "redis-cli")]
#[tokio::test]
async fn a_copy_with_fewer_coins_than_the_ledger_is_brought_back_only_when_that_is_meant() {
    let scene = Scene::new().await;
    scene.ledger.mine(100).await;
    let (code, _, said) = scene.restore(&[]);
    assert_eq!(code, Some(1));
    assert!(said.contains("has 30 coins, and the ledger has 102: it would lose 72; say --force"), "{said}");
    assert!(names(scene.data.path()).is_empty());
    let (code, _, said) = scene.restore(&["--force"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(scene.restored().await, 30);
}

#[needs("redis-server", "redis-cli")]
#[tokio::test]
async fn what_is_refused_changes_nothing_and_says_why() {
    let scene = Scene::new().await;
    let best = names(scene.folder.path()).into_iter().find(|name| name.ends_with("-30.rdb")).unwrap();
    let path = scene.folder.path().join(&best);
    let sound = fs::read(&path).unwrap();
    let refused = |wanted: &[&str], reason: &str| {
        let (code, _, said) = scene.restore(wanted);
        assert!(code == Some(1) && said.contains(reason), "{wanted:?}: {reason}: {code:?}: {said}");
        assert!(names(scene.data.path()).is_empty(), "{reason}");
    };
    // On its disk, since it was restored: the checksum tells.
    let mut flipped = sound.clone();
    flipped[sound.len() / 2] ^= 1;
    for damaged in [&flipped[..], &sound[..sound.len() / 2]] {
        fs::write(&path, damaged).unwrap();
        refused(&[], &format!("{best} of "));
        refused(&[], " is refused: its SHA-256 is ");
    }
    // A file has no checksum beside it, and is restored as a trial.
    let as_file = path.to_str().unwrap();
    refused(&[as_file], "-30.rdb is refused: redis-check-rdb finds: ");
    let empty = Ledger::start();
    empty.command::<()>(&["SAVE"]);
    let of_nothing = empty.server.folder().join("dump.rdb");
    refused(&[of_nothing.to_str().unwrap()], "is refused: it has no coins");
    refused(&["ledger-20261128T040000Z-7.rdb"], "no backup has ledger-20261128T040000Z-7.rdb");
    refused(&["brought.rdb"], "a copy is called ledger-TIME-COINS.rdb or ");
    refused(&["/nowhere/brought.rdb"], "/nowhere/brought.rdb cannot be copied");
}

#[needs("redis-server", "redis-cli")]
#[tokio::test]
async fn who_has_another_secret_or_finds_no_backup_is_told_so() {
    let mut scene = Scene::new().await;
    scene.settings.retain(|setting| !setting.starts_with("--cluster-secret"));
    let (code, _, said) = scene.restore(&[]);
    assert!(code == Some(1) && said.contains("no backup has a copy of the ledger; the backup at 127.0.0.1:"), "{said}");
    assert!(said.contains("HTTP 403: the cluster secret is missing or wrong"), "{said}");
    drop(scene.backup);
    let (_, _, said) = restore_from(Path::new("/nowhere"), &scene.settings);
    assert!(said.contains("/nowhere cannot be written"), "{said}");
    let (code, _, said) = restore_from(scene.data.path(), &scene.settings);
    assert!(code == Some(1) && said.contains("it refuses the connection"), "{said}");
}

fn restore_from(data: &Path, settings: &[String]) -> (Option<i32>, String, String) {
    command("restore", &[settings, &[format!("--data={}", data.display())]].concat())
}
