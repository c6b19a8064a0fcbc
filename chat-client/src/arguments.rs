//! The command line. Its doc comments are the manual.
#![allow(clippy::doc_markdown, reason = "the comments are printed as they are")]

use std::ffi::OsString;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use service::config::{ConfigError, explain};

use crate::address::Address;

/// The chat in a terminal.
///
/// Without a command it takes the whole terminal: connect, choose or create a room, chat. The keys are
/// at the bottom of each screen. With --username and --address it connects at once, with --room it
/// also joins. NO_COLOR=1 switches colours off. Times are those of this machine's zone, or of TZ.
#[derive(Debug, Parser)]
#[command(name = "chat-client", version, args_conflicts_with_subcommands = true)]
#[command(after_help = "Exit codes: 0 done, 1 it did not work (the reason is on stderr), 2 wrong usage.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) screen: ScreenArguments,
}

/// What works without a screen.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Send(SendArguments),
    Tail(TailArguments),
}

/// Where the screens begin.
#[derive(Debug, Args)]
pub(crate) struct ScreenArguments {
    /// Name to chat under [default: asked for]
    #[arg(long, short, env = "CHAT_USERNAME", hide_env_values = true, value_name = "NAME")]
    pub(crate) username: Option<String>,

    /// Node to connect to, such as localhost:8081 or ws://localhost:8081 [default: asked for]
    #[arg(long, short, env = "CHAT_ADDRESS", hide_env_values = true, value_name = "HOST:PORT", value_parser = optional_address)]
    pub(crate) address: Option<OptionalAddress>,

    /// Room to join, by name or id, on any node [default: chosen from the list]
    #[arg(long, short, value_name = "ROOM")]
    pub(crate) room: Option<String>,
}

/// Send messages without a screen, for scripts.
///
/// Joins the room, sends, waits until the room's node has confirmed each message, and leaves. Exits 0
/// when all were confirmed; otherwise 1, after one line on stderr. Prints nothing else, unless --json.
#[derive(Debug, Args)]
pub(crate) struct SendArguments {
    /// Node to connect to, such as localhost:8081 or ws://localhost:8081
    #[arg(long, short, env = "CHAT_ADDRESS", hide_env_values = true, value_name = "HOST:PORT")]
    pub(crate) address: Address,

    /// Name to send under
    #[arg(long, short, env = "CHAT_USERNAME", hide_env_values = true, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) username: String,

    /// Room to send to, by name or id, on any node
    #[arg(long, short)]
    pub(crate) room: String,

    /// Create the room on the node if no node has it
    #[arg(long)]
    pub(crate) create: bool,

    /// Print each confirmation as a line of JSON: room_id, message_id, sequence_number, timestamp
    #[arg(long)]
    pub(crate) json: bool,

    /// The message, its words joined by spaces [default: each line of stdin is a message, empty ones
    /// are not]
    #[arg(value_name = "TEXT")]
    pub(crate) text: Vec<String>,
}

/// Print a room's messages without a screen, for scripts.
///
/// Prints the history and then each message as it comes, one line each: `HH:MM:SS  name: text`, in
/// this machine's time zone, or that of TZ. Line breaks in a message are shown as ⏎, what a terminal
/// would obey is escaped. It connects again when the connection is lost, and prints what it missed,
/// once. Ctrl-C ends it.
#[derive(Debug, Args)]
pub(crate) struct TailArguments {
    /// Node to connect to, such as localhost:8081 or ws://localhost:8081
    #[arg(long, short, env = "CHAT_ADDRESS", hide_env_values = true, value_name = "HOST:PORT")]
    pub(crate) address: Address,

    /// Name to be seen under in the room [default: tail- and the process's id]
    #[arg(long, short, env = "CHAT_USERNAME", hide_env_values = true, value_name = "NAME")]
    pub(crate) username: Option<String>,

    /// Room to read, by name or id, on any node
    #[arg(long, short)]
    pub(crate) room: String,

    /// Print each message as a line of JSON, as it is on the wire
    #[arg(long)]
    pub(crate) json: bool,

    /// End after so many messages, those of the history included [default: never]
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) lines: Option<u64>,
}

/// Reads the command line `args`, the program's name first.
///
/// # Errors
/// What to print instead of doing something: the manual, or one line that says what is wrong.
pub(crate) fn parse(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Arguments, ConfigError> {
    let mut command = Arguments::command();
    let arguments = command.try_get_matches_from_mut(args).and_then(|matches| Arguments::from_arg_matches(&matches));
    arguments.map_err(|error| explain(&service::about!(), &command, &error))
}

/// An address, or nothing where an empty variable says so, as Compose's `${NAME:-}` does.
#[derive(Clone, Debug)]
pub(crate) struct OptionalAddress(pub(crate) Option<Address>);

fn optional_address(text: &str) -> Result<OptionalAddress, crate::address::WrongAddress> {
    if text.is_empty() {
        return Ok(OptionalAddress(None));
    }
    text.parse().map(|address| OptionalAddress(Some(address)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn every_setting_is_documented_and_the_commands_hold_together() {
        let command = Arguments::command();
        command.clone().debug_assert();
        for command in std::iter::once(&command).chain(command.get_subcommands()) {
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{}: {argument}", command.get_name());
            }
        }
    }
}
