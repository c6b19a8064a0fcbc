//! An instance at work: a thread with a runtime, a log and metrics of its own, as its process would have.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, anyhow};
use service::shutdown::log_the_end;
use service::{chaos, logging, metrics};
use tokio::runtime;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::clock::Clock;
use super::console::Console;
use super::instance::{Instance, Site};

/// An instance that ran, and how it ended.
pub(crate) type End = (Instance, anyhow::Result<()>);

/// What every thread gets.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) site: Arc<Site>,
    pub(crate) console: Console,
    pub(crate) clock: Clock,
    /// Takes the end of each instance that ran.
    pub(crate) ends: mpsc::Sender<End>,
}

/// An instance that does not serve yet. When this is dropped, it gives its ports back.
#[derive(Debug)]
pub(crate) struct Starting {
    bound: oneshot::Receiver<anyhow::Result<()>>,
    run: oneshot::Sender<()>,
    shutdown: CancellationToken,
}

impl Starting {
    /// Waits until it has its ports.
    pub(crate) async fn bound(&mut self) -> anyhow::Result<()> {
        (&mut self.bound).await.context("its thread has panicked, which is a bug: please tell us")?
    }

    /// Lets it run; the token stops it.
    pub(crate) fn run(self) -> CancellationToken {
        // Should its thread be gone, the token stops nothing.
        let _ = self.run.send(());
        self.shutdown
    }
}

/// Begins a thread for the instance, in which it takes its ports and waits.
pub(crate) fn start(instance: Instance, surroundings: Surroundings) -> anyhow::Result<Starting> {
    let (tell_bound, bound) = oneshot::channel();
    let (run, may_run) = oneshot::channel();
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    let Surroundings { site, console, clock, ends } = surroundings;
    let work = move || {
        let (name, colour) = (instance.to_string(), instance.colour());
        let (log, stdout) = (console.stderr_lines(&name, colour), console.stdout_lines(&name, colour));
        let (exit, mut exits) = mpsc::channel(1);
        let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            // Who started it waits for that.
            Err(error) => return drop(tell_bound.send(Err(error.into()))),
        };
        let life = async {
            let bound = match instance.bind(&site, stdout) {
                Ok(bound) => bound,
                Err(error) => {
                    let _ = tell_bound.send(Err(error));
                    return None;
                }
            };
            tell_bound.send(Ok(())).ok()?;
            may_run.await.ok()?;
            tokio::spawn(metrics::upkeep());
            Some(tokio::select! {
                end = log_the_end(bound(token.clone()), token) => end,
                Some(code) = exits.recv() => Err(anyhow!("it was told to exit, with code {code}")),
            })
        };
        let level = site.options.log_level;
        let run = || logging::apart(level, log, clock, || runtime.block_on(life));
        let run_apart = || chaos::apart(exit, || metrics::apart(run));
        let end = catch_unwind(AssertUnwindSafe(run_apart))
            .unwrap_or_else(|_| Some(Err(anyhow!("it has panicked, which is a bug: please tell us"))));
        // A name lookup may hang in a thread that cannot be interrupted.
        runtime.shutdown_background();
        if let Some(end) = end {
            // Nobody is there to take it when the whole process ends.
            let _ = ends.blocking_send((instance, end));
        }
    };
    thread::Builder::new().name(instance.to_string()).spawn(work).context("the system gives no thread")?;
    Ok(Starting { bound, run, shutdown })
}
