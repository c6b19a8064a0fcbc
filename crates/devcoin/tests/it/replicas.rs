//! A Redis that copies the ledger.

use devcoin::ledger::Recorded;
use devcoin::{Ledger, MinerId};
use testing::{LIMIT, needs};

use crate::batches::batch;
use crate::redis_server::{GLANCE, RedisServer};

/// One that has copied all there is by now.
async fn replica_of(server: &RedisServer) -> RedisServer {
    let replica = RedisServer::start(&["--replicaof", &format!("127.0.0.1 {}", server.port())]);
    while !replica.command::<String>(&["INFO", "replication"]).contains("master_link_status:up") {
        tokio::time::sleep(GLANCE).await;
    }
    replica
}

/// A number of `INFO replication`.
fn number(server: &RedisServer, name: &str) -> u64 {
    let info: String = server.command(&["INFO", "replication"]);
    let (_, rest) = info.split_once(name).unwrap_or_else(|| panic!("{name} is not in {info}"));
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

#[needs("redis-server")]
#[tokio::test]
async fn what_is_said_to_be_recorded_is_on_the_replica_as_well() {
    let server = RedisServer::start(&[]);
    let _replica = replica_of(&server).await;
    let ledger = server.ledger().with_replicas(1);
    // By itself a replica tells once a second what it has.
    for nonce in 1..10 {
        let before = number(&server, "master_repl_offset:");
        ledger.record(&batch(&MinerId::new("pi"), [nonce])).await.unwrap();
        assert!(number(&server, ",offset=") > before, "coin {nonce} is not on the replica");
    }
}

#[needs("redis-server")]
#[tokio::test]
async fn a_replica_that_hangs_or_is_lost_holds_nobody_up_for_ever() {
    let server = RedisServer::start(&[]);
    let mut replica = replica_of(&server).await;
    let ledger = server.ledger().with_replicas(1);
    let miner = MinerId::new("pi");
    replica.hang();
    let recorded = tokio::time::timeout(LIMIT, ledger.record(&batch(&miner, [1]))).await.unwrap();
    assert_eq!(recorded, Ok(Recorded { new: 1, blocks: 1 }));
    replica.kill();
    let recorded = tokio::time::timeout(LIMIT, ledger.record(&batch(&miner, [2]))).await.unwrap();
    assert_eq!(recorded, Ok(Recorded { new: 1, blocks: 2 }));
}
