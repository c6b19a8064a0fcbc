//! `swarmyard up`: every service of the demos in this process, on the ports of the README.

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use service::logging;
use service::server::raise_limit_on_files;
use service::shutdown::cancel_on_signal;
use service::time::for_people;
use tokio::runtime;

mod address;
mod clock;
mod command;
mod console;
pub(crate) mod instance;
mod options;
mod output;
mod readiness;
mod table;
mod thread;
mod yard;

pub(crate) use options::Options;

use clock::Clock;
use console::Console;
use instance::{Instance, Site};
use yard::Yard;

/// The colour of this program's own name.
const COLOUR: usize = 0;

/// Runs what `options` say until a signal, or until nobody reads what is printed.
pub(crate) fn run(options: Options) -> anyhow::Result<()> {
    let (clock, console) = (Clock::start(), Console::start());
    // Instances take files before a server raises the limit itself.
    raise_limit_on_files();
    let log = console.stderr_lines(crate::ABOUT.name, COLOUR);
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let level = options.log_level;
    let result = logging::apart(level, log, clock, || runtime.block_on(run_with(options, &console, clock)));
    // The thread that reads commands cannot be interrupted.
    runtime.shutdown_background();
    let written = console.finish().context("cannot write what there is to say");
    result.and(written)
}

async fn run_with(options: Options, console: &Console, clock: Clock) -> anyhow::Result<()> {
    let shutdown = cancel_on_signal()?;
    let site = Arc::new(Site::new(options));
    let mut yard = Yard::new(site.clone(), console.clone(), clock);
    let instances = Instance::all(&site.options);
    tracing::info!("starting {} services", instances.len());
    // The table comes before what consumers print.
    console.stdout.hold();
    yard.start(&instances).await?;
    let work = async {
        let late = readiness::wait_for(&instances, &site).await?;
        console.stdout.begin_with(greeting(&site, &yard, &instances, &late, clock));
        serve(&mut yard, console).await;
        Ok(())
    };
    let result = tokio::select! {
        result = work => result,
        () = shutdown.cancelled() => Ok(()),
        () = console.gone.cancelled() => Ok(()),
    };
    let start = Instant::now();
    yard.stop().await;
    tracing::info!("stopped after {}", for_people(start.elapsed()));
    result
}

/// Notes ends and carries out commands, for ever.
async fn serve(yard: &mut Yard, console: &Console) {
    let mut typed = command::typed();
    let mut answers = console.stdout_lines(crate::ABOUT.name, COLOUR);
    loop {
        tokio::select! {
            () = yard.note_end() => {}
            Some(command) = typed.recv() => {
                let answer = match command {
                    Ok(command) => yard.carry_out(command).await,
                    Err(problem) => Err(problem),
                };
                for line in answer.unwrap_or_else(|problem| problem).lines() {
                    // It never fails: what nobody reads is left out.
                    let _ = writeln!(answers, "{line}");
                }
            }
        }
    }
}

fn greeting(site: &Site, yard: &Yard, instances: &[Instance], late: &[Instance], clock: Clock) -> String {
    let ready = if late.is_empty() {
        format!("ready after {}", for_people(clock.elapsed()))
    } else {
        let names: Vec<_> = late.iter().map(ToString::to_string).collect();
        format!("not ready yet: {}; /readyz of each says why", names.join(", "))
    };
    let open =
        table::address_to_open(site, instances).map_or(String::new(), |url| format!("Open {url} in a browser. "));
    let (version, table) = (crate::ABOUT.version, yard.table());
    format!("\nSwarmyard {version}, {ready}\n\n{table}\n{open}Type help for commands; Ctrl-C stops everything.\n\n")
}
