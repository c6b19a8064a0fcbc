//! What is no copy, and why.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::{TempDir, tempdir};
use testing::needs;

use crate::backup::command;
use crate::ledger::Ledger;

/// The result of `backup check`.
fn check(file: &Path) -> Result<String, String> {
    let (code, stdout, stderr) = command("check", &[file.to_str().unwrap()]);
    match code {
        Some(0) => Ok(stdout),
        Some(1) => Err(stderr),
        _ => panic!("{code:?}: {stderr}"),
    }
}

/// A copy of what is in this Redis, in a folder that goes with it.
fn copy_of(ledger: &Ledger) -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    ledger.command::<()>(&["SAVE"]);
    let file = folder.path().join("a.rdb");
    fs::copy(ledger.server.folder().join("dump.rdb"), &file).unwrap();
    (folder, file)
}

/// Checks these bytes.
fn check_bytes(bytes: &[u8]) -> Result<String, String> {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.rdb");
    fs::write(&file, bytes).unwrap();
    check(&file)
}

async fn ledger_of_many() -> Ledger {
    let ledger = Ledger::start();
    ledger.mine(2000).await;
    ledger.mine_by_many(50).await;
    ledger
}

#[needs("redis-server", "redis-cli")]
#[tokio::test]
async fn a_sound_copy_tells_what_it_holds() {
    let (_folder, file) = copy_of(&ledger_of_many().await);
    let told = check(&file).unwrap();
    assert!(told.ends_with("/a.rdb: 2050 coins of 51 miners, each counted once"), "{told}");
}

#[needs("redis-server", "redis-cli")]
#[tokio::test]
async fn a_truncated_copy_is_refused_wherever_it_ends() {
    let (_folder, file) = copy_of(&ledger_of_many().await);
    let bytes = fs::read(file).unwrap();
    for _ in 0..20 {
        let length = rand::random_range(0..bytes.len());
        let error = check_bytes(&bytes[..length]).unwrap_err();
        assert!(error.contains("a.rdb is refused: "), "{length} of {} bytes: {error}", bytes.len());
    }
    let error = check_bytes(&bytes[..bytes.len() - 1]).unwrap_err();
    assert!(error.contains("redis-check-rdb finds: Unexpected EOF"), "{error}");
}

#[needs("redis-server", "redis-cli")]
#[tokio::test]
async fn a_copy_with_one_bit_flipped_is_refused_whichever_it_is() {
    let (_folder, file) = copy_of(&ledger_of_many().await);
    let bytes = fs::read(file).unwrap();
    // All bits of the first bytes, which tell the format, and some of the others.
    let others = (0..40).map(|_| rand::random_range(72..bytes.len() * 8));
    for bit in (0..72).chain(others) {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let result = check_bytes(&flipped);
        let is_refused = result.as_ref().is_err_and(|error| error.contains("a.rdb is refused: "));
        assert!(is_refused, "bit {bit} of {}: {result:?}", bytes.len() * 8);
    }
}

#[needs("redis-server", "redis-cli")]
#[tokio::test]
async fn what_is_something_else_is_refused() {
    let other = Ledger::start();
    other.command::<()>(&["SET", "session:1", "somebody"]);
    other.command::<u64>(&["RPUSH", "queue", "this", "that"]);
    let (_folder, file) = copy_of(&other);
    let error = check(&file).unwrap_err();
    assert!(error.contains("a.rdb is refused: it holds 2 keys of something else, and no ledger"), "{error}");
    for (bytes, reason) in [
        (&b""[..], "redis-check-rdb finds: "),
        (b"these are not the coins that you are looking for", "redis-check-rdb finds: Wrong signature"),
        (b"REDIS0004\xff", "its format is version 4, in which no checksum"),
        (b"REDIS9999\xff", "redis-check-rdb finds: Can't handle RDB format version 9999"),
    ] {
        let error = check_bytes(bytes).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
    let folder = tempdir().unwrap();
    assert!(check(folder.path()).unwrap_err().contains("cannot be copied"));
}

#[needs("redis-server", "redis-cli")]
#[tokio::test]
async fn a_ledger_that_does_not_add_up_is_refused() {
    for (wrong, reason) in [
        (&["INCRBY", "blocks", "3"][..], "its miners have 10 coins together, and its count says 13"),
        (&["SET", "retired", "1"], "its miners have 11 coins together, and its count says 10"),
        (&["DEL", "miners"], "its miners have 0 coins together, and its count says 10"),
        (&["DEL", "blocks"], "keys of something else, and no ledger"),
        (&["SET", "blocks", "many"], "it holds no sound ledger: it holds something else: the key blocks has something"),
        (&["SET", "miners", "many"], "it holds no sound ledger: it holds something else: the key miners is a string"),
    ] {
        let ledger = Ledger::start();
        ledger.mine(10).await;
        ledger.command::<redis::Value>(wrong);
        let (_folder, file) = copy_of(&ledger);
        let error = check(&file).unwrap_err();
        assert!(error.contains(reason), "{wrong:?}: {error}");
    }
}

#[needs("redis-server", "redis-cli")]
#[tokio::test]
async fn a_copy_that_is_too_large_or_has_too_many_keys_is_refused_before_redis_has_to_hold_it() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.rdb");
    fs::File::create(&file).unwrap().set_len(backup::COPY_BYTES_MAX + 1).unwrap();
    let error = check(&file).unwrap_err();
    assert!(error.contains("a.rdb is refused: it has 67108865 bytes"), "{error}");

    let ledger = Ledger::start();
    ledger.mine(1).await;
    let many = "for key = 1, 100001 do redis.call('SET', key, '') end";
    ledger.command::<()>(&["EVAL", many, "0"]);
    let (_folder, file) = copy_of(&ledger);
    let error = check(&file).unwrap_err();
    assert!(error.contains("is refused: it holds 10000") && error.contains("a ledger has 100000 at most"), "{error}");
}
