//! The backup as a process; the service itself is the library beside this file.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::program::run_with(
        &backup::ABOUT,
        async |config, shutdown| backup::bind(&config)?.run(shutdown).await,
        async |name, arguments| backup::commands::run(&name, &arguments).await,
    )
}
