//! The API as a process; the service itself is the library beside this file.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::program::run(&api::ABOUT, async |config, shutdown| api::bind(&config)?.run(shutdown).await)
}
