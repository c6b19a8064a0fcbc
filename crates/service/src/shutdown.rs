//! Stopping: the first SIGTERM or SIGINT asks, the second insists.

use std::io;
use std::process;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

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
        tracing::info!("{name}: stopping; a second signal stops at once");
        token.cancel();
        let (name, code) = signals.next().await;
        tracing::warn!("{name} again: stopping at once");
        process::exit(code);
    });
    Ok(shutdown)
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
