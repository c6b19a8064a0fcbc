//! Stopping at SIGINT and SIGTERM, so that the programs that were started end too.

use anyhow::bail;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// Does the work; a signal drops it, and with it the programs that it has started. A signal is noticed where
/// the work waits; where it waits for a program's answer or end, that comes first, within
/// [`testing::LIMIT`].
///
/// # Errors
/// Those of the work, and a signal.
pub(crate) fn unless_stopped(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            biased;
            _ = interrupt.recv() => bail!("stopped by SIGINT"),
            _ = terminate.recv() => bail!("stopped by SIGTERM"),
            result = work => result,
        }
    })
}
