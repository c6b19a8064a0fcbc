//! The threads that search, and the file that changes what they do.

use std::io;
use std::thread;

use anyhow::Context;
use devcoin::Search;
use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::ground::Ground;
use crate::speed::Mining;

/// The threads that search. They stop when this is dropped.
#[derive(Debug)]
pub(crate) struct Crew {
    ground: Ground,
    search: Search,
    mining: Mining,
    stop: CancellationToken,
}

impl Crew {
    /// Starts the first threads. One that panics cancels `stop`: the others could go on, but no coin would be
    /// recorded any more, since its scan is never over.
    ///
    /// # Errors
    /// When the system gives none.
    pub(crate) fn start(
        ground: Ground,
        search: Search,
        mining: Mining,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let crew = Self { ground, search, mining, stop };
        crew.spawn(0).context("cannot start the threads that search: set MINER_THREADS to a lower number")?;
        Ok(crew)
    }

    fn spawn(&self, number: u64) -> io::Result<()> {
        for _ in 0..self.mining.threads() {
            let (ground, search) = (self.ground.clone(), self.search.clone());
            let stop = self.stop.clone();
            let work = move || {
                let stop_at_panic = stop.drop_guard();
                ground.work(number, &search);
                stop_at_panic.disarm();
            };
            thread::Builder::new().name("search".to_owned()).spawn(work)?;
        }
        Ok(())
    }

    /// Reads the settings again at each SIGHUP, for ever. What is wrong is reported, and changes nothing.
    pub(crate) async fn follow(&mut self, config: &Config, hangups: Option<Signal>) {
        let Some(mut hangups) = hangups else { return };
        while hangups.recv().await.is_some() {
            match config.mining() {
                Ok(mining) if mining == self.mining => tracing::info!("SIGHUP: nothing has changed"),
                Ok(mining) => self.change(mining),
                Err(problem) => tracing::error!("SIGHUP: {problem}; going on as before: {}", self.mining),
            }
        }
    }

    fn change(&mut self, mining: Mining) {
        tracing::info!("SIGHUP: from now on {mining}");
        self.mining = mining;
        let Some(number) = self.ground.change(mining) else { return };
        if let Err(error) = self.spawn(number) {
            let count = mining.threads();
            tracing::error!(count, "the system gives fewer threads than {count} to search: {error}");
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.ground.end();
    }
}
