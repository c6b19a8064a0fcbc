//! The log: stderr, one line an event, as text or JSON.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

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
    /// For log collectors: an object a line.
    Json,
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Trace => Self::TRACE,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Info => Self::INFO,
            LogLevel::Warning => Self::WARN,
            LogLevel::Error | LogLevel::Critical => Self::ERROR,
        }
    }
}

/// Sends the events of this process to stderr from now on. Later calls change nothing.
pub fn init(level: LogLevel, format: LogFormat) {
    let layer = fmt::layer().with_writer(io::stderr);
    let layer = match format {
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
        LogFormat::Text => layer.with_ansi(colour_is_welcome(&io::stderr())).with_target(false).boxed(),
    };
    // Already initialised: another service of the same process was first, and its choice stands.
    let _ = tracing_subscriber::registry().with(layer.with_filter(LevelFilter::from(level))).try_init();
}

/// Runs one of several instances of this process, with a log of its own: what happens on this thread goes as
/// text to `writer`, each line with a time by `timer`.
pub fn apart<T>(
    level: LogLevel,
    writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static,
    timer: impl FormatTime + Send + Sync + 'static,
    work: impl FnOnce() -> T,
) -> T {
    let layer = fmt::layer().with_writer(writer).with_timer(timer).with_target(false);
    let layer = layer.with_ansi(colour_is_welcome(&io::stderr())).with_filter(LevelFilter::from(level));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work)
}

/// Whether what is written there may be coloured: on a terminal, and as no-color.org has it, where any value
/// of `NO_COLOR` but the empty one turns colour off.
pub fn colour_is_welcome(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use LevelFilter as Level;

    #[test]
    fn levels_have_the_names_of_pythons_logging_and_of_rusts() {
        let level = |name| LevelFilter::from(LogLevel::from_str(name, true).unwrap());
        let python = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"].map(level);
        assert_eq!(python, [Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR, Level::ERROR]);
        assert_eq!(["trace", "warn"].map(level), [Level::TRACE, Level::WARN]);
    }
}
