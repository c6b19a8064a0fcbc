//! A room that this node hosts: one task that gives every message its number, keeps the history, and
//! fills everybody's queues. Being the only one to do so, it makes one order for all (protocol,
//! section 12, row 8). It never waits for a client or a peer, only for the journal.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use chat_protocol::xmlrpc::PeerCall;
use chat_protocol::{ErrorCode, Room as RoomEntry};
use tokio::sync::{mpsc, oneshot};

use crate::node_id::NodeId;
use crate::peers::Peers;

mod actor;
mod audience;
mod deletion;
mod members;
mod membership;
mod messages;
mod state;
mod task;

pub(crate) use members::{Holder, Removal};
pub(crate) use membership::{DISCONNECTED, Snapshot};
pub(crate) use messages::{Forwarded, Sent};
pub(crate) use task::Start;

/// Commands that wait for a room; who has another one waits, and so does its connection.
const INBOX_MAX: usize = 1024;

/// A handle on a room. The room's task ends with the last one, or when the room is deleted.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) listing: Arc<Listing>,
    commands: mpsc::Sender<Command>,
}

/// What lists say about a room, and what is known of it without asking its task.
#[derive(Debug)]
pub(crate) struct Listing {
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

impl Listing {
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

/// What a room's task is to do.
#[derive(Debug)]
enum Command {
    Membership(membership::Command),
    Messages(messages::Command),
    Deletion(deletion::Command),
}

impl Room {
    /// Starts a room's task.
    pub(crate) fn start(start: Start) -> Self {
        let listing = start.listing.clone();
        let (commands, inbox) = mpsc::channel(INBOX_MAX);
        tokio::spawn(start.run(inbox));
        Self { listing, commands }
    }

    /// Whether a node has registered members.
    pub(crate) fn has_members_of(&self, node: &str) -> bool {
        self.listing.nodes.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|id| **id == *node)
    }

    async fn ask<C: Into<Command>, R>(&self, command: impl FnOnce(oneshot::Sender<R>) -> C) -> Option<R> {
        let (reply, answer) = oneshot::channel();
        self.tell(command(reply)).await;
        answer.await.ok()
    }

    /// A room that is gone needs to be told nothing.
    async fn tell(&self, command: impl Into<Command>) {
        let _ = self.commands.send(command.into()).await;
    }
}

/// What every room of a node shares.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) peers: Arc<Peers>,
    pub(crate) journal: Option<chat_journal::Journal>,
}

impl Context {
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
