//! The answers, as JSON: what is known of all coins and miners.

use devcoin::ledger::{Figures, MinerFigures, RATE_SECONDS};
use serde::Serialize;
use utoipa::ToSchema;

use crate::known::{Freshness, Source};
use crate::pace::Observed;
use crate::time::rfc3339;

/// The number of coins, in the workshop's form.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Blocks {
    #[schema(example = 200)]
    status: u16,
    #[schema(example = "Successfully retrieved blocks.")]
    message: &'static str,
    data: BlocksData,
    /// The replica that answered.
    served_by: String,
    /// Present, and true, while the ledger is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    stale: Option<bool>,
    /// Present while the ledger is away: whole seconds since it gave the number.
    #[serde(skip_serializing_if = "Option::is_none")]
    age_seconds: Option<u64>,
    /// Present when it was not the primary that gave the number: `replica`.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
}

/// What the workshop's page reads.
#[derive(Debug, Serialize, ToSchema)]
struct BlocksData {
    /// All coins of all miners.
    #[schema(example = 42)]
    blocks: u64,
}

impl Blocks {
    pub(crate) fn new(blocks: u64, freshness: Freshness, served_by: String) -> Self {
        Self {
            status: 200,
            message: "Successfully retrieved blocks.",
            data: BlocksData { blocks },
            served_by,
            stale: freshness.stale.then_some(true),
            age_seconds: freshness.stale.then_some(freshness.age_seconds),
            source: Some(freshness.source).filter(|source| *source != Source::Primary),
        }
    }
}

/// The miners, the last heard of first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MinerList {
    miners: Vec<Miner>,
    /// Coins of miners that have no record any more.
    retired_coins: u64,
    #[serde(flatten)]
    freshness: Freshness,
    /// The replica that answered.
    served_by: String,
}

/// A miner: one run of one process.
#[derive(Debug, Serialize, ToSchema)]
struct Miner {
    id: String,
    /// What people call it: `miner.2 on pi4`, or its id.
    name: String,
    /// Coins that it found.
    coins: u64,
    /// Coins a second, over the last 10 s; null as long as the API has not watched for a second.
    coins_per_second_10s: Option<f64>,
    /// Hashes a second, as it says.
    hash_rate: u64,
    /// When the ledger heard of it.
    #[schema(format = DateTime)]
    last_seen: String,
    /// Whether that was a moment ago.
    alive: bool,
    /// What it is called among its replicas; like what follows, null when it does not tell.
    served_by: Option<String>,
    /// The machine that it runs on.
    node: Option<String>,
    /// The processor there.
    #[schema(example = "arm64")]
    architecture: Option<String>,
    /// The miner's version.
    version: Option<String>,
    /// How long it had been there when the ledger heard of it.
    uptime_seconds: Option<u64>,
    /// What breaks it on purpose.
    #[schema(example = "latency")]
    knobs: Option<String>,
}

impl MinerList {
    pub(crate) fn new(Observed { figures, pace }: &Observed, freshness: Freshness, served_by: String) -> Self {
        let now = figures.milliseconds;
        let miner = |miner: &MinerFigures| Miner {
            id: miner.miner.to_string(),
            name: miner.name.clone(),
            coins: miner.coins,
            coins_per_second_10s: pace.of(miner),
            hash_rate: miner.hash_rate,
            last_seen: rfc3339(miner.last_seen),
            alive: miner.is_alive(now),
            served_by: miner.origin.served_by.clone(),
            node: miner.origin.node.clone(),
            architecture: miner.origin.architecture.clone(),
            version: miner.origin.version.clone(),
            uptime_seconds: miner.origin.uptime_seconds,
            knobs: miner.origin.knobs.clone(),
        };
        let miners = figures.miners.iter().map(miner).collect();
        Self { miners, retired_coins: figures.retired_coins, freshness, served_by }
    }
}

/// The figures at a glance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stats {
    /// All coins of all miners.
    blocks: u64,
    /// Coins a second, over the last 10 whole seconds.
    coins_per_second_10s: f64,
    /// Coins a second, over the last 60 whole seconds.
    coins_per_second_1m: f64,
    /// Coins of each of the last 60 whole seconds, the oldest first.
    #[schema(min_items = 60, max_items = 60)]
    per_second: Vec<u64>,
    /// Miners that were heard of a moment ago.
    miners_alive: usize,
    /// Hashes a second that these compute together.
    hashes_per_second: u64,
    #[serde(flatten)]
    freshness: Freshness,
    /// The replica that answered.
    served_by: String,
}

