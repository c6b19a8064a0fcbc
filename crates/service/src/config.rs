//! Settings: environment variables that are also flags, read once at start.
//!
//! A service describes its settings as a struct with `#[derive(clap::Args)]`; doc comments become
//! `--help`, which is the manual. A wrong value ends the program with one line and exit code 2.

use std::error::Error;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{Resettable, StyledStr};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Args, Command, ValueEnum};
use secrecy::{ExposeSecret, SecretString};

use crate::about::About;
use crate::secret;
use crate::value::{self, duration, header_text};

/// Exit code for a wrong setting, as the shell and clap have it for wrong usage.
pub const EXIT_USAGE: u8 = 2;

/// The settings that every service has.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Settings of every service")]
pub struct ServiceConfig {
    /// Name that answers carry in the header X-Served-By [default: the host name]
    #[arg(long, env = "SERVED_BY", value_name = "NAME", value_parser = header_text)]
    pub served_by: Option<String>,

    /// Name of the machine, shown by /whoami; in a stack, {{.Node.Hostname}}
    #[arg(long, env = "NODE_NAME", value_name = "NAME")]
    pub node_name: Option<String>,

    /// Version shown by /whoami; images set it to their tag [default: the program's own]
    #[arg(long, env = "SERVICE_VERSION", value_name = "VERSION")]
    pub service_version: Option<String>,

    /// How long to go on serving, unready, after SIGTERM, so that load balancers notice first
    ///
    /// Together with `DRAIN_TIMEOUT`, keep it below the stop grace period (10 s in Docker).
    #[arg(long, env = "DRAIN_DELAY", value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub drain_delay: Duration,

    /// Longest wait for open requests after that; then their connections are cut
    #[arg(long, env = "DRAIN_TIMEOUT", value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub drain_timeout: Duration,

    /// Least severe events that are logged; critical logs no more than errors do
    #[arg(long, env = "LOG_LEVEL", value_name = "LEVEL", default_value = "info", ignore_case = true)]
    pub log_level: LogLevel,

    /// Form of the log on stderr, a line an event
    #[arg(long, env = "LOG_FORMAT", value_name = "FORMAT", default_value = "text", ignore_case = true)]
    pub log_format: LogFormat,

    /// Token with which this service can be broken for a while, at /chaos; without one, nothing is there
    #[arg(long, env = "CHAOS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub chaos_token: Option<SecretString>,

    /// File that holds the token, instead of `CHAOS_TOKEN`
    #[arg(long, env = "CHAOS_TOKEN_FILE", value_name = "FILE")]
    pub chaos_token_file: Option<PathBuf>,
}

impl ServiceConfig {
    /// The token for the knobs; none where there are no knobs.
    ///
    /// # Errors
    /// One line that names the setting and what is accepted.
    pub(crate) fn chaos_token(&self) -> Result<Option<SecretString>, String> {
        let name = "CHAOS_TOKEN";
        let token = secret::read(name, self.chaos_token.as_ref(), self.chaos_token_file.as_deref());
        let token = token.map_err(|error| error.to_string())?;
        // It stands in a header, after a space.
        let is_plain = |token: &str| !token.is_empty() && token.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
        if token.as_ref().is_some_and(|token| !is_plain(token.expose_secret())) {
            return Err(format!("{name}: accepted are letters, digits and signs of plain ASCII, without spaces"));
        }
        Ok(token)
    }
}

/// Severity names, in the spelling of Python's `logging` as well as Rust's.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// What a developer of the service wants to see.
    Debug,
    /// What an operator wants to see.
    Info,
    /// What may need attention.
    #[value(alias = "warn")]
    Warning,
    /// What failed.
    Error,
    /// The same as error: nothing here is more severe.
    Critical,
}

/// How an event is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum LogFormat {
    /// For people; in colour on a terminal, unless `NO_COLOR` is set.
    Text,
    /// For log collectors: an object a line, with `service`, `version`, `replica` and what is in the text as fields.
    Json,
}

/// A settings struct of a service.
pub trait Settings: Args {
    /// The part that every service has.
    fn service(&self) -> &ServiceConfig;

    /// The address on which the service answers `/healthz`.
    fn health_address(&self) -> SocketAddr;

    /// Commands that the program has beside running and `healthcheck`; see [`crate::program::run_with`].
    #[must_use]
    fn commands() -> Vec<Command> {
        Vec::new()
    }

