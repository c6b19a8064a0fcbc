//! The chat node as a process; the service itself is the library beside this file.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::program::run_with(
        &chat_node::ABOUT,
        async |config, shutdown| chat_node::bind(&config)?.run(shutdown).await,
        // It has one command.
        async |_, arguments| chat_node::heartbeat::print(&arguments).await,
    )
}
