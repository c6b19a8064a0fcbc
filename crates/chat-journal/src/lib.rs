//! What a node keeps on disk, so that a restart or an update loses nothing: its rooms, their last
//! messages and highest numbers, and their members on other nodes (protocol, section 12, row 29).
//!
//! One thread owns the file. It takes everything that waits, writes it in one transaction, waits for
//! the disk once, and tells all who wait: with many writers at once, a wait for the disk serves many.
//!
//! The file stays small: a room with a full history of 1 kB messages takes 0.3 MB, however many
//! messages it has had. A file grows while many rooms are written at once, and shrinks at its close.

mod condition;
mod copy;
mod load;
mod open;
mod store;
mod tables;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::File;
use std::path::Path;
use std::thread;

use anyhow::Context;
use chat_protocol::ChatMessage;
use serde::{Deserialize, Serialize};
use service::Readiness;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::{Duration, sleep};

pub use self::copy::rooms_of;
use self::open::Place;
use self::writer::{Command, Writer};

/// Writes that may wait; who brings one more waits for a place.
const QUEUE_WRITES_MAX: usize = 1024;

/// How often a journal that could not be written is tried.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);

/// What changes in what is kept.
#[derive(Clone, Debug)]
pub enum Record {
    /// A room without messages and members; refused when there is one with this id.
    RoomCreated(RoomFacts),
    /// The end of a room and of everything in it; nothing happens when there is none.
    RoomDeleted {
        /// The room's id.
        room_id: String,
    },
    /// The next message of its room. Older ones than the room's history are forgotten. A number that
    /// was given already replaces that message and all after it: they were refused, or nobody would
    /// give their number again.
    Message(ChatMessage),
    /// How often a member of another node is registered.
    RemoteMember {
        /// The room's id.
        room_id: String,
        /// The member.
        member: RemoteMember,
    },
}

/// What a room is from its creation on.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct RoomFacts {
    /// UUID, as text.
    pub id: String,
    /// Unique on its node.
    pub name: String,
    /// What it is about.
    pub description: Option<String>,
    /// Who may delete it.
    pub creator_id: String,
    /// When it was created, as the protocol writes times.
    pub created_at: String,
}

/// A member that another node speaks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RemoteMember {
    /// The member's name.
    pub username: String,
    /// The node.
    pub node_id: String,
    /// How often that node registered the name; 0 when it is no member any more.
    pub registrations: u32,
}

/// A room as it was kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SavedRoom {
    /// What it is.
    pub facts: RoomFacts,
    /// The number of its last message, 0 before the first.
    pub last_number: u32,
    /// Its last messages, oldest first, at most [`chat_protocol::limits::HISTORY_MESSAGES_MAX`].
    pub history: Vec<ChatMessage>,
    /// Its members on other nodes, in no order.
    pub remote_members: Vec<RemoteMember>,
}

/// Why something was not written. Nothing of it is on the disk then.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JournalError {
    /// The disk is full or broken; the journal has said so. It may work again later.
    #[error("{0}")]
    NotWritten(String),
    /// A message came after one that could not be kept.
    #[error("message {number} of room {room_id} is not the next, which is {next}")]
    NotNext {
        /// The room's id.
        room_id: String,
        /// The message's number.
        number: u32,
        /// The number that would have been the next.
        next: u32,
    },
    /// There is no such room, or no more.
    #[error("there is no room {room_id}")]
    NoSuchRoom {
        /// The room's id.
        room_id: String,
    },
    /// There is such a room already.
    #[error("there is a room {room_id} already")]
    RoomExists {
        /// The room's id.
        room_id: String,
    },
    /// There is no copy of it.
    #[error("the journal cannot be copied: {0}")]
    NotCopied(String),
    /// The journal is closed.
    #[error("the journal is closed")]
    Closed,
}

impl JournalError {
    /// Logs what came of this, unless the journal has said it: it says once what ends many writes.
    pub fn log(&self, consequence: &str) {
        if matches!(self, Self::NotWritten(_)) {
            tracing::debug!("{consequence}: {self}");
        } else {
            tracing::error!("{consequence}: {self}");
        }
    }
}

/// What becomes of a write.
type Outcome = Result<(), JournalError>;

/// The journal; clones write to the same one.
#[derive(Clone, Debug)]
pub struct Journal {
    commands: mpsc::Sender<Command>,
}

impl Journal {
    /// Opens the journal in `directory`, which is made if it is not there, and gives the rooms that
    /// were kept, in the order of their creation. `readiness` is unready while the journal cannot be written.
    ///
    /// It reads the whole file, which must be sound; after a stop that was none (SIGKILL, power cut) it
    /// is repaired first.
    ///
    /// # Errors
    /// A message for a person: the directory is none, or cannot be written, or is in use by another
    /// process, or the file is damaged or of a newer version. The file is left as it is then.
    pub fn open(directory: &Path, readiness: Readiness) -> anyhow::Result<(Self, Vec<SavedRoom>)> {
        Self::open_at(Place::in_directory(directory)?, readiness)
    }

    fn open_at(place: Place, readiness: Readiness) -> anyhow::Result<(Self, Vec<SavedRoom>)> {
        let (store, rooms) = place.open()?;
        let (commands, queue) = mpsc::channel(QUEUE_WRITES_MAX);
        let writer = Writer::new(place, store, readiness);
        let thread = thread::Builder::new().name("journal".to_owned());
        thread.spawn(move || writer.run(queue)).context("cannot start the journal's thread")?;
        Ok((Self { commands }, rooms))
    }

    /// Writes these records, all or none, after everything handed in before. When it returns, they are
    /// on the disk. When it is dropped while it waits, they may be written or not.
    ///
    /// # Errors
    /// [`JournalError`]; nothing of these records is kept.
    pub async fn write(&self, records: Vec<Record>) -> Result<(), JournalError> {
        let (done, outcome) = oneshot::channel();
        let command = Command::Write { records, done };
        self.commands.send(command).await.map_err(|_| JournalError::Closed)?;
        outcome.await.unwrap_or(Err(JournalError::Closed))
    }

    /// A copy of what was handed in before this, as a file without a name, which is gone when it is closed. Nobody
    /// who writes waits until it is made.
    ///
    /// # Errors
    /// [`JournalError`], when the journal cannot be read now, or there is no room for the copy.
    pub async fn copy(&self) -> Result<File, JournalError> {
        let (done, snapshot) = oneshot::channel();
        self.commands.send(Command::Snapshot { done }).await.map_err(|_| JournalError::Closed)?;
        let (snapshot, directory) = snapshot.await.unwrap_or(Err(JournalError::Closed))?;
        let copied = spawn_blocking(move || copy::of(&snapshot, &Place::copy_path(&directory))).await;
        copied.map_err(|error| JournalError::NotCopied(error.to_string()))?
    }

    /// For ever, sees whether a journal that could not be written can be by now.
    pub async fn keep_trying(self) {
        while self.probe().await {
            sleep(PROBE_INTERVAL).await;
        }
    }

    /// Sees it once. False when the journal is closed.
    async fn probe(&self) -> bool {
        self.commands.send(Command::Probe).await.is_ok()
    }

    /// Waits until everything handed in before is written, and closes the file. Later writes fail with
    /// [`JournalError::Closed`]. Without it, the next start takes the stop for a crash, unless all
    /// clones were dropped before the process ended.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        // An error of either means that it is closed already.
        if self.commands.send(Command::Close { done }).await.is_ok() {
            let _ = closed.await;
        }
    }
}
