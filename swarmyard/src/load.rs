//! `swarmyard load`: asks a server as fast as it answers, or at a rate, and says how it did.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, ensure};
use service::server::raise_limit_on_files;
use service::shutdown::cancel_on_signal;
use tokio::runtime;
use tokio_util::sync::CancellationToken;

pub(crate) mod chat;
mod crew;
mod draw;
mod fail_on;
mod latency;
mod options;
mod pace;
mod progress;
mod report;
mod screen;
mod session;
mod shown;
mod tally;
mod terms;
mod worker;

pub(crate) use options::{MANUAL, Options};

use crew::Crew;
use fail_on::Condition;
use options::{ServerOptions, Subject};
use pace::Pacer;
use progress::Progress;
use session::{View, follow};
use tally::Fault;
use terms::{CLOSED, OPEN, Terms};
use worker::{Plan, Turns};

use crate::http_client::Addresses;
use crate::stdout::print;

/// Asks as `options` say, shows how it goes, and reports.
///
/// # Errors
/// When there is nothing to ask, nothing has answered, or a condition of `--fail-on` holds.
pub(crate) fn run(options: Options) -> anyhow::Result<()> {
    raise_limit_on_files();
    // Signals are heard, and a chat goes on, while this thread waits for a slow terminal.
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let signal = cancel_on_signal()?;
        match options.subject().context("there is nothing to ask: give a URL")? {
            Subject::Server(options) => run_with(*options, &signal).await,
            Subject::Chat(options) => chat::run(options, &signal).await,
        }
    });
    // A thread may hang in a name lookup, or in a read of the terminal.
    runtime.shutdown_background();
    result
}

async fn run_with(options: ServerOptions, signal: &CancellationToken) -> anyhow::Result<()> {
    let terms = terms(&options);
    let target = if options.fresh { options.target.closing() } else { options.target };
    let addresses = Addresses::of(&target).await.with_context(|| format!("cannot ask {target}"))?;
    let mut view = View::open(options.json).context("cannot draw on this terminal; `| cat` shows lines instead")?;
    let start = Instant::now();
    let turns = match options.rate {
        Some(rate) => Turns::Open(Pacer::start(rate, start, start + options.duration)?),
        None => Turns::Closed { is_over: AtomicBool::new(false) },
    };
    let plan = Arc::new(Plan { target, addresses, fresh: options.fresh, timeout: options.timeout, turns });
    let crew = Crew::start(start, options.connections.into(), |_, tally| plan.clone().work(tally))?;
    let followed = follow(crew, &mut view, &terms, signal, || plan.turns.end_now()).await;
    drop(view);
    let mut progress = followed.context("cannot write what there is to say")?;
    progress.total.note_fault(Fault::NotSent, plan.turns.not_sent());
    judge(&progress, &terms, &options.fail_on, options.json)
}

fn terms(options: &ServerOptions) -> Terms {
    let ServerOptions { target, connections, rate, fresh, .. } = options;
    let fresh = if *fresh { ", each request on its own" } else { "" };
    let pace = rate.map_or_else(String::new, |rate| format!(", {rate} a second"));
    let title = format!("{target}, {}{fresh}{pace}", plural(*connections, "connection"));
    let explanation = "measured: from when a request was sent; felt: from when it was due, as users count";
    let (columns, explanation) = if rate.is_some() { (OPEN, Some(explanation)) } else { (CLOSED, None) };
    Terms { title, things: "answers", columns, explanation, duration: options.duration }
}

/// `1 connection`, `2 connections`.
fn plural(number: u16, noun: &str) -> String {
    if number == 1 { format!("{number} {noun}") } else { format!("{number} {noun}s") }
}

/// Reports, and says whether it was as wanted.
fn judge(progress: &Progress, terms: &Terms, conditions: &[Condition], is_json: bool) -> anyhow::Result<()> {
    let failed = report::failed(progress, terms, conditions);
    let report = if is_json { report::json(progress, terms, &failed) + "\n" } else { report::text(progress, terms) };
    print(&report).context("cannot write the report")?;
    let most_frequent = progress.total.faults.iter().max_by_key(|(_, count)| **count);
    let why = most_frequent.map_or_else(String::new, |(fault, _)| format!(": {fault}"));
    ensure!(progress.total.answers > 0, "{} had no good answer{why}", terms.title);
    ensure!(failed.is_empty(), "{}", failed.join("; "));
    Ok(())
}
