//! Rooms of other nodes: the connections of this node that are in them.
//!
//! Their order is that of the room's node, which sends one thing after the other. What comes while a
//! client joins is held back until it has the history (protocol, section 12, row 9).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use chat_protocol::xmlrpc::{Joined, PeerEvent};
use chat_protocol::{ChatMessage, JoinRoomSuccess, RoomDeleted, RoomTransaction, ServerMessage};
use metrics::Counter;

use crate::figures;
use crate::frame::{Frames, frame};
use crate::outbox::{ConnectionId, Outbox};
use crate::peers::Peer;

mod listener;
mod room;

pub(crate) use listener::Registrations;
use listener::{Held, Listener};
use room::RelayedRoom;

/// All rooms of other nodes that have clients here.
#[derive(Debug)]
pub(crate) struct Relay {
    rooms: Mutex<HashMap<String, RelayedRoom>>,
    deliveries: Counter,
}

/// Why a join came to nothing here, although the room's node took it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum JoinFailed {
    /// The room was deleted meanwhile.
    RoomDeleted,
    /// More than [`listener::HELD_MAX`] events had to be held back.
    TooMuch,
}

/// Names that a connection no longer holds, at the node that has to be told.
#[derive(Debug)]
pub(crate) struct Released {
    pub(crate) peer: Arc<Peer>,
    /// Each with its registrations.
    pub(crate) names: Vec<(String, Registrations)>,
    /// Somebody else here is just joining the room, maybe under one of these names.
    pub(crate) others_join: bool,
}

impl Relay {
    pub(crate) fn new() -> Self {
        Self { rooms: Mutex::default(), deliveries: figures::deliveries() }
    }

    /// The node of a room that has clients here.
    pub(crate) fn peer(&self, room_id: &str) -> Option<Arc<Peer>> {
        self.rooms().get(room_id).map(|room| room.peer.clone())
    }

    /// A connection is about to join: from now on it misses nothing.
    pub(crate) fn begin_join(&self, room_id: &str, peer: &Arc<Peer>, outbox: &Outbox) {
        let mut rooms = self.rooms();
        let room = rooms.entry(room_id.to_owned()).or_insert_with(|| RelayedRoom::new(peer.clone()));
        match room.find(outbox.id()) {
            Some(listener) => listener.joining = true,
            None => room.listeners.push(Listener::new(outbox.clone())),
        }
    }

    /// The connection has joined: it gets the success, the history, and what was held back and is new.
    ///
    /// # Errors
    /// Why it has not joined; the room's node must be told.
    pub(crate) fn finish_join(&self, username: &str, outbox: &Outbox, joined: Joined) -> Result<(), JoinFailed> {
        let Joined { room_info, mut messages, message } = joined;
        let room_id = room_info.room_id.clone();
        let mut rooms = self.rooms();
        let room = rooms.get_mut(&room_id).ok_or(JoinFailed::RoomDeleted)?;
        let is_held = room.listeners.iter().any(|listener| listener.registrations.contains_key(username));
        let listener = room.find(outbox.id()).ok_or(JoinFailed::RoomDeleted)?;
        listener.joining = false;
        if listener.held_too_much {
            return Err(JoinFailed::TooMuch);
        }
        // An original node may have them in another order than that of their numbers (row 8).
        messages.sort_by_key(|message| message.sequence_number);
        listener.history = messages.iter().map(|message| message.sequence_number).collect();
        let is_new = listener.registrations.is_empty();
        listener.release_older(is_new);
        let registrations = listener.registrations.entry(username.to_owned()).or_default();
        registrations.count += 1;
        registrations.may_be_more |= !is_held && message == Joined::AGAIN;
        let members: HashSet<_> = room_info.members.iter().cloned().collect();
        outbox.push(welcome(room_info, messages));
        listener.release(&members);
        Ok(())
    }

    /// How often the room's node was told that this connection joined under a name.
    pub(crate) fn registrations(&self, room_id: &str, connection: ConnectionId, username: &str) -> u32 {
        let mut rooms = self.rooms();
        let listener = rooms.get_mut(room_id).and_then(|room| room.find(connection));
        listener.and_then(|listener| listener.registrations.get(username)).map_or(0, |known| known.count)
    }

