//! What this node has agreed to: deletions of rooms of other nodes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chat_protocol::limits::ROOM_ID_BYTES_MAX;
use tokio::time::{Duration, Instant};

/// How long a node remembers that it agreed to a deletion: the outcome is told until it is heard, also to a
/// node that hung meanwhile.
const VOTE_VALID: Duration = Duration::from_mins(10);

/// Longest transaction id that a node remembers, in bytes; ids are UUIDs of 36. It does not agree to a
/// deletion with a longer one.
const TRANSACTION_ID_BYTES_MAX: usize = 64;

/// Deletions that a node agrees to at once; further ones it does not agree to.
const VOTES_MAX: usize = 10_000;

/// Deletions of rooms of other nodes that this node agreed to: each is valid on whichever connection
/// its outcome comes, and as often (protocol, section 13, obligation 5).
#[derive(Debug, Default)]
pub(crate) struct Votes(Mutex<HashMap<(String, String), Instant>>);

impl Votes {
    fn valid(&self) -> MutexGuard<'_, HashMap<(String, String), Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Agrees, unless there are too many, or the ids are too long.
    pub(crate) fn give(&self, room_id: String, transaction_id: String) -> bool {
        if room_id.len() > ROOM_ID_BYTES_MAX || transaction_id.len() > TRANSACTION_ID_BYTES_MAX {
            return false;
        }
        let mut votes = self.valid();
        if votes.len() >= VOTES_MAX {
            votes.retain(|_, given| given.elapsed() < VOTE_VALID);
        }
        let may = votes.len() < VOTES_MAX;
        if may {
            votes.insert((room_id, transaction_id), Instant::now());
        }
        may
    }

    /// Whether this node has agreed, and not too long ago.
    pub(crate) fn is_given(&self, room_id: &str, transaction_id: &str) -> bool {
        let key = (room_id.to_owned(), transaction_id.to_owned());
        self.valid().get(&key).is_some_and(|given| given.elapsed() < VOTE_VALID)
    }
}
