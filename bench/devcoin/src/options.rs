//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use devcoin::Difficulty;

/// DevCoin's figures; judges nothing
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) measurement: Measurement,
}

/// What to measure.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Measurement {
    /// Hashes a second: each way of the search that this processor has, beside the sha2 crate
    Search(SearchOptions),
    /// Coins a second that 1, 2 and 4 miners get recorded by one Redis
    Record(RecordOptions),
    /// Requests a second that the API answers, while Redis is idle and while a miner keeps it busy
    Api(ApiOptions),
    /// These three, one after the other, as each is without options
    All(Portable),
    /// Hashes a second of the sha2 crate alone, as this program was built
    Reference(Slice),
}

/// Where the sha2 crate's portable code is.
#[derive(Args, Clone, Debug)]
pub(crate) struct Portable {
    /// This program, built with the sha2 crate's portable code; without it, that is not measured
    #[arg(long, value_name = "PATH")]
    pub(crate) portable: Option<PathBuf>,
}

/// How long the search is measured.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Slice {
    /// Milliseconds of one measurement of a round
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    milliseconds: u64,
}

impl Slice {
    /// The time of one measurement.
    pub(crate) fn time(self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }
}

/// How to measure the search.
#[derive(Args, Clone, Debug)]
pub(crate) struct SearchOptions {
    #[command(flatten)]
    pub(crate) portable: Portable,

    /// Rounds; each measures all, one after the other
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,

    #[command(flatten)]
    pub(crate) slice: Slice,
}

/// How miners run.
#[derive(Args, Clone, Debug)]
pub(crate) struct MinerOptions {
    /// The miner's program [default: the one beside this program]
    #[arg(long, value_name = "PATH")]
    pub(crate) miner: Option<PathBuf>,

    /// Zero bits of a coin's hash: with many, the search is what takes the time, not the ledger
    #[arg(long, value_name = "BITS", default_value = "4")]
    pub(crate) difficulty: Difficulty,
}

/// How to measure recording.
#[derive(Args, Clone, Debug)]
pub(crate) struct RecordOptions {
    #[command(flatten)]
    pub(crate) miners: MinerOptions,

    /// Rounds; each measures 1, 2 and 4 miners, one after the other
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,

    /// Milliseconds of one measurement of a round
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..))]
    milliseconds: u64,
}

impl RecordOptions {
    /// The time of one measurement.
    pub(crate) fn time(&self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }
}

/// How to measure the API.
#[derive(Args, Clone, Debug)]
pub(crate) struct ApiOptions {
    /// The API's program [default: the one beside this program]
    #[arg(long, value_name = "PATH")]
    pub(crate) api: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) miners: MinerOptions,

    /// Rounds; each measures all, one after the other
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,

    /// Seconds of one measurement of a round; wrk knows no parts of them
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seconds: u64,
}
