//! Settings: environment variables that are also flags, read once at start.
//!
//! A service describes its settings as a struct with `#[derive(clap::Args)]`; doc comments become
//! `--help`, which is the manual. A wrong value ends the program with one line and exit code 2.

use std::error::Error;
use std::ffi::OsString;
use std::net::IpAddr;
use std::time::Duration;

use clap::builder::{Resettable, StyledStr};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Command};

use crate::logging::{LogFormat, LogLevel};
use crate::program::About;

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
}

/// A settings struct of a service.
pub trait Settings: Args {
    /// The part that every service has.
    fn service(&self) -> &ServiceConfig;

    /// The port on which this machine can ask for `/healthz`.
    fn health_port(&self) -> u16;
}

/// What the command line asks for.
#[derive(Clone, Debug)]
pub enum Invocation<C> {
    /// Run the service.
    Run(C),
    /// Ask the running instance how it is.
    Healthcheck(C),
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
    let mut command = without_unset_variables(command::<C>(about));
    let result = command.try_get_matches_from_mut(args);
    let explain = |error| explain(about, &command, &error);
    let mut matches = result.map_err(explain)?;
    let config = C::from_arg_matches_mut(&mut matches).map_err(explain)?;
    Ok(match matches.subcommand_name() {
        Some(HEALTHCHECK) => Invocation::Healthcheck(config),
        _ => Invocation::Run(config),
    })
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
        // `C` is an `Args` struct whose documentation would replace the program's own.
        .about(about.description)
        .long_about(Resettable::Reset)
        .mut_args(|arg| arg.hide_env_values(true))
}

fn without_unset_variables(mut command: Command) -> Command {
    let unset: Vec<_> = command
        .get_arguments()
        .filter(|arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| is_unset(&value.to_string_lossy())))
        .map(|arg| arg.get_id().clone())
        .collect();
    for id in unset {
        command = command.mut_arg(id, |arg| arg.env(Resettable::Reset));
    }
    command
}

fn is_unset(value: &str) -> bool {
    value.is_empty() || value.contains("{{")
}

/// Turns clap's answer, which takes several lines and does not know the variable, into one line.
fn explain(about: &About, command: &Command, error: &clap::Error) -> ConfigError {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return ConfigError::Answer(error.render());
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        _ => None,
    };
    let name = about.name;
    let Some(argument) = text(ContextKind::InvalidArg) else {
        let rendered = error.render().to_string();
        let line = rendered.lines().next().unwrap_or_default().trim_start_matches("error: ");
        return ConfigError::Wrong(format!("{name}: {line}; see `{name} --help`"));
    };
    let variable = command.get_arguments().find(|arg| arg.to_string() == argument).and_then(clap::Arg::get_env);
    let setting = match variable {
        Some(variable) => format!("{} ({argument})", variable.to_string_lossy()),
        None => argument,
    };
    let value = text(ContextKind::InvalidValue);
    let accepted = text(ContextKind::ValidValue)
        .map(|values| format!("accepted are {values}"))
        .or_else(|| error.source().map(ToString::to_string));
    ConfigError::Wrong(match (value, accepted) {
        (Some(value), Some(accepted)) => format!("{name}: {setting} is '{value}': {accepted}"),
        (None, _) if error.kind() == ErrorKind::UnknownArgument => {
            format!("{name}: no such argument: {setting}; see `{name} --help`")
        }
        _ => format!("{name}: {setting}: {}; see `{name} --help`", error.kind()),
    })
}

/// Parses a time: a number with a unit (`500ms`, `3s`, `1m 30s`), or seconds without (`3`, `0.5`).
///
/// # Errors
/// Says what is accepted.
pub fn duration(text: &str) -> Result<Duration, String> {
    let seconds = || text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    humantime::parse_duration(text)
        .ok()
        .or_else(seconds)
        .ok_or_else(|| "accepted is a time such as 500ms, 3s or 2m".to_owned())
}

/// Parses a time as [`duration`] does, and refuses zero.
///
/// # Errors
/// Says what is accepted.
pub fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("accepted is a time longer than zero, such as 500ms, 3s or 2m".to_owned()),
        time => Ok(time),
    }
}

/// Parses a TCP port; 0 lets the system choose.
///
/// # Errors
/// Says what is accepted.
pub fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "accepted is a port number from 0 (any free one) to 65535".to_owned())
}

/// Parses an IP address.
///
/// # Errors
/// Says what is accepted.
pub fn ip_address(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| "accepted is an IP address such as 127.0.0.1, 0.0.0.0 (all IPv4) or :: (all)".to_owned())
}

/// Parses a switch.
///
/// # Errors
/// Says what is accepted.
pub fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("accepted are true and false".to_owned()),
    }
}

/// Parses text that can stand in an HTTP header: visible ASCII and spaces.
fn header_text(text: &str) -> Result<String, String> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(text.to_owned());
    }
    Err("accepted is text of plain ASCII letters, digits, signs and spaces".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_takes_units_or_plain_seconds() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("3s"), Ok(Duration::from_secs(3)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("3"), Ok(Duration::from_secs(3)));
        assert_eq!(duration("0.05"), Ok(Duration::from_millis(50)));
    }

    #[test]
    fn a_time_that_is_none_is_refused_and_the_accepted_forms_named() {
        for wrong in ["", "soon", "-1", "3 parsecs", "inf", "NaN", "1e99"] {
            assert!(duration(wrong).is_err_and(|message| message.contains("500ms")), "{wrong}");
        }
        assert!(positive_duration("0s").is_err_and(|message| message.contains("longer than zero")));
    }

    #[test]
    fn an_empty_value_and_an_unexpanded_template_count_as_unset() {
        assert!(is_unset(""));
        assert!(is_unset("{{.Service.Name}}.{{.Task.Slot}}"));
        assert!(!is_unset("pi1"));
        assert!(!is_unset("{curly}"));
    }

    #[test]
    fn a_name_that_no_header_can_carry_is_refused() {
        assert_eq!(header_text("producer.1@pi1"), Ok("producer.1@pi1".to_owned()));
        assert!(header_text("two\r\nlines").is_err());
        assert!(header_text("Füchse").is_err());
    }
}
