//! A ledger for one process.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::watch;
use tokio::time;

use super::state::State;
use super::{Batch, CoinId, Figures, Ledger, LedgerError, Recorded, RecordedCoin};

/// A ledger in memory: gone with the process.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    state: watch::Sender<State>,
}

impl Ledger for MemoryLedger {
    fn record<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<Recorded, LedgerError>> {
        async move {
            batch.check()?;
            let mut recorded = Recorded { new: 0, blocks: 0 };
            self.state.send_modify(|state| recorded = state.record(batch, milliseconds()));
            Ok(recorded)
        }
        .boxed()
    }

    fn figures(&self) -> BoxFuture<'_, Result<Figures, LedgerError>> {
        async move { Ok(self.state.borrow().figures(milliseconds())) }.boxed()
    }

    fn coins(
        &self,
        after: Option<CoinId>,
        limit: usize,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<RecordedCoin>, LedgerError>> {
        async move {
            let mut state = self.state.subscribe();
            if limit > 0 {
                // When the time is over, or the ledger is going away, there are none: that is an answer too.
                let _ = time::timeout(wait, state.wait_for(|state| state.has_coins(after))).await;
            }
            let state = state.borrow();
            Ok(state.coins(after, limit))
        }
        .boxed()
    }
}

/// The time since 1970; a clock that was never set counts as 1970.
fn milliseconds() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
