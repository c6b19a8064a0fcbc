//! The journal's tables, and what a record changes in them.
//!
//! Names, descriptions and messages are JSON; what changes with every message is kept apart from what
//! does not. The batches are counted, so that a file tells whether the last one is in it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chat_protocol::ChatMessage;
use chat_protocol::limits::HISTORY_MESSAGES_MAX;
use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::{JournalError, Outcome, Record, RoomFacts};

/// The version of these tables and of what is in them. A file of a newer one is refused.
pub(super) const FORMAT: u64 = 1;

/// Single numbers, by the names below.
pub(super) const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");
pub(super) const FORMAT_KEY: &str = "format";
pub(super) const COMMITS_KEY: &str = "commits";
pub(super) const ROOMS_CREATED_KEY: &str = "rooms_created";

/// Room id → JSON of a [`RoomEntry`].
pub(super) const ROOMS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("rooms");
/// Room id → the number of its last message.
pub(super) const NUMBERS: TableDefinition<'_, &str, u32> = TableDefinition::new("numbers");
/// Room id and number → JSON of a [`ChatMessage`].
pub(super) const MESSAGES: TableDefinition<'_, (&str, u32), &[u8]> = TableDefinition::new("messages");
/// Room id, node and name → how often it is registered.
pub(super) const MEMBERS: TableDefinition<'_, (&str, &str, &str), u32> = TableDefinition::new("remote_members");

#[derive(Serialize, Deserialize)]
pub(super) struct RoomEntry {
    /// Rooms are listed in the order of their creation.
    pub(super) order: u64,
    #[serde(flatten)]
    pub(super) facts: RoomFacts,
}

/// The first text that comes after `text` in the order of keys.
pub(super) fn after(text: &str) -> String {
    format!("{text}\0")
}

/// The tables of a write transaction.
pub(super) struct Tables<'a> {
    pub(super) about: Table<'a, &'static str, u64>,
    rooms: Table<'a, &'static str, &'static [u8]>,
    numbers: Table<'a, &'static str, u32>,
    messages: Table<'a, (&'static str, u32), &'static [u8]>,
    members: Table<'a, (&'static str, &'static str, &'static str), u32>,
}

impl<'a> Tables<'a> {
    pub(super) fn open(transaction: &'a WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            about: transaction.open_table(ABOUT)?,
            rooms: transaction.open_table(ROOMS)?,
            numbers: transaction.open_table(NUMBERS)?,
            messages: transaction.open_table(MESSAGES)?,
            members: transaction.open_table(MEMBERS)?,
        })
    }

    /// Whether these records fit to what is kept, one after the other.
    pub(super) fn check(&self, records: &[Record]) -> Result<Outcome, redb::Error> {
        // The last number of each room that the records are about; nothing when there is no such room.
        let mut last: HashMap<&str, Option<u32>> = HashMap::new();
        for record in records {
            let id = record.room_id();
            let last = match last.entry(id) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => entry.insert(self.numbers.get(id)?.map(|number| number.value())),
            };
            let room_id = || id.to_owned();
            match (record, *last) {
                (Record::RoomCreated(_), None) => *last = Some(0),
                (Record::RoomCreated(_), Some(_)) => return Ok(Err(JournalError::RoomExists { room_id: room_id() })),
                (Record::RoomDeleted { .. }, _) => *last = None,
                (Record::Message(message), Some(number)) if message.sequence_number > number.saturating_add(1) => {
                    let (number, next) = (message.sequence_number, number + 1);
                    return Ok(Err(JournalError::NotNext { room_id: room_id(), number, next }));
                }
                (Record::Message(message), Some(_)) => *last = Some(message.sequence_number),
                (Record::RemoteMember { .. }, Some(_)) => {}
                (Record::RemoteMember { member, .. }, None) if member.registrations == 0 => {}
                (Record::Message(_) | Record::RemoteMember { .. }, None) => {
                    return Ok(Err(JournalError::NoSuchRoom { room_id: room_id() }));
                }
            }
        }
        Ok(Ok(()))
    }

    pub(super) fn put(&mut self, record: &Record) -> Result<(), redb::Error> {
        match record {
            Record::RoomCreated(facts) => self.create_room(facts),
            Record::RoomDeleted { room_id } => self.delete_room(room_id),
            Record::Message(message) => self.add_message(message),
            Record::RemoteMember { room_id, member } => {
                let key = (room_id.as_str(), member.node_id.as_str(), member.username.as_str());
                match member.registrations {
                    0 => drop(self.members.remove(key)?),
                    registrations => drop(self.members.insert(key, registrations)?),
                }
                Ok(())
            }
        }
    }

    fn create_room(&mut self, facts: &RoomFacts) -> Result<(), redb::Error> {
        let order = self.about.get(ROOMS_CREATED_KEY)?.map_or(0, |number| number.value());
        self.about.insert(ROOMS_CREATED_KEY, order + 1)?;
        let entry = json(&RoomEntry { order, facts: facts.clone() });
        self.rooms.insert(facts.id.as_str(), entry.as_slice())?;
        self.numbers.insert(facts.id.as_str(), 0)?;
        Ok(())
    }

    fn delete_room(&mut self, id: &str) -> Result<(), redb::Error> {
        self.rooms.remove(id)?;
        self.numbers.remove(id)?;
        self.messages.retain_in((id, 0)..=(id, u32::MAX), |_, _| false)?;
        let after = after(id);
        self.members.retain_in((id, "", "")..(after.as_str(), "", ""), |_, _| false)?;
        Ok(())
    }

    fn add_message(&mut self, message: &ChatMessage) -> Result<(), redb::Error> {
        let (id, number) = (message.room_id.as_str(), message.sequence_number);
        let last = self.numbers.insert(id, number)?.map_or(0, |last| last.value());
        if number <= last {
            self.messages.retain_in((id, number)..=(id, last), |_, _| false)?;
        }
        self.messages.insert((id, number), json(message).as_slice())?;
        if let Some(oldest) = number.checked_sub(HISTORY) {
            self.messages.remove((id, oldest))?;
        }
        Ok(())
    }
}

/// [`HISTORY_MESSAGES_MAX`], as numbers of messages are counted.
#[expect(clippy::cast_possible_truncation, reason = "it is 100")]
const HISTORY: u32 = HISTORY_MESSAGES_MAX as u32;

fn json(value: &impl Serialize) -> Vec<u8> {
    // Text, numbers and lists of them always serialise.
    serde_json::to_vec(value).unwrap_or_default()
}

impl Record {
    fn room_id(&self) -> &str {
        match self {
            Self::RoomCreated(facts) => &facts.id,
            Self::Message(message) => &message.room_id,
            Self::RoomDeleted { room_id } | Self::RemoteMember { room_id, .. } => room_id,
        }
    }
}
