//! The client as a process; the client itself is the library beside this file.

use std::process::ExitCode;

fn main() -> ExitCode {
    chat_client::main()
}
