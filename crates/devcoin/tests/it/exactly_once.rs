//! Whatever is sent again, overlaps, comes among others' batches, or is broken off: each coin counts once.

use std::collections::BTreeSet;

use devcoin::{Ledger, MemoryLedger, MinerId};
use futures_util::future::{FutureExt, join_all};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use testing::needs;
use tokio::runtime::Builder;

use crate::batches::batch;
use crate::redis_server::RedisServer;

const MINERS: usize = 3;

/// Coins that a miner finds in all, at most.
const COINS_MAX: usize = 60;

/// A miner sends some of its coins.
#[derive(Clone, Debug)]
struct Sending {
    miner: usize,
    /// How many of those that it knows are counted it sends again.
    again: usize,
    /// How many that are new.
    new: usize,
    /// It does not wait for the answer, after having looked this often.
    broken_off_after: Option<usize>,
}

/// Sendings at the same time: no miner twice.
fn sendings() -> impl Strategy<Value = Vec<Vec<Sending>>> {
    let broken_off = prop_oneof![3 => Just(None), 1 => (0..4_usize).prop_map(Some)];
    let sending = (0..MINERS, 0..15_usize, 0..15_usize, broken_off)
        .prop_map(|(miner, again, new, broken_off_after)| Sending { miner, again, new, broken_off_after });
    let at_once = vec(sending, 1..=MINERS).prop_map(|mut sendings| {
        let mut miners = BTreeSet::new();
        sendings.retain(|sending| miners.insert(sending.miner));
        sendings
    });
    vec(at_once, 1..20)
}

/// The nonces of each miner, ascending, from all of the range.
fn nonces() -> impl Strategy<Value = Vec<Vec<u64>>> {
    let nonce = prop_oneof![any::<u64>(), 0..100_u64, (1 << 53) - 50..(1 << 53) + 50_u64, u64::MAX - 50..=u64::MAX];
    let distinct = |nonces: Vec<u64>| BTreeSet::from_iter(nonces).into_iter().collect();
    vec(vec(nonce, COINS_MAX).prop_map(distinct), MINERS)
}

/// A miner, and what it knows.
struct Miner {
    id: MinerId,
    found: Vec<u64>,
    /// So many of those found were confirmed.
    confirmed: usize,
    /// So many were sent, and may have been counted.
    sent: usize,
}

impl Miner {
    /// Whether this many were not counted before, as far as the miner can tell.
    fn may_be_new(&self, new: u64, end: usize) -> bool {
        self.sent > self.confirmed || new == (end - self.confirmed) as u64
    }
}

#[needs("redis-server")]
#[test]
fn each_coin_counts_once() {
    let server = RedisServer::start(&[]);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let redis = server.ledger();
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    let result = runner.run(&(nonces(), sendings()), |(nonces, sendings)| {
        server.command::<()>(&["FLUSHALL"]);
        runtime.block_on(check(&redis, &nonces, &sendings))?;
        runtime.block_on(check(&MemoryLedger::default(), &nonces, &sendings))
    });
    result.unwrap();
}

async fn check(ledger: &dyn Ledger, nonces: &[Vec<u64>], sendings: &[Vec<Sending>]) -> Result<(), TestCaseError> {
    let miner = |found: &Vec<u64>| Miner { id: MinerId::new(""), found: found.clone(), confirmed: 0, sent: 0 };
    let mut miners: Vec<_> = nonces.iter().map(miner).collect();
    for at_once in sendings {
        let sent = at_once.iter().map(|sending| send(ledger, &miners[sending.miner], sending));
        let sent = join_all(sent).await;
        for (sending, confirmed) in at_once.iter().zip(sent) {
            let miner = &mut miners[sending.miner];
            let (end, is_confirmed) = confirmed?;
            miner.sent = miner.sent.max(end);
            if is_confirmed {
                miner.confirmed = end;
            }
        }
    }
    // At the end, each sends what was not confirmed, and then everything again.
    for miner in &miners {
        let rest = ledger.record(&batch(&miner.id, miner.found[miner.confirmed..].iter().copied())).await.unwrap();
        proptest::prop_assert!(miner.may_be_new(rest.new, miner.found.len()));
        let again = ledger.record(&batch(&miner.id, miner.found.iter().copied())).await.unwrap();
        proptest::prop_assert_eq!(again.new, 0);
    }
    let figures = ledger.figures().await.unwrap();
    let found: usize = miners.iter().map(|miner| miner.found.len()).sum();
    proptest::prop_assert_eq!((figures.blocks, figures.sum()), (found as u64, found as u64));
    let in_stream = ledger.coins(None, usize::MAX, testing::LIMIT).await.unwrap();
    let distinct: BTreeSet<_> = in_stream.iter().map(|coin| (&coin.coin.miner, coin.coin.nonce)).collect();
    proptest::prop_assert_eq!((in_stream.len(), distinct.len()), (found, found));
    Ok(())
}

/// Sends; gives how many of the miner's coins have been sent by then, and whether that was confirmed.
async fn send(ledger: &dyn Ledger, miner: &Miner, sending: &Sending) -> Result<(usize, bool), TestCaseError> {
    let first = miner.confirmed.saturating_sub(sending.again);
    let end = (miner.confirmed + sending.new).min(miner.found.len());
    let batch = batch(&miner.id, miner.found[first..end].iter().copied());
    let mut recording = ledger.record(&batch).fuse();
    let Some(looks) = sending.broken_off_after else {
        let new = recording.await.unwrap().new;
        proptest::prop_assert!(miner.may_be_new(new, end), "{new} of {batch:?}");
        return Ok((end, true));
    };
    for _ in 0..looks {
        if let Some(Ok(_)) = (&mut recording).now_or_never() {
            return Ok((end, true));
        }
        tokio::task::yield_now().await;
    }
    Ok((end, false))
}
