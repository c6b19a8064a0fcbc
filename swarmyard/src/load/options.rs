//! The options of `swarmyard load`.

use std::time::Duration;

use service::value::positive_duration;

use super::chat;
use super::fail_on::Condition;
use crate::http_client::Target;
use crate::value::{self, run_time};

/// What `--help` says beside the options.
pub(crate) const MANUAL: &str = "\
It sends GET over HTTP/1.1, and tells the replicas apart by the header X-Served-By.

Without --rate, each connection waits for its answer before it asks again: while the server stands still, nobody
asks, and it looks better than it is. With --rate, requests are due at their times, and two latencies stand side by
side: measured, from when a request was sent, and felt, from when it was due.

Conditions are errors (a number, or a share: errors>1%), rate (good answers a second), mean, max, and p50, p99, p99.9
and the like, felt ones where there is a --rate; with <, <=, > or >=.

Exit codes: 0 done, 1 nothing answered or a condition holds (stderr says which), 2 wrong usage.";

/// Most connections; a server of ours takes no more.
const CONNECTIONS_MAX: u16 = 10_000;

/// Most requests a second, which is more than one machine can send.
const RATE_MAX: f64 = 1_000_000.0;

/// The options of `swarmyard load`.
#[derive(clap::Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    chat: Option<Command>,

    #[command(flatten)]
    server: Option<ServerOptions>,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum Command {
    /// Have the members of a room speak, and show what comes to whom, and when
    #[command(after_help = chat::MANUAL)]
    Chat(chat::Options),
}

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    Server(Box<ServerOptions>),
    Chat(chat::Options),
}

impl Options {
    /// What is to be asked.
    pub(crate) fn subject(self) -> Option<Subject> {
        match self {
            Self { chat: Some(Command::Chat(options)), .. } => Some(Subject::Chat(options)),
            Self { server, .. } => server.map(|options| Subject::Server(options.into())),
        }
    }
}

/// How to ask a server.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct ServerOptions {
    /// What to ask for, as in localhost:5000/number
    #[arg(value_name = "URL")]
    pub(crate) target: Target,

    /// How many ask at a time, 1 to 10000: each has a connection, and asks again when it has its answer
    #[arg(long, short, value_name = "NUMBER", default_value = "50", value_parser = connections)]
    pub(crate) connections: u16,

    /// How long to go on; Ctrl-C ends it before, with the report
    #[arg(long, short, value_name = "TIME", default_value = "10s", value_parser = run_time)]
    pub(crate) duration: Duration,

    /// Ask so many times a second in all, as users do, who do not wait for each other
    #[arg(long, short, value_name = "NUMBER", value_parser = rate)]
    pub(crate) rate: Option<f64>,

    /// Open a connection for each request, which is what a Swarm's virtual address shares out
    #[arg(long)]
    pub(crate) fresh: bool,

    /// Longest wait for a connection and its whole answer; then it is an error
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = positive_duration)]
    pub(crate) timeout: Duration,

    /// End with exit code 1 if one of these holds, as in errors>0,p99>50ms
    #[arg(long, value_name = "CONDITION,…", value_delimiter = ',')]
    pub(crate) fail_on: Vec<Condition>,

    /// Print the report as JSON, and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

fn connections(text: &str) -> Result<u16, String> {
    let number = text.parse().ok().filter(|number| (1..=CONNECTIONS_MAX).contains(number));
    number.ok_or_else(|| format!("accepted is a number from 1 to {CONNECTIONS_MAX}"))
}

fn rate(text: &str) -> Result<f64, String> {
    value::rate(text, RATE_MAX)
}
