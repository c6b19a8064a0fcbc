//! Rooms of other nodes: the connections of this node that are in them.
//!
//! Their order is that of the room's node, which sends one thing after the other. What comes while a
//! client joins is held back until it has the history (protocol, section 12, row 9).

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use chat_protocol::xmlrpc::{Joined, PeerEvent};
use chat_protocol::{ChatMessage, JoinRoomSuccess, RoomDeleted, RoomTransaction, ServerMessage};
use metrics::Counter;

use crate::figures;
use crate::frame::{Frames, frame};
use crate::outbox::{ConnectionId, Outbox};
use crate::peers::Peer;

/// Messages whose ids a room remembers, to drop what a node tells twice; more than wait for a peer at
/// one go, and more than a room's history.
const REMEMBERED_MAX: usize = 1000;

/// Events that are held back for a client that joins; with more, its join fails.
const HELD_MAX: usize = 10_000;

/// All rooms of other nodes that have clients here.
#[derive(Debug)]
pub(crate) struct Relay {
    rooms: Mutex<HashMap<String, RelayedRoom>>,
    deliveries: Counter,
}

#[derive(Debug)]
struct RelayedRoom {
    peer: Arc<Peer>,
    listeners: Vec<Listener>,
    heard: Heard,
}

/// One connection in a room.
#[derive(Debug)]
struct Listener {
    outbox: Outbox,
    /// The names that it joined under.
    registrations: HashMap<String, Registrations>,
    /// A join waits for the room's node; a connection makes one at a time.
    joining: bool,
    held: Vec<Held>,
    held_too_much: bool,
    /// The numbers of the history that it got last, ascending.
    history: Vec<u32>,
}

/// A name at the room's node.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Registrations {
    /// How often that node was told that the name joined.
    pub(crate) count: u32,
    /// It knew the name before anybody here held it: from a connection elsewhere, or from a process that
    /// was killed here and took nothing back.
    pub(crate) may_be_more: bool,
}

#[derive(Clone, Debug)]
enum Held {
    Message { number: u32, frame: Bytes },
    Event { event: PeerEvent, frame: Bytes },
    Other { frame: Bytes },
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

/// Why a join came to nothing here, although the room's node took it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum JoinFailed {
    /// The room was deleted meanwhile.
    RoomDeleted,
    /// More than [`HELD_MAX`] events had to be held back.
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
        let room = rooms.entry(room_id.to_owned()).or_insert_with(|| RelayedRoom {
            peer: peer.clone(),
            listeners: Vec::new(),
            heard: Heard::default(),
        });
        match room.find(outbox.id()) {
            Some(listener) => listener.joining = true,
            None => room.listeners.push(Listener {
                outbox: outbox.clone(),
                registrations: HashMap::new(),
                joining: true,
                held: Vec::new(),
                held_too_much: false,
                history: Vec::new(),
            }),
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
            of_room.retain(|message| room.heard.insert(&message.message_id));
            let new: Vec<_> = of_room
                .into_iter()
                .map(|message| (message.sequence_number, ServerMessage::NewMessage(message)))
                .collect();
            room.hear(&new);
            self.deliveries.increment(new.len() as u64 * room.listeners.len() as u64);
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

impl RelayedRoom {
    /// Hands messages, with their numbers, to all connections: in pieces to those that need none of
    /// them singly.
    fn hear(&mut self, messages: &[(u32, ServerMessage)]) {
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

    fn find(&mut self, connection: ConnectionId) -> Option<&mut Listener> {
        self.listeners.iter_mut().find(|listener| listener.outbox.id() == connection)
    }
}

impl Held {
    fn frame(&self) -> &Bytes {
        match self {
            Self::Message { frame, .. } | Self::Event { frame, .. } | Self::Other { frame } => frame,
        }
    }

    /// Whose membership it tells of, and whether there is one afterwards.
    fn change(&self) -> Option<(&str, bool)> {
        match self {
            Self::Event { event: PeerEvent::MemberJoined(joined), .. } => Some((&joined.username, true)),
            Self::Event { event: PeerEvent::MemberLeft(left), .. } => Some((&left.username, false)),
            _ => None,
        }
    }
}

impl Listener {
    fn hear(&mut self, held: Held) {
        if self.joining {
            self.held_too_much |= self.held.len() >= HELD_MAX;
            if !self.held_too_much {
                self.held.push(held);
            }
            return;
        }
        if !self.has_in_history(&held) {
            self.outbox.push(held.frame().clone());
        }
    }

    /// Of the messages that were held back, takes those that are older than the history: a client that
    /// was in the room has them yet to come, to a new one they are nothing.
    fn release_older(&mut self, is_new: bool) {
        let Some(first) = self.history.first().copied() else { return };
        let is_older = |held: &Held| matches!(held, Held::Message { number, .. } if *number < first);
        let (older, held): (Vec<_>, _) = std::mem::take(&mut self.held).into_iter().partition(is_older);
        self.held = held;
        if !is_new {
            for held in older {
                self.outbox.push(held.frame().clone());
            }
        }
    }

    /// Queues what was held back while the client joined, unless the history or the list of members
    /// has told it (protocol, section 13, obligations 1 and 3). Of what happened to one name only the
    /// last counts: it may have left and joined again, all before the list was made.
    fn release(&mut self, members: &HashSet<String>) {
        let held = std::mem::take(&mut self.held);
        let mut last = HashMap::new();
        for (index, held) in held.iter().enumerate() {
            last.extend(held.change().map(|(username, _)| (username, index)));
        }
        for (index, held) in held.iter().enumerate() {
            let is_known = match held.change() {
                Some((username, joined)) => last[username] != index || members.contains(username) == joined,
                None => self.has_in_history(held),
            };
            if !is_known {
                self.outbox.push(held.frame().clone());
            }
        }
    }

    /// A number that is missing among the history's is no double: an original node sends numbers out of
    /// order (section 13, obligation 4).
    fn has_in_history(&self, held: &Held) -> bool {
        matches!(held, Held::Message { number, .. } if self.history.binary_search(number).is_ok())
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
