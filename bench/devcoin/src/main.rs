//! See the description in Cargo.toml; `bench/devcoin/run --help` is the manual.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "figures go to stdout, progress to stderr")]
#![allow(clippy::cast_precision_loss, reason = "figures are rounded when printed")]

mod api;
mod balance;
mod figures;
mod interrupt;
mod ledger;
mod miners;
mod openssl;
mod options;
mod programs;
mod record;
mod reference;
mod search;
mod server;
mod wrk;

use clap::Parser;

use crate::options::{Arguments, Measurement, Portable};

fn main() -> anyhow::Result<()> {
    measure(Arguments::parse().measurement)
}

fn measure(measurement: Measurement) -> anyhow::Result<()> {
    match measurement {
        Measurement::Search(options) => search::run(&options),
        Measurement::Record(options) => interrupt::unless_stopped(record::run(&options)),
        Measurement::Api(options) => interrupt::unless_stopped(api::run(&options)),
        Measurement::All(portable) => all(&portable),
        Measurement::Reference(slice) => {
            println!("{}", reference::hashes_per_second(slice.time()));
            Ok(())
        }
    }
}

/// One after the other, until one fails.
fn all(portable: &Portable) -> anyhow::Result<()> {
    for name in ["search", "record", "api"] {
        println!("== {name}\n");
        let mut measurement = Arguments::try_parse_from(["devcoin-bench", name])?.measurement;
        if let Measurement::Search(options) = &mut measurement {
            options.portable = portable.clone();
        }
        measure(measurement)?;
        println!();
    }
    Ok(())
}
