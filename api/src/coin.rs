//! Coins, as JSON.

use std::sync::Arc;

use devcoin::ledger::RecordedCoin;
use serde::Serialize;
use utoipa::ToSchema;

use crate::known::Freshness;
use crate::time::rfc3339;

/// A coin: `printf '%s' MESSAGE | sha256sum` gives its hash, which begins with `difficulty` zero bits.
#[derive(Debug, Eq, PartialEq, Serialize, ToSchema)]
pub(crate) struct Coin {
    /// Its place in the ledger; later coins have greater ones. Milliseconds since 1970, and a number.
    #[schema(example = "1789000000000-0")]
    id: String,
    /// The text whose hash counts.
    message: String,
    /// The text's SHA-256, as 64 hexadecimal digits.
    #[schema(min_length = 64, max_length = 64)]
    pub(crate) hash: String,
    /// Zero bits that it was recorded as having at its start, at least.
    difficulty: u8,
    /// The miner's id.
    miner: String,
    /// What the miner tried.
    pub(crate) nonce: u64,
    /// When it was recorded, by the ledger's clock.
    #[schema(format = DateTime)]
    recorded_at: String,
}

impl Coin {
    pub(crate) fn new(recorded: &RecordedCoin) -> Self {
        let RecordedCoin { id, coin, difficulty } = recorded;
        Self {
            id: id.to_string(),
            message: coin.message(),
            hash: coin.hash().to_string(),
            difficulty: difficulty.bits(),
            miner: coin.miner.to_string(),
            nonce: coin.nonce,
            recorded_at: rfc3339(id.milliseconds),
        }
    }
}

/// Recent coins, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CoinList {
    #[schema(value_type = Vec<Coin>)]
    pub(crate) coins: Vec<Arc<Coin>>,
    #[serde(flatten)]
    pub(crate) freshness: Freshness,
    /// The replica that answered.
    pub(crate) served_by: String,
}

/// One coin.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneCoin {
    #[serde(flatten)]
    #[schema(value_type = Coin)]
    pub(crate) coin: Arc<Coin>,
    #[serde(flatten)]
    pub(crate) freshness: Freshness,
    /// The replica that answered.
    pub(crate) served_by: String,
}
