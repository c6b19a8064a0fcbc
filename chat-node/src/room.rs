//! A room that this node hosts: one task that gives every message its number, keeps the history, and
//! fills everybody's queues. Being the only one to do so, it makes one order for all (protocol,
//! section 12, row 8). It never waits for a client or a peer, only for the journal.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use chat_protocol::xmlrpc::PeerCall;
use chat_protocol::{ChatMessage, ErrorCode, Room as RoomEntry};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Duration;

use crate::node_id::NodeId;
use crate::outbox::{ConnectionId, Outbox};
use crate::peers::{Mark, Peers};

mod actor;
mod audience;
mod deletion;
mod members;
mod sending;
mod state;

pub(crate) use actor::{DISCONNECTED, Start};
pub(crate) use members::{Holder, Removal};

/// Commands that wait for a room; who has another one waits, and so does its connection.
const INBOX_MAX: usize = 1024;

/// A handle on a room. The room's task ends with the last one, or when the room is deleted.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) about: Arc<About>,
    commands: mpsc::Sender<Command>,
}

/// What stays the same about a room, and how many members it has.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) room_id: String,
    pub(crate) room_name: String,
    pub(crate) description: Option<String>,
    pub(crate) creator_id: String,
    pub(crate) created_at: String,
    pub(crate) admin_node: NodeId,
    pub(crate) member_count: AtomicU32,
    /// The other nodes with members in the room.
    pub(crate) nodes: Mutex<Vec<NodeId>>,
}

impl About {
    /// The room as lists show it.
    pub(crate) fn entry(&self, node_address: Option<String>) -> RoomEntry {
        RoomEntry {
            room_id: self.room_id.clone(),
            room_name: self.room_name.clone(),
            description: self.description.clone(),
            member_count: self.member_count.load(Relaxed),
            admin_node: self.admin_node.to_string(),
            creator_id: self.creator_id.clone(),
            node_address,
        }
    }
}

/// Why a room does not do what it was asked to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) reason: String,
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    pub(crate) fn room_not_found() -> Self {
        Self::new(ErrorCode::ROOM_NOT_FOUND, "Room not found")
    }
}

/// A message of another node that waits for its number.
#[derive(Debug)]
pub(crate) struct Forwarded(oneshot::Receiver<Result<Sent, Refusal>>);

impl Forwarded {
    /// Waits for the number.
    pub(crate) async fn sent(self) -> Result<Sent, Refusal> {
        self.0.await.unwrap_or_else(|_| Err(Refusal::room_not_found()))
    }
}

/// A message that was taken.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) message_id: String,
    pub(crate) sequence_number: u32,
    pub(crate) timestamp: String,
    /// Where the node that forwarded it hears it.
    pub(crate) mark: Option<Mark>,
}

/// A room at one moment, for a node.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) members: Vec<String>,
    pub(crate) history: Vec<ChatMessage>,
    /// Up to where the node has to have heard all that happened in the room.
    pub(crate) mark: Option<Mark>,
}

#[derive(Debug)]
enum Command {
    Join { username: String, outbox: Outbox, reply: oneshot::Sender<Result<(), Refusal>> },
    Register { username: String, node: NodeId, reply: oneshot::Sender<Result<bool, Refusal>> },
    Snapshot { node: NodeId, reply: oneshot::Sender<Snapshot> },
    Send(Send),
    Settle { reply: oneshot::Sender<()> },
    Leave { username: String, holder: Holder, all: bool, reason: Option<String>, reply: oneshot::Sender<Removal> },
    Disconnect { connection: ConnectionId },
    NodeFailed { node: NodeId },
    Sweep { limit: Duration },
    BeginDeletion(BeginDeletion),
    Seal { reply: oneshot::Sender<Result<(), String>> },
    FinishDeletion { requester: Outbox, transaction_id: String, reply: oneshot::Sender<()> },
    KeepRoom { requester: Outbox, transaction_id: String, reason: String, reply: oneshot::Sender<()> },
    Prepare { reply: oneshot::Sender<Result<(), &'static str>> },
    Rollback,
}

#[derive(Debug)]
struct Send {
    username: String,
    content: String,
    sender: Sender,
}

/// Whose message it is, and so who is answered.
#[derive(Debug)]
enum Sender {
    /// A client of this node, whose outbox gets the answer.
    Client(Outbox),
    /// A client of another node, which forwarded it.
    Node(NodeId, oneshot::Sender<Result<Sent, Refusal>>),
}

#[derive(Debug)]
struct BeginDeletion {
    username: String,
    requester: Outbox,
    transaction_id: String,
    reply: oneshot::Sender<Result<(), Refusal>>,
}

impl Room {
    /// Starts a room's task.
    pub(crate) fn start(start: Start) -> Self {
        let about = start.about.clone();
        let (commands, inbox) = mpsc::channel(INBOX_MAX);
        tokio::spawn(start.run(inbox));
        Self { about, commands }
    }

