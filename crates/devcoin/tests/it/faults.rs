//! Redis is not there, does not answer, or goes away: the ledger says so in bounded time, and comes back.

use std::time::Duration;

use devcoin::ledger::{CoinId, LedgerError, Recorded};
use devcoin::{Ledger, MinerId};
use testing::{LIMIT, needs};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch::channel;

use crate::batches::batch;
use crate::redis_server::{RedisServer, ledger};

/// Asks everything at the same time; gives the errors.
async fn errors(ledger: &dyn Ledger) -> [LedgerError; 4] {
    let batch = batch(&MinerId::new("pi"), [1]);
    let wait = Duration::from_millis(10);
    let all = async {
        tokio::join!(
            ledger.record(&batch),
            ledger.figures(),
            ledger.coins(None, 1, Duration::ZERO),
            ledger.coins(None, 1, wait)
        )
    };
    let (recorded, figures, coins, waited_coins) = tokio::time::timeout(LIMIT, all).await.unwrap();
    [recorded.unwrap_err(), figures.unwrap_err(), coins.unwrap_err(), waited_coins.unwrap_err()]
}

fn away(reason: &str) -> LedgerError {
    LedgerError::Away(format!("cannot reach {reason}"))
}

#[needs("redis-server")]
#[tokio::test]
async fn a_redis_that_is_not_there_is_away_and_then_back() {
    let mut server = RedisServer::start(&["--appendonly", "yes"]);
    server.kill();
    let ledger = server.ledger();
    let refused = away(&format!("{}: connection refused (is Redis running?)", server.name()));
    assert_eq!(errors(&ledger).await, [(); 4].map(|()| refused.clone()));
    server.run();
    let batch = batch(&MinerId::new("pi"), [1, 2]);
    assert_eq!(ledger.record(&batch).await, Ok(Recorded { new: 2, blocks: 2 }));
    assert_eq!(ledger.coins(None, 10, LIMIT).await.unwrap().len(), 2);
    // All connections are broken now, and nobody notices.
    server.kill();
    server.run();
    assert_eq!(ledger.record(&batch).await, Ok(Recorded { new: 0, blocks: 2 }));
    assert_eq!(ledger.coins(None, 10, LIMIT).await.unwrap().len(), 2);
    server.kill();
    assert_eq!(errors(&ledger).await, [(); 4].map(|()| refused.clone()));
}

#[tokio::test]
async fn a_name_that_is_not_found_is_said() {
    let ledger = ledger("redis://redis.invalid", None).unwrap();
    let unknown = away("redis.invalid:6379: name not found (is there a service of that name in this network?)");
    assert_eq!(errors(&ledger).await, [(); 4].map(|()| unknown.clone()));
}

#[needs("redis-server")]
#[tokio::test]
async fn a_redis_that_hangs_is_away_and_counts_once_afterwards() {
    let server = RedisServer::start(&[]);
    let ledger = server.ledger();
    let batch = batch(&MinerId::new("pi"), [1, 2]);
    ledger.figures().await.unwrap();
    ledger.coins(None, 1, Duration::from_millis(1)).await.unwrap();
    server.hang();
    // On connections that there are, and then on new ones, which nobody answers either.
    let silent = away(&format!("{}: no answer within 2 s", server.name()));
    assert_eq!(ledger.record(&batch).await, Err(silent.clone()));
    assert_eq!(ledger.coins(None, 1, Duration::from_millis(1)).await, Err(silent.clone()));
    assert_eq!(errors(&ledger).await, [(); 4].map(|()| silent.clone()));
    server.go_on();
    // What Redis had received by then it has carried out by now; or not.
    ledger.record(&batch).await.unwrap();
    assert_eq!(ledger.record(&batch).await.unwrap().new, 0);
    let figures = ledger.figures().await.unwrap();
    let mine = figures.miners.iter().find(|record| record.miner == batch.miner).unwrap();
    assert_eq!(mine.coins, 2);
}

/// Its power is cut, say: no answer comes, and nobody closes the connection.
#[needs("redis-server")]
#[tokio::test]
async fn a_connection_that_dies_in_silence_is_given_up() {
    let server = RedisServer::start(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ledger = ledger(&format!("redis://{}", listener.local_addr().unwrap()), None).unwrap();
    let (dies, is_dead) = channel(());
    let redis = server.name();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut redis = TcpStream::connect(&redis).await.unwrap();
            let mut is_dead = is_dead.clone();
            is_dead.mark_unchanged();
            tokio::spawn(async move {
                tokio::select! {
                    _ = copy_bidirectional(&mut client, &mut redis) => {}
                    _ = is_dead.changed() => std::future::pending().await,
                }
            });
        }
    });
    let batch = batch(&MinerId::new("pi"), [1]);
    let wait = Duration::from_millis(1);
    ledger.record(&batch).await.unwrap();
    ledger.coins(Some(CoinId { milliseconds: u64::MAX, number: 0 }), 1, wait).await.unwrap();
    dies.send_replace(());
    assert!(matches!(ledger.record(&batch).await, Err(LedgerError::Away(_))));
    assert!(matches!(ledger.coins(None, 1, wait).await, Err(LedgerError::Away(_))));
    assert_eq!(ledger.record(&batch).await, Ok(Recorded { new: 0, blocks: 1 }));
    assert_eq!(ledger.coins(None, 1, wait).await.unwrap().len(), 1);
}

#[needs("redis-server")]
#[tokio::test]
async fn a_redis_that_still_loads_its_data_is_away() {
    // A millisecond for each key.
    let slowly = ["--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"];
    let mut server = RedisServer::start(&slowly);
    server.command::<()>(&["DEBUG", "POPULATE", "100000"]);
    server.command::<()>(&["SAVE"]);
    server.kill();
    server.run_loading();
    let loading = LedgerError::Away(format!("{} is still loading its data", server.name()));
    assert_eq!(errors(&server.ledger()).await, [(); 4].map(|()| loading.clone()));
}

#[needs("redis-server")]
#[tokio::test]
async fn a_redis_with_all_its_connections_taken_is_away() {
    let server = RedisServer::start(&["--maxclients", "1"]);
    let first = server.ledger();
    first.figures().await.unwrap();
    let error = server.ledger().figures().await.unwrap_err();
    let full = format!("{} takes no more connections: it has its most (maxclients)", server.name());
    assert_eq!(error, LedgerError::Away(full));
}

#[tokio::test]
async fn a_server_of_something_else_is_told_from_redis() {
    for (answer, expected) in [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", "does not answer as Redis does: correct REDIS_URL"),
        ("", "the connection broke"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // What is not read would reset the connection. The client may be gone already.
                let _ = stream.readable().await;
                let _ = stream.try_read(&mut [0; 1000]);
                let _ = stream.try_write(answer.as_bytes());
            }
        });
        for error in errors(&ledger(&url, None).unwrap()).await {
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
