//! Redis refuses: the ledger says what to change, has written nothing, and works once it is changed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use devcoin::ledger::{Batch, LedgerError, Recorded};
use devcoin::{Ledger, MinerId};
use testing::needs;

use crate::batches::batch;
use crate::redis_server::{GLANCE, RedisServer, ledger};

/// The text of a refusal, without the server's name.
fn refusal<T: std::fmt::Debug>(server: &RedisServer, result: Result<T, LedgerError>) -> String {
    match result {
        Err(LedgerError::Refused(text)) => text.strip_prefix(&server.name()).unwrap_or(&text).trim_start().to_owned(),
        other => panic!("not refused: {other:?}"),
    }
}

const WAIT: Duration = Duration::from_millis(1);

#[needs("redis-server")]
#[tokio::test]
async fn passwords_are_explained_and_never_shown() {
    let server = RedisServer::start(&["--requirepass", "right-secret"]);
    let url = server.url();
    let missing = "asks for a password: set REDIS_PASSWORD or REDIS_PASSWORD_FILE";
    let wrong = "does not accept the password: correct REDIS_PASSWORD or REDIS_PASSWORD_FILE";
    for (password, expected) in [(None, missing), (Some("wrong-secret"), wrong)] {
        let ledger = ledger(&url, password).unwrap();
        assert_eq!(refusal(&server, ledger.figures().await), expected);
        assert_eq!(refusal(&server, ledger.record(&batch(&MinerId::new("pi"), [1])).await), expected);
        assert_eq!(refusal(&server, ledger.coins(None, 1, WAIT).await), expected);
        assert!(!format!("{ledger:?}").contains("secret"), "{ledger:?}");
    }
    let right = ledger(&url, Some("right-secret")).unwrap();
    right.figures().await.unwrap();
    right.coins(None, 1, WAIT).await.unwrap();
    // Also where the address has it.
    let url = url.replace("redis://", "redis://default:right-secret@");
    let right = ledger(&url, None).unwrap();
    right.figures().await.unwrap();
    assert!(!format!("{right:?}").contains("secret"), "{right:?}");
    let settings = devcoin::ledger::RedisSettings { url: url.into(), password: Some("right-secret".into()) };
    assert!(!format!("{settings:?}").contains("secret"), "{settings:?}");
}

#[needs("redis-server")]
#[tokio::test]
async fn a_password_for_a_redis_without_one_is_explained() {
    let server = RedisServer::start(&[]);
    let error = ledger(&server.url(), Some("secret")).unwrap().figures().await;
    let expected = "has no password: unset REDIS_PASSWORD or REDIS_PASSWORD_FILE, or start Redis with --requirepass";
    assert_eq!(refusal(&server, error), expected);
}

#[needs("redis-server")]
#[tokio::test]
async fn a_redis_that_does_not_know_passwords_does_not_give_them_away() {
    let server = RedisServer::start(&["--rename-command", "AUTH", ""]);
    let error = ledger(&server.url(), Some("secret")).unwrap().figures().await;
    assert_eq!(refusal(&server, error), "did not do it: ERR unknown command 'AUTH'");
}

#[tokio::test]
async fn addresses_of_something_else_are_refused_without_showing_them() {
    for wrong in ["", "redis", "http://redis:6379", "unix:///secret", "redis://redis/secret"] {
        let error = ledger(wrong, None).unwrap_err();
        let expected = "accepted is redis://HOST:PORT or redis://HOST:PORT/DATABASE";
        assert_eq!(error, LedgerError::Refused(expected.to_owned()), "{wrong}");
    }
    let error = ledger("rediss://:secret@redis", None).unwrap_err().to_string();
    assert!(
        error.starts_with("rediss:// asks for TLS, which is not spoken here: ") && !error.contains("secret"),
        "{error}"
    );
}

#[needs("redis-server")]
#[tokio::test]
async fn a_database_of_another_number_is_another_ledger() {
    let server = RedisServer::start(&[]);
    let third = ledger(&format!("{}/3", server.url()), None).unwrap();
    third.record(&batch(&MinerId::new("pi"), [1])).await.unwrap();
    assert_eq!(third.figures().await.unwrap().blocks, 1);
    assert_eq!(server.ledger().figures().await.unwrap().blocks, 0);
    let none = ledger(&format!("{}/99", server.url()), None).unwrap();
    assert_eq!(refusal(&server, none.figures().await), "has no database of that number: correct REDIS_URL");
}

