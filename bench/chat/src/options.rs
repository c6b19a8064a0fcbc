//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Load on chat nodes beside a minimal broadcast server; prints figures and judges nothing
///
/// The servers run on this machine, on free ports of 127.0.0.1, as processes of their own. Rounds
/// alternate between them, so that a drift of the machine's speed meets all. Every delivery is
/// checked: lost, duplicated and reordered ones are counted.
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
    /// Deliveries a second and processor time a delivery, with messages always in flight
    Saturate,
    /// Latency at a given rate of messages
    Paced,
    /// Connections a second when all come at once
    Storm,
    /// Resident memory a connection that does nothing
    Idle,
    /// Latency for the others while one client does not read
    Slow,
    /// What survives when a room's node is killed under load and started again with its journal
    Crash,
    /// Latency and deletion while a peer is stopped
    Hung,
    /// How clients are told when a node gets SIGTERM under load
    Stop,
    /// All of these, and a table at the end
    All,
    /// Run the minimal server alone, until it is stopped
    Reference,
}

/// A server to measure.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, ValueEnum)]
pub(crate) enum Kind {
    /// The minimal broadcast server.
    Reference,
    /// One chat node.
    One,
    /// A room on one of three chat nodes, with clients on all.
    Three,
}

impl Kind {
    /// As it stands in a table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::One => "one node",
            Self::Three => "three nodes",
        }
    }
}

/// How to measure.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// The chat node's program [default: target/release/chat-node]
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) node: Option<PathBuf>,

    /// Servers to measure, where a measurement is about several
    #[arg(long, global = true, value_delimiter = ',', default_value = "reference,one,three")]
    pub(crate) servers: Vec<Kind>,

    /// Rounds for each server, after one that warms up
    #[arg(long, global = true, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,

    /// Seconds of a round
    #[arg(long, global = true, default_value_t = 5.0)]
    pub(crate) seconds: f64,

    /// Clients in the room
    #[arg(long, global = true, default_value_t = 200)]
    pub(crate) clients: usize,

    /// Clients that send
    #[arg(long, global = true, default_value_t = 20)]
    pub(crate) senders: usize,

    /// Messages that each sender has in flight (saturate, stop)
    #[arg(long, global = true, default_value_t = 16)]
    pub(crate) window: usize,

    /// Bytes of a delivered text, with a message number of five digits
    #[arg(long, global = true, default_value_t = 330)]
    pub(crate) frame_bytes: usize,

    /// Messages a second of all senders together (paced, hung)
    #[arg(long, global = true, default_value_t = 50.0)]
    pub(crate) rate: f64,

    /// Messages a second, of 1000 bytes, while one of 50 clients does not read; a round has to fill the
    /// kernel's buffers and the server's, about 8 MB (slow)
    #[arg(long, global = true, default_value_t = 2500.0)]
    pub(crate) slow_rate: f64,

    /// Messages a second around the kill; with more, the history of 100 messages no longer tells
    /// afterwards what the room held (crash)
    #[arg(long, global = true, default_value_t = 500.0)]
    pub(crate) crash_rate: f64,

    /// Connections of a storm
    #[arg(long, global = true, default_value_t = 1000)]
    pub(crate) storm_connections: usize,

    /// Connections that do nothing
    #[arg(long, global = true, default_value_t = 5000)]
    pub(crate) idle_connections: usize,
}

impl Options {
    /// The time of a round.
    pub(crate) fn round(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    /// The servers that were asked for, out of these.
    pub(crate) fn servers_of(&self, kinds: &[Kind]) -> Vec<Kind> {
        kinds.iter().copied().filter(|kind| self.servers.contains(kind)).collect()
    }

    /// The chat node's program.
    pub(crate) fn node(&self) -> PathBuf {
        let built = || {
            let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
            target.join("release").join("chat-node")
        };
        self.node.clone().unwrap_or_else(built)
    }
}
