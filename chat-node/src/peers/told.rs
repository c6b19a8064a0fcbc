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

/// Bytes that wait for a peer, about. When it does not take them and there are more, it has failed: what
/// happens in rooms is forgotten, and its clients are removed from them, rather than miss messages
/// unawares. It is enough for 100,000 short messages: much happens at once when rooms come back from the
/// journal, or when another node with many members fails.
const TOLD_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What a call takes beside its content, about.
const CALL_BYTES: usize = 512;

/// Calls that a peer gets at one go: 3.3 MB when all have messages as long as can be.
const BATCH_MAX: usize = 128;

/// Longest wait for a peer's answer; then it is told again.
const TELL_TIMEOUT: Duration = Duration::from_secs(5);

/// Wait after the first failure; it doubles with each further one.
const RETRY_DELAY_MIN: Duration = Duration::from_millis(50);

/// Longest wait between two tries.
const RETRY_DELAY_MAX: Duration = Duration::from_secs(1);

/// How long a peer may fail to answer before it has failed, as with [`TOLD_BYTES_MAX`].
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
    /// The first place that is not done with.
    done: watch::Sender<u64>,
    failures: mpsc::Sender<Arc<Peer>>,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Queued>,
    bytes: usize,
    /// The place of the next call.
    next: u64,
}

#[derive(Clone, Debug)]
struct Queued {
    /// Its number among all calls, ever.
    place: u64,
    call: Arc<PeerCall>,
}

impl State {
    /// The first place that is not done with.
    fn done(&self) -> u64 {
        self.queue.front().map_or(self.next, |first| first.place)
    }

    fn retain(&mut self, keep: impl Fn(&Queued) -> bool) {
        self.queue.retain(keep);
        self.bytes = self.queue.iter().map(|queued| bytes(&queued.call)).sum();
    }
}

fn bytes(call: &PeerCall) -> usize {
    match call {
        PeerCall::ReceiveMessageBroadcast { message, .. } => CALL_BYTES + message.content.len(),
        _ => CALL_BYTES,
    }
}

