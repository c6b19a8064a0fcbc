//! A copy of a journal's file, and what one holds.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, ensure};
use redb::{Key, ReadTransaction, ReadableTable, TableDefinition, TableError, Value, WriteTransaction};

use super::open::builder;
use super::store::Store;
use super::tables::{ABOUT, MEMBERS, MESSAGES, NUMBERS, ROOMS};
use super::{JournalError, SavedRoom};

/// Writes what a snapshot holds to a new file at this path; the file loses its name at once.
pub(super) fn of(snapshot: &ReadTransaction, path: &Path) -> Result<File, JournalError> {
    let written = write(snapshot, path).map_err(|error| JournalError::NotCopied(error.to_string()));
    let file = File::open(path);
    // It may not even have been made.
    let removed = fs::remove_file(path);
    written?;
    file.and_then(|file| removed.map(|()| file)).map_err(|error| JournalError::NotCopied(error.to_string()))
}

fn write(snapshot: &ReadTransaction, path: &Path) -> Result<(), redb::Error> {
    let database = builder().create(path)?;
    let transaction = database.begin_write()?;
    copy_table(snapshot, &transaction, ABOUT)?;
    copy_table(snapshot, &transaction, ROOMS)?;
    copy_table(snapshot, &transaction, NUMBERS)?;
    copy_table(snapshot, &transaction, MESSAGES)?;
    copy_table(snapshot, &transaction, MEMBERS)?;
    transaction.commit()?;
    Ok(database.close()?)
}

fn copy_table<K: Key + 'static, V: Value + 'static>(
    from: &ReadTransaction,
    to: &WriteTransaction,
    table: TableDefinition<'_, K, V>,
) -> Result<(), redb::Error> {
    let from = match from.open_table(table) {
        // Nothing was ever written.
        Err(TableError::TableDoesNotExist(_)) => return Ok(()),
        from => from?,
    };
    let mut to = to.open_table(table)?;
    for entry in from.iter()? {
        let (key, value) = entry?;
        to.insert(key.value(), value.value())?;
    }
    Ok(())
}

/// The rooms in a copy, which may come from anybody. Opening it, as a node does at its start, may change the file: so it
/// is to be one that is of no use afterwards.
///
/// # Errors
/// Why it is none: it is damaged, or something else, or of a newer version, or the numbers of a room have a gap.
pub fn rooms_of(copy: &Path) -> anyhow::Result<Vec<SavedRoom>> {
    let database = builder().open(copy).context("it is damaged, or no journal")?;
    let (store, rooms) = Store::load(database)?;
    store.close()?;
    for room in &rooms {
        let id = &room.facts.id;
        let kept = room.history.len();
        ensure!(
            room.history.iter().all(|message| message.room_id == *id),
            "the room {id} has a message of another one"
        );
        // As far back as messages are kept, each has the number after the one before, up to the last that was given.
        let numbers = room.history.iter().rev().map(|message| message.sequence_number);
        let expected = (1..=room.last_number).rev().take(kept.max(1));
        ensure!(numbers.eq(expected), "the numbers of room {id} have a gap before {}", room.last_number);
    }
    Ok(rooms)
}
