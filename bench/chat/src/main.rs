//! See the description in Cargo.toml; `bench/chat/run --help` is the manual.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "figures go to stdout, progress to stderr")]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "figures are rounded when printed, and counters of a run fit into 32 bits"
)]

mod checks;
mod connection;
mod control;
mod crash;
mod figures;
mod fleet;
mod frame;
mod hung;
mod idle;
mod interrupt;
mod layout;
mod node;
mod options;
mod record;
mod reference;
mod rounds;
mod server;
mod slow;
mod stop;
mod storm;
mod token;
mod usage;

use clap::Parser;

use crate::figures::Summary;
use crate::options::{Arguments, Kind, Measurement, Options};
use crate::rounds::{Load, compare};

fn main() -> anyhow::Result<()> {
    let Arguments { measurement, options } = Arguments::parse();
    testing::raise_limit_on_files();
    if !matches!(measurement, Measurement::Reference) {
        interrupt::listen()?;
    }
    let mut summary = Summary::default();
    measure(measurement, &options, &mut summary)
}

fn measure(measurement: Measurement, options: &Options, summary: &mut Summary) -> anyhow::Result<()> {
    match measurement {
        Measurement::Saturate => compare(Load::Saturated, options, summary),
        Measurement::Paced => compare(Load::Paced, options, summary),
        Measurement::Storm => storm::storm(options, summary),
        Measurement::Idle => idle::idle(options, summary),
        Measurement::Slow => slow::slow(options, summary),
        Measurement::Crash => crash::crash(options, summary),
        Measurement::Hung => hung::hung(options, summary),
        Measurement::Stop => stop::stop(options, summary),
        Measurement::All => all(options, summary),
        Measurement::Reference => Ok(reference::run()?),
    }
}

/// One after the other; one that fails is told, and the next begins.
fn all(options: &Options, summary: &mut Summary) -> anyhow::Result<()> {
    use Measurement::{Crash, Hung, Idle, Paced, Saturate, Slow, Stop, Storm};
    let of_nodes_only = [Crash, Hung, Stop];
    let has_nodes = options.servers.iter().any(|kind| *kind != Kind::Reference);
    for measurement in
        [Saturate, Paced, Storm, Idle, Slow].into_iter().chain(of_nodes_only.into_iter().filter(|_| has_nodes))
    {
        println!("== {measurement:?}\n");
        if let Err(error) = measure(measurement, options, summary) {
            anyhow::ensure!(!interrupt::is_interrupted(), error);
            summary.add(&format!("{measurement:?}"), "failed", format!("{error:#}"));
        }
        println!();
    }
    summary.print();
    Ok(())
}
