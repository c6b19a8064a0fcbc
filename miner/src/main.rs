//! The miner as a process; the service itself is the library beside this file.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::program::run(&miner::ABOUT, async |config, shutdown| miner::bind(&config)?.run(shutdown).await)
}
