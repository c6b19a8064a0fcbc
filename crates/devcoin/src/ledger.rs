//! The ledger: who found how many coins, each counted once.
//!
//! A miner's nonces only grow, so the ledger keeps the highest of each miner and counts none that is not
//! higher. A batch may come again, whole or in part: it changes nothing then.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::coin::{Coin, Difficulty, MinerId};

mod config;
mod memory;
mod redis;
mod state;

pub use config::LedgerConfig;
pub use memory::MemoryLedger;
pub use redis::{RedisAddress, RedisLedger, RedisSettings};

/// Most coins of a batch.
pub const BATCH_COINS_MAX: usize = 10_000;

/// Recent coins that the ledger keeps; older ones are counted, and forgotten.
pub const RECENT_COINS_MAX: usize = 1000;

/// Seconds of which the ledger keeps how many coins came in each.
pub const RATE_SECONDS: usize = 60;

/// A miner that was not heard of for so long is not alive. Miners are heard of every few seconds.
pub const ALIVE_TIME: Duration = Duration::from_secs(15);

/// Miners of which the ledger keeps a record each. With more, the one that was silent for longest is added
/// to the retired miners' sum, unless it is alive.
pub const MINERS_MAX: usize = 1000;

/// Miners that one batch retires, at most; the next batch goes on with what is left.
const RETIREMENTS_MAX: usize = 100;

/// Records coins, and tells of them.
pub trait Ledger: Send + Sync + 'static {
    /// Counts the coins of a batch that were not counted before, and notes that the miner is alive; a
    /// batch without coins does just that.
    fn record<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<Recorded, LedgerError>>;

    /// What the ledger knows, at one moment.
    fn figures(&self) -> BoxFuture<'_, Result<Figures, LedgerError>>;

    /// The recent coins after `after`, the oldest first, `limit` at most; all of them when there is no
    /// `after`. When there is none yet, it waits for the next, for up to `wait`.
    fn coins(
        &self,
        after: Option<CoinId>,
        limit: usize,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<RecordedCoin>, LedgerError>>;
}

/// Coins of one miner.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Whose coins they are.
    pub miner: MinerId,
    /// What people call the miner.
    pub name: String,
    /// What each of them is worth.
    pub difficulty: Difficulty,
    /// The coins' nonces, ascending; [`BATCH_COINS_MAX`] at most.
    pub nonces: Vec<u64>,
    /// Hashes a second that the miner computes.
    pub hash_rate: u64,
    /// Where the miner runs.
    pub origin: Origin,
}

/// Where a miner runs, and as what, as far as it tells: a page shows it beside the instances that can be asked.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Origin {
    /// What it is called among its replicas.
    pub served_by: Option<String>,
    /// The machine.
    pub node: Option<String>,
    /// The processor, in Docker's words.
    pub architecture: Option<String>,
    /// The program's version.
    pub version: Option<String>,
    /// How long it has been there, in seconds.
    pub uptime_seconds: Option<u64>,
    /// What breaks it on purpose, such as `latency`.
    pub knobs: Option<String>,
}

/// Longest text of an origin, in bytes; the rest is cut off, as each miner's is kept for long.
const ORIGIN_TEXT_BYTES_MAX: usize = 100;

impl Origin {
    /// The same, with no text longer than a ledger keeps.
    fn cut(&self) -> Self {
        let cut = |text: &Option<String>| {
            let text = text.as_deref().filter(|text| !text.is_empty())?;
            Some(text[..text.floor_char_boundary(ORIGIN_TEXT_BYTES_MAX)].to_owned())
        };
        Self {
            served_by: cut(&self.served_by),
            node: cut(&self.node),
            architecture: cut(&self.architecture),
            version: cut(&self.version),
            uptime_seconds: self.uptime_seconds,
            knobs: cut(&self.knobs),
        }
    }
}

impl Batch {
    /// Refuses what would be counted wrongly.
    fn check(&self) -> Result<(), LedgerError> {
        let count = self.nonces.len();
        if count > BATCH_COINS_MAX {
            let message = format!("a batch of {count} coins is not recorded: {BATCH_COINS_MAX} are the most");
            return Err(LedgerError::Refused(message));
        }
        if self.nonces.is_sorted_by(|one, next| one < next) {
            return Ok(());
        }
        Err(LedgerError::Refused("a batch is not recorded when its nonces do not ascend".to_owned()))
    }
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Recorded {
    /// Coins that were not counted before.
    pub new: u64,
    /// All coins of all miners.
    pub blocks: u64,
}

/// A coin's place in the ledger; later coins have greater ones. As text `MILLISECONDS-NUMBER`, the time
/// being that of the ledger, since 1970.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CoinId {
    /// When the coin was recorded, in milliseconds since 1970.
    pub milliseconds: u64,
    /// Which of those of this millisecond it is.
    pub number: u64,
}

impl Display for CoinId {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.milliseconds, self.number)
    }
}

/// Not a coin's place.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a coin's place is MILLISECONDS-NUMBER, such as 1789000000000-0")]
pub struct CoinIdError;

impl FromStr for CoinId {
    type Err = CoinIdError;

    fn from_str(text: &str) -> Result<Self, CoinIdError> {
        let (milliseconds, number) = text.split_once('-').ok_or(CoinIdError)?;
        let read = |digits: &str| {
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_| is_number).ok_or(CoinIdError)
        };
        Ok(Self { milliseconds: read(milliseconds)?, number: read(number)? })
    }
}

/// A coin in the ledger.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordedCoin {
    /// Its place.
    pub id: CoinId,
    /// The coin.
    pub coin: Coin,
    /// What it was recorded as worth.
    pub difficulty: Difficulty,
}

/// What the ledger knows, at one moment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Figures {
    /// All coins of all miners, also of those that were retired.
    pub blocks: u64,
    /// The moment, by the ledger's clock, in milliseconds since 1970.
    pub milliseconds: u64,
    /// Coins of each of the last [`RATE_SECONDS`] whole seconds, the oldest first.
    pub per_second: Vec<u64>,
    /// The miners, the last heard of first.
    pub miners: Vec<MinerFigures>,
    /// Coins of miners that have no record any more.
    pub retired_coins: u64,
}

impl Figures {
    /// The coins of all miners, one by one. It is [`Figures::blocks`], or the ledger is damaged.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.miners.iter().fold(self.retired_coins, |sum, miner| sum.saturating_add(miner.coins))
    }
}

/// What the ledger knows of a miner.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MinerFigures {
    /// The miner.
    pub miner: MinerId,
    /// What people call it; its id, when it has told no name.
    pub name: String,
    /// Its coins.
    pub coins: u64,
    /// The nonce of its last coin; none before the first.
    pub last_nonce: Option<u64>,
    /// When it was heard of, by the ledger's clock, in milliseconds since 1970.
    pub last_seen: u64,
    /// Hashes a second, as it says.
    pub hash_rate: u64,
    /// Where it runs, as it said last.
    pub origin: Origin,
}

impl MinerFigures {
    /// Whether it was heard of in the last [`ALIVE_TIME`] before `milliseconds`.
    #[must_use]
    pub fn is_alive(&self, milliseconds: u64) -> bool {
        u128::from(milliseconds.saturating_sub(self.last_seen)) < ALIVE_TIME.as_millis()
    }
}

/// Why the ledger did not answer. For people: what happened, to what, and what to do.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LedgerError {
    /// Nobody can be reached, or nobody answers: worth another try.
    #[error("{0}")]
    Away(String),
    /// It refuses: somebody has to change something, but a later try may work.
    #[error("{0}")]
    Refused(String),
}
