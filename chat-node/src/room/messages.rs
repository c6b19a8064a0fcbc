//! Messages: each is numbered, recorded, and then queued for everybody.

use std::sync::Arc;
use std::time::SystemTime;

use chat_journal::Record;
use chat_protocol::limits::{HISTORY_MESSAGES_MAX, SEQUENCE_NUMBER_MAX};
use chat_protocol::timestamp::timestamp;
use chat_protocol::xmlrpc::PeerCall;
use chat_protocol::{ChatMessage, ErrorCode, MessageError, MessageSent, ServerMessage};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::actor::Actor;
use super::{Refusal, Room, answer};
use crate::frame::{Frames, frame};
use crate::node_id::NodeId;
use crate::outbox::Outbox;
use crate::peers::Mark;

/// Messages that come, and who waits for them.
#[derive(Debug)]
pub(super) enum Command {
    Submit(Submission),
    Settle { reply: oneshot::Sender<()> },
}

impl From<Command> for super::Command {
    fn from(command: Command) -> Self {
        Self::Messages(command)
    }
}

/// A message that has no number yet.
#[derive(Debug)]
pub(super) struct Submission {
    username: String,
    content: String,
    origin: Origin,
}

/// Where a message comes from, and so who is answered.
#[derive(Debug)]
enum Origin {
    /// A client of this node, whose outbox gets the answer.
    Client(Outbox),
    /// A client of another node, which forwarded it.
    Node(NodeId, oneshot::Sender<Result<Sent, Refusal>>),
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

impl Room {
    /// Takes a message of a client of this node, whose content was checked before. The client's outbox
    /// gets the answer, after those to its earlier messages. False when the room is gone.
    pub(crate) async fn send(&self, username: String, content: String, outbox: Outbox) -> bool {
        let submission = Submission { username, content, origin: Origin::Client(outbox) };
        self.commands.send(Command::Submit(submission).into()).await.is_ok()
    }

    /// Waits until everything that was sent before is answered.
    pub(crate) async fn settle(&self) {
        self.ask(|reply| Command::Settle { reply }).await;
    }

    /// Takes a message that another node forwards, whose content was checked before. Waits for a place
    /// in the inbox only: messages that are given one after the other keep their order.
    pub(crate) async fn forward(&self, username: String, content: String, node: NodeId) -> Forwarded {
        let (reply, answer) = oneshot::channel();
        self.tell(Command::Submit(Submission { username, content, origin: Origin::Node(node, reply) })).await;
        Forwarded(answer)
    }
}

impl Actor {
    pub(super) async fn handle_messages(&mut self, command: Command) {
        match command {
            Command::Submit(submission) => self.take_messages(&mut vec![submission]).await,
            // All before it are taken already.
            Command::Settle { reply } => answer(reply, ()),
        }
    }

    /// Takes messages: numbers them, records them, and only then queues them for everybody and
    /// confirms them. So nobody ever hears a message whose number is given again after a crash, and
    /// the sender has its own `new_message` before its `message_sent` (protocol, section 3).
    pub(super) async fn take_messages(&mut self, submissions: &mut Vec<Submission>) {
        if submissions.is_empty() {
            return;
        }
        let time = timestamp(SystemTime::now());
        let mut number = self.last_number;
        // Answers keep the order of the messages, also where one is refused among others.
        let mut results = Vec::with_capacity(submissions.len());
        for Submission { username, content, origin } in submissions.drain(..) {
            if let Err(refusal) = self.check(&username, &origin, number) {
                results.push((origin, Err(refusal)));
                continue;
            }
            self.members.touch(&username);
            number += 1;
            let message = ChatMessage {
                message_id: Uuid::new_v4().to_string(),
                room_id: self.listing.room_id.clone(),
                username,
                content,
                sequence_number: number,
                timestamp: time.clone(),
            };
            results.push((origin, Ok(message)));
        }
        if let Err(refusal) = self.record(&results).await {
            for (origin, result) in results {
                self.refuse(origin, result.err().unwrap_or_else(|| refusal.clone()));
            }
            return;
        }
        self.publish_messages(&results);
        for (origin, result) in results {
            match result {
                Ok(message) => self.confirm(origin, message),
                Err(refusal) => self.refuse(origin, refusal),
            }
        }
    }

