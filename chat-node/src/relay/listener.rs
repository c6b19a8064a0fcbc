//! One connection of this node in a room of another: what it hears, and what waits while it joins.

use std::collections::{HashMap, HashSet};

use axum::body::Bytes;
use chat_protocol::xmlrpc::PeerEvent;

use crate::outbox::Outbox;

/// Events that are held back for a client that joins; with more, its join fails.
pub(super) const HELD_MAX: usize = 10_000;

/// One connection in a room.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) outbox: Outbox,
    /// The names that it joined under.
    pub(super) registrations: HashMap<String, Registrations>,
    /// A join waits for the room's node; a connection makes one at a time.
    pub(super) joining: bool,
    pub(super) held: Vec<Held>,
    pub(super) held_too_much: bool,
    /// The numbers of the history that it got last, ascending.
    pub(super) history: Vec<u32>,
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
pub(super) enum Held {
    Message { number: u32, frame: Bytes },
    Event { event: PeerEvent, frame: Bytes },
    Other { frame: Bytes },
}

impl Held {
    pub(super) fn frame(&self) -> &Bytes {
        match self {
            Self::Message { frame, .. } | Self::Event { frame, .. } | Self::Other { frame } => frame,
        }
    }

    /// Whose membership it tells of, and whether there is one afterwards.
    pub(super) fn change(&self) -> Option<(&str, bool)> {
        match self {
            Self::Event { event: PeerEvent::MemberJoined(joined), .. } => Some((&joined.username, true)),
            Self::Event { event: PeerEvent::MemberLeft(left), .. } => Some((&left.username, false)),
            _ => None,
        }
    }
}

impl Listener {
    /// A connection that is about to join.
    pub(super) fn new(outbox: Outbox) -> Self {
        Self {
            outbox,
            registrations: HashMap::new(),
            joining: true,
            held: Vec::new(),
            held_too_much: false,
            history: Vec::new(),
        }
    }

    pub(super) fn hear(&mut self, held: Held) {
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
    pub(super) fn release_older(&mut self, is_new: bool) {
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
    pub(super) fn release(&mut self, members: &HashSet<String>) {
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
    pub(super) fn has_in_history(&self, held: &Held) -> bool {
        matches!(held, Held::Message { number, .. } if self.history.binary_search(number).is_ok())
    }
}
