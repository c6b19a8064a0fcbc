//! Messages of clients of this node to rooms of a peer: those that wait go together, one call after
//! the other, so that each client's messages keep their order.

use std::sync::Arc;

use chat_protocol::xmlrpc::{ForwardReply, PeerCall};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Duration;

use super::caller::{Caller, reply};
use super::transport::CallError;

/// Messages that wait for a peer; who has another one waits, and so does its connection.
const FORWARDS_MAX: usize = 1024;

/// Messages that a peer gets at one go: 3.3 MB when all are as long as can be.
const BATCH_MAX: usize = 128;

/// Longest wait for a peer's answer; then the senders are told that its node is unavailable.
const FORWARD_TIMEOUT: Duration = Duration::from_secs(5);

/// Is given what became of a message.
pub(super) type Answer = Box<dyn FnOnce(Result<ForwardReply, CallError>) + Send + Sync>;

enum Waiting {
    Message(PeerCall, Answer),
    /// Somebody wants to know when all before is answered.
    Settle(oneshot::Sender<()>),
}

/// The queue of these messages; its task ends with it.
pub(super) struct Forwards(mpsc::Sender<Waiting>);

impl Forwards {
    pub(super) fn new(caller: Arc<Caller>) -> Self {
        let (queue, waiting) = mpsc::channel(FORWARDS_MAX);
        tokio::spawn(run(caller, waiting));
        Self(queue)
    }

    /// Queues a message, and waits while there are too many.
    pub(super) async fn push(&self, call: PeerCall, answer: Answer) {
        // The task ends after the queue.
        let _ = self.0.send(Waiting::Message(call, answer)).await;
    }

    /// Waits until all that was queued before is answered.
    pub(super) async fn settle(&self) {
        let (settled, done) = oneshot::channel();
        if self.0.send(Waiting::Settle(settled)).await.is_ok() {
            let _ = done.await;
        }
    }
}

impl std::fmt::Debug for Forwards {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Forwards").finish_non_exhaustive()
    }
}

/// Sends what waits, until nobody is left who could queue more.
async fn run(caller: Arc<Caller>, mut waiting: mpsc::Receiver<Waiting>) {
    let mut taken = Vec::new();
    let mut batch = Vec::new();
    while waiting.recv_many(&mut taken, BATCH_MAX).await > 0 {
        for waiting in taken.drain(..) {
            match waiting {
                Waiting::Message(call, answer) => batch.push((call, answer)),
                Waiting::Settle(settled) => {
                    send(&caller, std::mem::take(&mut batch)).await;
                    let _ = settled.send(());
                }
            }
        }
        send(&caller, std::mem::take(&mut batch)).await;
    }
}

/// Sends these, and answers each.
async fn send(caller: &Caller, batch: Vec<(PeerCall, Answer)>) {
    if batch.len() > 1 && caller.takes_multicalls() {
        match caller.multicall(batch.iter().map(|(call, _)| call), FORWARD_TIMEOUT).await {
            Some(Ok(values)) => {
                let mut values = values.0.into_iter();
                for (_, answer) in batch {
                    let missing = || Err(CallError::Nonsense("an answer is missing".to_owned()));
                    answer(values.next().map_or_else(missing, reply));
                }
                return;
            }
            Some(Err(error)) => return give_up(batch, &error),
            None => {}
        }
    }
    let mut batch = batch.into_iter();
    while let Some((call, answer)) = batch.next() {
        let result = caller.call(&call, FORWARD_TIMEOUT).await;
        let failed = match &result {
            Err(error) if !matches!(error, CallError::Fault(_)) => Some(error.clone()),
            _ => None,
        };
        answer(result);
        // A node that does not answer one does not answer the next.
        if let Some(error) = failed {
            return give_up(batch.collect(), &error);
        }
    }
}

fn give_up(batch: Vec<(PeerCall, Answer)>, error: &CallError) {
    for (_, answer) in batch {
        answer(Err(error.clone()));
    }
}