    /// Whether a message after this number can be taken.
    fn check(&self, username: &str, origin: &Origin, number: u32) -> Result<(), Refusal> {
        if self.state.is_sealed() {
            return Err(Refusal::room_not_found());
        }
        match origin {
            // Only the node that registered a name speaks for it (protocol, section 12, row 12).
            Origin::Node(node, _) if !self.members.is_registered(username, node) => {
                return Err(Refusal::new(ErrorCode::NOT_MEMBER, "You are not a member of this room"));
            }
            Origin::Client(_) if !self.members.contains(username) => {
                return Err(Refusal::new(ErrorCode::INTERNAL_ERROR, "Failed to add message"));
            }
            _ => {}
        }
        if number >= SEQUENCE_NUMBER_MAX {
            let reason = "The room is full: its messages cannot be numbered any further";
            return Err(Refusal::new(ErrorCode::LIMIT_REACHED, reason));
        }
        Ok(())
    }

    /// Writes the messages to the journal, if there is one.
    async fn record(&self, results: &[(Origin, Result<ChatMessage, Refusal>)]) -> Result<(), Refusal> {
        let Some(journal) = &self.context.journal else { return Ok(()) };
        let messages = results.iter().filter_map(|(_, result)| result.as_ref().ok());
        let records: Vec<_> = messages.cloned().map(Record::Message).collect();
        if records.is_empty() {
            return Ok(());
        }
        let count = records.len();
        journal.write(records).await.map_err(|error| {
            error.log(&format!("refusing {count} messages to room {}", self.listing.room_id));
            Refusal::new(ErrorCode::INTERNAL_ERROR, format!("The message cannot be recorded: {error}"))
        })
    }

    fn publish_messages(&mut self, results: &[(Origin, Result<ChatMessage, Refusal>)]) {
        let mut frames = Frames::default();
        let mut in_frames = 0;
        let has_nodes = self.members.nodes().next().is_some();
        for message in results.iter().filter_map(|(_, result)| result.as_ref().ok()) {
            let event = ServerMessage::NewMessage(message.clone());
            frames.push(&event);
            in_frames += 1;
            if frames.is_full() {
                self.audience.publish(&frames.take(), in_frames);
                in_frames = 0;
            }
            if has_nodes {
                self.context.tell(self.members.nodes(), &broadcast(message));
            }
            self.last_number = message.sequence_number;
            if self.history.len() == HISTORY_MESSAGES_MAX {
                self.history.pop_front();
            }
            if let ServerMessage::NewMessage(message) = event {
                self.history.push_back(message);
            }
            self.messages.increment(1);
        }
        if in_frames > 0 {
            self.audience.publish(&frames.take(), in_frames);
        }
    }

    fn confirm(&self, origin: Origin, message: ChatMessage) {
        let ChatMessage { room_id, message_id, sequence_number, timestamp, .. } = message;
        match origin {
            Origin::Client(outbox) => {
                let sent = MessageSent { room_id, message_id, sequence_number, timestamp };
                outbox.push(frame(&ServerMessage::MessageSent(sent)));
            }
            Origin::Node(node, reply) => {
                let mark = self.context.peers.get(&node).map(|peer| peer.mark());
                answer(reply, Ok(Sent { message_id, sequence_number, timestamp, mark }));
            }
        }
    }

    fn refuse(&self, origin: Origin, refusal: Refusal) {
        match origin {
            Origin::Client(outbox) => {
                let room_id = self.listing.room_id.clone();
                let error = MessageError { room_id, error: refusal.reason, error_code: refusal.code };
                outbox.push(frame(&ServerMessage::MessageError(error)));
            }
            Origin::Node(_, reply) => answer(reply, Err(refusal)),
        }
    }

    /// A message that comes after the room's deletion; who waits for others to be answered learns it by
    /// having no answer.
    pub(super) fn refuse_late_message(&self, command: Command) {
        match command {
            Command::Submit(submission) => self.refuse(submission.origin, Refusal::room_not_found()),
            Command::Settle { .. } => {}
        }
    }
}

/// The call that tells another node of a message.
pub(super) fn broadcast(message: &ChatMessage) -> Arc<PeerCall> {
    let room_id = message.room_id.clone();
    Arc::new(PeerCall::ReceiveMessageBroadcast { room_id, message: message.clone() })
}
