//! The options of `swarmyard break`.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use service::chaos::{KNOB_TIME_MAX, Knob, LATENCY_MAX, MEMORY_MEBIBYTES_MAX};
use service::secret;
use service::value::positive_duration;

use super::place::Place;

/// What `--help` says beside the options.
pub(crate) const MANUAL: &str = "\
SERVICE is producer, consumer, node1 to node3, api, webui or miner. Where the network knows that name, as one of
containers does, it is asked there; elsewhere at the port where `swarmyard up` has it, miners as miner-1, miner-2 and
so on. An ADDRESS is asked as it is, as in localhost:5000, or http://pi1:8080/numbers/ for the cluster's way in.

The services have to be started with a CHAOS_TOKEN, and this with the same. Each knob ends by itself; one of the same
kind replaces it. Without any, this tells which are on.

Exit codes: 0 done, 1 not, or not everywhere, 2 wrong usage.";

/// The options of `swarmyard break`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// What to break
    #[arg(value_name = "SERVICE|ADDRESS")]
    pub(crate) place: Place,

    #[command(flatten)]
    pub(crate) knobs: Knobs,

    /// For how long, at most 10m
    #[arg(long = "for", value_name = "TIME", default_value = "30s", value_parser = time)]
    pub(crate) time: Duration,

    /// Take back all that is broken
    // Not with the group of them, of which clap would name all.
    #[arg(long, conflicts_with_all = ["latency", "errors", "not_ready", "hang", "memory", "exit"])]
    pub(crate) end: bool,

    /// Do it at every address of the name, rather than at one
    #[arg(long)]
    pub(crate) all: bool,

    /// The services' token
    #[arg(long, env = "CHAOS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<SecretString>,

    /// File that holds the token
    #[arg(long, env = "CHAOS_TOKEN_FILE", value_name = "FILE", hide_env_values = true)]
    token_file: Option<PathBuf>,
}

/// What to break there.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Knobs {
    /// Have each request wait for so long, at most 30s
    #[arg(long, value_name = "TIME", value_parser = latency)]
    latency: Option<Duration>,

    /// Have so many of a hundred requests fail, with HTTP 500
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    errors: Option<u8>,

    /// Have /readyz say that it is not ready
    #[arg(long)]
    not_ready: bool,

    /// Give no answer to requests, nor to health checks
    #[arg(long)]
    hang: bool,

    /// Hold so much memory, at most 512M
    #[arg(long, value_name = "SIZE", value_parser = mebibytes)]
    memory: Option<u64>,

    /// End the process as a crash does, with exit code 1 or this one
    #[arg(long, value_name = "CODE", num_args = 0..=1, require_equals = true, default_missing_value = "1")]
    exit: Option<u8>,
}

impl Knobs {
    /// Those to turn on, the end of the process at last.
    pub(crate) fn all(&self) -> Vec<Knob> {
        // No more than LATENCY_MAX.
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let knobs = [
            self.latency.map(|time| Knob::Latency { milliseconds: milliseconds(time) }),
            self.errors.map(|percent| Knob::Errors { percent }),
            self.not_ready.then_some(Knob::NotReady {}),
            self.hang.then_some(Knob::Hang {}),
            self.memory.map(|mebibytes| Knob::Memory { mebibytes }),
            self.exit.map(|code| Knob::Exit { code }),
        ];
        knobs.into_iter().flatten().collect()
    }
}

impl Options {
    /// The token, if there is one.
    pub(crate) fn token(&self) -> anyhow::Result<Option<SecretString>> {
        // A variable that is set to nothing counts as unset.
        let value = self.token.as_ref().filter(|token| !token.expose_secret().is_empty());
        let file = self.token_file.as_deref().filter(|file| !file.as_os_str().is_empty());
        Ok(secret::read("CHAOS_TOKEN", value, file)?)
    }
}

fn latency(text: &str) -> Result<Duration, String> {
    let accepted = || format!("accepted is a time from 1ms to {}s", LATENCY_MAX.as_secs());
    let time = positive_duration(text)?;
    (Duration::from_millis(1)..=LATENCY_MAX).contains(&time).then_some(time).ok_or_else(accepted)
}

fn time(text: &str) -> Result<Duration, String> {
    let time = positive_duration(text)?;
    let minutes = KNOB_TIME_MAX.as_secs() / 60;
    (time <= KNOB_TIME_MAX).then_some(time).ok_or_else(|| format!("accepted is a time of at most {minutes}m"))
}

fn percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse().ok();
    number.filter(|number| (1..=100).contains(number)).ok_or_else(|| "accepted is 1% to 100%".to_owned())
}

/// Sizes as Docker has them: `64M` are 64 MiB.
fn mebibytes(text: &str) -> Result<u64, String> {
    let number = text.strip_suffix(['M', 'm']).and_then(|number| number.parse().ok());
    let accepted = || format!("accepted is 1M to {MEMORY_MEBIBYTES_MAX}M");
    number.filter(|number| (1..=MEMORY_MEBIBYTES_MAX).contains(number)).ok_or_else(accepted)
}
