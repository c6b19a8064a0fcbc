//! See the description in Cargo.toml; `bench/devcoin/run --help` is the manual.
#![allow(clippy::print_stdout, reason = "figures go to stdout")]
#![allow(clippy::cast_precision_loss, reason = "figures are rounded when printed")]

mod figures;
mod openssl;
mod options;
mod reference;
mod search;

use clap::Parser;

use crate::options::{Arguments, Measurement};

fn main() -> anyhow::Result<()> {
    let Arguments { measurement, options } = Arguments::parse();
    match measurement {
        Measurement::Search => search::run(&options),
        Measurement::Reference => {
            println!("{}", reference::hashes_per_second(options.slice()));
            Ok(())
        }
    }
}
