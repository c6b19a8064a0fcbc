//! Calls that a peer has yet to hear: in order, bounded, and everybody can wait for a place among them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat_protocol::xmlrpc::PeerCall;
use tokio::sync::{Notify, watch};
use tokio::time::{Duration, Instant, timeout};

/// Bytes that wait for a peer, about. When it does not take them and there are more, it has failed: what
/// happens in rooms is forgotten, and its clients are removed from them, rather than miss messages
/// unawares. It is enough for 100,000 short messages: much happens at once when rooms come back from the
/// journal, or when another node with many members fails.
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What a call takes beside its content, about.
const CALL_BYTES: usize = 512;

/// Calls that a peer gets at one go: 3.3 MB when all have messages as long as can be.
const BATCH_MAX: usize = 128;

/// Longest wait for a peer to hear what was said before. A caller that waits for longer is answered,
/// and its node may hear of events out of order.
pub(crate) const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// The queue.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    pushed: Notify,
    /// The first place that is not done with.
    done: watch::Sender<u64>,
}

/// There is no place for another call.
#[derive(Debug)]
pub(super) struct Full;

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Queued>,
    bytes: usize,
    /// The place of the next call.
    next: u64,
}

/// A call in the queue.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    /// Its number among all calls, ever.
    place: u64,
    pub(super) call: Arc<PeerCall>,
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

/// A place in the queue.
#[derive(Debug)]
pub(crate) struct Mark {
    done: watch::Receiver<u64>,
    place: u64,
}

impl Mark {
    /// Waits until the peer has heard everything up to here, [`FLUSH_TIMEOUT`] at most.
    pub(crate) async fn wait(mut self) {
        self.wait_for(FLUSH_TIMEOUT).await;
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

impl Queue {
    pub(super) fn new() -> Self {
        Self { state: Mutex::default(), pushed: Notify::new(), done: watch::Sender::new(0) }
    }

    /// Queues a call, and gives how many there are now.
    pub(super) fn push(&self, call: Arc<PeerCall>) -> Result<usize, Full> {
        let mut state = self.state();
        let bytes = bytes(&call);
        if state.bytes + bytes > QUEUE_BYTES_MAX {
            return Err(Full);
        }
        let place = state.next;
        state.next += 1;
        state.bytes += bytes;
        state.queue.push_back(Queued { place, call });
        let depth = state.queue.len();
        drop(state);
        self.pushed.notify_one();
        Ok(depth)
    }

    /// The end of the queue.
    pub(super) fn mark(&self) -> Mark {
        let state = self.state();
        Mark { done: self.done.subscribe(), place: state.next }
    }

    /// Whether it holds that a name leaves a room.
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

    /// Forgets everything when there is no place for another call; gives how much that was.
    pub(super) fn forget_all_if_full(&self) -> Option<usize> {
        let mut state = self.state();
        if state.bytes + CALL_BYTES <= QUEUE_BYTES_MAX {
            return None;
        }
        let forgotten = state.queue.len();
        state.retain(|_| false);
        self.done.send_replace(state.done());
        Some(forgotten)
    }

    /// The next calls, once there are any.
    pub(super) async fn next(&self) -> Vec<Queued> {
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

    /// Everything up to this call is done with; gives how many are left.
    pub(super) fn advance(&self, last: &Queued) -> usize {
        let mut state = self.state();
        while state.queue.front().is_some_and(|first| first.place <= last.place) {
            // There is one.
            if let Some(first) = state.queue.pop_front() {
                state.bytes -= bytes(&first.call);
            }
        }
        self.done.send_replace(state.done());
        state.queue.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::example::{message, rollback};

    #[tokio::test]
    async fn who_waits_for_what_is_forgotten_waits_for_what_is_left_only() {
        let queue = Queue::new();
        for call in [message("one"), rollback(), message("two")] {
            queue.push(call).unwrap();
        }
        let mut mark = queue.mark();
        queue.forget_broadcasts();
        assert!(!mark.wait_for(Duration::ZERO).await);
        let calls = queue.next().await;
        assert_eq!(calls.iter().map(|queued| queued.call.method()).collect::<Vec<_>>(), ["rollback_delete_room"]);
        queue.advance(&calls[0]);
        assert!(mark.wait_for(Duration::ZERO).await);
    }
}
