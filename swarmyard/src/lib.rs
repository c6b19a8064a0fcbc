//! The toolkit: what a learner runs beside, or instead of, the services' images.
//!
//! `swarmyard up` is all three demos in one process, without Docker.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use service::About;
use service::config::{ConfigError, explain};
use service::program::say;

mod up;

pub use up::{Demo, MINERS_MAX, Options, PORT_OFFSET_MAX, READY_TIMEOUT};

/// What the program says of itself.
pub const ABOUT: About = service::about!();

/// All three demos in one process, without Docker
#[derive(Debug, Parser)]
#[command(name = "swarmyard", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// Without a command, it is `up`.
    #[command(flatten)]
    up: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the services of all three demos in this process; without a command, this is what happens
    Up(Options),
}

/// Reads the command line `args`, the program's name first.
///
/// # Errors
/// What to print instead of doing something: the manual, or one line that says what is wrong.
pub fn parse(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Options, ConfigError> {
    let mut command = Arguments::command();
    let arguments = command.try_get_matches_from_mut(args).and_then(|matches| Arguments::from_arg_matches(&matches));
    match arguments.map_err(|error| explain(&ABOUT, &command, &error))? {
        Arguments { command: Some(Command::Up(options)), .. } | Arguments { command: None, up: options } => Ok(options),
    }
}

/// Runs the services until a signal, or until nobody reads what it prints.
///
/// Exit codes: 0 after an orderly stop, 1 when something could not be started, or not be written; stderr says what.
#[must_use]
pub fn up(options: Options) -> ExitCode {
    match up::run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{}: {error:#}", ABOUT.name));
            ExitCode::FAILURE
        }
    }
}
