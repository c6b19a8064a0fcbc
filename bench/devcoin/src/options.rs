//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// DevCoin's figures; judges nothing
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) measurement: Measurement,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// What to measure.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Measurement {
    /// Hashes a second: each way of the search that this processor has, beside the sha2 crate
    Search,
    /// Hashes a second of the sha2 crate alone, as this program was built
    Reference,
}

/// How to measure.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// This program, built with the sha2 crate's portable code; without it, that is not measured
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) portable: Option<PathBuf>,

    /// Rounds; each measures all, one after the other
    #[arg(long, global = true, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,

    /// Milliseconds of one measurement of a round
    #[arg(long, global = true, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) milliseconds: u64,
}

impl Options {
    /// The time of one measurement.
    pub(crate) fn slice(&self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }
}
