//! `swarmyard doctor`: what would go wrong on this machine, before it does.
//!
//! What is known of the machine comes from a few sources (`source`), all asked at once: the `docker` command, files
//! below a root folder, ports, other nodes, Docker Hub. What is to be known of a file comes from the file (`stack`).
//! Then each check of the tables in `checks` looks at it.

use std::process::ExitCode;

use service::config::EXIT_USAGE;
use tokio::runtime;

mod check;
mod checks;
mod facts;
mod options;
mod report;
mod source;
mod stack;

pub(crate) use options::{MANUAL, Options};

use check::{Examined, Level, examine};
use facts::{Facts, FileFacts};
use report::Report;

/// Exit code when there are errors.
const EXIT_ERRORS: u8 = EXIT_USAGE;

/// Exit code when there are warnings, and those count.
const EXIT_WARNINGS: u8 = 1;

/// Threads beside the main one.
const THREADS: usize = 1;

/// Looks at the machine, or at the files that `options` name, and prints what there is to say. Gives the exit code.
///
/// # Errors
/// When it cannot be printed.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    let examined = runtime.block_on(async {
        if options.files.is_empty() { Box::pin(look_at_machine(options)).await } else { look_at_files(options).await }
    });
    // A thread may hang in a name lookup.
    runtime.shutdown_background();
    let report = Report::new(&examined);
    report.print(options)?;
    Ok(match report.worst() {
        Some(Level::Error) => EXIT_ERRORS.into(),
        Some(Level::Warning) if options.strict => EXIT_WARNINGS.into(),
        _ => ExitCode::SUCCESS,
    })
}

async fn look_at_machine(options: &Options) -> Vec<Examined> {
    let facts = Box::pin(Facts::gather(options)).await;
    examine(checks::of_machine(), &facts)
}

async fn look_at_files(options: &Options) -> Vec<Examined> {
    let nodes = source::docker::nodes_of_swarm(options.timeout).await;
    options.files.iter().flat_map(|file| examine(checks::of_file(), &FileFacts::read(file, nodes.clone()))).collect()
}