#[needs("redis-server")]
#[tokio::test]
async fn a_read_only_replica_tells_and_takes_nothing() {
    let server = RedisServer::start(&[]);
    let ledger = server.ledger();
    let batch = batch(&MinerId::new("pi"), [1, 2]);
    ledger.record(&batch).await.unwrap();
    let replica = RedisServer::start(&["--replicaof", &format!("127.0.0.1 {}", server.port())]);
    while !replica.command::<String>(&["INFO", "replication"]).contains("master_link_status:up") {
        tokio::time::sleep(GLANCE).await;
    }
    let from_replica = replica.ledger();
    let (figures, copied) = (ledger.figures().await.unwrap(), from_replica.figures().await.unwrap());
    assert_eq!((figures.blocks, figures.miners), (copied.blocks, copied.miners));
    assert_eq!(from_replica.coins(None, 10, WAIT).await, ledger.coins(None, 10, WAIT).await);
    let error = from_replica.record(&batch).await;
    let expected = "is a read-only replica: set REDIS_URL to the Redis that it copies";
    assert_eq!(refusal(&replica, error), expected);
}

#[needs("redis-server")]
#[tokio::test]
async fn a_redis_without_memory_takes_nothing_or_all_of_a_batch() {
    let server = RedisServer::start(&[]);
    let ledger = server.ledger();
    let miner = MinerId::new("pi");
    ledger.record(&batch(&miner, [1, 2])).await.unwrap();
    server.command::<()>(&["SCRIPT", "FLUSH"]);
    server.command::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
    let before = server.digest();
    let expected = "has no memory left: raise its maxmemory, or delete what is not the ledger's";
    for batch in [batch(&miner, [3, 4]), batch(&miner, []), batch(&MinerId::new("new"), [1])] {
        assert_eq!(refusal(&server, ledger.record(&batch).await), expected);
    }
    assert_eq!(server.digest(), before);
    // Reading needs none.
    assert_eq!(ledger.figures().await.unwrap().blocks, 2);
    assert_eq!(ledger.coins(None, 10, WAIT).await.unwrap().len(), 2);
    server.command::<()>(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(ledger.record(&batch(&miner, [3, 4])).await, Ok(Recorded { new: 2, blocks: 4 }));
}

#[needs("redis-server")]
#[tokio::test]
async fn a_user_who_may_run_no_scripts_is_told_so_and_nothing_is_written() {
    let server = RedisServer::start(&[]);
    let ledger = server.ledger();
    let miner = MinerId::new("pi");
    ledger.record(&batch(&miner, [1])).await.unwrap();
    let before = server.digest();
    server.command::<()>(&["ACL", "SETUSER", "default", "-@scripting"]);
    let text = refusal(&server, ledger.record(&batch(&miner, [2])).await);
    assert!(text.starts_with("does not permit what the ledger does: ") && text.contains("evalsha"), "{text}");
    assert_eq!(server.digest(), before);
    server.command::<()>(&["ACL", "SETUSER", "default", "+@scripting"]);
    assert_eq!(ledger.record(&batch(&miner, [2])).await, Ok(Recorded { new: 1, blocks: 2 }));
}

#[needs("redis-server")]
#[tokio::test]
async fn a_redis_that_cannot_save_takes_nothing() {
    let server = RedisServer::start(&[]);
    let ledger = server.ledger();
    ledger.record(&batch(&MinerId::new("pi"), [1])).await.unwrap();
    server.command::<()>(&["CONFIG", "SET", "save", "3600 1"]);
    // Where the dump would be, there is a folder.
    std::fs::create_dir_all(server.folder().join("dump.rdb/full")).unwrap();
    server.command::<String>(&["BGSAVE"]);
    while server.command::<String>(&["INFO", "persistence"]).contains("rdb_last_bgsave_status:ok") {
        tokio::time::sleep(GLANCE).await;
    }
    let before = server.digest();
    let error = ledger.record(&batch(&MinerId::new("pi"), [1])).await;
    let expected = "cannot save its data, so it takes none: look at its disk and its log";
    assert_eq!(refusal(&server, error), expected);
    assert_eq!(server.digest(), before);
}

/// Puts something of the wrong type into each key in turn.
#[needs("redis-server")]
#[tokio::test]
async fn a_key_of_the_wrong_type_is_named_and_nothing_is_written() {
    let server = RedisServer::start(&[]);
    let ledger = server.ledger();
    let miner = MinerId::new("pi");
    let hash = format!("miner:{miner}");
    for (number, (key, needed)) in
        [("blocks", "string"), ("coins", "stream"), ("miners", "zset"), ("retired", "string"), (&hash, "hash")]
            .into_iter()
            .enumerate()
    {
        let first = number as u64 * 10;
        ledger.record(&batch(&miner, first..first + 5)).await.unwrap();
        server.command::<()>(&["SET", "retired", "0"]);
        server.command::<()>(&["RENAME", key, "aside"]);
        server.command::<u64>(&["RPUSH", key, "wrong"]);
        let next = batch(&miner, first + 3..first + 10);
        refuses(&server, &next, &format!("the key {key} is a list, the ledger needs a {needed}")).await;
        server.command::<()>(&["RENAME", "aside", key]);
        assert_eq!(ledger.record(&next).await, Ok(Recorded { new: 5, blocks: first + 10 }));
    }
    let figures = ledger.figures().await.unwrap();
    assert_eq!((figures.blocks, figures.sum()), (50, 50));
    // The counters of the next seconds.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    for second in now..now + 60 {
        let key = format!("blocks:{second}");
        server.command::<u64>(&["DEL", &key]);
        server.command::<u64>(&["RPUSH", &key, "wrong"]);
    }
    refuses(&server, &batch(&miner, [100]), "is a list, the ledger needs a string").await;
}

