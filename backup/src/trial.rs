//! Restoring a copy, to see whether it is one: what it holds may come from anybody.

use std::fs;
use std::io;
use std::path::Path;

use crate::config::Config;
use crate::copy::Original;
use crate::folder;
use crate::journal;
use crate::ledger::{self, KEYS_MAX};
use crate::program::ProgramError;

/// Most bytes of a copy; a larger one is refused. A ledger keeps a thousand miners and a thousand coins, which are less
/// than one MB; a journal has 0.3 MB for a room with a full history of long messages.
pub const COPY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How a database of redb begins.
const REDB: &[u8] = b"redb\x1a\x0a";

/// What a copy holds, as it was found by restoring it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Restored {
    /// Coins, or messages.
    pub(crate) count: u64,
    /// Miners, or rooms.
    pub(crate) parts: usize,
}

impl Restored {
    /// In words.
    pub(crate) fn told(self, of: &Original) -> String {
        let Self { count, parts } = self;
        match of {
            Original::Ledger => format!("{count} coins of {parts} miners, each counted once"),
            Original::Journal(_) => format!("{count} messages of {parts} rooms, their numbers without a gap"),
        }
    }
}

/// Why a copy is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("it has {0} bytes, and a copy has {COPY_BYTES_MAX} at most")]
    TooLarge(u64),
    #[error("its format is version {0}, in which no checksum tells whether it is whole")]
    NoChecksum(u32),
    #[error("redis-check-rdb finds: {0}")]
    Unsound(String),
    #[error("Redis does not load it: {0}")]
    NotLoaded(String),
    #[error("it holds {0} keys, and a ledger has {KEYS_MAX} at most")]
    TooManyKeys(u64),
    #[error("it holds {0} keys of something else, and no ledger")]
    Foreign(u64),
    #[error("it holds no sound ledger: {0}")]
    NoLedger(String),
    #[error("its miners have {sum} coins together, and its count says {blocks}")]
    WrongSum { sum: u64, blocks: u64 },
    #[error("its SHA-256 is {found}, and was {expected} when it was restored")]
    Changed { found: String, expected: String },
    #[error("it has {coins} coins, and the ledger had {before} before it was taken")]
    Fewer { coins: u64, before: u64 },
    #[error("it holds no sound journal: {0}")]
    NoJournal(String),
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error("it could not be tried: {0}")]
    Io(#[from] io::Error),
}

/// How copies are restored as a trial.
#[derive(Clone, Debug)]
pub(crate) struct Trials {
    /// What starts a Redis.
    redis: String,
    /// The ledger's database in it.
    database: i64,
}

impl Trials {
    /// As the settings say.
    ///
    /// # Errors
    /// One line that names the setting and what is accepted.
    pub(crate) fn new(config: &Config) -> Result<Self, String> {
        Ok(Self { redis: config.throwaway_redis.clone(), database: config.ledger.address()?.database })
    }

    /// Restores a copy that is said to be of this. Its folder must have nothing else in it.
    pub(crate) async fn restore(&self, of: &Original, copy: &Path) -> Result<Restored, Refusal> {
        let bytes = fs::metadata(copy)?.len();
        if bytes > COPY_BYTES_MAX {
            return Err(Refusal::TooLarge(bytes));
        }
        match of {
            Original::Ledger => ledger::restore(copy, &self.redis, self.database).await,
            Original::Journal(_) => journal::restore(copy).await,
        }
    }
}

/// What a file looks like that nobody has said anything about.
pub(crate) fn guess(file: &Path) -> io::Result<Original> {
    let start = folder::start(file, REDB.len())?;
    Ok(if start == REDB { Original::Journal("journal".to_owned()) } else { Original::Ledger })
}
