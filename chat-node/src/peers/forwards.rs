//! Messages of clients of this node to rooms of a peer: those that wait go together, one call after
//! the other, so that each client's messages keep their order.

use std::sync::{Arc, Mutex, PoisonError};

use chat_protocol::xmlrpc::{ForwardReply, PeerCall};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Duration;

use super::call::CallError;
use super::peer::{Peer, reply};

/// Messages that wait for a peer; who has another one waits, and so does its connection.
const FORWARDS_MAX: usize = 1024;

/// Messages that a peer gets at one go: 3.3 MB when all are as long as can be.
const BATCH_MAX: usize = 128;

/// Longest wait for a peer's answer; then the senders are told that its node is unavailable.
const FORWARD_TIMEOUT: Duration = Duration::from_secs(5);

/// Is given what became of a message.
type Answer = Box<dyn FnOnce(Result<ForwardReply, CallError>) + Send + Sync>;

enum Waiting {
    Message(PeerCall, Answer),
    /// Somebody wants to know when all before is answered.
    Settle(oneshot::Sender<()>),
}

pub(super) struct Forwards {
    queue: mpsc::Sender<Waiting>,
    /// Taken by the task that sends them.
    waiting: Mutex<Option<mpsc::Receiver<Waiting>>>,
}

impl Forwards {
    pub(super) fn new() -> Self {
        let (queue, waiting) = mpsc::channel(FORWARDS_MAX);
        Self { queue, waiting: Mutex::new(Some(waiting)) }
    }
}

impl std::fmt::Debug for Forwards {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Forwards").finish_non_exhaustive()
    }
}

impl Peer {
    /// Passes a client's message on. `answer` is called with what became of it, after the answers to
    /// those that were passed on before.
    pub(crate) async fn forward(
        &self,
        call: PeerCall,
        answer: impl FnOnce(Result<ForwardReply, CallError>) + Send + Sync + 'static,
    ) {
        // The task that takes them ends with the process.
        let _ = self.forwards().queue.send(Waiting::Message(call, Box::new(answer))).await;
    }

    /// Waits until all messages that were passed on before are answered.
    pub(crate) async fn settle(&self) {
        let (settled, done) = oneshot::channel();
        if self.forwards().queue.send(Waiting::Settle(settled)).await.is_ok() {
            let _ = done.await;
        }
    }
}

/// Sends what waits, for ever.
pub(super) async fn run(peer: Arc<Peer>) {
    let waiting = peer.forwards().waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(mut waiting) = waiting else { return };
    let mut taken = Vec::new();
    let mut batch = Vec::new();
    while waiting.recv_many(&mut taken, BATCH_MAX).await > 0 {
        for waiting in taken.drain(..) {
            match waiting {
                Waiting::Message(call, answer) => batch.push((call, answer)),
                Waiting::Settle(settled) => {
                    send(&peer, std::mem::take(&mut batch)).await;
                    let _ = settled.send(());
                }
            }
        }
        send(&peer, std::mem::take(&mut batch)).await;
    }
}

/// Sends these, and answers each.
async fn send(peer: &Peer, batch: Vec<(PeerCall, Answer)>) {
    if batch.len() > 1 && peer.takes_multicalls() {
        match peer.multicall(batch.iter().map(|(call, _)| call), FORWARD_TIMEOUT).await {
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
        let result = peer.call(&call, FORWARD_TIMEOUT).await;
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
