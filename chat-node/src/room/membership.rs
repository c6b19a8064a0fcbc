//! Who comes and goes.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

use chat_journal::{Record, RemoteMember};
use chat_protocol::limits::MEMBERS_MAX;
use chat_protocol::timestamp::timestamp;
use chat_protocol::xmlrpc::{PeerCall, PeerEvent};
use chat_protocol::{ChatMessage, ErrorCode, JoinRoomSuccess, MemberEvent, ServerMessage};
use tokio::sync::oneshot;
use tokio::time::Duration;

use super::actor::Actor;
use super::members::{Holder, Removal};
use super::{Listing, Refusal, Room, answer};
use crate::frame::{Frames, frame};
use crate::node_id::NodeId;
use crate::outbox::{ConnectionId, Outbox};
use crate::peers::Mark;

/// `reason` of a `member_left` (protocol, section 4).
pub(crate) const DISCONNECTED: &str = "User disconnected";
const NODE_UNREACHABLE: &str = "Node unreachable";
const INACTIVITY: &str = "Inactivity";

/// A room at one moment, for a node.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) members: Vec<String>,
    pub(crate) history: Vec<ChatMessage>,
    /// Up to where the node has to have heard all that happened in the room.
    pub(crate) mark: Option<Mark>,
}

/// Who joins, leaves, and asks who is there.
#[derive(Debug)]
pub(super) enum Command {
    Join { username: String, outbox: Outbox, reply: oneshot::Sender<Result<(), Refusal>> },
    Register { username: String, node: NodeId, reply: oneshot::Sender<Result<bool, Refusal>> },
    Snapshot { node: NodeId, reply: oneshot::Sender<Snapshot> },
    Leave { username: String, holder: Holder, all: bool, reason: Option<String>, reply: oneshot::Sender<Removal> },
    Disconnect { connection: ConnectionId },
    NodeFailed { node: NodeId },
    Sweep { limit: Duration },
}

impl From<Command> for super::Command {
    fn from(command: Command) -> Self {
        Self::Membership(command)
    }
}

impl Room {
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
}

/// Came or went.
#[derive(Clone, Copy)]
enum Change {
    Joined,
    Left,
}

impl Actor {
    pub(super) fn handle_membership(&mut self, command: Command) {
        match command {
            Command::Join { username, outbox, reply } => answer(reply, self.join(&username, &outbox)),
            Command::Register { username, node, reply } => answer(reply, self.register(&username, &node)),
            Command::Snapshot { node, reply } => answer(reply, self.snapshot(&node)),
            Command::Leave { username, holder, all, reason, reply } => {
                answer(reply, self.leave(&username, &holder, all, reason));
            }
            Command::Disconnect { connection } => {
                for username in self.audience.remove(connection) {
                    self.leave(&username, &Holder::Connection(connection), true, Some(DISCONNECTED.to_owned()));
                }
            }
            Command::NodeFailed { node } => self.node_failed(&node),
            Command::Sweep { limit } => {
                for username in self.members.inactive(limit) {
                    let before = self.members.len();
                    for node in self.members.expel(&username) {
                        self.record_registrations(&username, &node);
                    }
                    self.count_members(before);
                    self.publish(Change::Left, &username, Some(INACTIVITY.to_owned()), None);
                }
            }
        }
    }

    fn check_open(&self, username: &str) -> Result<(), Refusal> {
        if self.state.is_sealed() {
            return Err(Refusal::room_not_found());
        }
        if !self.members.contains(username) && self.members.len() as usize >= MEMBERS_MAX {
            return Err(Refusal::new(
                ErrorCode::LIMIT_REACHED,
                format!("The room is full: it has {MEMBERS_MAX} members"),
            ));
        }
        Ok(())
    }

    /// Snapshot and registration are one step: the client misses nothing, and gets nothing twice
    /// (protocol, section 12, row 9).
    fn join(&mut self, username: &str, outbox: &Outbox) -> Result<(), Refusal> {
        self.check_open(username)?;
        self.add(username, &Holder::Connection(outbox.id()), Some(outbox.id()));
        self.audience.add(outbox, username);
        let Listing { room_id, room_name, description, admin_node, .. } = &*self.listing;
        let members = self.members.names();
        let mut frames = Frames::default();
        frames.push(&ServerMessage::JoinRoomSuccess(JoinRoomSuccess {
            room_id: room_id.clone(),
            room_name: room_name.clone(),
            description: description.clone(),
            member_count: self.members.len(),
            members,
            admin_node: admin_node.to_string(),
        }));
        for message in &self.history {
            frames.push(&ServerMessage::NewMessage(message.clone()));
        }
        outbox.push(frames.take());
        Ok(())
    }

