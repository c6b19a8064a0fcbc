//! The room's task: messages.

use std::time::SystemTime;

use chat_protocol::limits::{HISTORY_MESSAGES_MAX, SEQUENCE_NUMBER_MAX};
use chat_protocol::timestamp::timestamp;
use chat_protocol::{ChatMessage, ErrorCode, MessageError, MessageSent, ServerMessage};
use uuid::Uuid;

use super::actor::{Actor, broadcast};
use super::{Command, Refusal, Send, Sender, Sent, answer};
use crate::frame::{Frames, frame};
use crate::journal::Record;

impl Actor {
    /// Takes messages: numbers them, records them, and only then queues them for everybody and
    /// confirms them. So nobody ever hears a message whose number is given again after a crash, and
    /// the sender has its own `new_message` before its `message_sent` (protocol, section 3).
    pub(super) async fn send_all(&mut self, sends: &mut Vec<Send>) {
        if sends.is_empty() {
            return;
        }
        let time = timestamp(SystemTime::now());
        let mut number = self.last_number;
        // Answers keep the order of the messages, also where one is refused among others.
        let mut results = Vec::with_capacity(sends.len());
        for Send { username, content, sender } in sends.drain(..) {
            if let Err(refusal) = self.check(&username, &sender, number) {
                results.push((sender, Err(refusal)));
                continue;
            }
            self.members.is_active(&username);
            number += 1;
            let message = ChatMessage {
                message_id: Uuid::new_v4().to_string(),
                room_id: self.about.room_id.clone(),
                username,
                content,
                sequence_number: number,
                timestamp: time.clone(),
            };
            results.push((sender, Ok(message)));
        }
        if let Err(refusal) = self.record(&results).await {
            for (sender, result) in results {
                self.refuse(sender, result.err().unwrap_or_else(|| refusal.clone()));
            }
            return;
        }
        self.publish_messages(&results);
        for (sender, result) in results {
            match result {
                Ok(message) => self.confirm(sender, message),
                Err(refusal) => self.refuse(sender, refusal),
            }
        }
    }

    /// Whether a message after this number can be taken.
    fn check(&self, username: &str, sender: &Sender, number: u32) -> Result<(), Refusal> {
        if self.state.is_sealed() {
            return Err(Refusal::room_not_found());
        }
        match sender {
            // Only the node that registered a name speaks for it (protocol, section 12, row 12).
            Sender::Node(node, _) if !self.members.is_registered(username, node) => {
                return Err(Refusal::new(ErrorCode::NOT_MEMBER, "You are not a member of this room"));
            }
            Sender::Client(_) if !self.members.contains(username) => {
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
    async fn record(&self, results: &[(Sender, Result<ChatMessage, Refusal>)]) -> Result<(), Refusal> {
        let Some(journal) = &self.surroundings.journal else { return Ok(()) };
        let messages = results.iter().filter_map(|(_, result)| result.as_ref().ok());
        let records: Vec<_> = messages.cloned().map(Record::Message).collect();
        if records.is_empty() {
            return Ok(());
        }
        let count = records.len();
        journal.write(records).await.map_err(|error| {
            tracing::error!("refusing {count} messages to room {}: {error}", self.about.room_id);
            Refusal::new(ErrorCode::INTERNAL_ERROR, "The message cannot be recorded")
        })
    }

    fn publish_messages(&mut self, results: &[(Sender, Result<ChatMessage, Refusal>)]) {
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
                self.surroundings.tell(self.members.nodes(), &broadcast(message));
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

    fn confirm(&self, sender: Sender, message: ChatMessage) {
        let ChatMessage { room_id, message_id, sequence_number, timestamp, .. } = message;
        match sender {
            Sender::Client(outbox) => {
                let sent = MessageSent { room_id, message_id, sequence_number, timestamp };
                outbox.push(frame(&ServerMessage::MessageSent(sent)));
            }
            Sender::Node(node, reply) => {
                let mark = self.surroundings.peers.get(&node).map(|peer| peer.mark());
                answer(reply, Ok(Sent { message_id, sequence_number, timestamp, mark }));
            }
        }
    }

    fn refuse(&self, sender: Sender, refusal: Refusal) {
        match sender {
            Sender::Client(outbox) => {
                let room_id = self.about.room_id.clone();
                let error = MessageError { room_id, error: refusal.reason, error_code: refusal.code };
                outbox.push(frame(&ServerMessage::MessageError(error)));
            }
            Sender::Node(_, reply) => answer(reply, Err(refusal)),
        }
    }

    /// What comes after the room's deletion; who asked for anything else learns it by having no answer.
    pub(super) fn refuse_late(&self, command: Command) {
        if let Command::Send(send) = command {
            self.refuse(send.sender, Refusal::room_not_found());
        }
    }
}
