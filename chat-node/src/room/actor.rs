//! The room's task: who comes and goes.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::SystemTime;

use chat_protocol::limits::MEMBERS_MAX;
use chat_protocol::timestamp::timestamp;
use chat_protocol::xmlrpc::{PeerCall, PeerEvent};
use chat_protocol::{ChatMessage, ErrorCode, JoinRoomSuccess, MemberEvent, ServerMessage};
use metrics::{Counter, Gauge};
use tokio::sync::mpsc;

use super::audience::Audience;
use super::members::{Holder, Members, Removal};
use super::state::State;
use super::{About, Command, Flow, Refusal, Snapshot, Surroundings, answer};
use crate::figures;
use crate::frame::{Frames, frame};
use crate::journal::{Record, RemoteMember};
use crate::node_id::NodeId;
use crate::outbox::{ConnectionId, Outbox};

/// Commands that are handled together: messages among them are written to the journal, and sent to
/// each client, at one go.
const BATCH_MAX: usize = 256;

/// `reason` of a `member_left` (protocol, section 4).
pub(crate) const DISCONNECTED: &str = "User disconnected";
const NODE_UNREACHABLE: &str = "Node unreachable";
const INACTIVITY: &str = "Inactivity";

/// What a room begins with.
pub(crate) struct Start {
    pub(crate) about: Arc<About>,
    pub(crate) surroundings: Surroundings,
    pub(crate) last_number: u32,
    pub(crate) history: VecDeque<ChatMessage>,
    /// Names that other nodes registered before this process began.
    pub(crate) registered: Vec<(String, NodeId, u32)>,
}

/// The room.
pub(super) struct Actor {
    pub(super) about: Arc<About>,
    pub(super) surroundings: Surroundings,
    pub(super) last_number: u32,
    pub(super) history: VecDeque<ChatMessage>,
    pub(super) members: Members,
    pub(super) audience: Audience,
    pub(super) state: State,
    members_gauge: Gauge,
    pub(super) messages: Counter,
    /// Registrations that the journal does not have yet.
    pub(super) unwritten: Vec<Record>,
}

impl Start {
    pub(super) async fn run(self, inbox: mpsc::Receiver<Command>) {
        let Self { about, surroundings, last_number, history, registered } = self;
        let mut actor = Actor {
            about,
            surroundings,
            last_number,
            history,
            members: Members::default(),
            audience: Audience::new(),
            state: State::Active,
            members_gauge: figures::members(),
            messages: figures::messages(),
            unwritten: Vec::new(),
        };
        for (username, node, count) in registered {
            actor.members.add(&username, &Holder::Node(node), count);
        }
        actor.count_members(0);
        // What a crash kept from the other nodes; they know the messages that they had.
        for message in &actor.history {
            actor.surroundings.tell(actor.members.nodes(), &broadcast(message));
        }
        actor.run(inbox).await;
        let members = actor.members.len();
        actor.members_gauge.decrement(members);
    }
}

/// The call that tells another node of a message.
pub(super) fn broadcast(message: &ChatMessage) -> Arc<PeerCall> {
    let room_id = message.room_id.clone();
    Arc::new(PeerCall::ReceiveMessageBroadcast { room_id, message: message.clone() })
}

/// Came or went.
#[derive(Clone, Copy)]
enum Change {
    Joined,
    Left,
}

impl Actor {
    async fn run(&mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut commands = Vec::new();
        let mut sends = Vec::new();
        while inbox.recv_many(&mut commands, BATCH_MAX).await > 0 {
            let mut batch = commands.drain(..);
            while let Some(command) = batch.next() {
                if let Command::Send(send) = command {
                    sends.push(send);
                    continue;
                }
                self.send_all(&mut sends).await;
                if self.handle(command).await.is_break() {
                    inbox.close();
                    batch.for_each(|command| self.refuse_late(command));
                    while let Some(command) = inbox.recv().await {
                        self.refuse_late(command);
                    }
                    return;
                }
            }
            self.send_all(&mut sends).await;
            self.write_registrations().await;
        }
    }

    async fn handle(&mut self, command: Command) -> Flow {
        match command {
            Command::Join { username, outbox, reply } => answer(reply, self.join(&username, &outbox)),
            Command::Register { username, node, reply } => answer(reply, self.register(&username, &node)),
            Command::Snapshot { node, reply } => answer(reply, self.snapshot(&node)),
            // The loop has it.
            Command::Send(_) => {}
            Command::Settle { reply } => answer(reply, ()),
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
            deletion => return self.handle_deletion(deletion).await,
        }
        ControlFlow::Continue(())
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
        let About { room_id, room_name, description, admin_node, .. } = &*self.about;
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
            self.surroundings.tell(std::iter::once(node), &gone);
        }
    }

    fn snapshot(&self, node: &NodeId) -> Snapshot {
        Snapshot {
            members: self.members.names(),
            history: self.history.iter().cloned().collect(),
            mark: self.surroundings.peers.get(node).map(|peer| peer.mark()),
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
            room_id: self.about.room_id.clone(),
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
        self.surroundings.tell(self.members.nodes(), &call);
        call
    }

    fn record_registrations(&mut self, username: &str, node: &NodeId) {
        if self.surroundings.journal.is_some() && !self.state.is_sealed() {
            let member = RemoteMember {
                username: username.to_owned(),
                node_id: node.to_string(),
                registrations: self.members.registrations(username, node),
            };
            self.unwritten.push(Record::RemoteMember { room_id: self.about.room_id.clone(), member });
        }
    }

    /// Writes who is registered. Nobody waits for it: should it be lost, a member has to join again.
    async fn write_registrations(&mut self) {
        if self.unwritten.is_empty() {
            return;
        }
        let Some(journal) = &self.surroundings.journal else { return };
        if let Err(error) = journal.write(std::mem::take(&mut self.unwritten)).await {
            tracing::warn!("members of room {} are not recorded: {error}", self.about.room_id);
        }
    }

    fn count_members(&self, before: u32) {
        let now = self.members.len();
        self.about.member_count.store(now, Relaxed);
        let mut nodes = self.about.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        if nodes.len() != self.members.nodes().count() || self.members.nodes().any(|id| !nodes.contains(id)) {
            *nodes = self.members.nodes().cloned().collect();
        }
        self.members_gauge.increment(f64::from(now) - f64::from(before));
    }
}
