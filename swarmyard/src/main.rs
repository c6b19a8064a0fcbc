//! The toolkit as a process; what its commands do is the library beside this file.

use std::process::ExitCode;

fn main() -> ExitCode {
    match swarmyard::parse(std::env::args_os()) {
        Ok(options) => swarmyard::up(options),
        Err(error) => service::program::explain(&error),
    }
}