    /// The join failed.
    pub(crate) fn abandon_join(&self, room_id: &str, outbox: &Outbox) {
        let mut rooms = self.rooms();
        let Some(room) = rooms.get_mut(room_id) else { return };
        let Some(listener) = room.find(outbox.id()) else { return };
        listener.joining = false;
        for held in std::mem::take(&mut listener.held) {
            listener.outbox.push(held.frame().clone());
        }
        if listener.registrations.is_empty() {
            room.listeners.retain(|listener| listener.outbox.id() != outbox.id());
        }
        if room.listeners.is_empty() {
            rooms.remove(room_id);
        }
    }

    /// Takes a name, or all, of a connection out of a room; without a name it hears the room no more. A
    /// name that another connection here holds is not let go: that one takes its registrations over, as
    /// an original node, which does not count them, must not hear of the first end (section 12, row 21).
    pub(crate) fn remove(&self, room_id: &str, connection: ConnectionId, username: Option<&str>) -> Option<Released> {
        let mut rooms = self.rooms();
        let room = rooms.get_mut(room_id)?;
        let peer = room.peer.clone();
        let listener = room.find(connection)?;
        let mut names: Vec<_> = match username {
            Some(username) => listener.registrations.remove_entry(username).into_iter().collect(),
            None => listener.registrations.drain().collect(),
        };
        if listener.registrations.is_empty() {
            room.listeners.retain(|listener| listener.outbox.id() != connection);
        }
        names.retain(|(name, registrations)| {
            let heir = room.listeners.iter_mut().find_map(|listener| listener.registrations.get_mut(name));
            let Some(heir) = heir else { return true };
            heir.count += registrations.count;
            heir.may_be_more |= registrations.may_be_more;
            false
        });
        let others_join = room.listeners.iter().any(|listener| listener.joining);
        if room.listeners.is_empty() {
            rooms.remove(room_id);
        }
        (!names.is_empty()).then_some(Released { peer, names, others_join })
    }

    /// Hands messages to the connections of their rooms, each once.
    pub(crate) fn messages(&self, messages: Vec<(String, ChatMessage)>) {
        let mut rooms = self.rooms();
        let mut messages = messages.into_iter().peekable();
        while let Some((room_id, first)) = messages.next() {
            let mut of_room = vec![first];
            while let Some((_, message)) = messages.next_if(|(next, _)| *next == room_id) {
                of_room.push(message);
            }
            let Some(room) = rooms.get_mut(&room_id) else { continue };
            let new = room.hear(of_room);
            self.deliveries.increment(new as u64 * room.listeners.len() as u64);
        }
    }

    /// Hands on who came or went. Types that the chat does not have are not passed on (row 14).
    pub(crate) fn event(&self, room_id: &str, event: &PeerEvent) {
        let frame = frame(&match event {
            PeerEvent::MemberJoined(joined) => ServerMessage::MemberJoined(joined.clone()),
            PeerEvent::MemberLeft(left) => ServerMessage::MemberLeft(left.clone()),
            PeerEvent::Other(_) => return,
        });
        if let Some(room) = self.rooms().get_mut(room_id) {
            for listener in &mut room.listeners {
                listener.hear(Held::Event { event: event.clone(), frame: frame.clone() });
            }
        }
    }

    /// The room is gone, and so are its connections here.
    pub(crate) fn deleted(&self, room_id: &str, room_name: Option<String>, transaction_id: String) {
        let Some(room) = self.rooms().remove(room_id) else { return };
        let frame = frame(&ServerMessage::RoomDeleted(RoomDeleted {
            room_id: room_id.to_owned(),
            room_name: room_name.unwrap_or_else(|| "Unknown".to_owned()),
            message: None,
            transaction_id: Some(transaction_id),
        }));
        for listener in room.listeners {
            listener.outbox.push(frame.clone());
        }
    }

    /// The room stays.
    pub(crate) fn deletion_cancelled(&self, room_id: &str, transaction_id: String) {
        let cancelled = RoomTransaction { room_id: room_id.to_owned(), transaction_id };
        let frame = frame(&ServerMessage::DeleteRoomCancelled(cancelled));
        if let Some(room) = self.rooms().get_mut(room_id) {
            for listener in &mut room.listeners {
                listener.hear(Held::Other { frame: frame.clone() });
            }
        }
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<String, RelayedRoom>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn welcome(room_info: JoinRoomSuccess, messages: Vec<ChatMessage>) -> Bytes {
    let mut frames = Frames::default();
    frames.push(&ServerMessage::JoinRoomSuccess(room_info));
    for message in messages {
        frames.push(&ServerMessage::NewMessage(message));
    }
    frames.take()
}

#[cfg(test)]
mod tests;
