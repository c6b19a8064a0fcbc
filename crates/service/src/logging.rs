//! The log: stderr, one line an event, as text or JSON.
//!
//! An event's message says all to people. What in it can be counted or searched for is a field as well: for
//! collectors, in JSON alone.

use std::fmt::{Debug, Result as FmtResult};
use std::io::{self, IsTerminal};

use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::field::{RecordFields, VisitOutput};
use tracing_subscriber::fmt::format::{DefaultVisitor, Format, Json, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogFormat, LogLevel};
use crate::identity::Identity;

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

/// Sends the events of this process to stderr from now on; as JSON, each tells the instance. Later calls change
/// nothing.
pub fn init(identity: &Identity, level: LogLevel, format: LogFormat) {
    let layer = fmt::layer().with_writer(io::stderr);
    let layer = match format {
        LogFormat::Json => {
            let instance = instance(identity);
            layer.json().flatten_event(true).map_event_format(|json| InstanceJson { json, instance }).boxed()
        }
        LogFormat::Text => {
            layer.fmt_fields(MessageOnly).with_ansi(colour_is_welcome(&io::stderr())).with_target(false).boxed()
        }
    };
    // Already initialised: another service of the same process was first, and its choice stands.
    let _ = tracing_subscriber::registry().with(layer.with_filter(LevelFilter::from(level))).try_init();
}

/// Events as JSON, each with the instance that they are of.
struct InstanceJson {
    json: Format<Json>,
    instance: String,
}

/// The start of an object that goes on.
fn instance(identity: &Identity) -> String {
    let (service, version, replica) = (identity.name(), identity.version(), identity.served_by());
    let instance = json!({ "service": service, "version": version, "replica": replica }).to_string();
    instance.trim_end_matches('}').to_owned() + ","
}

impl<S, N> FormatEvent<S, N> for InstanceJson
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> FmtResult {
        let mut object = String::new();
        self.json.format_event(context, Writer::new(&mut object), event)?;
        writer.write_str(&self.instance)?;
        writer.write_str(object.trim_start_matches('{'))
    }
}

/// The text of an event: its message, without the fields, which say the same once more.
struct MessageOnly;

impl<'w> FormatFields<'w> for MessageOnly {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> FmtResult {
        let mut message = Message(DefaultVisitor::new(writer, true));
        fields.record(&mut message);
        message.0.finish()
    }
}

struct Message<'w>(DefaultVisitor<'w>);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0.record_debug(field, value);
        }
    }
}

/// Runs one of several instances of this process, with a log of its own: what happens on this thread goes as
/// text to `writer`, each line with a time by `timer`.
pub fn apart<T>(
    level: LogLevel,
    writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static,
    timer: impl FormatTime + Send + Sync + 'static,
    work: impl FnOnce() -> T,
) -> T {
    let layer = fmt::layer().fmt_fields(MessageOnly).with_writer(writer).with_timer(timer).with_target(false);
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
    use clap::ValueEnum;

    #[test]
    fn levels_have_the_names_of_pythons_logging_and_of_rusts() {
        let level = |name| LevelFilter::from(LogLevel::from_str(name, true).unwrap());
        let python = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"].map(level);
        assert_eq!(python, [Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR, Level::ERROR]);
        assert_eq!(["trace", "warn"].map(level), [Level::TRACE, Level::WARN]);
    }
}
