//! `swarmyard up`: every service of the demos in this process, on the ports of the README.

use std::io::Write;
use std::sync::Arc;

use service::logging;
use service::shutdown::cancel_on_signal;
use service::time::for_people;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};

mod clock;
mod command;
mod console;
mod instance;
mod options;
mod port;
mod readiness;
mod table;
mod thread;
mod yard;

pub use options::{Demo, MINERS_MAX, Options, PORT_OFFSET_MAX};
pub use readiness::READY_TIMEOUT;

use clock::Clock;
use console::{Console, Stream};
use instance::{Instance, Site};
use yard::Yard;

/// Runs what `options` say until a signal, or until nobody reads what is printed.
pub(crate) fn run(options: Options) -> anyhow::Result<()> {
    let (clock, console) = (Clock::start(), Console::default());
    let log = console.lines(Stream::Stderr, crate::ABOUT.name, 0);
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let level = options.log_level;
    let result = logging::apart(level, log, clock, || runtime.block_on(run_with(options, &console, clock)));
    // The thread that reads commands cannot be interrupted.
    runtime.shutdown_background();
    result
}

async fn run_with(options: Options, console: &Console, clock: Clock) -> anyhow::Result<()> {
    let shutdown = cancel_on_signal()?;
    let mut hangup = signal(SignalKind::hangup())?;
    let stop = async {
        tokio::select! {
            () = shutdown.cancelled() => {}
            // The terminal was closed.
            _ = hangup.recv() => {}
            () = console.gone.cancelled() => {}
        }
    };
    let site = Arc::new(Site::new(options));
    let mut yard = Yard::new(site.clone(), console.clone(), clock);
    let instances = Instance::all(&site.options);
    tracing::info!("starting {} services", instances.len());
    yard.start(&instances).await?;
    let work = async {
        let late = readiness::wait_for(&instances, &site).await?;
        console.print(&greeting(&site, &yard, &instances, &late, clock));
        serve(&mut yard, console).await;
        Ok(())
    };
    let result = tokio::select! {
        result = work => result,
        () = stop => Ok(()),
    };
    yard.stop().await;
    result
}

/// Notes ends and carries out commands, for ever.
async fn serve(yard: &mut Yard, console: &Console) {
    let mut lines = command::lines();
    let mut answers = console.lines(Stream::Stdout, crate::ABOUT.name, 0);
    loop {
        tokio::select! {
            () = yard.note_end() => {}
            Some(line) = lines.recv() => {
                let answer = match line.parse() {
                    Ok(command) => yard.carry_out(command).await,
                    Err(problem) => Err(problem),
                };
                for line in answer.unwrap_or_else(|problem| problem).lines() {
                    // A console that takes nothing any more ends the program.
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
        format!("not ready yet: {}; what they wait for is said above", names.join(", "))
    };
    let open =
        table::address_to_open(site, instances).map_or(String::new(), |url| format!("Open {url} in a browser. "));
    let (version, table) = (crate::ABOUT.version, yard.table());
    format!("\nSwarmyard {version}, {ready}\n\n{table}\n{open}Type help for commands; Ctrl-C stops everything.\n\n")
}
