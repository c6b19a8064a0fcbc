//! The options of `swarmyard load chat`.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;
use std::time::Duration;

use chat_protocol::limits::CONTENT_CHARS_MAX;
use reqwest::Url;
use service::value::positive_duration;

use super::super::fail_on::Condition;
use crate::value::{self, run_time};

/// What `--help` says beside the options.
pub(crate) const MANUAL: &str = "\
It makes a room on the first node, has as many members join it as --clients says, on the nodes in turn, lets them speak
in turn, and deletes the room in the end. Each message has to come to each member once, and to all in the same order:
what does not is an error. Two latencies stand side by side: confirmed, from when a message was sent to the word that
the room has it, and delivered, from when it was due to its arrival at each member.

Conditions are errors (a number, or a share: errors>1%), rate (deliveries a second), mean, max, and p50, p99, p99.9 and
the like of the deliveries; with <, <=, > or >=.

Exit codes: 0 done, 1 nothing came or a condition holds (stderr says which), 2 wrong usage.";

/// Example for messages.
const EXAMPLE: &str = "ws://localhost:8081";

/// Most members.
const CLIENTS_MAX: u16 = 1000;

/// Most messages a second.
const RATE_MAX: f64 = 10_000.0;

/// What a message needs to say when it was sent.
const SIZE_MIN: usize = 60;

/// The options of `swarmyard load chat`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// The nodes, as in localhost:8081
    #[arg(value_name = "URL", required = true)]
    pub(crate) nodes: Vec<Node>,

    /// How many members the room has, 1 to 1000
    #[arg(long, short, value_name = "NUMBER", default_value = "10", value_parser = clients)]
    pub(crate) clients: u16,

    /// How many messages a second all members send together, at most 10000
    #[arg(long, short, value_name = "NUMBER", default_value = "10", value_parser = rate)]
    pub(crate) rate: f64,

    /// How many letters a message has, 60 to 5000
    #[arg(long, value_name = "NUMBER", default_value = "100", value_parser = size)]
    pub(crate) size: usize,

    /// How long to go on; Ctrl-C ends it before, with the report
    #[arg(long, short, value_name = "TIME", default_value = "10s", value_parser = run_time)]
    pub(crate) duration: Duration,

    /// Longest wait for the last messages; then they are missing
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = positive_duration)]
    pub(crate) timeout: Duration,

    /// End with exit code 1 if one of these holds, as in errors>0,p99>50ms
    #[arg(long, value_name = "CONDITION,…", value_delimiter = ',')]
    pub(crate) fail_on: Vec<Condition>,

    /// Print the report as JSON, and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where a node is.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) url: Url,
    /// `host:port`.
    pub(crate) address: String,
}

impl FromStr for Node {
    /// For people.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("ws://{text}") };
        let wrong = || format!("accepted is a node of the chat, such as {EXAMPLE}");
        let url: Url = with_scheme.parse().map_err(|_| wrong())?;
        if url.scheme() != "ws" {
            return Err(format!("{}:// is not spoken here; {}", url.scheme(), wrong()));
        }
        let address = service::outgoing::server(&url);
        if url.host_str().is_none() { Err(wrong()) } else { Ok(Self { url, address }) }
    }
}

impl Display for Node {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.address)
    }
}

fn clients(text: &str) -> Result<u16, String> {
    let number = text.parse().ok().filter(|number| (1..=CLIENTS_MAX).contains(number));
    number.ok_or_else(|| format!("accepted is a number from 1 to {CLIENTS_MAX}"))
}

fn rate(text: &str) -> Result<f64, String> {
    value::rate(text, RATE_MAX)
}

fn size(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (SIZE_MIN..=CONTENT_CHARS_MAX).contains(number));
    number.ok_or_else(|| format!("accepted is a number from {SIZE_MIN} to {CONTENT_CHARS_MAX}"))
}
