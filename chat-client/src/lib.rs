//! The chat's client: three screens in a terminal (connect, rooms, chat), and `send` and `tail` for
//! scripts.
//!
//! `app` is what the screens know and how keys and messages change it, without terminal or network;
//! `draw` shows it; `screen` is the loop between terminal, `app` and the node. `link` is a connection
//! that comes back, `connection` a single one.

use std::io::{self, Write};
use std::process::ExitCode;

mod address;
mod app;
mod arguments;
mod connection;
mod draw;
mod link;
mod order;
mod rooms;
mod screen;
mod script;
mod send;
mod tail;
mod visible;

use arguments::Command;

/// Threads beside the main one: connections go on while a slow terminal or pipe holds that up.
const WORKERS: usize = 1;

/// Does what the command line asks for; gives the exit code: 0 done, 1 it did not work, 2 wrong usage.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match arguments::parse(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(error) => return service::program::explain(&error),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = match arguments.command {
                None => runtime.block_on(screen::run(arguments.screen)).map_err(|error| error.to_string()),
                Some(Command::Send(send)) => runtime.block_on(send::run(send)).map_err(|error| error.to_string()),
                Some(Command::Tail(tail)) => runtime.block_on(tail::run(tail)).map_err(|error| error.to_string()),
            };
            // A thread may hang in a read of stdin or the terminal.
            runtime.shutdown_background();
            result
        }
        Err(error) => Err(format!("cannot start: {error}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            // Without a stderr, the exit code has to do.
            let _ = writeln!(io::stderr(), "chat-client: {}", visible::one_line(&reason));
            ExitCode::FAILURE
        }
    }
}
