//! A room of another node: the connections here that are in it, and the messages that it has heard.

use std::cell::OnceCell;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use chat_protocol::{ChatMessage, ServerMessage};

use super::listener::{Held, Listener};
use crate::frame::{Frames, frame};
use crate::outbox::ConnectionId;
use crate::peers::Peer;

/// Messages whose ids a room remembers, to drop what a node tells twice; more than wait for a peer at
/// one go, and more than a room's history.
const REMEMBERED_MAX: usize = 1000;

#[derive(Debug)]
pub(super) struct RelayedRoom {
    pub(super) peer: Arc<Peer>,
    pub(super) listeners: Vec<Listener>,
    heard: Heard,
}

/// The ids of the last messages.
#[derive(Debug, Default)]
struct Heard {
    ids: HashSet<String>,
    order: VecDeque<String>,
}

impl Heard {
    /// False when the message was heard before.
    fn insert(&mut self, id: &str) -> bool {
        if !self.ids.insert(id.to_owned()) {
            return false;
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > REMEMBERED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

impl RelayedRoom {
    pub(super) fn new(peer: Arc<Peer>) -> Self {
        Self { peer, listeners: Vec::new(), heard: Heard::default() }
    }

    /// Hands messages that were not heard before to all connections; gives how many these were.
    pub(super) fn hear(&mut self, messages: Vec<ChatMessage>) -> usize {
        let new = messages.into_iter().filter(|message| self.heard.insert(&message.message_id));
        let new: Vec<_> = new.map(|message| (message.sequence_number, ServerMessage::NewMessage(message))).collect();
        self.deliver(&new);
        new.len()
    }

    /// Queues messages, with their numbers, for all connections: in pieces for those that need none of
    /// them singly.
    fn deliver(&mut self, messages: &[(u32, ServerMessage)]) {
        let Some(lowest) = messages.iter().map(|(number, _)| *number).min() else { return };
        let mut pieces = Vec::new();
        let mut frames = Frames::default();
        for (_, message) in messages {
            frames.push(message);
            if frames.is_full() {
                pieces.push(frames.take());
            }
        }
        if !frames.is_empty() {
            pieces.push(frames.take());
        }
        // Made once, for those that need them singly.
        let single = OnceCell::new();
        for listener in &mut self.listeners {
            if !listener.joining && listener.history.last().is_none_or(|last| *last < lowest) {
                for piece in &pieces {
                    listener.outbox.push(piece.clone());
                }
                continue;
            }
            let single = single.get_or_init(|| messages.iter().map(|(_, message)| frame(message)).collect::<Vec<_>>());
            for ((number, _), frame) in messages.iter().zip(single) {
                listener.hear(Held::Message { number: *number, frame: frame.clone() });
            }
        }
    }

    pub(super) fn find(&mut self, connection: ConnectionId) -> Option<&mut Listener> {
        self.listeners.iter_mut().find(|listener| listener.outbox.id() == connection)
    }
}
