//! `swarmyard watch`: what an update costs, as it happens.

use service::shutdown::cancel_on_signal;
use tokio::runtime;

mod changes;
mod counts;
mod options;
mod stack;
mod urls;

pub(crate) use options::{MANUAL, Options};

use options::Subject;

/// Threads beside the main one: requests go on, and signals are heard, while that one waits for a slow terminal.
const THREADS: usize = 1;

/// Watches what `options` say until its time is over, or a signal.
///
/// # Errors
/// When there is nothing to watch, or something failed while it was watched.
pub(crate) fn run(options: Options) -> anyhow::Result<()> {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    let result = runtime.block_on(async {
        let signal = cancel_on_signal()?;
        match options.subject() {
            Subject::Urls(options) => urls::watch(options, &signal).await,
            Subject::Stack(options) => stack::watch(options, &signal).await,
        }
    });
    // A thread may hang in a name lookup.
    runtime.shutdown_background();
    result
}
