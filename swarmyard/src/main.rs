//! The toolkit as a process; what its commands do is the library beside this file.

use std::process::ExitCode;

fn main() -> ExitCode {
    swarmyard::main()
}