impl Stats {
    pub(crate) fn new(figures: &Figures, freshness: Freshness, served_by: String) -> Self {
        let missing = RATE_SECONDS.saturating_sub(figures.per_second.len());
        let mut per_second = vec![0; missing];
        per_second.extend(figures.per_second.iter().rev().take(RATE_SECONDS).rev());
        Self {
            blocks: figures.blocks,
            coins_per_second_10s: mean(&per_second[RATE_SECONDS - 10..]),
            coins_per_second_1m: mean(&per_second),
            per_second,
            miners_alive: alive(figures).count(),
            hashes_per_second: alive(figures).fold(0, |sum, miner| sum.saturating_add(miner.hash_rate)),
            freshness,
            served_by,
        }
    }
}

/// The miners that were heard of a moment ago.
pub(crate) fn alive(figures: &Figures) -> impl Iterator<Item = &MinerFigures> {
    figures.miners.iter().filter(|miner| miner.is_alive(figures.milliseconds))
}

/// Whether the ledger answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Staleness {
    /// Whether figures and coins are the last known ones, as the ledger does not answer.
    pub(crate) stale: bool,
    /// While it is so: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

// Coins a second stay far below the 2⁵³ that a float holds exactly.
#[allow(clippy::cast_precision_loss)]
fn mean(counts: &[u64]) -> f64 {
    counts.iter().sum::<u64>() as f64 / counts.len() as f64
}

#[cfg(test)]
mod tests {
    use devcoin::ledger::Origin;

    use super::*;
    use crate::pace::Pace;

    const FRESH: Freshness = Freshness { stale: false, age_seconds: 0, source: Source::Primary };

    fn json(value: &impl Serialize) -> String {
        serde_json::to_string(value).unwrap()
    }

    #[test]
    fn blocks_have_the_workshops_form_and_say_when_they_are_stale() {
        let fresh =
            r#"{"status":200,"message":"Successfully retrieved blocks.","data":{"blocks":42},"served_by":"pi"}"#;
        assert_eq!(json(&Blocks::new(42, FRESH, "pi".to_owned())), fresh);
        let stale = fresh.replace('}', r#","stale":true,"age_seconds":7}"#).replacen(
            r#","stale":true,"age_seconds":7}"#,
            "}",
            1,
        );
        assert_eq!(json(&Blocks::new(42, Freshness { stale: true, age_seconds: 7, ..FRESH }, "pi".to_owned())), stale);
    }

    #[test]
    fn a_miner_that_was_silent_for_15_s_is_not_alive() {
        let miner = |last_seen| MinerFigures {
            miner: devcoin::MinerId::new("pi"),
            name: "pi".to_owned(),
            coins: 1,
            last_nonce: None,
            last_seen,
            hash_rate: 250,
            origin: Origin::default(),
        };
        let figures = Figures { milliseconds: 20_000, miners: vec![miner(5001), miner(5000)], ..Figures::default() };
        let stats = Stats::new(&figures, FRESH, String::new());
        assert_eq!((stats.miners_alive, stats.hashes_per_second), (1, 250));
        let miners = MinerList::new(&Observed { figures, pace: Pace::default() }, FRESH, String::new()).miners;
        assert_eq!([miners[0].alive, miners[1].alive], [true, false]);
        assert_eq!(miners[1].last_seen, "1970-01-01T00:00:05.000Z");
    }

    #[test]
    fn rates_are_means_of_whole_seconds_also_of_a_ledger_that_has_fewer_or_more() {
        let mut figures = Figures { per_second: vec![1, 2, 3], ..Figures::default() };
        let stats = Stats::new(&figures, FRESH, String::new());
        assert_eq!(stats.per_second[56..], [0, 1, 2, 3]);
        assert_eq!((stats.per_second.len(), stats.coins_per_second_10s.to_bits()), (60, 0.6_f64.to_bits()));
        assert_eq!(stats.coins_per_second_1m.to_bits(), 0.1_f64.to_bits());
        figures.per_second = (0..100).collect();
        let stats = Stats::new(&figures, FRESH, String::new());
        assert_eq!(stats.per_second, (40..100).collect::<Vec<_>>());
    }
}
