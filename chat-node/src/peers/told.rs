//! What a peer is told: messages, who came and went, deletions. In order, bounded, and until it hears
//! (protocol, section 12, rows 1 and 5).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat_protocol::xmlrpc::{PeerCall, Value};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Duration, Instant, sleep, timeout};

use super::call::CallError;
use super::peer::{Peer, reply};
use crate::figures;

/// Calls that wait for a peer. When it does not take them and there are more, it has failed: they are
/// forgotten, and its clients are removed from the rooms, rather than miss messages unawares.
const TOLD_MAX: usize = 10_000;

/// Calls that a peer gets at one go: 3.3 MB when all have messages as long as can be.
const BATCH_MAX: usize = 128;

/// Longest wait for a peer's answer; then it is told again.
const TELL_TIMEOUT: Duration = Duration::from_secs(5);

/// Wait after the first failure; it doubles with each further one.
const RETRY_DELAY_MIN: Duration = Duration::from_millis(50);

/// Longest wait between two tries.
const RETRY_DELAY_MAX: Duration = Duration::from_secs(1);

/// How long a peer may fail to answer before it has failed, as with [`TOLD_MAX`] calls.
const RETRY_MAX: Duration = Duration::from_mins(2);

/// How often a call is tried at a peer that answers with a fault; then it is dropped, since nothing
/// behind it could be told.
const FAULTS_MAX: u32 = 3;

/// Longest wait for a peer to hear what was said before. A caller that waits for longer is answered,
/// and its node may hear of events out of order.
pub(crate) const PASSED_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Told {
    state: Mutex<State>,
    pushed: Notify,
    /// Calls that are done with, ever.
    done: watch::Sender<u64>,
    failures: mpsc::Sender<Arc<Peer>>,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Arc<PeerCall>>,
    /// Calls that were queued before the first in the queue, ever.
    passed: u64,
}

/// A place in what a peer is told.
#[derive(Debug)]
pub(crate) struct Passed {
    done: watch::Receiver<u64>,
    place: u64,
}

impl Passed {
    /// Waits until the peer has heard everything up to here, [`PASSED_TIMEOUT`] at most.
    pub(crate) async fn wait(mut self) {
        self.wait_for(PASSED_TIMEOUT).await;
    }

    /// As [`Self::wait_for`], up to a moment.
    pub(crate) async fn wait_until(&mut self, deadline: Instant) -> bool {
        self.wait_for(deadline.saturating_duration_since(Instant::now())).await
    }

    /// Waits until the peer has heard everything up to here; false when `limit` comes first.
    pub(crate) async fn wait_for(&mut self, limit: Duration) -> bool {
        let place = self.place;
        // Its error is that the peer is gone, and so is who could wait.
        timeout(limit, self.done.wait_for(|done| *done >= place)).await.is_ok()
    }
}

impl Told {
    pub(super) fn new(failures: mpsc::Sender<Arc<Peer>>) -> Self {
        Self { state: Mutex::default(), pushed: Notify::new(), done: watch::Sender::new(0), failures }
    }

    pub(super) fn push(&self, peer: &Arc<Peer>, call: Arc<PeerCall>) {
        let mut state = self.state();
        if state.queue.len() >= TOLD_MAX {
            drop(state);
            self.fail(peer, "it does not take what it is told");
            return;
        }
        state.queue.push_back(call);
        let depth = state.queue.len();
        drop(state);
        figures::peer_queue(&peer.id, depth);
        self.pushed.notify_one();
    }

    pub(super) fn passed(&self) -> Passed {
        let state = self.state();
        Passed { done: self.done.subscribe(), place: state.passed + state.queue.len() as u64 }
    }

    pub(super) fn clear(&self) {
        let mut state = self.state();
        let forgotten = state.queue.len();
        self.drop_first(&mut state, forgotten);
    }

    fn fail(&self, peer: &Arc<Peer>, reason: &str) {
        tracing::warn!("{} has failed: {reason}", peer.id);
        self.clear();
        // A full queue has reported it already.
        let _ = self.failures.try_send(peer.clone());
    }

    /// The next calls, once there are any, and the place of the first.
    async fn next(&self) -> (Vec<Arc<PeerCall>>, u64) {
        loop {
            {
                let state = self.state();
                if !state.queue.is_empty() {
                    return (state.queue.iter().take(BATCH_MAX).cloned().collect(), state.passed);
                }
            }
            self.pushed.notified().await;
        }
    }

    /// `count` calls from `place` on are done with.
    fn advance(&self, peer: &Peer, place: u64, count: usize) {
        let mut state = self.state();
        // Meanwhile all may have been forgotten.
        let gone = usize::try_from(state.passed - place).unwrap_or(usize::MAX);
        self.drop_first(&mut state, count.saturating_sub(gone));
        figures::peer_queue(&peer.id, state.queue.len());
    }

    fn drop_first(&self, state: &mut State, count: usize) {
        state.queue.drain(..count);
        state.passed += count as u64;
        self.done.send_replace(state.passed);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Peer {
    /// Tells the peer everything, for ever.
    pub(super) async fn tell_all(self: Arc<Self>) {
        let mut delay = RETRY_DELAY_MIN;
        let mut faults = 0;
        let mut failing_since = None;
        loop {
            let (calls, place) = self.told_queue().next().await;
            let (told, error) = self.tell_batch(&calls).await;
            self.told_queue().advance(&self, place, told);
            if told > 0 {
                faults = 0;
            }
            let Some(error) = error else {
                (delay, failing_since) = (RETRY_DELAY_MIN, None);
                continue;
            };
            if matches!(error, CallError::Fault(_)) {
                faults += 1;
                failing_since = None;
                if faults == FAULTS_MAX {
                    let method = calls.get(told).map_or("", |call| call.method());
                    tracing::warn!("{} does not take a {method}, which is dropped: {error}", self.id);
                    self.told_queue().advance(&self, place + told as u64, 1);
                    faults = 0;
                    continue;
                }
            }
            let since = *failing_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= RETRY_MAX {
                self.told_queue().fail(&self, "it has not answered for too long");
                failing_since = None;
            }
            sleep(delay).await;
            delay = RETRY_DELAY_MAX.min(delay * 2);
        }
    }

    /// Tells these; gives how many were heard, and why the next was not.
    async fn tell_batch(&self, calls: &[Arc<PeerCall>]) -> (usize, Option<CallError>) {
        if calls.len() > 1 && self.takes_multicalls() {
            match self.multicall(calls.iter().map(|call| &**call), TELL_TIMEOUT).await {
                Some(Ok(values)) => {
                    let failed = values.0.into_iter().map(reply::<Any>).enumerate();
                    let failed = failed.take(calls.len()).find_map(|(index, result)| Some((index, result.err()?)));
                    return failed.map_or((calls.len(), None), |(index, error)| (index, Some(error)));
                }
                Some(Err(error)) => return (0, Some(error)),
                None => {}
            }
        }
        for (index, call) in calls.iter().enumerate() {
            if let Err(error) = self.call::<Any>(call, TELL_TIMEOUT).await {
                return (index, Some(error));
            }
        }
        (calls.len(), None)
    }
}

/// Any reply but a fault: that the peer has heard.
struct Any;

impl chat_protocol::xmlrpc::Reply for Any {
    fn to_value(&self) -> Value<'_> {
        true.into()
    }

    fn from_value(_: Value<'_>) -> Result<Self, chat_protocol::xmlrpc::Unexpected> {
        Ok(Self)
    }
}
