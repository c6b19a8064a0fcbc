//! One other node.

use std::sync::Arc;

use chat_protocol::peer_nodes::PeerNode;
use chat_protocol::xmlrpc::{ForwardReply, PeerCall, Reply};
use reqwest::Client;
use tokio::sync::mpsc;
use tokio::time::{Duration, timeout};

use super::backlog::Backlog;
use super::caller::Caller;
use super::forwards::Forwards;
use super::queue::{FLUSH_TIMEOUT, Mark};
use super::transport::CallError;
use crate::node_id::NodeId;

/// How often a wait for a peer looks whether it still answers.
const ANSWERS_GLANCE: Duration = Duration::from_millis(50);

/// Another node: what it is asked, what it is told, and what is passed on to it.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) id: NodeId,
    caller: Arc<Caller>,
    backlog: Backlog,
    forwards: Forwards,
}

impl Peer {
    /// A peer that is told and passed on things from now on, within a tokio runtime. `failures` hears when
    /// it does not take them.
    ///
    /// # Errors
    /// When the address is none.
    pub(super) fn new(node: PeerNode, client: Client, failures: mpsc::Sender<NodeId>) -> anyhow::Result<Self> {
        let caller = Arc::new(Caller::new(node, client)?);
        Ok(Self {
            id: caller.id.clone(),
            backlog: Backlog::new(caller.clone(), failures),
            forwards: Forwards::new(caller.clone()),
            caller,
        })
    }

    /// Calls the peer once.
    pub(crate) async fn call<R: Reply>(&self, call: &PeerCall, limit: Duration) -> Result<R, CallError> {
        self.caller.call(call, limit).await
    }

    /// Whether it answered the last call: `up`, `refuses`, `silent`; `unknown` before the first.
    pub(crate) fn state(&self) -> &'static str {
        self.caller.state()
    }

    /// Queues a call that tells the peer something; it is told in this order, again and again until it
    /// answers. Never waits.
    pub(crate) fn tell(&self, call: Arc<PeerCall>) {
        self.backlog.push(call);
    }

    /// The end of what the peer has yet to hear.
    pub(crate) fn mark(&self) -> Mark {
        self.backlog.mark()
    }

    /// Waits until the peer has heard all that was queued so far: [`FLUSH_TIMEOUT`] at most, and not at all
    /// for a peer that does not answer.
    pub(crate) async fn flush(&self) {
        let mut mark = self.mark();
        let heard = async { while self.caller.answers() && !mark.wait_for(ANSWERS_GLANCE).await {} };
        // Its error is that it takes too long.
        let _ = timeout(FLUSH_TIMEOUT, heard).await;
    }

    /// Forgets what the peer was to be told of rooms: it has failed, and its members are removed.
    pub(crate) fn forget_broadcasts(&self) {
        self.backlog.forget_broadcasts();
    }

    /// Whether the peer has yet to hear that a name leaves a room.
    pub(crate) fn is_to_hear_of_leave(&self, room_id: &str, username: &str) -> bool {
        self.backlog.has_leave(room_id, username)
    }

    /// Passes a client's message on. `answer` is called with what became of it, after the answers to
    /// those that were passed on before. Waits while too many are on their way.
    pub(crate) async fn forward(
        &self,
        call: PeerCall,
        answer: impl FnOnce(Result<ForwardReply, CallError>) + Send + Sync + 'static,
    ) {
        self.forwards.push(call, Box::new(answer)).await;
    }

    /// Waits until all messages that were passed on before are answered.
    pub(crate) async fn settle(&self) {
        self.forwards.settle().await;
    }
}
