//! The room's task: messages.

use std::time::SystemTime;

use chat_protocol::limits::{HISTORY_MESSAGES_MAX, SEQUENCE_NUMBER_MAX};
use chat_protocol::timestamp::timestamp;
use chat_protocol::{ChatMessage, ErrorCode, ServerMessage};
use uuid::Uuid;

use super::actor::{Actor, broadcast};
use super::{Refusal, Send, Sent, answer};
use crate::figures;
use crate::frame::Frames;
use crate::journal::Record;

/// Frames that a client gets as one piece; a client that is dropped gets the piece at hand whole.
const PIECE_BYTES_MAX: usize = 64 * 1024;

impl Actor {
    /// Takes messages: numbers them, records them, and only then queues them for everybody and
    /// confirms them. So nobody ever hears a message whose number is given again after a crash, and
    /// the sender has its own `new_message` before its `message_sent` (protocol, section 3).
    pub(super) async fn send_all(&mut self, sends: &mut Vec<Send>) {
        if sends.is_empty() {
            return;
        }
        let time = timestamp(SystemTime::now());
        let mut taken = Vec::with_capacity(sends.len());
        for send in sends.drain(..) {
            let number = self.last_number + u32::try_from(taken.len()).unwrap_or(u32::MAX) + 1;
            if let Err(refusal) = self.check(&send, number) {
                answer(send.reply, Err(refusal));
                continue;
            }
            self.members.is_active(&send.username);
            let message = ChatMessage {
                message_id: Uuid::new_v4().to_string(),
                room_id: self.about.room_id.clone(),
                username: send.username,
                content: send.content,
                sequence_number: number,
                timestamp: time.clone(),
            };
            taken.push((message, send.node, send.reply));
        }
        if let Some(journal) = &self.surroundings.journal {
            let records = taken.iter().map(|(message, ..)| Record::Message(message.clone())).collect();
            if let Err(error) = journal.write(records).await {
                tracing::error!("refusing {} messages to room {}: {error}", taken.len(), self.about.room_id);
                for (.., reply) in taken {
                    let reason = "The message cannot be recorded";
                    answer(reply, Err(Refusal::new(ErrorCode::INTERNAL_ERROR, reason)));
                }
                return;
            }
        }
        let taken = self.publish_messages(taken);
        for (message, node, reply) in taken {
            let peer = node.and_then(|node| self.surroundings.peers.get(&node));
            let told = peer.map(|peer| peer.told());
            let ChatMessage { message_id, sequence_number, timestamp, .. } = message;
            answer(reply, Ok(Sent { message_id, sequence_number, timestamp, told }));
        }
    }

    fn check(&self, send: &Send, number: u32) -> Result<(), Refusal> {
        if self.state.is_sealed() {
            return Err(Refusal::room_not_found());
        }
        let is_member = match &send.node {
            // Only the node that registered a name speaks for it (protocol, section 12, row 12).
            Some(node) => self.members.is_registered(&send.username, node),
            None => self.members.contains(&send.username),
        };
        if !is_member {
            return Err(match send.node {
                Some(_) => Refusal::new(ErrorCode::NOT_MEMBER, "You are not a member of this room"),
                None => Refusal::new(ErrorCode::INTERNAL_ERROR, "Failed to add message"),
            });
        }
        if number > SEQUENCE_NUMBER_MAX {
            let reason = "The room is full: its messages cannot be numbered any further";
            return Err(Refusal::new(ErrorCode::LIMIT_REACHED, reason));
        }
        Ok(())
    }

    fn publish_messages<R>(
        &mut self,
        taken: Vec<(ChatMessage, Option<super::NodeId>, R)>,
    ) -> Vec<(ChatMessage, Option<super::NodeId>, R)> {
        let mut frames = Frames::default();
        let mut waiting = 0;
        let mut published = Vec::with_capacity(taken.len());
        let has_nodes = self.members.nodes().next().is_some();
        for (message, node, reply) in taken {
            let event = ServerMessage::NewMessage(message);
            frames.push(&event);
            waiting += 1;
            if frames.len() >= PIECE_BYTES_MAX {
                self.audience.publish(&frames.take(), waiting);
                waiting = 0;
            }
            let ServerMessage::NewMessage(message) = event else { continue };
            if has_nodes {
                self.surroundings.tell(self.members.nodes(), &broadcast(&message));
            }
            self.last_number = message.sequence_number;
            if self.history.len() == HISTORY_MESSAGES_MAX {
                self.history.pop_front();
            }
            self.history.push_back(message.clone());
            published.push((message, node, reply));
        }
        if waiting > 0 {
            self.audience.publish(&frames.take(), waiting);
        }
        figures::messages().increment(published.len() as u64);
        published
    }
}
