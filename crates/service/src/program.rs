//! Process policy: what every `main` does with arguments, logs, signals and exit codes.

use std::io::Write;
use std::process::ExitCode;

use clap::ArgMatches;
use tokio_util::sync::CancellationToken;

use crate::about::About;
use crate::config::{self, ConfigError, EXIT_USAGE, Invocation, ServiceConfig, Settings};
use crate::identity::Identity;
use crate::{healthcheck, logging, metrics, shutdown};

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
    run_with(about, service, async |command: String, _| anyhow::bail!("there is no command {command}"))
}

/// Does the same for a service with [`Settings::commands`] of its own, which `command` carries out: it
/// gets the command's name and arguments. When it fails, the exit code is 1, and stderr says why.
pub fn run_with<C, F, G>(
    about: &About,
    service: impl FnOnce(C, CancellationToken) -> F,
    command: impl FnOnce(String, ArgMatches) -> G,
) -> ExitCode
where
    C: Settings,
    F: Future<Output = anyhow::Result<()>>,
    G: Future<Output = anyhow::Result<()>>,
{
    match config::parse::<C>(about, std::env::args_os()) {
        Ok(Invocation::Run(config)) => {
            let ServiceConfig { log_level, log_format, .. } = *config.service();
            logging::init(&Identity::new(about, config.service()), log_level, log_format);
            let work = async {
                tokio::spawn(metrics::upkeep());
                let shutdown = shutdown::cancel_on_signal()?;
                shutdown::log_the_end(service(config, shutdown.clone()), shutdown).await
            };
            report(block_on(work), |error| tracing::error!("{error:#}"))
        }
        Ok(Invocation::Healthcheck(config)) => {
            report(block_on(healthcheck::ask(config.health_address())), |error| say(&format!("unhealthy: {error:#}")))
        }
        Ok(Invocation::Command(name, arguments)) => {
            report(block_on(command(name, arguments)), |error| say(&format!("{}: {error:#}", about.name)))
        }
        Err(error) => explain(&error),
    }
}

/// Tells why there is nothing to run, and gives the exit code for it.
#[must_use]
pub fn explain(error: &ConfigError) -> ExitCode {
    match error {
        ConfigError::Answer(text) => {
            // Nobody reads it (`PROGRAM --help | head -1`): nothing is wrong.
            let _ = write!(std::io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        ConfigError::Wrong(line) => {
            say(line);
            ExitCode::from(EXIT_USAGE)
        }
    }
}

fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    // A name lookup takes a thread that cannot be interrupted: dropping the runtime would wait for
    // it, many seconds when the name server is silent.
    runtime.shutdown_background();
    result
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
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn a_thread_that_hangs_does_not_hold_the_end_up() {
        let (_sender, silence) = channel::<()>();
        let (end, ended) = channel();
        std::thread::spawn(move || {
            let result = block_on(async {
                let (start, started) = tokio::sync::oneshot::channel();
                tokio::task::spawn_blocking(move || {
                    let _ = start.send(());
                    silence.recv()
                });
                Ok(started.await?)
            });
            end.send(result).unwrap();
        });
        ended.recv_timeout(Duration::from_mins(1)).unwrap().unwrap();
    }
}