    /// Joins by a client of this node, whose outbox gets the success and the history.
    pub(crate) async fn join(&self, username: String, outbox: Outbox) -> Result<(), Refusal> {
        self.ask(|reply| Command::Join { username, outbox, reply })
            .await
            .unwrap_or_else(|| Err(Refusal::room_not_found()))
    }

    /// Joins by a client of another node. False for a name that was a member before.
    pub(crate) async fn register(&self, username: String, node: NodeId) -> Result<bool, Refusal> {
        let reply = self.ask(|reply| Command::Register { username, node, reply }).await;
        reply.unwrap_or_else(|| Err(Refusal::room_not_found()))
    }

    /// Members and history; none when the room is gone.
    pub(crate) async fn snapshot(&self, node: NodeId) -> Option<Snapshot> {
        self.ask(|reply| Command::Snapshot { node, reply }).await
    }

    /// Takes a message of a client of this node, whose content was checked before. The client's outbox
    /// gets the answer, after those to its earlier messages. False when the room is gone.
    pub(crate) async fn send(&self, username: String, content: String, outbox: Outbox) -> bool {
        let sender = Sender::Client(outbox);
        self.commands.send(Command::Send(Send { username, content, sender })).await.is_ok()
    }

    /// Waits until everything that was sent before is answered.
    pub(crate) async fn settle(&self) {
        self.ask(|reply| Command::Settle { reply }).await;
    }

    /// Takes a message that another node forwards, whose content was checked before. Waits for a place
    /// in the inbox only: messages that are given one after the other keep their order.
    pub(crate) async fn forward(&self, username: String, content: String, node: NodeId) -> Forwarded {
        let (reply, answer) = oneshot::channel();
        self.tell(Command::Send(Send { username, content, sender: Sender::Node(node, reply) })).await;
        Forwarded(answer)
    }

    /// Lets a name go; none when the room is gone.
    pub(crate) async fn leave(
        &self,
        username: String,
        holder: Holder,
        all: bool,
        reason: Option<String>,
    ) -> Option<Removal> {
        self.ask(|reply| Command::Leave { username, holder, all, reason, reply }).await
    }

    /// Whether a node has registered members.
    pub(crate) fn has_members_of(&self, node: &str) -> bool {
        self.about.nodes.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|id| **id == *node)
    }

    /// A client of this node is gone.
    pub(crate) async fn disconnect(&self, connection: ConnectionId) {
        self.tell(Command::Disconnect { connection }).await;
    }

    /// Another node does not answer any more.
    pub(crate) async fn node_failed(&self, node: NodeId) {
        self.tell(Command::NodeFailed { node }).await;
    }

    /// Removes members who did nothing for as long as `limit`.
    pub(crate) async fn sweep(&self, limit: Duration) {
        self.tell(Command::Sweep { limit }).await;
    }

    async fn ask<R>(&self, command: impl FnOnce(oneshot::Sender<R>) -> Command) -> Option<R> {
        let (reply, answer) = oneshot::channel();
        self.tell(command(reply)).await;
        answer.await.ok()
    }

    /// A room that is gone needs to be told nothing.
    async fn tell(&self, command: Command) {
        let _ = self.commands.send(command).await;
    }
}

/// What every room of a node shares.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) peers: Arc<Peers>,
    pub(crate) journal: Option<crate::journal::Journal>,
}

impl Surroundings {
    /// Queues a call for each of these nodes.
    fn tell<'a>(&self, nodes: impl Iterator<Item = &'a NodeId>, call: &Arc<PeerCall>) {
        for node in nodes {
            if let Some(peer) = self.peers.get(node) {
                peer.tell(call.clone());
            }
        }
    }
}

/// What ends a room's task: its deletion.
type Flow = ControlFlow<()>;

/// Answers who asked, and may have stopped waiting.
fn answer<R>(asker: oneshot::Sender<R>, reply: R) {
    let _ = asker.send(reply);
}