    fn register(&mut self, username: &str, node: &NodeId) -> Result<bool, Refusal> {
        self.check_open(username)?;
        Ok(self.add(username, &Holder::Node(node.clone()), None))
    }

    /// Adds a member, and tells everybody but the connection that joins. True for a new name.
    fn add(&mut self, username: &str, holder: &Holder, except: Option<ConnectionId>) -> bool {
        let before = self.members.len();
        let is_new = self.members.add(username, holder, 1);
        self.count_members(before);
        if let Holder::Node(node) = holder {
            self.record_registrations(username, node);
        }
        if is_new {
            self.publish(Change::Joined, username, None, except);
        }
        is_new
    }

    fn leave(&mut self, username: &str, holder: &Holder, all: bool, reason: Option<String>) -> Removal {
        if let Holder::Connection(connection) = holder {
            self.audience.remove_name(*connection, username);
        }
        let before = self.members.len();
        let removal = self.members.remove(username, holder, all);
        self.count_members(before);
        if let (Holder::Node(node), true) = (holder, removal != Removal::NotHeld) {
            self.record_registrations(username, node);
        }
        if removal == Removal::Gone {
            self.publish(Change::Left, username, reason, None);
        }
        removal
    }

    fn node_failed(&mut self, node: &NodeId) {
        let before = self.members.len();
        let names = self.members.remove_node(node);
        self.count_members(before);
        for (username, removal) in names {
            self.record_registrations(&username, node);
            if removal != Removal::Gone {
                continue;
            }
            let gone = self.publish(Change::Left, &username, Some(NODE_UNREACHABLE.to_owned()), None);
            // Should the node come back, its clients learn that they are members no more.
            self.context.tell(std::iter::once(node), &gone);
        }
    }

    fn snapshot(&self, node: &NodeId) -> Snapshot {
        Snapshot {
            members: self.members.names(),
            history: self.history.iter().cloned().collect(),
            mark: self.context.peers.get(node).map(|peer| peer.mark()),
        }
    }

    /// Tells everybody in the room, but for one connection, and gives what the other nodes were told.
    fn publish(
        &self,
        change: Change,
        username: &str,
        reason: Option<String>,
        except: Option<ConnectionId>,
    ) -> Arc<PeerCall> {
        let event = MemberEvent {
            room_id: self.listing.room_id.clone(),
            username: username.to_owned(),
            member_count: self.members.len(),
            timestamp: timestamp(SystemTime::now()),
            reason,
        };
        let call = Arc::new(PeerCall::ReceiveMemberEventBroadcast {
            room_id: event.room_id.clone(),
            event: match change {
                Change::Joined => PeerEvent::MemberJoined(event.clone()),
                Change::Left => PeerEvent::MemberLeft(event.clone()),
            },
        });
        let frame = frame(&match change {
            Change::Joined => ServerMessage::MemberJoined(event),
            Change::Left => ServerMessage::MemberLeft(event),
        });
        match except {
            Some(connection) => self.audience.publish_except(connection, &frame),
            None => self.audience.publish(&frame, 0),
        }
        self.context.tell(self.members.nodes(), &call);
        call
    }

    fn record_registrations(&mut self, username: &str, node: &NodeId) {
        if self.context.journal.is_some() && !self.state.is_sealed() {
            let member = RemoteMember {
                username: username.to_owned(),
                node_id: node.to_string(),
                registrations: self.members.registrations(username, node),
            };
            self.unwritten.push(Record::RemoteMember { room_id: self.listing.room_id.clone(), member });
        }
    }

    pub(super) fn count_members(&self, before: u32) {
        let now = self.members.len();
        self.listing.member_count.store(now, Relaxed);
        let mut nodes = self.listing.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        if nodes.len() != self.members.nodes().count() || self.members.nodes().any(|id| !nodes.contains(id)) {
            *nodes = self.members.nodes().cloned().collect();
        }
        self.members_gauge.increment(f64::from(now) - f64::from(before));
    }

    /// Writes who is registered. Nobody waits for it: should it be lost, a member has to join again.
    pub(super) async fn write_registrations(&mut self) {
        if self.unwritten.is_empty() {
            return;
        }
        let Some(journal) = &self.context.journal else { return };
        if let Err(error) = journal.write(std::mem::take(&mut self.unwritten)).await {
            error.log(&format!("members of room {} are not recorded", self.listing.room_id));
        }
    }
}
