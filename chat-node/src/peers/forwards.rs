//! Messages of clients of this node to rooms of a peer: those that wait go together.

use std::sync::{Arc, Mutex, PoisonError};

use chat_protocol::xmlrpc::{ForwardReply, PeerCall};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Duration;

use super::call::CallError;
use super::peer::{Peer, reply};

/// Messages that wait for a peer; who has another one waits, and so does its connection.
const FORWARDS_MAX: usize = 1024;

/// Messages that a peer gets at one go.
const BATCH_MAX: usize = 64;

/// Calls that a peer has at the same time: an original node carries out one after the other, and has
/// room for five that wait (protocol, section 5).
const CALLS_MAX: usize = 4;

/// Longest wait for a peer's answer; then the sender is told that its node is unavailable.
const FORWARD_TIMEOUT: Duration = Duration::from_secs(5);

type Waiting = (PeerCall, oneshot::Sender<Result<ForwardReply, CallError>>);

#[derive(Debug)]
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

    pub(super) async fn send(&self, call: PeerCall) -> Result<ForwardReply, CallError> {
        let (reply, answer) = oneshot::channel();
        let gone = || CallError::Broken("the node stops".to_owned());
        self.queue.send((call, reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// Sends what waits, for ever.
pub(super) async fn run(peer: Arc<Peer>) {
    let waiting = peer.forwards().waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(mut waiting) = waiting else { return };
    let calls = Arc::new(Semaphore::new(CALLS_MAX));
    loop {
        // The semaphore is never closed. A place comes first, so that as many as possible go together.
        let Ok(place) = calls.clone().acquire_owned().await else { return };
        let mut batch = Vec::new();
        if waiting.recv_many(&mut batch, BATCH_MAX).await == 0 {
            return;
        }
        let peer = peer.clone();
        tokio::spawn(async move {
            send(&peer, batch).await;
            drop(place);
        });
    }
}

/// Sends these, and tells who waits; they may have stopped waiting.
async fn send(peer: &Peer, batch: Vec<Waiting>) {
    if batch.len() > 1 && peer.takes_multicalls() {
        match peer.multicall(batch.iter().map(|(call, _)| call), FORWARD_TIMEOUT).await {
            Some(Ok(values)) => {
                for (value, (_, waiting)) in values.0.into_iter().zip(batch) {
                    drop(waiting.send(reply(value)));
                }
                return;
            }
            Some(Err(error)) => return give_up(batch, &error),
            None => {}
        }
    }
    let mut batch = batch.into_iter();
    while let Some((call, waiting)) = batch.next() {
        let result = peer.call(&call, FORWARD_TIMEOUT).await;
        let failed = match &result {
            Err(error) if !matches!(error, CallError::Fault(_)) => Some(error.clone()),
            _ => None,
        };
        drop(waiting.send(result));
        // A node that does not answer one does not answer the next.
        if let Some(error) = failed {
            return give_up(batch.collect(), &error);
        }
    }
}

fn give_up(batch: Vec<Waiting>, error: &CallError) {
    for (_, waiting) in batch {
        drop(waiting.send(Err(error.clone())));
    }
}
