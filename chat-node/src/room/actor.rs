//! What a room's task holds. What it does stands beside the commands for it: who comes and goes, messages,
//! the room's deletion.

use std::collections::VecDeque;
use std::sync::Arc;

use chat_journal::Record;
use chat_protocol::ChatMessage;
use metrics::{Counter, Gauge};

use super::audience::Audience;
use super::members::Members;
use super::state::State;
use super::{Context, Listing};

/// The room.
pub(super) struct Actor {
    pub(super) listing: Arc<Listing>,
    pub(super) context: Context,
    pub(super) last_number: u32,
    pub(super) history: VecDeque<ChatMessage>,
    pub(super) members: Members,
    pub(super) audience: Audience,
    pub(super) state: State,
    pub(super) members_gauge: Gauge,
    pub(super) messages: Counter,
    /// Registrations that the journal does not have yet.
    pub(super) unwritten: Vec<Record>,
}
