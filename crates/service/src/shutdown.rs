//! Stopping: the first SIGTERM or SIGINT asks, the second insists.

use std::io;
use std::pin::pin;
use std::process;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::time::for_people;

/// Returns a token that is cancelled at the first SIGTERM or SIGINT.
///
/// A second signal ends the process at once, with the shell's exit code for that signal. As the
/// handlers are installed explicitly, this also works as PID 1 of a container, where the kernel
/// ignores signals that have none.
///
/// # Errors
/// When the handlers cannot be installed.
pub fn cancel_on_signal() -> io::Result<CancellationToken> {
    let mut signals =
        Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? };
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        let (name, _) = signals.next().await;
        token.cancel();
        // In a task of its own, since a log that nobody reads may hold this one up.
        tokio::spawn(async move {
            let (_, code) = signals.next().await;
            process::exit(code);
        });
        tracing::info!(signal = name, "{name}: stopping; a second signal stops at once");
    });
    Ok(shutdown)
}

/// Waits for the end of `service`, and has the log's last line say how long it took to stop once `shutdown`
/// was cancelled.
///
/// # Errors
/// What `service` failed with, of which the log says nothing.
pub async fn log_the_end<T, E>(
    service: impl Future<Output = Result<T, E>>,
    shutdown: CancellationToken,
) -> Result<T, E> {
    let mut service = pin!(service);
    let asked = tokio::select! {
        biased;
        () = shutdown.cancelled() => Instant::now(),
        ended = &mut service => {
            let ended = ended?;
            // Both may have come at once.
            let after = if shutdown.is_cancelled() { " after 0 ms" } else { "" };
            tracing::info!("stopped{after}");
            return Ok(ended);
        }
    };
    let ended = service.await?;
    let time = asked.elapsed();
    tracing::info!(duration_seconds = time.as_secs_f64(), "stopped after {}", for_people(time));
    Ok(ended)
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// The next signal's name and the exit code (128 + its number) that tells of it.
    async fn next(&mut self) -> (&'static str, i32) {
        tokio::select! {
            _ = self.terminate.recv() => ("SIGTERM", 143),
            _ = self.interrupt.recv() => ("SIGINT", 130),
        }
    }
}
