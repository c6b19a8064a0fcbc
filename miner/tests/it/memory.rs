//! The miner as a part of another program, with a ledger in memory.

use std::sync::Arc;

use devcoin::{Ledger, MemoryLedger};
use miner::Config;
use service::config::{Invocation, parse};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

fn config(arguments: &[&str]) -> Config {
    let arguments = [&["miner", "--ops-host=127.0.0.1", "--ops-port=0"], arguments].concat();
    match parse(&miner::ABOUT, arguments).unwrap() {
        Invocation::Run(config) => config,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coins_of_many_threads_are_real_and_in_the_ledger_once() {
    let ledger = Arc::new(MemoryLedger::default());
    let config = config(&["--mining-speed=unlimited", "--difficulty=12", "--miner-threads=4"]);
    let miner = miner::bind_with(&config, ledger.clone()).unwrap();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(miner.run(shutdown.clone()));
    let limit = testing::LIMIT;
    let coins = async {
        let mut coins = Vec::new();
        while coins.len() < 200 {
            coins.extend(
                ledger
                    .coins(coins.last().map(|coin: &devcoin::ledger::RecordedCoin| coin.id), 1000, limit)
                    .await
                    .unwrap(),
            );
        }
        coins
    };
    let coins = timeout(limit, coins).await.unwrap();
    shutdown.cancel();
    timeout(limit, running).await.unwrap().unwrap().unwrap();

    assert!(coins.iter().all(|recorded| recorded.coin.is_worth(recorded.difficulty)));
    assert!(coins.is_sorted_by(|one, other| one.coin.nonce < other.coin.nonce));
    let figures = ledger.figures().await.unwrap();
    assert_eq!(figures.miners.len(), 1);
    assert_eq!(figures.miners[0].coins, figures.blocks);
    assert!(figures.miners[0].hash_rate > 0);
    let origin = &figures.miners[0].origin;
    assert!(origin.served_by.is_some() && origin.architecture.is_some() && origin.version.is_some(), "{origin:?}");
}
