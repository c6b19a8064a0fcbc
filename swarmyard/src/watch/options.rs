//! The options of `swarmyard watch`.

use std::time::Duration;

use service::value::positive_duration;

use crate::http_client::Target;
use crate::value::{self, run_time};

/// What `--help` says beside the options.
pub(crate) const MANUAL: &str = "\
Each second is a line: how many answers, by version and replica, and what failed. Each request has a connection of its
own, as those of a new user have, and none waits for another. The replica is what the header X-Served-By says; its
version, what it says at whoami beside what is asked for.

Ctrl-C ends it with the sum. Exit codes: 0 nothing failed, 1 something did, 2 wrong usage.";

/// What `--help` of `stack` says beside the options.
const STACK_MANUAL: &str = "\
Asks `docker stack ps` once a second, which has to be a manager's, and prints each task that is new, changes its state,
or is gone. It ends with the stack.

Ctrl-C ends it with the sum. Exit codes: 0 no task failed, 1 one did, or was rejected, 2 wrong usage.";

/// Most requests a second to each URL.
const RATE_MAX: f64 = 100.0;

/// Longest wait for an answer.
const TIMEOUT_MAX: Duration = Duration::from_mins(1);

/// The options of `swarmyard watch`.
#[derive(clap::Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    stack: Option<Command>,

    #[command(flatten)]
    urls: UrlOptions,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum Command {
    /// Show a stack's tasks as they come and go
    #[command(after_help = STACK_MANUAL)]
    Stack(StackOptions),
}

/// What is watched.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    Urls(UrlOptions),
    Stack(StackOptions),
}

/// What is watched from outside.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct UrlOptions {
    /// What to ask for, as in localhost:5000/number
    #[arg(value_name = "URL", required = true)]
    pub(crate) targets: Vec<Target>,

    /// How often to ask for each URL, times a second, at most 100
    #[arg(long, short, value_name = "NUMBER", default_value = "10", value_parser = rate)]
    pub(crate) rate: f64,

    /// Longest wait for a connection and its whole answer, at most 1m; then it has failed
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = timeout)]
    pub(crate) timeout: Duration,

    /// How long to watch [default: until Ctrl-C]
    #[arg(long, short, value_name = "TIME", value_parser = run_time)]
    pub(crate) duration: Option<Duration>,

    /// Print each second as a line of JSON, and at last the sum
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is watched from inside.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct StackOptions {
    /// The stack's name, as in docker stack ls
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// How long to watch [default: until Ctrl-C]
    #[arg(long, short, value_name = "TIME", value_parser = run_time)]
    pub(crate) duration: Option<Duration>,

    /// Print each change as a line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Options {
    /// What is to be watched.
    pub(crate) fn subject(self) -> Subject {
        match self.stack {
            Some(Command::Stack(options)) => Subject::Stack(options),
            None => Subject::Urls(self.urls),
        }
    }
}

fn rate(text: &str) -> Result<f64, String> {
    value::rate(text, RATE_MAX)
}

fn timeout(text: &str) -> Result<Duration, String> {
    let time = positive_duration(text)?;
    let seconds = TIMEOUT_MAX.as_secs();
    (time <= TIMEOUT_MAX).then_some(time).ok_or_else(|| format!("accepted is a time of at most {seconds} s"))
}
