//! Tells a peer what happens: messages, who came and went, deletions. In order, bounded, and until it hears
//! (protocol, section 12, rows 1 and 5).

use std::sync::Arc;

use chat_protocol::xmlrpc::{PeerCall, Reply, Unexpected, Value};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use super::caller::{Caller, reply};
use super::queue::{Full, Mark, Queue, Queued};
use super::transport::CallError;
use crate::figures;
use crate::node_id::NodeId;

/// Longest wait for a peer's answer; then it is told again.
const TELL_TIMEOUT: Duration = Duration::from_secs(5);

/// Wait after the first failure; it doubles with each further one.
const RETRY_DELAY_MIN: Duration = Duration::from_millis(50);

/// Longest wait between two tries.
const RETRY_DELAY_MAX: Duration = Duration::from_secs(1);

/// How long a peer may fail to answer before it has failed, as when too much waits for it.
const RETRY_MAX: Duration = Duration::from_mins(2);

/// How often a call is tried at a peer that answers with a fault; then it is dropped, since nothing
/// behind it could be told.
const FAULTS_MAX: u32 = 3;

/// What a peer has yet to hear, and the task that tells it, which ends with this.
#[derive(Debug)]
pub(super) struct Backlog {
    teller: Arc<Teller>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Teller {
    caller: Arc<Caller>,
    queue: Queue,
    failures: mpsc::Sender<NodeId>,
}

impl Backlog {
    /// Begins to tell a peer, within a tokio runtime. `failures` hears when it has failed.
    pub(super) fn new(caller: Arc<Caller>, failures: mpsc::Sender<NodeId>) -> Self {
        let teller = Arc::new(Teller { caller, queue: Queue::new(), failures });
        let telling = teller.clone();
        let task = tokio::spawn(async move { telling.tell_all().await });
        Self { teller, _task: AbortOnDropHandle::new(task) }
    }

    /// Queues a call. A peer that has too much to hear has failed.
    pub(super) fn push(&self, call: Arc<PeerCall>) {
        let Teller { caller, queue, .. } = &*self.teller;
        match queue.push(call) {
            Ok(depth) => figures::peer_queue(&caller.id, depth),
            Err(Full) => self.teller.fail("it does not take what it is told"),
        }
    }

    /// The end of what is queued.
    pub(super) fn mark(&self) -> Mark {
        self.teller.queue.mark()
    }

    /// Whether the peer has yet to hear that a name leaves a room.
    pub(super) fn has_leave(&self, room_id: &str, username: &str) -> bool {
        self.teller.queue.has_leave(room_id, username)
    }

    /// Forgets what happens in rooms.
    pub(super) fn forget_broadcasts(&self) {
        self.teller.queue.forget_broadcasts();
    }
}

impl Teller {
    /// Tells the peer everything, for ever.
    async fn tell_all(&self) {
        let mut delay = RETRY_DELAY_MIN;
        let mut faults = 0;
        let mut failing_since = None;
        loop {
            let calls = self.queue.next().await;
            let (heard, error) = self.tell_batch(&calls).await;
            if let Some(last) = heard.checked_sub(1).and_then(|last| calls.get(last)) {
                self.advance(last);
                faults = 0;
            }
            let Some(error) = error else {
                (delay, failing_since) = (RETRY_DELAY_MIN, None);
                continue;
            };
            if let (CallError::Fault(_), Some(refused)) = (&error, calls.get(heard)) {
                faults += 1;
                failing_since = None;
                if faults == FAULTS_MAX {
                    let method = refused.call.method();
                    let id = &self.caller.id;
                    tracing::warn!(peer = &**id, method, "{id} does not take a {method}, which is dropped: {error}");
                    self.advance(refused);
                    faults = 0;
                    continue;
                }
            }
            let since = *failing_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= RETRY_MAX {
                self.fail("it has not answered for too long");
                failing_since = None;
            }
            sleep(delay).await;
            delay = RETRY_DELAY_MAX.min(delay * 2);
        }
    }

    /// Tells these; gives how many were heard, and why the next was not.
    async fn tell_batch(&self, calls: &[Queued]) -> (usize, Option<CallError>) {
        if calls.len() > 1 && self.caller.takes_multicalls() {
            match self.caller.multicall(calls.iter().map(|queued| &*queued.call), TELL_TIMEOUT).await {
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
            if let Err(error) = self.caller.call::<Any>(&queued.call, TELL_TIMEOUT).await {
                return (index, Some(error));
            }
        }
        (calls.len(), None)
    }

    /// Everything up to this call is done with.
    fn advance(&self, last: &Queued) {
        figures::peer_queue(&self.caller.id, self.queue.advance(last));
    }

    fn fail(&self, reason: &str) {
        let id = &self.caller.id;
        tracing::warn!(peer = &**id, "{id} has failed: {reason}");
        self.queue.forget_broadcasts();
        if let Some(count) = self.queue.forget_all_if_full() {
            tracing::error!(peer = &**id, count, "{id} is not told {count} calls, and may show members that are gone");
        }
        // A full queue has reported it already.
        let _ = self.failures.try_send(id.clone());
    }
}

/// Any reply but a fault: that the peer has heard.
struct Any;

impl Reply for Any {
    fn to_value(&self) -> Value<'_> {
        true.into()
    }

    fn from_value(_: Value<'_>) -> Result<Self, Unexpected> {
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use chat_protocol::peer_nodes::PeerNode;

    use super::*;
    use crate::peers::example::message;
    use crate::peers::transport;

    #[tokio::test]
    async fn a_peer_fails_when_too_much_waits_for_it_however_many_calls_that_are() {
        let node = PeerNode { id: "node2".to_owned(), address: "http://node2:9090".to_owned() };
        let (failures, mut failed) = mpsc::channel(1);
        let backlog = Backlog::new(Arc::new(Caller::new(node, transport::client(None).unwrap()).unwrap()), failures);
        let short = message("hello");
        for _ in 0..100_000 {
            backlog.push(short.clone());
        }
        assert!(failed.try_recv().is_err());
        let long = message(&"x".repeat(20_000));
        for _ in 0..1000 {
            backlog.push(long.clone());
        }
        assert_eq!(&*failed.recv().await.unwrap(), "node2");
    }
}
