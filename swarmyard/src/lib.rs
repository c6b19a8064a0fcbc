//! The toolkit: what a learner runs beside, or instead of, the services' images.
//!
//! `swarmyard up` is all three demos in one process, without Docker; `swarmyard load` asks a server as fast as it
//! answers; `swarmyard watch` shows what an update costs; `swarmyard doctor` says what would go wrong on a machine;
//! `swarmyard autoscale` has a service grow and shrink; `swarmyard break` has something go wrong for a while. The image
//! has all but `up`, which is the feature of that name.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use service::About;
use service::config::{ConfigError, explain};
use service::program::say;

mod autoscale;
mod r#break;
mod doctor;
mod figures;
mod http_client;
mod load;
mod stdout;
#[cfg(feature = "up")]
mod up;
mod value;
mod watch;

/// What the program says of itself.
const ABOUT: About = service::about!();

/// Swarmyard's toolkit: see what its services do, wherever they run
#[derive(Debug, Parser)]
#[command(name = "swarmyard", version)]
#[cfg_attr(feature = "up", command(args_conflicts_with_subcommands = true))]
struct Arguments {
    #[cfg(feature = "up")]
    #[command(subcommand)]
    command: Option<Command>,
    #[cfg(not(feature = "up"))]
    #[command(subcommand)]
    command: Command,

    /// Without a command, it is `up`.
    #[cfg(feature = "up")]
    #[command(flatten)]
    up: up::Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the services of all three demos in this process; without a command, this is what happens
    #[cfg(feature = "up")]
    Up(Box<up::Options>),
    /// Ask a server as fast as it answers, or at a rate, and show how it does
    #[command(after_help = load::MANUAL)]
    Load(Box<load::Options>),
    /// Ask while something is updated, and show each second who answers, and what fails
    #[command(after_help = watch::MANUAL)]
    Watch(Box<watch::Options>),
    /// Say what would go wrong on this machine, or with a Compose or stack file, and what mends it
    #[command(after_help = doctor::MANUAL)]
    Doctor(doctor::Options),
    /// Give a Swarm's service as many replicas as its load needs
    #[command(after_help = autoscale::MANUAL)]
    Autoscale(Box<autoscale::Options>),
    /// Have something go wrong for a while, at one instance of a service or at all of them
    #[command(after_help = r#break::MANUAL)]
    Break(Box<r#break::Options>),
}

/// Does what the command line asks for.
///
/// Exit codes: 0 done, 1 it did not work, or not as was demanded (stderr says why), 2 wrong usage, or what `doctor`
/// takes for an error.
#[must_use]
pub fn main() -> ExitCode {
    let command = match parse(std::env::args_os()) {
        Ok(command) => command,
        Err(error) => return service::program::explain(&error),
    };
    let done = |()| ExitCode::SUCCESS;
    let result = match command {
        #[cfg(feature = "up")]
        Command::Up(options) => up::run(*options).map(done),
        Command::Load(options) => load::run(*options).map(done),
        Command::Watch(options) => watch::run(*options).map(done),
        Command::Doctor(options) => doctor::run(&options),
        Command::Autoscale(options) => autoscale::run(*options).map(done),
        Command::Break(options) => r#break::run(&options).map(done),
    };
    result.unwrap_or_else(|error| {
        say(&format!("{}: {error:#}", ABOUT.name));
        ExitCode::FAILURE
    })
}

/// Reads the command line `args`, the program's name first. An error is what to print instead of doing something: the
/// manual, or one line that says what is wrong.
fn parse(args: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Command, ConfigError> {
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let mut command = Arguments::command();
    let arguments = command.try_get_matches_from_mut(&args).and_then(|matches| Arguments::from_arg_matches(&matches));
    let arguments = arguments.map_err(|error| explain(&speaker(&args), &command, &error))?;
    let command = arguments.command;
    #[cfg(feature = "up")]
    let command = command.unwrap_or_else(|| Command::Up(arguments.up.into()));
    Ok(command)
}

/// The program, or its command, which has a manual of its own.
fn speaker(args: &[OsString]) -> About {
    let word = |index: usize| args.get(index).and_then(|word| word.to_str()).unwrap_or_default();
    let name = match (word(1), word(2)) {
        ("load", "chat") => "swarmyard load chat",
        ("load", _) => "swarmyard load",
        ("watch", "stack") => "swarmyard watch stack",
        ("watch", _) => "swarmyard watch",
        ("doctor", _) => "swarmyard doctor",
        ("autoscale", _) => "swarmyard autoscale",
        ("break", _) => "swarmyard break",
        _ => ABOUT.name,
    };
    About { name, ..ABOUT }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_documented_and_the_commands_hold_together() {
        let command = Arguments::command();
        command.clone().debug_assert();
        assert_documented(&command);
    }

    fn assert_documented(command: &clap::Command) {
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{}: {argument}", command.get_name());
        }
        command.get_subcommands().for_each(assert_documented);
    }
}
