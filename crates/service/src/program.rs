//! Process policy: what every `main` does with arguments, logs, signals and exit codes.

use std::io::Write;
use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use crate::config::{self, ConfigError, EXIT_USAGE, Invocation, Settings};
use crate::{healthcheck, logging, shutdown};

/// What a program says of itself.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Program, crate, image and Compose service: one word.
    pub name: &'static str,
    /// The crate's version.
    pub version: &'static str,
    /// One line for `--help`.
    pub description: &'static str,
}

/// The [`About`] of the crate that calls this.
#[macro_export]
macro_rules! about {
    () => {
        $crate::program::About {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            description: env!("CARGO_PKG_DESCRIPTION"),
        }
    };
}

/// Runs a service as this process: reads settings, sets up the log, then calls `service` with a
/// token that SIGTERM or SIGINT cancels.
///
/// Exit codes: 0 after an orderly stop, 1 when the service failed (the log says why), 2 for a
/// wrong setting.
pub fn run<C, F>(about: &About, service: impl FnOnce(C, CancellationToken) -> F) -> ExitCode
where
    C: Settings,
    F: Future<Output = anyhow::Result<()>>,
{
    match config::parse::<C>(about, std::env::args_os()) {
        Ok(Invocation::Run(config)) => {
            logging::init(config.service().log_level, config.service().log_format);
            report(block_on(async { service(config, shutdown::cancel_on_signal()?).await }), |error| {
                tracing::error!("{error:#}");
            })
        }
        Ok(Invocation::Healthcheck(config)) => {
            report(block_on(healthcheck::ask(config.health_port())), |error| say(&format!("unhealthy: {error:#}")))
        }
        Err(ConfigError::Answer(text)) => {
            // Nobody reads it (`PROGRAM --help | head -1`): nothing is wrong.
            let _ = write!(std::io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(ConfigError::Wrong(line)) => {
            say(&line);
            ExitCode::from(EXIT_USAGE)
        }
    }
}

fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

fn report(result: anyhow::Result<()>, tell: impl FnOnce(anyhow::Error)) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(error);
            ExitCode::FAILURE
        }
    }
}

/// Writes to stderr without the panic of `eprintln!` when nobody listens.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
