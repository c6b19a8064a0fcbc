//! The producer as a process; the service itself is the library beside this file.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::program::run(&producer::ABOUT, async |config, shutdown| producer::bind(&config)?.run(shutdown).await)
}
