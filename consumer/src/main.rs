//! The consumer as a process; the service itself is the library beside this file.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::program::run(&consumer::ABOUT, async |config, shutdown| consumer::bind(&config)?.run(shutdown).await)
}
