//! Reading what a journal's file holds.

use chat_protocol::ChatMessage;
use redb::{Database, ReadableDatabase, ReadableTable, TableHandle};
use serde::Deserialize;

use super::tables::{ABOUT, COMMITS_KEY, FORMAT, FORMAT_KEY, MEMBERS, MESSAGES, NUMBERS, ROOMS, RoomEntry, after};
use super::{RemoteMember, SavedRoom};

/// Why a file gives no rooms.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error("it has format {0}, and this version of chat-node knows no newer one than {FORMAT}")]
    Newer(u64),
    #[error("it is the database of another program")]
    Foreign,
    #[error("what is kept under {key} cannot be read: {error}")]
    Content { key: String, error: serde_json::Error },
    #[error(transparent)]
    Database(#[from] redb::Error),
}

/// Checks that the file is a journal's; gives how many batches were committed to it.
pub(super) fn read_about(database: &Database) -> Result<u64, LoadError> {
    let transaction = database.begin_read().map_err(redb::Error::from)?;
    let tables: Vec<_> = transaction.list_tables().map_err(redb::Error::from)?.collect();
    if tables.is_empty() {
        return Ok(0);
    }
    if !tables.iter().any(|table| table.name() == ABOUT.name()) {
        return Err(LoadError::Foreign);
    }
    let about = transaction.open_table(ABOUT).map_err(redb::Error::from)?;
    let number = |key| -> Result<u64, redb::Error> { Ok(about.get(key)?.map_or(0, |value| value.value())) };
    match number(FORMAT_KEY)? {
        FORMAT => Ok(number(COMMITS_KEY)?),
        0 => Err(LoadError::Foreign),
        newer => Err(LoadError::Newer(newer)),
    }
}

pub(super) fn read_rooms(database: &Database) -> Result<Vec<SavedRoom>, LoadError> {
    let transaction = database.begin_read().map_err(redb::Error::from)?;
    let rooms = transaction.open_table(ROOMS).map_err(redb::Error::from)?;
    let numbers = transaction.open_table(NUMBERS).map_err(redb::Error::from)?;
    let messages = transaction.open_table(MESSAGES).map_err(redb::Error::from)?;
    let members = transaction.open_table(MEMBERS).map_err(redb::Error::from)?;
    let mut saved = Vec::new();
    for entry in rooms.iter().map_err(redb::Error::from)? {
        let (key, value) = entry.map_err(redb::Error::from)?;
        let id = key.value();
        let RoomEntry { order, facts } = parse(value.value(), || format!("room {id}"))?;
        let mut history = Vec::new();
        for entry in messages.range((id, 0)..=(id, u32::MAX)).map_err(redb::Error::from)? {
            let (key, value) = entry.map_err(redb::Error::from)?;
            let message: ChatMessage = parse(value.value(), || format!("message {} of room {id}", key.value().1))?;
            history.push(message);
        }
        let mut remote_members = Vec::new();
        let after = after(id);
        for entry in members.range((id, "", "")..(after.as_str(), "", "")).map_err(redb::Error::from)? {
            let (key, value) = entry.map_err(redb::Error::from)?;
            let (_, node_id, username) = key.value();
            remote_members.push(RemoteMember {
                username: username.to_owned(),
                node_id: node_id.to_owned(),
                registrations: value.value(),
            });
        }
        let last_number = numbers.get(id).map_err(redb::Error::from)?.map_or(0, |number| number.value());
        saved.push((order, SavedRoom { facts, last_number, history, remote_members }));
    }
    saved.sort_by_key(|(order, _)| *order);
    Ok(saved.into_iter().map(|(_, room)| room).collect())
}

fn parse<'a, T: Deserialize<'a>>(json: &'a [u8], key: impl FnOnce() -> String) -> Result<T, LoadError> {
    serde_json::from_slice(json).map_err(|error| LoadError::Content { key: key(), error })
}
