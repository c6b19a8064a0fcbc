//! DevCoin: work that anybody can check, and a ledger that counts each piece of it once.
//!
//! A coin is a short text whose SHA-256 begins with enough zero bits. [`Search`] finds such texts,
//! [`Coin`] reads and checks them, and a [`Ledger`] records who found them.

mod coin;
pub mod ledger;
mod search;

pub use coin::{Coin, CoinError, Difficulty, DifficultyError, Hash, MinerId, MinerIdError};
pub use ledger::{Ledger, MemoryLedger, RedisLedger};
pub use search::{SCAN_NONCES, Search};