    /// Checks what one value alone does not show, such as a secret that is also a file.
    ///
    /// # Errors
    /// One line that names the setting and what is accepted.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// What the command line asks for.
#[derive(Clone, Debug)]
pub enum Invocation<C> {
    /// Run the service.
    Run(C),
    /// Ask the running instance how it is.
    Healthcheck(C),
    /// Carry out one of the service's own [`Settings::commands`]: its name and arguments.
    Command(String, ArgMatches),
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// `--help` or `--version`: not wrong, but nothing to run. Holds the text to print.
    #[error("{0}")]
    Answer(StyledStr),
    /// A setting is wrong. Holds the one line that says which and why.
    #[error("{0}")]
    Wrong(String),
}

/// Reads settings from `args` (the program's name first) and the environment.
///
/// An environment variable counts as unset when it is empty (Compose: `${NAME:-}`) or still holds
/// a `{{` template: Swarm expands those, plain Compose passes them on as they are.
///
/// # Errors
/// [`ConfigError::Wrong`] names the setting, its value and what is accepted.
pub fn parse<C: Settings>(
    about: &About,
    args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<Invocation<C>, ConfigError> {
    read(about, without_unset_variables(command::<C>(about)).map_err(|line| wrong(about, &line))?, args)
}

/// Reads settings from `args` (the program's name first) alone: the environment is that of a process which
/// runs several services, and could not mean one of them.
///
/// # Errors
/// As [`parse`].
pub fn parse_arguments<C: Settings>(
    about: &About,
    args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<C, ConfigError> {
    match read(about, command::<C>(about).mut_args(|arg| arg.env(Resettable::Reset)), args)? {
        Invocation::Run(config) => Ok(config),
        _ => Err(wrong(about, "settings are wanted, not a command")),
    }
}

fn wrong(about: &About, line: &str) -> ConfigError {
    ConfigError::Wrong(format!("{}: {line}", about.name))
}

fn read<C: Settings>(
    about: &About,
    mut command: Command,
    args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<Invocation<C>, ConfigError> {
    let result = command.try_get_matches_from_mut(args);
    let explain = |error| explain(about, &command, &error);
    let mut matches = result.map_err(explain)?;
    match matches.remove_subcommand() {
        Some((name, matches)) if name == HEALTHCHECK => {
            return Ok(Invocation::Healthcheck(C::from_arg_matches(&matches).map_err(explain)?));
        }
        Some((name, matches)) => return Ok(Invocation::Command(name, matches)),
        None => {}
    }
    let config = C::from_arg_matches_mut(&mut matches).map_err(explain)?;
    config.service().chaos_token().map(drop).and_then(|()| config.check()).map_err(|line| wrong(about, &line))?;
    Ok(Invocation::Run(config))
}

const HEALTHCHECK: &str = "healthcheck";

/// The command line of the service whose settings are `C`.
#[must_use]
pub fn command<C: Settings>(about: &About) -> Command {
    let command =
        Command::new(about.name)
            .version(about.version)
            .about(about.description)
            .subcommand(Command::new(HEALTHCHECK).about(
                "Ask the instance running on this machine's port: exits 0 when it is healthy, 1 when it is not",
            ));
    C::augment_args(command)
        .subcommands(C::commands())
        // `C` is an `Args` struct whose documentation would replace the program's own.
        .about(about.description)
        .long_about(Resettable::Reset)
        .mut_args(|arg| arg.hide_env_values(true).global(true))
}

/// Takes the variables that count as unset off the command.
fn without_unset_variables(mut command: Command) -> Result<Command, String> {
    let mut unset = Vec::new();
    for arg in command.get_arguments() {
        let Some(name) = arg.get_env() else { continue };
        match std::env::var_os(name).map(OsString::into_string) {
            Some(Ok(value)) if is_unset(&value) => unset.push(arg.get_id().clone()),
            Some(Err(_)) => return Err(format!("{}: its value is not UTF-8 text", name.to_string_lossy())),
            _ => {}
        }
    }
    for id in unset {
        command = command.mut_arg(id, |arg| arg.env(Resettable::Reset));
    }
    Ok(command)
}

fn is_unset(value: &str) -> bool {
    value.is_empty() || value.contains("{{")
}

/// Turns clap's answer to `command`, which takes several lines and does not know the variable, into one line.
#[must_use]
pub fn explain(about: &About, command: &Command, error: &clap::Error) -> ConfigError {
    use ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    if matches!(error.kind(), DisplayHelp | DisplayVersion | DisplayHelpOnMissingArgumentOrSubcommand) {
        return ConfigError::Answer(error.render());
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        _ => None,
    };
    let name = about.name;
    if let Some(port) = text(ContextKind::InvalidSubcommand).filter(|word| value::port(word).is_ok())
        && let Some(flag) = port_flag(command)
    {
        return ConfigError::Wrong(format!("{name}: {port} is no command; for the port, say --{flag} {port}"));
    }
    let Some(argument) = text(ContextKind::InvalidArg) else {
        let rendered = error.render().to_string();
        let line = rendered.lines().next().unwrap_or_default().trim_start_matches("error: ");
        return ConfigError::Wrong(format!("{name}: {line}; see `{name} --help`"));
    };
    let variable = command.get_arguments().find(|arg| arg.to_string() == argument).and_then(Arg::get_env);
    let setting = match variable {
        Some(variable) => format!("{} ({argument})", variable.to_string_lossy()),
        None => argument,
    };
    let value = text(ContextKind::InvalidValue).unwrap_or_default();
    let accepted = text(ContextKind::ValidValue)
        .filter(|values| !values.is_empty())
        .map(|values| format!("accepted are {values}"))
        .or_else(|| error.source().map(ToString::to_string));
    let problem = match accepted {
        Some(accepted) => format!("{setting} is '{}': {accepted}", value.escape_debug()),
        None if error.kind() == ErrorKind::UnknownArgument => {
            format!("no such argument: {setting}; see `{name} --help`")
        }
        None if error.kind() == ErrorKind::ArgumentConflict => {
            let other = text(ContextKind::PriorArg).unwrap_or_default();
            format!("{setting} does not go together with {other}; see `{name} --help`")
        }
        None if value.is_empty() => format!("{setting} needs a value; see `{name} --help`"),
        None => format!("{setting}: {}; see `{name} --help`", error.kind()),
    };
    ConfigError::Wrong(format!("{name}: {problem}"))
}

/// The first flag that takes a port.
fn port_flag(command: &Command) -> Option<&str> {
    let takes_port = |arg: &&Arg| arg.get_value_names().is_some_and(|names| names.iter().any(|name| name == "PORT"));
    command.get_arguments().find(takes_port).and_then(Arg::get_long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_value_and_an_unexpanded_template_count_as_unset() {
        assert!(is_unset(""));
        assert!(is_unset("{{.Service.Name}}.{{.Task.Slot}}"));
        assert!(!is_unset("pi1"));
        assert!(!is_unset("{curly}"));
    }
}