/// What happens in a room. A peer whose members are removed has no use for it; anything else it has to
/// hear, however late.
fn is_broadcast(call: &PeerCall) -> bool {
    matches!(call, PeerCall::ReceiveMessageBroadcast { .. } | PeerCall::ReceiveMemberEventBroadcast { .. })
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
        let bytes = bytes(&call);
        if state.bytes + bytes > TOLD_BYTES_MAX {
            drop(state);
            self.fail(peer, "it does not take what it is told");
            return;
        }
        let place = state.next;
        state.next += 1;
        state.bytes += bytes;
        state.queue.push_back(Queued { place, call });
        let depth = state.queue.len();
        drop(state);
        figures::peer_queue(&peer.id, depth);
        self.pushed.notify_one();
    }

    pub(super) fn passed(&self) -> Passed {
        let state = self.state();
        Passed { done: self.done.subscribe(), place: state.next }
    }

    /// Whether the peer has yet to hear that a name leaves a room.
    pub(super) fn has_leave(&self, left_room: &str, name: &str) -> bool {
        let state = self.state();
        state.queue.iter().any(|queued| match &*queued.call {
            PeerCall::LeaveRoom { room_id, username, .. } => room_id == left_room && username == name,
            _ => false,
        })
    }

    /// Forgets what happens in rooms.
    pub(super) fn forget_broadcasts(&self) {
        let mut state = self.state();
        state.retain(|queued| !is_broadcast(&queued.call));
        self.done.send_replace(state.done());
    }

    fn fail(&self, peer: &Arc<Peer>, reason: &str) {
        tracing::warn!("{} has failed: {reason}", peer.id);
        self.forget_broadcasts();
        let mut state = self.state();
        if state.bytes + CALL_BYTES > TOLD_BYTES_MAX {
            tracing::error!("{} is not told {} calls, and may show members that are gone", peer.id, state.queue.len());
            state.retain(|_| false);
            self.done.send_replace(state.done());
        }
        drop(state);
        // A full queue has reported it already.
        let _ = self.failures.try_send(peer.clone());
    }

    /// The next calls, once there are any.
    async fn next(&self) -> Vec<Queued> {
        loop {
            {
                let state = self.state();
                if !state.queue.is_empty() {
                    return state.queue.iter().take(BATCH_MAX).cloned().collect();
                }
            }
            self.pushed.notified().await;
        }
    }

    /// Everything up to this call is done with.
    fn advance(&self, peer: &Peer, last: &Queued) {
        let mut state = self.state();
        while state.queue.front().is_some_and(|first| first.place <= last.place) {
            // There is one.
            if let Some(first) = state.queue.pop_front() {
                state.bytes -= bytes(&first.call);
            }
        }
        self.done.send_replace(state.done());
        figures::peer_queue(&peer.id, state.queue.len());
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
            let calls = self.told_queue().next().await;
            let (told, error) = self.tell_batch(&calls).await;
            if let Some(last) = told.checked_sub(1).and_then(|last| calls.get(last)) {
                self.told_queue().advance(&self, last);
                faults = 0;
            }
            let Some(error) = error else {
                (delay, failing_since) = (RETRY_DELAY_MIN, None);
                continue;
            };
            if let (CallError::Fault(_), Some(refused)) = (&error, calls.get(told)) {
                faults += 1;
                failing_since = None;
                if faults == FAULTS_MAX {
                    let method = refused.call.method();
                    tracing::warn!("{} does not take a {method}, which is dropped: {error}", self.id);
                    self.told_queue().advance(&self, refused);
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
    async fn tell_batch(&self, calls: &[Queued]) -> (usize, Option<CallError>) {
        if calls.len() > 1 && self.takes_multicalls() {
            match self.multicall(calls.iter().map(|queued| &*queued.call), TELL_TIMEOUT).await {
                Some(Ok(values)) => {
                    let failed = values.0.into_iter().map(reply::<Any>).enumerate();
                    let failed = failed.take(calls.len()).find_map(|(index, result)| Some((index, result.err()?)));
                    return failed.map_or((calls.len(), None), |(index, error)| (index, Some(error)));
                }
                Some(Err(error)) => return (0, Some(error)),
                None => {}
            }
        }
        for (index, queued) in calls.iter().enumerate() {
            if let Err(error) = self.call::<Any>(&queued.call, TELL_TIMEOUT).await {
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

#[cfg(test)]
mod tests {
    use chat_protocol::ChatMessage;
    use chat_protocol::peer_nodes::PeerNode;

    use super::*;
    use crate::peers::call;

    fn peer() -> (Arc<Peer>, mpsc::Receiver<Arc<Peer>>) {
        let node = PeerNode { id: "node2".to_owned(), address: "http://node2:9090".to_owned() };
        let (failures, failed) = mpsc::channel(1);
        (Peer::new(node, call::client(None).unwrap(), failures), failed)
    }

    fn message(content: &str) -> Arc<PeerCall> {
        let message = ChatMessage {
            message_id: String::new(),
            room_id: String::new(),
            username: String::new(),
            content: content.to_owned(),
            sequence_number: 1,
            timestamp: String::new(),
        };
        Arc::new(PeerCall::ReceiveMessageBroadcast { room_id: String::new(), message })
    }

    fn rollback() -> Arc<PeerCall> {
        Arc::new(PeerCall::RollbackDeleteRoom { room_id: String::new(), transaction_id: String::new() })
    }

    #[tokio::test]
    async fn a_peer_fails_when_too_much_waits_for_it_however_many_calls_that_are() {
        let (peer, mut failed) = peer();
        let short = message("hello");
        for _ in 0..100_000 {
            peer.tell(short.clone());
        }
        assert!(failed.try_recv().is_err());
        let long = message(&"x".repeat(20_000));
        for _ in 0..1000 {
            peer.tell(long.clone());
        }
        assert_eq!(failed.recv().await.unwrap().id, peer.id);
    }

    #[tokio::test]
    async fn a_peer_that_failed_is_still_told_what_is_not_about_its_members() {
        let (peer, _failed) = peer();
        for call in [message("one"), rollback(), message("two")] {
            peer.tell(call);
        }
        let mut told = peer.told();
        peer.forget_broadcasts();
        assert!(!told.wait_for(Duration::ZERO).await);
        let calls = peer.told_queue().next().await;
        assert_eq!(calls.iter().map(|queued| queued.call.method()).collect::<Vec<_>>(), ["rollback_delete_room"]);
        peer.told_queue().advance(&peer, &calls[0]);
        assert!(told.wait_for(Duration::ZERO).await);
    }
}
