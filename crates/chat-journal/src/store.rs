//! The open database: batches go in, all of them or nothing.

use redb::{Database, ReadTransaction, ReadableDatabase, TableDefinition};

use super::load::{LoadError, read_about, read_rooms};
use super::tables::{COMMITS_KEY, FORMAT, FORMAT_KEY, Tables};
use super::{Outcome, Record, SavedRoom};

/// What is written to see whether there is room: as much as a batch of some hundred short messages.
const PROBE: TableDefinition<'_, (), &[u8]> = TableDefinition::new("probe");
const PROBE_BYTES: usize = 64 * 1024;

/// The open database.
pub(super) struct Store {
    database: Database,
    commits: u64,
}

impl Store {
    /// Takes an open database, an empty one or one of a journal, and gives the rooms in it.
    pub(super) fn load(database: Database) -> Result<(Self, Vec<SavedRoom>), LoadError> {
        let commits = read_about(&database)?;
        let rooms = if commits == 0 { Vec::new() } else { read_rooms(&database)? };
        Ok((Self { database, commits }, rooms))
    }

    /// How many batches were ever committed to this file.
    pub(super) fn commits(&self) -> u64 {
        self.commits
    }

    /// Writes a batch, and puts down what becomes of each write in it: those that are refused leave
    /// nothing.
    ///
    /// # Errors
    /// When the batch could not be written. The store must not be used any more. Nothing is kept, unless
    /// the last step of the commit failed, which only [`Store::commits`] of the file opened anew can tell.
    pub(super) fn apply(&mut self, batch: &[Vec<Record>], outcomes: &mut Vec<Outcome>) -> Result<(), redb::Error> {
        // It waits for the disk when it commits: that is redb's default durability.
        let transaction = self.database.begin_write()?;
        {
            let mut tables = Tables::open(&transaction)?;
            for records in batch {
                let outcome = tables.check(records)?;
                if outcome.is_ok() {
                    records.iter().try_for_each(|record| tables.put(record))?;
                }
                outcomes.push(outcome);
            }
            tables.about.insert(FORMAT_KEY, FORMAT)?;
            tables.about.insert(COMMITS_KEY, self.commits + 1)?;
        }
        transaction.commit()?;
        self.commits += 1;
        Ok(())
    }

    /// What is committed by now, for who reads it while others write.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn snapshot(&self) -> Result<ReadTransaction, redb::Error> {
        Ok(self.database.begin_read()?)
    }

    /// Writes something that is not kept, to see whether there is room.
    ///
    /// # Errors
    /// When that fails. The store must not be used any more.
    pub(super) fn probe(&mut self) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        transaction.open_table(PROBE)?.insert((), vec![0; PROBE_BYTES].as_slice())?;
        transaction.commit()?;
        let transaction = self.database.begin_write()?;
        transaction.delete_table(PROBE)?;
        transaction.commit()?;
        Ok(())
    }

    /// Closes the file, so that the next start need not repair it.
    pub(super) fn close(self) -> Result<(), redb::Error> {
        Ok(self.database.close()?)
    }
}