#[needs("redis-server")]
#[tokio::test]
async fn a_value_that_cannot_be_right_is_named_and_nothing_is_written() {
    let server = RedisServer::start(&[]);
    let ledger = server.ledger();
    let miner = MinerId::new("pi");
    let hash = format!("miner:{miner}");
    ledger.record(&batch(&miner, [1])).await.unwrap();
    for (key, needed, wrong, right) in [
        ("blocks", "count", ["SET", "blocks", "many"].as_slice(), ["SET", "blocks", "1"].as_slice()),
        ("blocks", "count", &["SET", "blocks", "9223372036854775807"], &["SET", "blocks", "1"]),
        ("retired", "count", &["SET", "retired", ""], &["SET", "retired", "0"]),
        (&hash, "count", &["HSET", &hash, "coins", "-1"], &["HSET", &hash, "coins", "1"]),
        (&hash, "nonce", &["HSET", &hash, "nonce", "zzzzzzzzzzzzzzzz"], &["HSET", &hash, "nonce", "0000000000000001"]),
        (&hash, "nonce", &["HSET", &hash, "nonce", "1"], &["HSET", &hash, "nonce", "0000000000000001"]),
    ] {
        server.command::<()>(wrong);
        let expected = format!("the key {key} has something where the ledger needs a {needed}");
        refuses(&server, &batch(&miner, [2]), &expected).await;
        server.command::<()>(right);
    }
    assert_eq!(ledger.record(&batch(&miner, [2])).await, Ok(Recorded { new: 1, blocks: 2 }));
}

/// Records a batch that is refused for this reason, and sees that nothing has changed.
async fn refuses(server: &RedisServer, batch: &Batch, reason: &str) {
    let before = server.digest();
    let text = refusal(server, server.ledger().record(batch).await);
    assert!(text.contains(reason) && text.ends_with("rename or delete it"), "{text}");
    assert_eq!(server.digest(), before, "{text}");
}

#[needs("redis-server")]
#[tokio::test]
async fn figures_and_coins_name_the_wrong_key_too() {
    let server = RedisServer::start(&[]);
    let ledger = server.ledger();
    let miner = MinerId::new("pi");
    ledger.record(&batch(&miner, [1])).await.unwrap();
    for key in ["blocks", "miners", "retired", &format!("miner:{miner}")] {
        // It may not be there yet.
        server.command::<u64>(&["COPY", key, "aside"]);
        server.command::<u64>(&["DEL", key]);
        server.command::<u64>(&["RPUSH", key, "wrong"]);
        let text = refusal(&server, ledger.figures().await);
        assert!(text.contains(&format!("the key {key} is a list")), "{text}");
        server.command::<u64>(&["DEL", key]);
        server.command::<u64>(&["COPY", "aside", key]);
        server.command::<u64>(&["DEL", "aside"]);
    }
    // What only the miner's next batch says is no reason to tell nothing of the others until then.
    server.command::<u64>(&["HSET", &format!("miner:{miner}"), "seen", "today", "hash_rate", "-1"]);
    let figures = ledger.figures().await.unwrap();
    assert_eq!((figures.miners[0].coins, figures.miners[0].last_seen, figures.miners[0].hash_rate), (1, 0, 0));
    server.command::<u64>(&["ZADD", "miners", "1", "nobody"]);
    server.command::<u64>(&["HSET", "miner:nobody", "coins", "1"]);
    let text = refusal(&server, ledger.figures().await);
    assert!(text.contains("the key miners has \"nobody\", which is no miner's id"), "{text}");
    server.command::<u64>(&["DEL", "coins"]);
    server.command::<u64>(&["RPUSH", "coins", "wrong"]);
    let text = refusal(&server, ledger.coins(None, 1, WAIT).await);
    assert!(text.contains("the key coins is no stream"), "{text}");
}
